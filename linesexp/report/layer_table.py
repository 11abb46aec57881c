"""The network as a table, from its settings alone."""

from typing import Any

from linesexp.config import ExperimentConfig
from linesexp.wording import percent


def layer_table(config: ExperimentConfig, channels: int, classes: int) -> list[dict[str, Any]]:
    """Name, task, output shape and number of weights of each layer of the network."""
    network, side = config.network, config.images.size
    rows = [
        {"name": "picture", "does": "pixels from 0 to 1", "gives": f"{side}×{side}×{channels}", "weights": 0}
    ]
    depth = channels
    for number, (filters, size, (convolved, pooled)) in enumerate(
        zip(network.filters, network.kernel_sizes, network.map_sizes(side), strict=True), 1
    ):
        rows.append(
            {
                "name": f"conv{number}",
                "does": f"{filters} kernels {size}×{size}, {network.activation}",
                "gives": f"{convolved}×{convolved}×{filters}",
                "weights": filters * (size * size * depth + 1),
            }
        )
        rows.append(
            {
                "name": f"pool{number}",
                "does": f"{network.pooling} of {network.pool_size}×{network.pool_size}",
                "gives": f"{pooled}×{pooled}×{filters}",
                "weights": 0,
            }
        )
        depth, side = filters, pooled
    numbers = side * side * depth
    drops = f"drops {percent(network.dropout)} of the numbers, in training only"
    rows.append({"name": "dropout", "does": drops, "gives": f"{side}×{side}×{depth}", "weights": 0})
    rows.append({"name": "flatten", "does": "all numbers in one row", "gives": f"{numbers}", "weights": 0})
    rows.append(
        {
            "name": "dense",
            "does": "weighted sums, then softmax",
            "gives": f"{classes} probabilities",
            "weights": classes * (numbers + 1),
        }
    )
    return rows
