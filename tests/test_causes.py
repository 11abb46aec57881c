"""An error in one line, and whether trying again could help: TensorFlow's own errors among them."""

import numpy as np
import pytest

from linesexp.causes import cause_of, is_deterministic
from linesexp.errors import ConfigError, InputError, NoMemory, StorageError

KERAS = pytest.mark.xdist_group("keras")


def raised(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.fixture(scope="module")
def tensorflow_errors():
    """name → an error that TensorFlow raises, the line that says why, and whether it would be raised again."""
    from linesexp.learning.backend import quiet_import

    with quiet_import():
        import keras
        import tensorflow as tf

    kernel = tf.ones((3, 3, 2, 4))
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    outside = (
        "InvalidArgumentError: Received a label value of 7 which is outside the valid range of [0, 2).",
        "InvalidArgumentError: segment_ids[1] = 9 is out of range [0, 4)",  # where operations are deterministic
    )
    depth = "InvalidArgumentError: input depth must be evenly divisible by filter depth: 7 vs 2"
    index = "InvalidArgumentError: indices[0] = 7 is not in [0, 3)"
    memory = "ResourceExhaustedError: OOM when allocating tensor with shape[1000000,1000000,10] and type float"

    def huge():
        return tf.reduce_sum(tf.random.normal((10**6, 10**6, 10)))

    def gather(where):
        return tf.gather([1, 2, 3], where)

    return {
        "eager": (raised(lambda: tf.nn.conv2d(tf.zeros((1, 9, 9, 7)), kernel, 1, "VALID")), depth, True),
        "graph": (raised(lambda: tf.function(gather)(tf.constant([7]))), index, True),
        "fit": (raised(lambda: model.train_on_batch(np.zeros((2, 5)), np.array([0, 7]))), outside, True),
        "memory": (raised(huge), memory, False),
        "memory in a graph": (raised(tf.function(huge)), memory, False),
        "kept out of the message": (raised(lambda: gather([[[7]]])), "InvalidArgumentError: indices[0", True),
    }


@KERAS
def test_tensorflows_errors_are_one_line_with_the_cause(tensorflow_errors):
    assert "Graph execution error" in str(tensorflow_errors["fit"][0])
    for name, (error, cause, _) in tensorflow_errors.items():
        said = cause_of(error)
        assert said.startswith(cause), name
        assert not any(noise in said for noise in ("\n", "{{", "Op:", "node", "Hint")), name


@KERAS
def test_of_tensorflows_errors_only_want_of_memory_may_pass(tensorflow_errors):
    assert {name: is_deterministic(error) for name, (error, *_) in tensorflow_errors.items()} == {
        name: again for name, (*_, again) in tensorflow_errors.items()
    }


INVALID = type(
    "InvalidArgumentError",
    (type("OpError", (Exception,), {"__module__": "tensorflow.python.framework.errors_impl"}),),
    {},
)
GROUPED = """Graph execution error:

Detected at node gradient_tape/l_1/Conv2DBackpropFilter defined at (most recent call last):
  File "a.py", line 22, in <module>

  File "keras/src/backend/tensorflow/trainer.py", line 81, in train_step

Gradients for grouped convolutions are not supported on CPU.
\t [[{{node gradient_tape/l_1/Conv2DBackpropFilter}}]] [Op:__inference_one_step_on_data_1021]"""
XLA = """Graph execution error:

Detected at node convolution defined at (most recent call last):
<stack traces unavailable>
Depth of input must be a multiple of depth of filter: 7 vs 8

Stack trace for op definition:
File "a.py", line 23, in <module>

\t [[{{node convolution}}]]
\ttf2xla conversion failed while converting __forward__conv_xla_1147[]. Run with TF_DUMP_GRAPH_PREFIX=/path
\t [[sequential_1/conv2d_1/StatefulPartitionedCall]] [Op:__inference_one_step_on_data_1358]"""


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (GROUPED, "Gradients for grouped convolutions are not supported on CPU."),
        (XLA, "Depth of input must be a multiple of depth of filter: 7 vs 8"),
    ],
    ids=["no gradient without oneDNN", "XLA"],
)
def test_what_surrounds_a_cause_is_left_out(message, cause):
    assert cause_of(INVALID(message)) == f"InvalidArgumentError: {cause}"
    assert is_deterministic(INVALID(message))


@KERAS
def test_what_keras_says_before_and_after_a_cause_is_left_out():
    import keras

    error = raised(lambda: keras.layers.Dense(2)(keras.layers.Flatten()(np.zeros(()))))
    assert cause_of(error).startswith(f"{type(error).__name__}: ")
    layer = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)])
    error = raised(lambda: layer(np.zeros((1, 4, 4, 3))))
    assert "Exception encountered when calling" in str(error)
    assert "expected axis -1" in cause_of(error)
    assert "\x1b" not in cause_of(error)


def test_of_other_errors_the_first_line_is_said_and_not_too_much_of_it():
    assert cause_of(ValueError("\n no\nmore")) == "ValueError: no"
    assert cause_of(ValueError("[[1, 2]] is no {{kernel}}")) == "ValueError: [[1, 2]] is no {{kernel}}"
    assert cause_of(KeyError()) == "KeyError"
    assert len(cause_of(RuntimeError("x" * 1000))) < 400


@pytest.mark.parametrize(
    ("error", "again"),
    [
        *((kind("x"), True) for kind in (ValueError, TypeError, IndexError, KeyError, AttributeError)),
        *((kind("x"), True) for kind in (ZeroDivisionError, NotImplementedError, ConfigError, InputError)),
        *((kind("x"), False) for kind in (MemoryError, OSError, TimeoutError, RuntimeError, ImportError)),
        *((kind("x"), False) for kind in (NoMemory, StorageError)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_whether_an_error_would_come_again_is_told_by_its_kind(error, again):
    assert is_deterministic(error) is again
