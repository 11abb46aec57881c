"""What `see` looks into: the network of a run, in NumPy, or any Keras model from a file."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linesexp.errors import InputError
from linesexp.images.dataset import SPLITS
from linesexp.learning.backend import quiet_import
from linesexp.learning.untrusted import check_file
from linesexp.predicting import unlike
from linesexp.room import check_room_to_load
from linesexp.run import Run, open_run
from linesexp.seeing.forward import LayerOutput, forward
from linesexp.wording import shown

if TYPE_CHECKING:
    import keras

UNTRAINED_SEED = 0
SIDES = (8, 16, 32, 64, 128, 256)  # px, that are tried where a picture is too small
MOST_WORDS = 200  # letters of what a model of somebody's own raises
Shape = tuple[int | None, int | None, int]


class RunNetwork:
    """A run's network at its last recorded step, and before training. Imports Keras for `models` alone."""

    kind = "run"
    scale, scale_source, scale_guessed = (0.0, 1.0), "the run's own pictures", False
    untrained_words = "this run's network before training"
    squashes = True

    def __init__(self, run: Run, debug: bool = False) -> None:
        self.source, self._debug = str(run.folder.path), debug
        self._config, self._history, self._dataset = run.config, run.history, run.dataset
        dataset = self._dataset
        self.class_names: list[str] | None = list(dataset.class_names)
        size, channels = dataset.pixels.shape[1], dataset.pixels.shape[-1]
        self.shape: Shape = (size, size, channels)
        self.ground = "black" if self._config.images.contrast == "bright" else "white"
        self.step = float(self._history.steps[-1])
        self.trained_words = f"trained, epoch {self.step:g}"
        self.trained_fully = "model.keras" in run.folder

    def outputs(self, pictures: np.ndarray) -> list[LayerOutput]:
        """Every layer's output for float32 (n, H, W, C) pictures."""
        return forward(pictures, self._history.at(-1), self._config.network)

    def outputs_before(self, pictures: np.ndarray) -> list[LayerOutput] | None:
        """The same before training."""
        return forward(pictures, self._history.at(0), self._config.network)

    def data_set(self) -> tuple[np.ndarray, list[int], list[str]]:
        """The training pictures, float32 (n, H, W, C) in [0, 1], their places in the data set, and classes."""
        dataset = self._dataset
        places = np.flatnonzero(dataset.split == SPLITS.index("train"))
        images, labels = dataset.part("train")
        return images, places.tolist(), [dataset.class_names[label] for label in labels]

    def note(self, picture: np.ndarray) -> str | None:
        """What makes a picture (H, W, C), in [0, 1], unlike those that the network learned from."""
        return unlike((picture * 255).round().astype(np.uint8), self._config.images.contrast)

    def convolutions(self, pictures: np.ndarray) -> list[str]:
        """Names of the convolution layers."""
        return [f"conv{number}" for number in range(1, len(self._config.network.filters) + 1)]

    @cached_property
    def weights_note(self) -> str | None:
        """Which weights are not finite, if any."""
        weights = self._history.at(-1).items()
        return _not_finite([name for name, values in weights if not np.isfinite(values).all()])

    @cached_property
    def models(self) -> "tuple[keras.Model, keras.Model]":
        """The network as Keras models: trained, and before training."""
        check_room_to_load(self.source)
        with quiet_import(self._debug):
            from linesexp.learning.network import build_network
            from linesexp.learning.recorder import weights_of
        made = []
        for index in (-1, 0):
            weights = self._history.at(index)
            first = {part: weights[f"conv1/{part}"] for part in ("kernel", "bias")}
            model = build_network(self._config, self.shape[-1], len(self.class_names or ()), first)
            model.set_weights([weights[name] for name in weights_of(model)])
            made.append(model)
        return made[0], made[1]


class ModelNetwork:
    """A Keras model from a .keras file."""

    kind = "model"
    ground = "white"
    class_names: list[str] | None = None
    step, trained_fully = None, True
    trained_words = "this model"
    untrained_words = f"the same architecture with weights drawn anew, seed {UNTRAINED_SEED}"

    def __init__(
        self,
        path: str,
        scale: tuple[float, float] | None = None,
        size: tuple[int, int] | None = None,
        run_its_code: bool = False,
        debug: bool = False,
    ) -> None:
        check_file(Path(path), run_its_code)
        check_room_to_load(path)
        with quiet_import(debug):
            from linesexp.learning.models import load_model
            from linesexp.seeing import layers
            from linesexp.seeing.attribution import squashes
            from linesexp.seeing.scale import scale_of
        self.source, self._layers, self._debug = path, layers, debug
        self._model = load_model(path, run_its_code=run_its_code)
        try:
            height, width, channels = layers.picture_shape(self._model)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        self._any_size = None in (height, width)
        if size is not None:
            fixed = [(own, asked) for own, asked in zip((height, width), size, strict=True) if own is not None]
            if any(own != asked for own, asked in fixed):
                raise InputError(f"{path}: takes pictures of {height}×{width} px only, not {size[0]}×{size[1]}")
            height, width = size
        self.shape: Shape = (height, width, channels)
        self.squashes = squashes(self._model)
        self.scale, self.scale_source, self.scale_guessed = scale or (0.0, 1.0), "--pixels", False
        if scale is None:
            found = scale_of(self._model)
            self.scale = found.black, found.white
            self.scale_source, self.scale_guessed = found.source, found.guessed
        if size is not None and self._any_size:
            self.outputs(np.zeros((1, *size, channels), np.float32))  # an error of its size, before all else

    def outputs(self, pictures: np.ndarray) -> list[LayerOutput]:
        """Every layer's output for float32 (n, H, W, C) pictures.

        Raises InputError for pictures that are too small for a model of any size, or that it does not take.
        """
        height, width, channels = pictures.shape[1:]
        try:
            found = self._layers.layer_outputs(self._model, pictures)
            if all(output.values.size for output in found):
                return found
            gist = "a layer is left without a place"
        except Exception as error:  # whatever a model of somebody's own raises
            gist = " ".join(str(error).split())[:MOST_WORDS]
        for side in SIDES if self._any_size else ():
            larger = max(side, height), max(side, width)
            if larger != (height, width) and self._takes((*larger, channels)):
                raise InputError(
                    f"{height}×{width} px (height × width) is too small for the model {self.source}; "
                    f"--size {larger[0]},{larger[1]} stretches pictures"
                )
        raise InputError(f"{self.source}: cannot look at a picture of {height}×{width} px: {gist}")

    def _takes(self, shape: tuple[int, int, int]) -> bool:
        try:
            outputs = self._layers.layer_outputs(self._model, np.zeros((1, *shape), np.float32))
        except Exception:  # as above
            return False
        return all(output.values.size for output in outputs)

    def outputs_before(self, pictures: np.ndarray) -> list[LayerOutput] | None:
        """None: a file holds a model at one moment."""
        return None

    def data_set(self) -> None:
        """None: what a model learned from, its file does not hold."""
        return None

    def note(self, picture: np.ndarray) -> str | None:
        """Only that it is blank: what a model learned from, its file does not say."""
        return "blank: there is nothing to see" if picture.min() == picture.max() else None

    def convolutions(self, pictures: np.ndarray) -> list[str]:
        """Names of the convolution layers. Raises InputError for a model without."""
        try:
            return self._layers.convolutions(self._model, pictures)
        except InputError as error:
            raise InputError(f"{self.source}: {error}") from None

    @cached_property
    def weights_note(self) -> str | None:
        """Which weights are not finite, if any."""
        finite = self._layers.finite_weights(self._model)
        return _not_finite([name for name, sound in finite.items() if not sound])

    @cached_property
    def models(self) -> "tuple[keras.Model, keras.Model]":
        """The model, and one of the same architecture that has learned nothing."""
        from linesexp.learning.models import untrained_copy

        return self._model, untrained_copy(self._model, UNTRAINED_SEED)


Network = RunNetwork | ModelNetwork


def _not_finite(names: list[str]) -> str | None:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"weights that are not finite: {', '.join(names[:3])}{more}" if names else None


def scale_facts(network: Network) -> dict[str, Any]:
    """The numbers that pictures were fed as, and how these are known: for JSON."""
    black, white = network.scale
    return {"black": black, "white": white, "source": network.scale_source, "guessed": network.scale_guessed}


def scale_words(network: Network) -> str:
    """The same in a line."""
    black, white = (shown(number) for number in network.scale)
    words = f"{network.source}: black is {black}, white {white} ({network.scale_source}"
    return words + ("; --pixels BLACK,WHITE says otherwise)" if network.scale_guessed else ")")


def open_network(
    source: str,
    scale: tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
    run_its_code: bool = False,
    debug: bool = False,
) -> Network:
    """A run's network for a folder, a Keras model for a file.

    scale: the numbers for black and white, 0..1 for a run, for a model what it tells of its own rescaling, else
    0..1 as a guess. size: height and width for a model that takes any. run_its_code: also load
    Lambda layers. Raises LinesexpError for what cannot be looked into.
    """
    if Path(source).is_dir() or not (Path(source).exists() or Path(source).suffix):
        network = RunNetwork(open_run(source), debug)
        if scale not in (None, network.scale):
            raise InputError(f"{source}: the network of a run takes 0..1, not {scale[0]:g}..{scale[1]:g}")
        if size not in (None, network.shape[:2]):
            raise InputError(f"{source}: takes pictures of {network.shape[0]}×{network.shape[1]} px only")
        return network
    return ModelNetwork(source, scale, size, run_its_code, debug)
