"""The kernels and biases that a run's first layer begins with, where its settings name them."""

import numpy as np

from linesexp.config import ExperimentConfig
from linesexp.errors import ConfigError
from linesexp.kernels.handmade import prewitt_layer
from linesexp.runs.folder import RunFolder
from linesexp.runs.formats import parse_tensors, tensors_bytes

GIVEN = "first_layer.safetensors"


def check_given(folder: RunFolder, config: ExperimentConfig, force: bool) -> None:
    """Raise ConfigError for first_layer = given in a folder that was given no kernels, or a new one."""
    if config.network.first_layer == "given" and (force or GIVEN not in folder):
        raise ConfigError(
            "first_layer = 'given': only `linesexp train RUN --controls` hands kernels over; "
            "use trained, random or prewitt"
        )


def first_layer_of(folder: RunFolder, config: ExperimentConfig, channels: int) -> dict[str, np.ndarray] | None:
    """{"kernel": (k, k, channels, filters), "bias": (filters,)}, or None for a layer as it is drawn."""
    network = config.network
    if network.first_layer == "given":
        return parse_tensors(folder.read(GIVEN), str(folder.path / GIVEN))[0]
    return handmade_layer(config, channels)


def handmade_layer(config: ExperimentConfig, channels: int) -> dict[str, np.ndarray] | None:
    """The same where the settings alone say it: Prewitt operators, or None for a layer as it is drawn."""
    network = config.network
    if network.first_layer != "prewitt":
        return None
    filters, size = network.filters[0], network.kernel_sizes[0]
    kernel = prewitt_layer(filters, size, channels, network.initializer)
    return {"kernel": kernel, "bias": np.zeros(filters, dtype=np.float32)}


def given_bytes(weights: dict[str, np.ndarray]) -> bytes:
    """The file that hands the first layer of one step's weights over to another run."""
    layer = {name: weights[f"conv1/{name}"] for name in ("kernel", "bias")}
    return tensors_bytes(layer, {})
