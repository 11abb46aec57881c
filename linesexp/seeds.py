"""Independent random streams, each derived from one seed and a name.

A stream depends on nothing but its seed and its names, so adding a consumer of randomness
never changes what another one draws.
"""

import zlib

import numpy as np


def rng_for(seed: int, *names: str | int) -> np.random.Generator:
    """Generator for the stream called `names` under `seed`; names may be words or indices."""
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def int_seed_for(seed: int, *names: str | int) -> int:
    """A 31-bit seed for libraries that take an integer instead of a generator."""
    return int(rng_for(seed, *names).integers(2**31))
