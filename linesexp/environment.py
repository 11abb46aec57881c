"""What a result may depend on beside its settings: versions, threads, processor."""

import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from linesexp.errors import InputError

# Keras' backends that linesexp works with. The first is the quick one: a batch for eight members of the default
# network takes it 0.12 s on one thread of an AMD EPYC without AVX-512, torch 0.26 s, and jax 0.61 s.
BACKENDS = ("tensorflow", "jax", "torch")
ELSEWHERE = Path("/tmp")  # where Keras looks for its settings if it cannot write at home
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"  # read by TensorFlow as it is imported
PACKAGES = ("linesexp", "tensorflow", "keras", "numpy", "jax", "torch")


def describe_environment() -> bytes:
    """JSON bytes: the versions that compute, and the machine they run on. Imports none of them."""
    return json.dumps({"versions": versions(), "machine": _machine()}, indent=2).encode() + b"\n"


def check_environment(before: dict[str, Any], source: str, say: Callable[[str], None]) -> None:
    """Raise InputError if a training was begun with other versions; say so if on another machine.

    Going on with other versions would give neither one run nor the other; training its controls with them would
    compare these versions, too.
    """
    if not all(isinstance(before.get(part, {}), dict) for part in ("versions", "machine")):
        raise InputError(f"{source}: does not say which versions training was begun with")
    old, new = before.get("versions", {}), versions()
    if names := differing(old, new):
        raise InputError(
            f"{source}: training was begun with {_named(names, old, new)}; go on with {_remedy(names, old)}, "
            "or use --force to keep this folder aside and train anew"
        )
    old, new = before.get("machine", {}), _machine()
    if machine := _named([name for name in sorted(old | new) if old.get(name) != new.get(name)], old, new):
        say(f"another machine than before ({machine}): the last bits may differ")


def check_backend() -> None:
    """Raise InputError where Keras would take a backend that linesexp does not work with, or that is not there.

    Imports none of them.
    """
    backend, source = _backend()
    choice = f"{', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}"
    if backend not in BACKENDS:
        raise InputError(
            f"{source}: linesexp does not work with Keras' backend {backend!r}; set KERAS_BACKEND to {choice}"
        )
    if find_spec(backend) is None:
        raise InputError(
            f"{source}: Keras' backend {backend} is not installed; install it, or set KERAS_BACKEND to another"
        )


def switch_on_onednn() -> None:
    """Have TensorFlow compute with oneDNN where it is built with it, unless the user has decided otherwise.

    By itself it does so only on processors with AVX-512 or its like. On others it takes twice as long, and has
    no gradient of grouped convolutions. Changes nothing once TensorFlow is imported.
    """
    if _has_onednn() and "tensorflow" not in sys.modules and _onednn_wanted() is None:
        os.environ[ONEDNN] = "1"


def grouped_gradients(tensorflow: Any, device: str | None = None) -> bool:
    """Whether TensorFlow, the module, has a gradient of grouped convolutions: on a CPU only with oneDNN.

    device: such as CPU; by default where TensorFlow computes.
    """
    # The operation itself: in the middle of tracing a function, where this may be asked, no tape records.
    with tensorflow.init_scope(), tensorflow.device(device):
        try:
            tensorflow.raw_ops.Conv2DBackpropInput(
                input_sizes=(1, 2, 2, 2),
                filter=tensorflow.zeros((2, 2, 1, 2)),
                out_backprop=tensorflow.zeros((1, 1, 1, 2)),
                strides=(1, 1, 1, 1),
                padding="VALID",
            )
        except tensorflow.errors.InvalidArgumentError:
            return False
    return True


def backend_command(versions: Mapping[str, Any]) -> list[str]:
    """The shell's command for the Keras backend of these versions; none for the one that is taken anyway."""
    backend = str(versions.get("backend", "tensorflow"))
    return [] if backend == "tensorflow" else [f"export KERAS_BACKEND={shlex.quote(backend)}"]


def threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of what differs between two `versions()`, sorted.

    Patch versions of Python do not count. Nor does oneDNN where one of them knows nothing of it, or was of
    another kind of machine; nor, where backends differ, what belongs to a backend.
    """
    names = before.keys() | now.keys()
    if before.get("backend") != now.get("backend"):
        names -= {*BACKENDS, "onednn"}
    if None in (before.get("onednn"), now.get("onednn")) or (before["onednn"] == "default" and _has_onednn()):
        names -= {"onednn"}
    return sorted(name for name in names if _that_counts(name, before) != _that_counts(name, now))


def _that_counts(name: str, found: Mapping[str, Any]) -> Any:
    version = found.get(name)
    return str(version).split(".")[:2] if name == "python" else version


def _named(names: Iterable[str], before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {before.get(name)} (now {now.get(name)})" for name in names)


def _remedy(names: Iterable[str], before: Mapping[str, Any]) -> str:
    """What gives the versions that were before."""
    variables = {
        "backend": f"KERAS_BACKEND={before.get('backend')}",
        "onednn": {"on": f"{ONEDNN}=1", "off": f"{ONEDNN}=0"}.get(str(before.get("onednn")), f"no {ONEDNN}"),
    }
    return " and ".join(dict.fromkeys(variables.get(name, "the same versions") for name in names))


def versions() -> dict[str, str]:
    """What computes in this process: Python, Keras' backend, the packages' versions. Imports none of them."""
    backend, _ = _backend()
    found = {"python": platform.python_version(), "backend": backend}
    for package in PACKAGES:
        if package in ("jax", "torch") and package != backend:
            continue
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found | ({"onednn": _onednn()} if backend == "tensorflow" else {})


def _onednn() -> str:
    """`on` or `off`, as TensorFlow was told or will be told by us; `default` where it decides by itself.

    Where it was imported before linesexp could tell it, it is asked.
    """
    wanted = _onednn_wanted()
    if wanted is None and _has_onednn():
        tensorflow = sys.modules.get("tensorflow")
        wanted = tensorflow is None or grouped_gradients(tensorflow, "CPU")
    return "default" if wanted is None else "on" if wanted else "off"


def _onednn_wanted() -> bool | None:
    """What the environment says of oneDNN; None for nothing, or for what TensorFlow does not understand."""
    words = {"0": False, "false": False, "1": True, "true": True}
    return words.get(os.environ.get(ONEDNN, "").lower())


def _has_onednn() -> bool:
    """Whether TensorFlow is built with oneDNN for this kind of machine."""
    return platform.machine().lower() in ("x86_64", "amd64") and platform.system() != "Darwin"


def _backend() -> tuple[str, str]:
    """The backend that Keras will take, and what chose it: the environment, or Keras' configuration file."""
    if asked := os.environ.get("KERAS_BACKEND"):
        return asked, "KERAS_BACKEND"
    try:
        home = Path.home() if os.access(Path.home(), os.W_OK) else ELSEWHERE
        path = Path(os.environ.get("KERAS_HOME") or home / ".keras") / "keras.json"
        configured = json.loads(path.read_text()).get("backend")
    except (OSError, ValueError, AttributeError, RuntimeError):  # the last where there is no home
        configured = None
    return (str(configured), str(path)) if configured else (BACKENDS[0], "Keras")


def _machine() -> dict[str, Any]:
    return {"system": platform.system(), "processor": _processor(), "threads": threads()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
