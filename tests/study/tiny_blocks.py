"""Blocks' work that trains nothing: quick, and wrong in one way each. Workers import this module."""

import os
import signal
import sys
import time
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from linesexp.images.dataset import make_dataset
from linesexp.seeds import rng_for
from linesexp.study.blocks import LOG, Block, BlockResult, result_bytes

EPOCHS, FILTERS, SIZE = 2, 2, 3


def quick(block: Block, on_epoch) -> bytes:
    """A result that depends on the block alone: equal blocks give equal bytes."""
    streams = [rng_for(seed, block.condition, block.config.images.data_seed) for seed in block.seeds]
    steps = np.arange(EPOCHS + 1, dtype=np.float64)

    def drawn(*shape, dtype=np.float32):
        return np.stack([rng.random(shape) for rng in streams]).astype(dtype)

    kernels = drawn(len(steps), FILTERS, SIZE, SIZE)
    for epoch in range(EPOCHS):
        on_epoch(epoch + 1, EPOCHS)
    return result_bytes(
        BlockResult(
            steps=steps,
            kernels=kernels,
            untrained={"conv1/kernel": drawn(SIZE, SIZE, 1, FILTERS), "conv1/bias": drawn(FILTERS)},
            trained={"conv1/kernel": drawn(SIZE, SIZE, 1, FILTERS), "conv1/bias": drawn(FILTERS)},
            log={name: drawn(EPOCHS + 1, dtype=np.float64) for name in LOG},
            test_probabilities=drawn(test_pictures(block.config.images), 2),
            seconds=0.0,
        )
    )


@lru_cache
def test_pictures(images) -> int:
    return len(make_dataset(images).part("test")[1])


def slow(block: Block, on_epoch) -> bytes:
    """As a block that takes a moment, so that there is time to kill something."""
    time.sleep(0.6)
    return quick(block, on_epoch)


def poor(pid: int, block: Block, on_epoch) -> bytes:
    """As where one worker, of this process number, has too little memory for any block."""
    if os.getpid() == pid:
        raise MemoryError("this worker has none")
    return slow(block, on_epoch)


def empty(block: Block, on_epoch) -> bytes:
    return b""


class Wrong:
    """Work that goes wrong in some blocks.

    how: what these do; keys: which they are; times: how often each does it, told apart by files in `folder`.
    """

    def __init__(self, how: str, keys: list[str], folder: Path, times: int = 1_000_000) -> None:
        self.how, self.keys, self.folder, self.times = how, keys, folder, times

    def __call__(self, block: Block, on_epoch) -> bytes:
        if block.key in self.keys:
            done = len(list(self.folder.glob(f"{self.how}-{block.key.replace('/', '_')}-*")))
            if done < self.times:
                (self.folder / f"{self.how}-{block.key.replace('/', '_')}-{done}").touch()
                getattr(self, self.how)()
        time.sleep(0.05)
        return quick(block, on_epoch)

    def raises(self) -> None:
        raise RuntimeError("cannot be trained\nand more on the next line")

    def contradicts(self) -> None:
        raise ValueError("shapes (2, 3) and (4,) do not fit")

    def dies(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def eats(self) -> None:
        held = []
        for _ in range(60):  # 1.2 GB, if nobody stops it
            held.append(np.ones(2_500_000))
            time.sleep(0.05)

    def starves(self) -> None:
        """Under a limit of addresses, which the worker goes on with."""
        import resource

        limits = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        taken = pages * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + 200_000_000, limits[1]))
        np.ones(100_000_000)

    def hangs(self) -> None:
        time.sleep(600)


def half(block: Block, on_epoch) -> bytes:
    """Fails under one of the conditions."""
    if block.condition == "weight-decay":
        raise RuntimeError(f"cannot be trained, {block.seeds[0]}")
    return quick(block, on_epoch)


def misshapen(block: Block, on_epoch) -> bytes:
    """Fails under one of the conditions, as it would anywhere."""
    if block.condition == "default":
        raise ValueError("shapes (2, 3) and (4,) do not fit")
    return quick(block, on_epoch)


def poorly_installed(pid: int, block: Block, on_epoch) -> bytes:
    """As where one worker, of this process number, has something that no block can be trained with."""
    if os.getpid() == pid:
        raise ValueError("this worker has another file")
    return slow(block, on_epoch)


def convolved(way: str, block: Block, on_epoch) -> bytes:
    """As where Keras was imported, and convolves members in this way."""
    sys.modules["linesexp.learning.members"] = SimpleNamespace(way_of_convolving=lambda: way)
    return quick(block, on_epoch)


def on_a_full_disk(block: Block, on_epoch) -> bytes:
    """From the third block on no file of this process may grow."""
    if block.seeds[0] == 4:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
    return quick(block, on_epoch)
