"""What a result may depend on beside its settings: versions, threads, processor."""

import json
import os
import platform
import shlex
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from linesexp.errors import InputError

PACKAGES = ("linesexp", "tensorflow", "keras", "numpy", "jax", "torch")


def describe_environment() -> bytes:
    """JSON bytes: the versions that compute, and the machine they run on. Imports none of them."""
    return json.dumps({"versions": versions(), "machine": _machine()}, indent=2).encode() + b"\n"


def check_environment(before: dict[str, Any], source: str, say: Callable[[str], None]) -> None:
    """Raise InputError if a training was begun with other versions; say so if on another machine.

    Going on with other versions would give neither one run nor the other.
    """
    if not all(isinstance(before.get(part, {}), dict) for part in ("versions", "machine")):
        raise InputError(f"{source}: does not say which versions training was begun with")
    if others := _differences(before.get("versions", {}), versions()):
        raise InputError(
            f"{source}: training was begun with {'; '.join(others)}; go on with the same versions, "
            "or use --force to keep this folder aside and train anew"
        )
    if machine := _differences(before.get("machine", {}), _machine()):
        say(f"another machine than before ({'; '.join(machine)}): the last bits may differ")


def backend_command(versions: Mapping[str, Any]) -> list[str]:
    """The shell's command for the Keras backend of these versions; none for the one that is taken anyway."""
    backend = str(versions.get("backend", "tensorflow"))
    return [] if backend == "tensorflow" else [f"export KERAS_BACKEND={shlex.quote(backend)}"]


def threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [
        f"{name} {before.get(name)} (now {now.get(name)})"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def versions() -> dict[str, str]:
    """What computes in this process: Python, Keras' backend, the packages' versions. Imports none of them."""
    backend = _backend()
    found = {"python": platform.python_version(), "backend": backend}
    for package in PACKAGES:
        if package in ("jax", "torch") and package != backend:
            continue
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _backend() -> str:
    """The backend that Keras will take: from the environment, or its own configuration file."""
    try:
        home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        configured = json.loads((home / "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError, RuntimeError):  # the last where there is no home
        configured = None
    return os.environ.get("KERAS_BACKEND") or configured or "tensorflow"


def _machine() -> dict[str, Any]:
    return {"system": platform.system(), "processor": _processor(), "threads": threads()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
