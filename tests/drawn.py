"""What a page has drawn, read back as numbers; and a network of random weights to draw it of."""

import re
from typing import Any

import numpy as np

from linesexp.config import NetworkConfig
from linesexp.images.dataset import scale_pixels
from linesexp.seeing.forward import forward
from linesexp.views.embedding import packed
from linesexp.views.style import DIVERGING

# Through a copy: the browser complains of canvases that are read again and again.
COLOURS = """(all) => all.map((canvas) => {
  const {height, width} = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true});
  copy.drawImage(canvas, 0, 0);
  return {height, width, bytes: Array.from(copy.getImageData(0, 0, width, height).data)};
})"""
SCALE = 255 * DIVERGING(np.linspace(0, 1, 255))[:, :3]  # of colours, from −1 to 1
ON_SCALE = 0.01  # how exactly a number can be read from its colour, of the scale's end


def colours(canvases: Any) -> list[np.ndarray]:
    """Of a locator's canvases: (height, width, 3) in 0 … 255 each."""
    return [coloured(each) for each in canvases.evaluate_all(COLOURS)]


def coloured(canvas: dict[str, Any]) -> np.ndarray:
    """Of what COLOURS read of one canvas: (height, width, 3)."""
    shaped = np.reshape(canvas["bytes"], (canvas["height"], canvas["width"], 4))
    assert (shaped[..., 3] == 255).all()
    return shaped[..., :3]


def signed(painted: np.ndarray) -> np.ndarray:
    """(…, 3) colours of the scale of blue and orange → (…) numbers in −1 … 1."""
    away = np.abs(painted[..., None, :] - SCALE).max(axis=-1)
    assert (away.min(axis=-1) < 4).all(), "colours that are not on the scale"
    return away.argmin(axis=-1) / 127 - 1


def assert_drawn(painted: np.ndarray, numbers: np.ndarray, limit: float) -> None:
    """These are the colours of these numbers, on a scale from −limit to limit."""
    assert painted.shape[:-1] == numbers.shape
    np.testing.assert_allclose(signed(painted), numbers / limit, atol=ON_SCALE)


def numbers_in(words: str) -> list[float]:
    """All numbers of a text."""
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", words.replace("−", "-"))]


class MadeUp:
    """Random numbers, so that nothing in them looks the same from another side: a network at three steps,
    pictures in colour, a training log. Its first kernels are stripes of an angle each, so that they prefer one.
    """

    network = NetworkConfig(
        filters=(3, 4), kernel_sizes=(5, 3), padding="same", pooling="average", activation="leaky_relu"
    )
    side = 17  # odd: some places fill no pooling window
    channels = 3
    classes = ("one", "two", "three")
    steps = (0, 1, 2)

    def __init__(self) -> None:
        rng = np.random.default_rng(8)
        self.pixels = rng.integers(0, 256, (5, self.side, self.side, self.channels), dtype=np.uint8)
        self.labels = [0, 1, 2, 0, 1]
        self.weights = [self._weights(rng, step) for step in self.steps]
        columns = ("loss", "accuracy", "validation_loss", "validation_accuracy")
        rows = rng.uniform((0.1, 0.1, 0.1, 0.1), (1.7, 0.9, 1.7, 0.9), (3, 4))
        self.log = {"step": [float(step) for step in self.steps]} | dict(
            zip(columns, rows.T.tolist(), strict=True)
        )

    def _weights(self, rng: np.random.Generator, step: int) -> dict[str, np.ndarray]:
        angles = [25 + 40 * step + 65 * kernel for kernel in range(3)]
        kernel = np.stack([_stripes(angle, rng.uniform(0, 6)) for angle in angles], axis=-1)
        kernel = kernel[:, :, None] * np.array([0.3, 0.1, 0.2])[:, None]
        return {
            "conv1/kernel": (kernel + rng.normal(0, 0.05, (5, 5, 3, 3))).astype(np.float32),
            "conv1/bias": rng.normal(0, 0.1, 3).astype(np.float32),
            "conv2/kernel": rng.normal(0, 0.3, (3, 3, 3, 4)).astype(np.float32),
            "conv2/bias": rng.normal(0, 0.1, 4).astype(np.float32),
            "dense/kernel": rng.normal(0, 0.5, (4 * 4 * 4, 3)).astype(np.float32),
            "dense/bias": rng.normal(0, 0.1, 3).astype(np.float32),
        }

    def data(self, others: dict[str, Any]) -> dict[str, Any]:
        """What a page carries of it; of others what stands in its place where it has nothing of its own."""
        return others | {
            "network": {
                "filters": list(self.network.filters),
                "kernelSizes": list(self.network.kernel_sizes),
                "activation": self.network.activation,
                "pooling": self.network.pooling,
                "poolSize": self.network.pool_size,
                "padding": self.network.padding,
            },
            "classes": list(self.classes),
            "steps": list(self.steps),
            "recorded": len(self.steps),
            "log": self.log,
            "weights": {
                name: packed(np.stack([each[name] for each in self.weights])) for name in self.weights[0]
            },
            "test": {"pixels": packed(self.pixels), "labels": self.labels, "all": len(self.labels)},
        }

    def layers(self, picture: int = 0, step: int = -1, weights: Any = None) -> dict[str, np.ndarray]:
        """{layer: its output for a test picture}."""
        outputs = forward(scale_pixels(self.pixels[[picture]]), weights or self.weights[step], self.network)
        return {each.name: each.values[0] for each in outputs}

    def kernels(self, step: int) -> np.ndarray:
        """(filters, 5, 5): the first layer's, the mean of their colours."""
        return self.weights[step]["conv1/kernel"].mean(axis=2).transpose(2, 0, 1)

    @property
    def largest_weight(self) -> float:
        """Of the first layer, at all steps."""
        return max(float(np.abs(each["conv1/kernel"]).max()) for each in self.weights)

    def field(self, layer: str, row: int, column: int) -> np.ndarray:
        """bool (side, side): the pixels that change this place of a layer when they change."""
        images = scale_pixels(np.repeat(self.pixels[:1], self.side**2 + 1, axis=0))
        for place in range(self.side**2):
            images[place, place // self.side, place % self.side] += 1
        outputs = {each.name: each.values for each in forward(images, self.weights[-1], self.network)}
        answers = outputs[layer][:, row, column]
        return (np.abs(answers[:-1] - answers[-1]).max(axis=1) > 1e-6).reshape(self.side, self.side)


def _stripes(degrees: float, phase: float) -> np.ndarray:
    """(5, 5): a wave that is four weights long."""
    row, column = np.mgrid[:5, :5] - 2
    across = column * np.sin(np.deg2rad(degrees)) + row * np.cos(np.deg2rad(degrees))
    return np.cos(2 * np.pi * across / 4 + phase)


def telling_weights(steps: int) -> dict[str, np.ndarray]:
    """Weights of the tiny run's network, the same at so many steps, that tell horizontal from vertical lines.

    (steps, …) each. Two maps of a layer are used: the first sees lying lines, the second upright ones.
    """
    across = np.array([-1, -1, 4, -1, -1]) / 4  # a bright line of a pixel or two on black
    conv1 = np.zeros((5, 5, 1, 4), np.float32)
    conv1[:, :, 0, 0], conv1[:, :, 0, 1] = across[:, None], across[None, :]
    conv2 = np.zeros((3, 3, 4, 4), np.float32)
    conv2[1, 1, 0, 0] = conv2[1, 1, 1, 1] = 1
    dense = np.zeros((3, 3, 4, 2), np.float32)
    dense[..., 0, :], dense[..., 1, :] = (1, -1), (-1, 1)
    weights = {"conv1/kernel": conv1, "conv2/kernel": conv2, "dense/kernel": dense.reshape(36, 2)}
    weights |= {f"{layer}/bias": np.zeros(count, np.float32) for layer, count in (("conv1", 4), ("conv2", 4))}
    weights["dense/bias"] = np.zeros(2, np.float32)
    return {name: np.repeat(values[None], steps, axis=0) for name, values in weights.items()}
