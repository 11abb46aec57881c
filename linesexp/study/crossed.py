"""Members over several data seeds: every seed learned from every set of pictures.

value = mean + data seed + seed + rest, each drawn at random. Their variances, from the mean squares of a
two-way analysis of variance without repeats (Searle, Casella and McCulloch 1992, "Variance Components",
chapter 4), say how much of what differs between members comes from the pictures and how much from how
weights were drawn. Few data seeds know little of other pictures: the interval of a mean has no more degrees of
freedom than they leave, and is wide.
"""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
FEWEST = 6  # seeds under every data seed; of fewer there is no interval
ROUNDING = 1e-20  # mean squares that are smaller, relative to the values' own, are none


@dataclass(frozen=True)
class Crossed:
    """Of each measure, arrays (measures,).

    mean, low, high, p, n: as in statistics.Summary. data, seed, rest: variances, none below zero; rest is what
    only one seed under one data seed has. p_data, p_seed: of F tests that there is no such variance. NaN where
    a measure is not known of two seeds under two data seeds.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    n: np.ndarray
    data: np.ndarray
    seed: np.ndarray
    rest: np.ndarray
    p_data: np.ndarray
    p_seed: np.ndarray


def grids(values: np.ndarray, seeds: np.ndarray, data_seeds: np.ndarray) -> np.ndarray:
    """Values (members, measures) as (data seeds, seeds, measures), NaN where there is no such member."""
    rows, row = np.unique(data_seeds, return_inverse=True)
    columns, column = np.unique(seeds, return_inverse=True)
    grid = np.full((len(rows), len(columns), values.shape[1]), np.nan)
    grid[row, column] = values
    return grid


def crossed(grid: np.ndarray) -> Crossed:
    """Of (data seeds, seeds, measures); a seed that lacks a measure under one data seed is left out for it."""
    columns = [
        _one(grid[:, np.isfinite(grid[..., index]).all(axis=0), index]) for index in range(grid.shape[2])
    ]
    return Crossed(*(np.array(values) for values in zip(*columns, strict=True)))


def _one(grid: np.ndarray) -> tuple[float, ...]:
    """The fields of Crossed, of one measure (data seeds, seeds) without gaps."""
    from scipy import stats  # takes longer to import than everything else here to run

    rows, columns = grid.shape
    nothing = float("nan")
    if grid.size == 0:
        return (*(nothing,) * 4, 0, *(nothing,) * 5)
    mean = float(grid.mean())
    if min(rows, columns) < 2:
        return (mean, *(nothing,) * 3, grid.size, *(nothing,) * 5)
    by_row, by_column = grid.mean(axis=1), grid.mean(axis=0)
    rest = grid - by_row[:, None] - by_column + mean
    free = rows - 1, columns - 1, (rows - 1) * (columns - 1)
    squares = (
        columns * float(np.sum((by_row - mean) ** 2)) / free[0],
        rows * float(np.sum((by_column - mean) ** 2)) / free[1],
        float(np.sum(rest**2)) / free[2],
    )
    of_data, of_seed, of_rest = (value if value > ROUNDING * np.mean(grid**2) else 0.0 for value in squares)
    components = max((of_data - of_rest) / columns, 0.0), max((of_seed - of_rest) / rows, 0.0), of_rest
    p_data, p_seed = (
        stats.f.sf(square / of_rest, df, free[2]) if of_rest > 0 else float(square == 0)
        for square, df in zip((of_data, of_seed), free[:2], strict=True)
    )
    if columns < FEWEST:
        return (mean, *(nothing,) * 3, grid.size, *components, p_data, p_seed)
    # The mean's variance, no smaller than if all values were independent.
    combined = max(of_data + of_seed - of_rest, of_rest)
    error = np.sqrt(combined / grid.size)
    degrees = min(rows, columns) - 1
    half = error * stats.t.ppf((1 + CONFIDENCE) / 2, degrees)
    p = 2 * stats.t.sf(abs(mean) / error, degrees) if error > 0 else float(mean == 0)
    # No smaller than if each seed, with all that it learned under its data seeds, were a toss of a coin.
    p = max(p, 2.0 ** (1 - columns))
    return (mean, mean - half, mean + half, p, grid.size, *components, p_data, p_seed)
