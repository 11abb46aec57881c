"""Sample distinct pictures of lines, split them by position, and describe what came out."""

from dataclasses import dataclass

import numpy as np

from linesexp.config import ImagesConfig
from linesexp.errors import InputError
from linesexp.images.lines import Lines, blur, draw_lines
from linesexp.seeds import rng_for

SPLITS = ("train", "validation", "test")
ROUNDS = 20
AT_ONCE = 2**20  # pixels that are rendered at a time
DRAWS_PER_PLACE = 40  # after so many draws for each place, one left unseen has a chance of e⁻²⁰


@dataclass(frozen=True)
class Dataset:
    """Pictures with their labels, and the split that each one belongs to.

    pixels: uint8 (n, H, W, C), as a PNG file holds them; labels: int64 (n,), indices into
    class_names; split: int64 (n,), indices into SPLITS.
    """

    pixels: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    class_names: tuple[str, ...]

    @property
    def images(self) -> np.ndarray:
        """float32 (n, H, W, C) in [0, 1]."""
        return scale_pixels(self.pixels)

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(images, labels) of one split: train, validation or test."""
        chosen = self.chosen(name)
        return scale_pixels(self.pixels[chosen]), self.labels[chosen]

    def chosen(self, name: str, label: int | None = None) -> np.ndarray:
        """bool (n,): which pictures belong to this split, and to this class if one is given."""
        of_split = self.split == SPLITS.index(name)
        return of_split if label is None else of_split & (self.labels == label)

    def counts(self) -> dict[str, dict[str, int]]:
        """{split: {class: number of pictures}}."""
        return {
            split: {name: int(self.chosen(split, label).sum()) for label, name in enumerate(self.class_names)}
            for split in SPLITS
        }


def scale_pixels(pixels: np.ndarray) -> np.ndarray:
    """uint8 0..255 → float32 in [0, 1], the range that the network sees."""
    return np.divide(pixels, 255, dtype=np.float32)


def make_dataset(config: ImagesConfig) -> Dataset:
    """Draw the data set that the settings describe: no two pictures alike.

    A position is the pixel (row for horizontal, column for vertical lines) that holds the centre of
    the line, counted across it. Each position belongs to one split only, so no training line of its
    class is centred where a test line is; as lines are several pixels thick, they may still overlap
    a neighbour's. Raises InputError where the settings allow too few pictures.
    """
    sizes = share_out(config.pictures_per_class, config)
    drawn = [_draw_class(config, label, sizes) for label in range(len(config.angles_deg))]
    dataset = Dataset(
        pixels=np.concatenate([pixels for pixels, _ in drawn])[..., None],
        labels=np.repeat(np.arange(len(drawn)), [len(parts) for _, parts in drawn]).astype(np.int64),
        split=np.concatenate([parts for _, parts in drawn]).astype(np.int64),
        class_names=config.class_names,
    )
    distinct = count_distinct(dataset.pixels)
    if distinct < len(drawn) * config.pictures_per_class:
        raise InputError(
            f"pictures_per_class = {config.pictures_per_class}: with these settings only {distinct} of the "
            f"{len(drawn) * config.pictures_per_class} pictures differ by a grey level; ask for fewer, "
            "or blur less"
        )
    return dataset


def count_distinct(pixels: np.ndarray) -> int:
    """Number of different pictures among (n, ...) pixels."""
    return len({picture.tobytes() for picture in pixels})


def share_out(total: int, config: ImagesConfig) -> np.ndarray:
    """`total` ≥ 3 things over (train, validation, test): at least one each, the rest by their shares."""
    held_out = [max(1, round(total * share)) for share in (config.validation_share, config.test_share)]
    while sum(held_out) >= total:
        held_out[int(np.argmax(held_out))] -= 1
    return np.array([total - sum(held_out), *held_out])


def _draw_class(config: ImagesConfig, label: int, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pictures of one class, uint8 (n, size, size), and the split of each, sorted by split."""
    rng = rng_for(config.data_seed, "lines", label)
    split_of_position = _split_positions(config, rng)
    pixels = np.empty((0, config.size, config.size), dtype=np.uint8)
    parts = np.empty(0, dtype=np.int64)
    endless = config.noise > 0 or config.angle_jitter_deg > 0
    # Where chance adds to the place of a line, two of a few places may still look alike: draw others.
    for _ in range(ROUNDS if endless else 1):
        wanted = sizes - np.bincount(parts, minlength=3)
        if not wanted.any():
            break
        lines, bright, fresh = _sample_class(config, label, wanted, split_of_position, rng, endless)
        pixels = np.concatenate([pixels, _render(lines, bright, config, rng)])
        parts = np.concatenate([parts, fresh])
        first = {picture.tobytes(): index for index, picture in reversed(list(enumerate(pixels)))}
        kept = np.sort(list(first.values()))
        pixels, parts = pixels[kept], parts[kept]
    order = np.argsort(parts, kind="stable")
    return pixels[order], parts[order]


def _sample_class(
    config: ImagesConfig,
    label: int,
    sizes: np.ndarray,
    split_of_position: np.ndarray,
    rng: np.random.Generator,
    endless: bool,
) -> tuple[Lines, np.ndarray, np.ndarray]:
    """As many lines of one class as sizes say for each split, which are bright, and their splits.

    Unless endless, no two are the same, and where the positions of one split allow too few, the
    others take more.
    """
    angle_deg, name = config.angles_deg[label], config.class_names[label]
    places = _count_places(config, angle_deg)
    if places == 0:
        raise InputError(
            f"no line of class {name} with length_px = {config.length_px[0]}..{config.length_px[1]} "
            f"fits into {config.size}-pixel pictures; shorten length_px"
        )
    if not endless and sizes.sum() > places:
        raise _too_few(config, name, places)
    drawn = 0
    keys = np.empty((0, 5), dtype=np.int64)  # thickness, length, row, column of the box's corner, bright
    found = np.zeros(3, dtype=np.int64)
    while np.any(found < sizes) and drawn <= DRAWS_PER_PLACE * places + 1000:
        fresh = _draw_keys(config, angle_deg, 2 * config.pictures_per_class + 64, rng)
        drawn += max(len(fresh), 1)
        keys = np.concatenate([keys, fresh])
        if not endless:
            keys = keys[np.sort(np.unique(_numbered(keys, config.size), return_index=True)[1])]
        parts = split_of_position[_position(config, angle_deg, keys)]
        found = np.bincount(parts, minlength=3)
    taken = np.minimum(found, sizes)
    for split in range(3):
        taken[split] += min(found[split] - taken[split], sizes.sum() - taken.sum())
    if taken.sum() < sizes.sum():
        raise _too_few(config, name, int(found.sum()))
    chosen = np.concatenate([np.flatnonzero(parts == split)[:count] for split, count in enumerate(taken)])
    lines = _lines_at(keys[chosen], np.full(len(chosen), angle_deg))
    if config.angle_jitter_deg:
        lines = _turn(lines, config, rng)
    return lines, keys[chosen, 4] == 1, parts[chosen]


def _split_positions(config: ImagesConfig, rng: np.random.Generator) -> np.ndarray:
    """Split index of each position 0..size − 1; −1 where no line's centre can be."""
    thinnest = config.thickness_px[0] / 2
    usable = np.arange(int(config.margin_px + thinnest), int(config.size - config.margin_px - thinnest) + 1)
    if len(usable) < 3:
        raise InputError(
            f"margin_px = {config.margin_px} leaves {len(usable)} positions for a line, "
            "and train, validation and test need one each"
        )
    split_of_position = np.full(config.size, -1)
    sizes = share_out(len(usable), config)
    split_of_position[rng.permutation(usable)] = np.repeat(np.arange(3), sizes)
    return split_of_position


def _count_places(config: ImagesConfig, angle_deg: float) -> int:
    """How many different (thickness, length, row, column, brightness) the settings allow.

    Exact for lines along the axes; an upper bound for others, where the margin may cut off more.
    """
    thickness, length = np.meshgrid(
        np.arange(config.thickness_px[0], config.thickness_px[1] + 1),
        np.arange(config.length_px[0], config.length_px[1] + 1),
    )
    rows, columns = _room(config, angle_deg, thickness.ravel(), length.ravel())
    across, along = (rows, columns) if angle_deg == 0 else (columns, rows)
    if angle_deg in (0, 90):
        across = np.maximum(across - 2 * config.margin_px, 0)
    return int(np.sum(across * along)) * (2 if config.contrast == "mixed" else 1)


def _room(
    config: ImagesConfig, angle_deg: float, thickness_px: np.ndarray, length_px: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Number of rows and of columns where the bounding box's corner may lie; 0 if it does not fit."""
    zeros = np.zeros(len(thickness_px))
    lines = Lines(np.full(len(zeros), angle_deg), thickness_px, length_px, zeros, zeros)
    rows, columns = (
        np.maximum(np.floor(config.size - 2 * half + 1e-9).astype(int) + 1, 0) for half in lines.half_extents()
    )
    return rows * (columns > 0), columns * (rows > 0)


def _draw_keys(config: ImagesConfig, angle_deg: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """About `count` random lines as integers (n, 5), those that do not fit left out."""
    thickness = rng.integers(*config.thickness_px, size=count, endpoint=True)
    length = rng.integers(*config.length_px, size=count, endpoint=True)
    rows, columns = _room(config, angle_deg, thickness, length)
    row = (rng.random(count) * rows).astype(np.int64)
    column = (rng.random(count) * columns).astype(np.int64)
    if config.contrast == "mixed":
        bright = rng.integers(2, size=count)
    else:
        bright = np.full(count, int(config.contrast == "bright"))
    keys = np.stack([thickness, length, row, column, bright], axis=1)[rows > 0]
    across = _across(config, angle_deg, keys)
    edge = config.margin_px + keys[:, 0] / 2
    return keys[(across >= edge - 1e-9) & (across <= config.size - edge + 1e-9)]


def _numbered(keys: np.ndarray, size: int) -> np.ndarray:
    """One integer for each key, equal for equal keys only."""
    return keys @ (size + 1) ** np.arange(keys.shape[1])


def _lines_at(keys: np.ndarray, angle_deg: np.ndarray) -> Lines:
    thickness, length, row, column = keys[:, :4].T.astype(float)
    half_height, half_width = Lines(angle_deg, thickness, length, row, column).half_extents()
    return Lines(angle_deg, thickness, length, row + half_height, column + half_width)


def _across(config: ImagesConfig, angle_deg: float, keys: np.ndarray) -> np.ndarray:
    """Where each line's centre lies across its direction, px from the border (0 .. size)."""
    lines = _lines_at(keys, np.full(len(keys), angle_deg))
    cosine, sine = lines.direction()
    middle = config.size / 2
    return (lines.row - middle) * cosine + (lines.column - middle) * sine + middle


def _position(config: ImagesConfig, angle_deg: float, keys: np.ndarray) -> np.ndarray:
    return np.floor(_across(config, angle_deg, keys)).astype(np.int64)


def _turn(lines: Lines, config: ImagesConfig, rng: np.random.Generator) -> Lines:
    """Each line turned about its centre by up to the jitter, as far as it stays in the picture."""
    turn = rng.uniform(-config.angle_jitter_deg, config.angle_jitter_deg, len(lines))
    for _ in range(20):
        turned = Lines(lines.angle_deg + turn, lines.thickness_px, lines.length_px, lines.row, lines.column)
        half_height, half_width = turned.half_extents()
        outside = (
            (turned.row < half_height)
            | (turned.row > config.size - half_height)
            | (turned.column < half_width)
            | (turned.column > config.size - half_width)
        )
        if not outside.any():
            break
        turn = np.where(outside, turn / 2, turn)
    return turned


def _render(lines: Lines, bright: np.ndarray, config: ImagesConfig, rng: np.random.Generator) -> np.ndarray:
    """uint8 (n, size, size), some at a time: what comes in between takes many times their memory."""
    pixels = np.empty((len(lines), config.size, config.size), dtype=np.uint8)
    at_once = max(1, AT_ONCE // config.size**2)
    for start in range(0, len(lines), at_once):
        block = slice(start, start + at_once)
        pixels[block] = _rendered(lines[block], bright[block], config, rng)
    return pixels


def _rendered(lines: Lines, bright: np.ndarray, config: ImagesConfig, rng: np.random.Generator) -> np.ndarray:
    """uint8 (n, size, size): coverage, then blur, contrast and noise, rounded to 256 grey levels."""
    images = blur(draw_lines(lines, config.size), config.blur_px)
    np.subtract(1, images, out=images, where=~bright[:, None, None])
    if config.noise:
        images += config.noise * rng.standard_normal(images.shape, dtype=np.float32)
        np.clip(images, 0, 1, out=images)
    images *= 255
    return np.rint(images, out=images).astype(np.uint8)


def _too_few(config: ImagesConfig, name: str, exist: int) -> InputError:
    return InputError(
        f"pictures_per_class = {config.pictures_per_class}: only {exist} distinct pictures of class {name} "
        f"exist; ask for at most {exist}, widen length_px or thickness_px, or add noise"
    )
