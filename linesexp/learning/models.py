"""Other people's Keras models: load one from a file, and a copy of it that has learned nothing."""

import contextlib
import math
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from linesexp.errors import InputError
from linesexp.learning.untrusted import SLACK, check_file


def load_model(
    path: str | os.PathLike[str],
    *,
    run_its_code: bool = False,
    in_python: str = "linesexp.seeing.layers.layer_outputs(model, pictures)",
) -> keras.Model:
    """The model in a .keras file, not compiled. Code that a file brings along is refused unless asked for.

    in_python: the call that does the same for a model of a class that only its author's Python knows.
    Raises InputError, with what to do, for another file, a Lambda layer, or a class that Keras does not know.
    """
    path = Path(path)
    check_file(path, run_its_code)
    try:
        with no_more_weights_than_stored(path):
            model = keras.models.load_model(path, compile=False, safe_mode=not run_its_code)
    except InputError:
        raise
    except Exception as error:  # the file may hold anything, and Keras raises all kinds
        hint = ""
        if "Could not locate" in str(error):
            hint = f"; in Python, with that class, {in_python} works"
        raise InputError(f"{path}: Keras cannot load it: {_gist(error)}{hint}") from None
    if not isinstance(model, keras.Model):
        raise InputError(f"{path}: holds a {type(model).__name__}, not a model")
    return model


@contextlib.contextmanager
def undrawn_weights() -> Iterator[None]:
    """While this lasts, layers begin with zeros where they would draw weights: for loading only.

    A file's weights take their places anyway; drawing 140 million of them first takes longer than reading them,
    and a third of a gigabyte. Not for models that are trained, or that keep drawn numbers elsewhere.
    """
    original = keras.initializers.VarianceScaling.__call__

    def zeros(self: keras.Initializer, shape: Any, dtype: Any = None, **how: Any) -> Any:
        return keras.ops.zeros(shape, dtype=dtype)

    keras.initializers.VarianceScaling.__call__ = zeros
    try:
        yield
    finally:
        keras.initializers.VarianceScaling.__call__ = original


def untrained_copy(model: keras.Model, seed: int) -> keras.Model:
    """The same architecture with the weights that its initialisers draw for this seed.

    Seeds Keras for the whole process. Raises InputError for a subclassed model that cannot be made from its
    own settings.
    """
    keras.utils.set_random_seed(seed)
    try:
        copy = keras.models.clone_model(model)
        if not copy.built:
            copy.build(model.input_shape)
    except Exception as error:  # whatever a class of somebody's own raises
        raise InputError(f"the model cannot be made anew, untrained: {_gist(error)}") from None
    return copy


def _gist(error: Exception) -> str:
    """The first sentence or two of what Keras says, on one line."""
    words = " ".join(str(error).split()).partition("Make sure custom")[0].strip(" .")
    return words if len(words) <= 300 else words[:300].rpartition(" ")[0] + " …"


@contextlib.contextmanager
def no_more_weights_than_stored(path: Path) -> Iterator[None]:
    """While this lasts, a model that asks for far more weights than its file holds raises InputError.

    Its settings alone could ask for any number, and they would be made before any are read.
    """
    with zipfile.ZipFile(path) as archive:
        left = 2 * sum(member.file_size for member in archive.infolist()) + SLACK
    original = keras.layers.Layer.add_weight

    def add_weight(layer: keras.layers.Layer, shape: Any = None, *arguments: Any, **how: Any) -> Any:
        nonlocal left
        left -= 2 * math.prod(side or 0 for side in shape or ())  # bytes; the smallest usual kind has two each
        if left < 0:
            raise InputError(f"{path}: layer {layer.name!r} asks for more weights than the file holds")
        return original(layer, shape, *arguments, **how)

    keras.layers.Layer.add_weight = add_weight
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = original
