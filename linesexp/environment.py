"""What a result may depend on beside its settings: versions, threads, processor."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("linesexp", "tensorflow", "keras", "numpy", "jax", "torch")


def describe_environment() -> bytes:
    """JSON bytes: the versions that compute, and the machine they run on. Imports none of them."""
    return json.dumps({"versions": _versions(), "machine": _machine()}, indent=2).encode() + b"\n"


def environment_differences(before: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Texts for each version, and for each trait of the machine, that is not as it was."""
    return (
        _differences(before.get("versions", {}), _versions()),
        _differences(before.get("machine", {}), _machine()),
    )


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [
        f"{name} {before.get(name)} (now {now.get(name)})"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def _versions() -> dict[str, str]:
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    versions = {"python": platform.python_version(), "backend": backend}
    for package in PACKAGES:
        if package in ("jax", "torch") and package != backend:
            continue
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _machine() -> dict[str, Any]:
    return {"system": platform.system(), "processor": _processor(), "threads": _threads()}


def _threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
