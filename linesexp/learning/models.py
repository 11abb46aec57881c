"""Other people's Keras models: load one from a file, and a copy of it that has learned nothing."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from linesexp.errors import InputError
from linesexp.learning.untrusted import classes_in, no_more_weights_than_stored


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
    if not path.exists():
        raise InputError(f"{path}: cannot be read (No such file or directory)")
    if path.suffix.lower() in (".h5", ".hdf5"):
        raise InputError(
            f"{path}: Keras' old .h5 format; if you trust it, save it anew in Python: "
            f"keras.models.load_model({str(path)!r}, compile=False).save({str(path.with_suffix('.keras'))!r})"
        )
    if "Lambda" in classes_in(path) and not run_its_code:
        raise InputError(
            f"{path}: holds a Lambda layer, which is Python code of whoever made the file and would run here; "
            "if you trust them, --run-its-code lets it"
        )
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
