"""What became of the convolutions after the first: laid back onto pixels, untrained and trained."""

import numpy as np

from linesexp.kernels.analysis import DeeperRecord
from linesexp.kernels.shape import change_from_start
from linesexp.run import Run
from linesexp.seeing.composition import compositions


def deeper_records(run: Run) -> list[DeeperRecord]:
    """One for each convolution after the first, measured on the test pictures."""
    images, _ = run.dataset.part("test")
    before, after = (compositions(images, run.history.at(step), run.config.network) for step in (0, -1))
    return [
        DeeperRecord(
            end.layer,
            _filters(run, end.layer, -1).shape[1],
            end.size,
            start.effective_px.tolist(),
            end.effective_px.tolist(),
            start.agreement.tolist(),
            end.agreement.tolist(),
            change_from_start(_filters(run, end.layer, -1), _filters(run, end.layer, 0))[0].tolist(),
        )
        for start, end in zip(before, after, strict=True)
    ]


def _filters(run: Run, layer: str, step: int) -> np.ndarray:
    """(filters, channels, k, k) of a layer at a recorded step."""
    return run.history.at(step)[f"{layer}/kernel"].transpose(3, 2, 0, 1)
