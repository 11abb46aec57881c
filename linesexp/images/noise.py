"""Pictures of chance, for asking whether an answer is more than chance: four kinds of noise."""

import numpy as np

KINDS = ("uniform", "black or white pixels", "soft clouds", "black or white blots")
FINEST_PX = 1.0  # standard deviation of the blur of clouds and blots; the coarsest is
COARSEST = 1 / 12  # this share of the picture's longer side


def noise_pictures(count: int, shape: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """float32 (count, H, W, C) in [0, 1]: the KINDS in turn, so that a quarter is of each.

    uniform: every value of every pixel and channel drawn from 0..1; black or white pixels: each 0 or 1;
    soft clouds: normal noise, blurred by a Gaussian of 1 px to a twelfth of the longer side (border to
    border), then stretched so that its darkest value is 0 and its brightest 1; black or white blots: such
    clouds, 0 below their median and 1 from there. Blots are what most convolutions answer to most.
    """
    made = np.empty((count, *shape), np.float32)
    uniform, pixels, clouds, blots = (made[kind :: len(KINDS)] for kind in range(len(KINDS)))
    uniform[:] = rng.random(uniform.shape, dtype=np.float32)
    pixels[:] = rng.random(pixels.shape, dtype=np.float32) < 0.5
    clouds[:] = _clouds(clouds.shape, rng)
    soft = _clouds(blots.shape, rng)
    blots[:] = soft >= np.median(soft, axis=(1, 2), keepdims=True)
    return made


def _clouds(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """float64 (n, H, W, C), each picture's values from 0 to 1, each with a blur of its own."""
    count, height, width, _ = shape
    coarsest = max(FINEST_PX, COARSEST * max(height, width))
    blur_px = np.exp(rng.uniform(np.log(FINEST_PX), np.log(coarsest), count))[:, None, None]
    across = np.fft.rfftfreq(width)[None, None, :]
    down = np.fft.fftfreq(height)[None, :, None]
    kept = np.exp(-2 * (np.pi * blur_px) ** 2 * (across**2 + down**2))[..., None]  # a Gaussian's spectrum
    spectrum = np.fft.rfft2(rng.standard_normal(shape), axes=(1, 2)) * kept
    values = np.fft.irfft2(spectrum, s=(height, width), axes=(1, 2))
    low, high = (end(values, axis=(1, 2, 3), keepdims=True) for end in (np.min, np.max))
    return (values - low) / np.where(high > low, high - low, 1)
