"""Whether there is room for what a command is about to do, on disk and in memory; asked before it begins."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from linesexp import needs
from linesexp.cgroups import memory_limit
from linesexp.config import ExperimentConfig
from linesexp.environment import threads
from linesexp.errors import NoMemory, StorageError
from linesexp.images.dataset import Dataset
from linesexp.needs import Memory, Pictures
from linesexp.runs.folder import RunFolder

PROC = Path("/proc")  # of Linux


def pictures_of(dataset: Dataset) -> Pictures:
    """How many pictures a data set holds, of which shape."""
    count, size, _, channels = dataset.pixels.shape
    return Pictures(count, size, channels, len(dataset.class_names))


def check_room_to_generate(path: Path, config: ExperimentConfig) -> None:
    """Raise StorageError or NoMemory where the pictures to be drawn will not fit."""
    pictures = needs.drawn_pictures(config)
    check_space(path, needs.space_to_generate(config, pictures), "the data set", "fewer or smaller pictures")
    need, free = needs.memory_to_generate(pictures), free_memory()
    if not _fits(need, free):
        each = needs.DRAWING * config.images.size**2 * len(config.images.angles_deg)
        left = min(free.bytes - needs.PYTHON, free.addresses - needs.PYTHON_ADDRESSES)
        fitting = (
            f"pictures_per_class = {int(left / each)} would fit"
            if left > 3 * each
            else "smaller ones need less"
        )
        raise NoMemory(f"{path}: drawing {pictures.count} pictures {_short(need, free)}; {fitting}")


def check_room_to_train(folder: RunFolder, config: ExperimentConfig, pictures: Pictures) -> None:
    """The same for a training, but for what is there of it."""
    path = folder.path
    space = needs.space_to_train(config, pictures) - _there(folder, "train")
    check_space(path, space, "the training", "fewer epochs or a smaller network")
    need, free = needs.memory_to_train(config, pictures, threads()), free_memory()
    if not _fits(need, free):
        batch = needs.fitting_batch(config, pictures, threads(), free)
        fitting = f"batch_size = {batch} would fit" if batch else "fewer or smaller pictures need less"
        least = needs.memory_to_train(config, Pictures(0, config.images.size), threads())
        if not _fits(least, free):
            fitting = "that is little more than TensorFlow takes for itself"
        raise NoMemory(f"{path}: the training {_short(need, free)}; {fitting}")


def check_room_to_load(source: str | os.PathLike[str]) -> None:
    """Raise NoMemory where TensorFlow, which may end the process then, will not fit: before it is imported."""
    need, free = needs.memory_to_load(threads()), free_memory()
    if "tensorflow" not in sys.modules and not _fits(need, free):
        raise NoMemory(f"{source}: loading TensorFlow for it {_short(need, free)}")


def check_room_to_report(folder: RunFolder, config: ExperimentConfig) -> None:
    """Raise StorageError where a report will not fit, but for what is there of it."""
    space = needs.space_to_report(config, needs.drawn_pictures(config)) - _there(folder, "report")
    check_space(folder.path, space, "the report", "fewer recorded steps")


@contextlib.contextmanager
def naming_memory(path: Path, config: ExperimentConfig, pictures: Pictures) -> Iterator[None]:
    """Raise NoMemory, with what needs less, where NumPy or a backend finds that memory is out."""
    try:
        yield
    except Exception as error:
        if not _memory_is_out(error):
            raise
        batch = config.training.batch_size
        raise NoMemory(
            f"{path}: out of memory while training with batch_size = {batch}; {_with_half(config, pictures)}"
        ) from None


@contextlib.contextmanager
def room_for_members(config: ExperimentConfig, members: int) -> Iterator[None]:
    """Raise NoMemory, with what needs less, where so many networks of a study cannot train side by side.

    At once where addresses are limited and too few, as libraries may end the process then; else where memory is
    found to be out.
    """
    free, pictures = free_memory(), needs.drawn_pictures(config)

    def need(members: int) -> Memory:
        return needs.memory_to_train(config, pictures, 1, members)

    fewer = members // 2
    if need(members).addresses > free.addresses:
        while fewer and need(fewer).addresses > free.addresses:
            fewer //= 2
        fitting = f"--block-size {fewer} would fit" if fewer else "smaller networks or fewer pictures need less"
        if need(0).addresses > free.addresses:
            fitting = "that is little more than TensorFlow takes for itself"
        raise NoMemory(f"training {members} networks side by side {_short(need(members), free)}; {fitting}")
    try:
        yield
    except Exception as error:
        if not _memory_is_out(error):
            raise
        fitting = f"--block-size {fewer} needs less" if fewer else "a smaller --batch-size needs less"
        raise NoMemory(f"out of memory with {members} networks side by side; {fitting}") from None


def _memory_is_out(error: Exception) -> bool:
    """Whether NumPy or a backend says so."""
    return isinstance(error, MemoryError) or "ResourceExhausted" in type(error).__name__


def _with_half(config: ExperimentConfig, pictures: Pictures) -> str:
    """What half the batch takes."""
    batch = config.training.batch_size // 2
    if not batch:
        return "fewer or smaller pictures, or a smaller network, need less"
    training = msgspec.structs.replace(config.training, batch_size=batch)
    half = needs.memory_to_train(msgspec.structs.replace(config, training=training), pictures, threads()).bytes
    whole = needs.memory_to_train(config, pictures, threads()).bytes
    return f"batch_size = {batch} needs about {size_in_words(half)} instead of {size_in_words(whole)}"


def check_space(path: Path, need: float, what: str, remedy: str) -> None:
    """Raise StorageError if the disk that holds this path, or will, has fewer free bytes."""
    there = path.resolve()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        free = shutil.disk_usage(there).free
    except OSError:  # the writing itself will tell
        return
    if free < need:
        raise StorageError(
            f"{path}: {what} needs about {size_in_words(need)} there, and {size_in_words(free)} are free; "
            f"{remedy} need less, or name a folder on another disk"
        )


def free_memory() -> Memory:
    """What this process may still take: of memory, and of addresses where they are limited (`ulimit -v`).

    Without /proc, which Linux alone has, all memory that the machine has counts as free.
    """
    status, meminfo = _fields(PROC / "self/status"), _fields(PROC / "meminfo")
    free = float("inf")
    with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf, and others not all
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if "MemAvailable" in meminfo:
        free = meminfo["MemAvailable"] + meminfo.get("SwapFree", 0) + status.get("VmRSS", 0)
    return Memory(min(free, memory_limit()), _address_limit())


def _address_limit() -> float:
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    except (ImportError, AttributeError):  # Windows; systems without such a limit
        return float("inf")
    return float("inf") if limit == resource.RLIM_INFINITY else limit


def _fields(path: Path) -> dict[str, int]:
    """Bytes by name, of a file such as /proc/meminfo; nothing where there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = [line.replace(":", "").split() for line in lines]
    return {word[0]: int(word[1]) * 1024 for word in words if len(word) == 3 and word[2] == "kB"}


def _there(folder: RunFolder, stage: str) -> int:
    """Bytes of a stage's committed files."""
    return sum(entry.bytes for entry in folder.manifest().values() if entry.stage == stage)


def _fits(need: Memory, free: Memory) -> bool:
    return need.bytes <= free.bytes and need.addresses <= free.addresses


def _short(need: Memory, free: Memory) -> str:
    """What is needed and what there is, of whichever is short."""
    if need.addresses > free.addresses:
        limit = size_in_words(free.addresses)
        words = f"{size_in_words(need.addresses)} of address space"
        return f"needs about {words}, and the limit (ulimit -v) is {limit}"
    return f"needs about {size_in_words(need.bytes)} of memory, and {size_in_words(free.bytes)} are free"


def size_in_words(size: float) -> str:
    """`3.2 GB`, `450 MB`, `12 kB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}" if size < 10 * scale else f"{size / scale:.0f} {unit}"
    return f"{max(0, size) / 1e3:.0f} kB"
