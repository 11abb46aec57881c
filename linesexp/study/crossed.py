"""Members over several data seeds: every seed learned from every set of pictures.

value = mean + data seed + seed + rest, each drawn at random. Their variances, from the mean squares of a
two-way analysis of variance without repeats (Searle, Casella and McCulloch 1992, "Variance Components",
chapter 4), say how much of what differs between members comes from the pictures and how much from how
weights were drawn.
"""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


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
    of_data, of_seed, of_rest = squares
    components = max((of_data - of_rest) / columns, 0.0), max((of_seed - of_rest) / rows, 0.0), of_rest
    # The mean's variance, no smaller than if all values were independent.
    combined = of_data + of_seed - of_rest
    if combined > of_rest:
        degrees = combined**2 / sum(square**2 / df for square, df in zip(squares, free, strict=True))
    else:
        combined, degrees = of_rest, float(free[2])
    error = np.sqrt(combined / grid.size)
    if error <= 1e-12 * max(abs(mean), 1e-300):  # what rounding leaves where all are alike
        return (mean, mean, mean, 1.0 if mean == 0 else 0.0, grid.size, *components, 1.0, 1.0)
    half = error * stats.t.ppf((1 + CONFIDENCE) / 2, max(degrees, 1.0))
    p = 2 * stats.t.sf(abs(mean) / error, max(degrees, 1.0))
    p_data, p_seed = (
        stats.f.sf(square / of_rest, df, free[2]) if of_rest > 0 else 0.0
        for square, df in zip(squares[:2], free[:2], strict=True)
    )
    return (mean, mean - half, mean + half, p, grid.size, *components, p_data, p_seed)
