"""KernelRecorder: a Keras callback that keeps the weights of every epoch, the untrained ones too."""

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from linesexp.errors import LinesexpError
from linesexp.runs import RunFolder
from linesexp.runs.behind import StepsBehind
from linesexp.runs.steps import LAYERS

Save = Callable[[float, dict[str, np.ndarray]], None]
CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)


class KernelRecorder(keras.callbacks.Callback):
    """Record every layer's weights and biases while a model learns.

    Records the untrained network (step 0), batches 1, 2, 4, 8 … of the first epoch (their step is
    the fraction of the epoch done; left out where Keras does not know how many batches there are),
    and the end of every epoch. `fit` again with the same recorder continues the count; a folder's
    recording then begins with what that `fit` began with. A model that Keras builds at its first batch
    only (no `Input`, or layers of one's own) has no weights before that: a warning says so, and the
    recording begins after that batch.

    Example:
        model.fit(x, y, epochs=20, callbacks=[KernelRecorder("runs/mine")])

    Args:
        save: a folder, or a callable `save(step, weights)` with weights as
            {"conv1/kernel": float array, ...}. A folder becomes a run folder with one file a step;
            one that already holds a recording is renamed, never overwritten. It is written while the
            `fit` goes on, which waits for the disk at its end only, or where that falls far behind.
            Trouble with a folder (a full disk, say) is a warning and ends the recording, not the
            `fit`; what a callable raises goes through.
    """

    def __init__(self, save: str | os.PathLike[str] | Save) -> None:
        super().__init__()
        self._folder = None if callable(save) else RunFolder(save)
        self._save: Save | None = save if callable(save) else None
        self._behind: StepsBehind | None = None
        self._before = 0.0  # epochs of earlier fits
        self._last: float | None = None
        self._epoch = 0
        self._begins = False  # whether the next epoch is a fit's first

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._begins = True
        if self._folder is None:
            return
        self._finish()  # what a fit that failed has left to be written
        kept = None
        with self._stepping_aside():
            if self._folder.names(prefix="kernels/"):
                with self._folder.writing():
                    kept = self._folder.move_aside()
            self._behind = StepsBehind(self._folder, self._about)
            self._save = self._behind.save
        if kept is not None:
            warnings.warn(f"{self._folder.path} held a recording; it is now {kept}", stacklevel=2)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch = epoch
        if epoch == 0:
            self._before = self._last or 0.0
        new = self._folder is not None or (self._last is None and epoch == 0)
        if self._begins and new:
            if self.model.built:
                self._record(self._before + epoch)
            else:
                warnings.warn(
                    "KernelRecorder: this model has no weights before its first batch, so its untrained ones "
                    "cannot be recorded; give it an Input, or call model.build(shape) before fit",
                    stacklevel=2,
                )
        self._begins = False

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        done, batches = batch + 1, (self.params or {}).get("steps")
        if self._epoch == 0 and self._before == 0 and batches and recorded_early(done, batches):
            self._record(done / batches)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._record(self._before + epoch + 1)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._finish()

    def _record(self, step: float) -> None:
        self._last = step
        if self._save is None:
            return
        if self._folder is None:
            self._save(step, weights_of(self.model))
            return
        with self._stepping_aside():
            self._save(step, weights_of(self.model))

    def _about(self) -> dict[str, bytes]:
        about = json.dumps({"weights": convolution_weights(self.model)}, indent=2) + "\n"
        return {LAYERS: about.encode()}

    def _finish(self) -> None:
        """Wait until a folder holds everything that was recorded, and record no more."""
        if self._behind is None:
            return
        with self._stepping_aside():
            self._behind.finish()
        self._behind = self._save = None

    @contextlib.contextmanager
    def _stepping_aside(self) -> Iterator[None]:
        """Trouble with a folder, of whatever kind, is not the fit's: a warning, and no more recording."""
        try:
            yield
        except Exception as error:
            self._save = None
            words = str(error) if isinstance(error, LinesexpError) else f"{type(error).__name__}: {error}"
            warnings.warn(f"KernelRecorder stopped recording: {words}", stacklevel=5)


def recorded_early(done: int, batches: int) -> bool:
    """Whether the first epoch is recorded after so many of its batches: 1, 2, 4, 8 … before the last."""
    return done < batches and done & (done - 1) == 0


def weights_of(model: keras.Model) -> dict[str, np.ndarray]:
    """{"conv1/kernel": array, …} for every weight of every layer, names unique, in the model's order.

    Numbers of fewer than 32 bits come as float32, which holds them all.

    The path is Keras' own, without the first part where all weights share it (the model's name).
    """
    return {name: _readable(weight.numpy()) for name, weight in _named(model).items()}


def _readable(values: np.ndarray) -> np.ndarray:
    """NumPy has no bfloat16 and the like of its own: files of them could not be read back."""
    return values.astype(np.float32) if values.dtype.kind == "V" or values.dtype == np.float16 else values


def convolution_weights(model: keras.Model) -> dict[str, dict[str, Any]]:
    """The kernels of all two-dimensional convolutions, under the names of `weights_of`.

    {"conv1/kernel": {"kind": "Conv2D", "initializer": "GlorotUniform", "groups": 1}, …}
    """
    names = {id(weight): name for name, weight in _named(model).items()}
    found: dict[str, dict[str, Any]] = {}
    for layer in model._flatten_layers(include_self=False):  # no public way tells of all layers
        kind = next((base.__name__ for base in CONVOLUTIONS if isinstance(layer, base)), None)
        if kind is None:
            continue
        for weight in layer.weights:
            if id(weight) in names and len(weight.shape) == 4:
                part = {"kernel": "kernel", "depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"}
                of = "depthwise" if kind == "DepthwiseConv2D" else part.get(weight.name, "kernel")
                drawn = getattr(layer, f"{of}_initializer", None)
                about = {
                    "kind": kind,
                    "initializer": type(drawn).__name__,
                    "groups": getattr(layer, "groups", 1),
                }
                found[names[id(weight)]] = about
    return found


def _named(model: keras.Model) -> dict[str, keras.Variable]:
    paths = [weight.path for weight in model.weights]
    tops = {path.partition("/")[0] for path in paths}
    if len(tops) == 1 and all(path.count("/") > 1 for path in paths):
        paths = [path.partition("/")[2] for path in paths]
    named: dict[str, keras.Variable] = {}
    for path, weight in zip(paths, model.weights, strict=True):
        name, copies = path, 1
        while name in named:
            copies += 1
            name = f"{path}_{copies}"
        named[name] = weight
    return named
