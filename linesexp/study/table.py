"""The tidy table: a row for every member and kernel, as CSV, and as Parquet where pyarrow is installed."""

import csv
import io
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np

from linesexp.kernels.claims import CLAIMS, NULLS
from linesexp.study.measuring import MEASURES, PAIRED, Measured

CLAIM_COLUMNS = {claim.id: f"claim_{claim.id.replace('-', '_')}" for claim in CLAIMS if claim.id not in PAIRED}
KEYS = {
    "condition": "name of the condition",
    "data_seed": "seed of the member’s pictures",
    "seed": "seed of the member’s initial weights and dropout",
    "kernel": "number of the kernel in the first layer",
}
OF_KERNELS = {
    "operator": "the operator that resembles the kernel most (largest |cosine|); empty for a constant kernel",
    "detects": "the direction of edge or line that this operator finds; empty for one that finds both",
    "order": "1 for a first-derivative (edge) operator, 2 for a second-derivative (line or spot) one",
    "size": "its side, px",
    "row": "row of its upper left corner in the kernel",
    "column": "column of that corner",
    "polarity": "1: answers where it gets brighter going right (or down), −1: darker; edge operators only",
    "cosine": "cosine between the kernel and that operator",
    "p_initialiser": "share of untrained kernels that match any operator at least as well",
    "p_covariance": "the same of random kernels as smooth as those of the condition",
    "p_step0": "the same of the condition’s untrained weights in random order",
    "p_shuffled": "the same of kernels as smooth as those learned from shuffled labels",
    "q_initialiser": "p_initialiser corrected over the member’s kernels, Benjamini–Hochberg",
    "edge": "largest |cosine| with an edge operator",
    "line": "largest |cosine| with a line or spot operator",
    **{
        f"p_edge_{null}": f"share of kernels of chance ({null}) more like an edge than a line, at least as much"
        for null in NULLS
    },
    "dc": "share of the kernel’s mean in its energy",
    "odd": "share of what changes sign when the kernel is turned by 180°, as an edge does",
    "even": "share of what does not, as a line does",
    "axis_vertical": "share of the mean-free energy that is the same along columns",
    "axis_horizontal": "the same along rows",
    "preferred_angle_deg": "bar that the kernel answers to most: 0 horizontal, 90 vertical",
    "one_minus_circular_variance": "0: bars of all angles alike, 1: of one angle only",
    "preferred_edge_deg": "edge that it answers to most: 0 if brighter going right, 90 going up",
    "direction_index": "0: an edge and its reverse alike, 1: one of them only",
    "change": "distance from the untrained kernel relative to its norm",
    "cosine_to_start": "cosine between the trained and the untrained kernel",
    "emergence": "epoch from which the match lies beyond 95 % of untrained kernels to the end, if it does",
    "preference_before": "−1 answers to the first class only, 1 to the second only; untrained",
    "preference": "the same, trained",
    "health": "live, silent on the training pictures, or dead; empty if no worker asked",
}
MEASURE_COLUMNS = {measure.id: f"member_{measure.id}" for measure in MEASURES}
OF_MEMBERS = {MEASURE_COLUMNS[measure.id]: f"of the member: {measure.words}" for measure in MEASURES} | {
    column: f"of the member: effect of the claim {id}" for id, column in CLAIM_COLUMNS.items()
}
COLUMNS = KEYS | OF_KERNELS | OF_MEMBERS


def rows(measured: Measured) -> Iterator[list[Any]]:
    """A list for each member and kernel, in the order of COLUMNS; None for what cannot be known."""
    columns = table_columns(measured)
    yield from map(list, zip(*(_plain(values) for values in columns.values()), strict=True))


def table_columns(measured: Measured) -> dict[str, np.ndarray]:
    """The same as an array (members · kernels,) for each of COLUMNS."""
    block = measured.block
    members, filters = measured.kernels["cosine"].shape
    count = members * filters
    found = {
        "condition": np.full(count, block.condition),
        "data_seed": np.full(count, block.config.images.data_seed),
        "seed": np.repeat(np.array(block.seeds), filters),
        "kernel": np.tile(np.arange(filters), members),
    }
    found |= {name: measured.kernels[name].ravel() for name in OF_KERNELS}
    of_members = MEASURE_COLUMNS | CLAIM_COLUMNS
    return found | {column: np.repeat(measured.members[id], filters) for id, column in of_members.items()}


class CsvTable:
    """Rows as CSV, block by block; numbers with seven digits, empty cells for what cannot be known."""

    name = "table.csv"

    def __init__(self) -> None:
        self._buffer = io.StringIO()
        self._writer = csv.writer(self._buffer, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def add(self, measured: Measured) -> None:
        """Append the rows of a block."""
        self._writer.writerows([_short(cell) for cell in row] for row in rows(measured))

    def content(self) -> bytes:
        """The file."""
        return self._buffer.getvalue().encode()


class ParquetTable:
    """The same as Parquet, a row group a block; what the columns mean is in their metadata."""

    name = "table.parquet"

    def __init__(self) -> None:
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        whole, text = ("data_seed", "seed", "kernel"), ("condition", "operator", "detects", "health")
        kinds = {name: arrow.int64() for name in whole} | {name: arrow.string() for name in text}
        fields = [
            arrow.field(name, kinds.get(name, arrow.float64()), metadata={"description": words})
            for name, words in COLUMNS.items()
        ]
        self._schema, self._buffer = arrow.schema(fields), io.BytesIO()
        self._writer = parquet.ParquetWriter(self._buffer, self._schema)

    def add(self, measured: Measured) -> None:
        """Append the rows of a block."""
        import pyarrow as arrow

        columns = [_plain(values) for values in table_columns(measured).values()]
        self._writer.write_table(arrow.table(columns, schema=self._schema))

    def content(self) -> bytes:
        """The file; nothing can be added any more."""
        self._writer.close()
        return self._buffer.getvalue()


def tables() -> list[CsvTable | ParquetTable]:
    """The formats that can be written here."""
    return [CsvTable(), *([ParquetTable()] if find_spec("pyarrow") else [])]


def _plain(values: np.ndarray) -> list[Any]:
    """Python values; None for NaN and for empty text."""
    if values.dtype.kind == "f":
        return [value if np.isfinite(value) else None for value in values.tolist()]
    return [None if value == "" else value for value in values.tolist()]


def _short(cell: Any) -> Any:
    # Less than nothing and nothing add up to 0, not to −0.
    return "" if cell is None else f"{cell + 0.0:.7g}" if isinstance(cell, float) else cell
