"""Import Keras quietly, and make its backend repeatable."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from linesexp.environment import check_backend, switch_on_onednn


@contextlib.contextmanager
def quiet_import(debug: bool = False) -> Iterator[None]:
    """Switch oneDNN on, and keep TensorFlow's start-up log off the terminal: C++ writes it to descriptor 2.

    With `debug` everything is shown. Raises InputError for a backend that is not supported.
    """
    check_backend()
    switch_on_onednn()
    if debug or sys.stderr is None:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(sink)
        os.close(kept)


def quiet_running() -> None:
    """Keep advice of TensorFlow's Python part off the terminal, such as that functions are traced again.

    That of training many networks in one process is known.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def make_repeatable(seed: int) -> None:
    """Same seed, same machine, same bits: seed Keras and ask the backend for deterministic operations.

    Holds for the whole process from here on. JAX on a CPU needs no asking.
    """
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    elif keras.backend.backend() == "torch":
        import torch

        torch.use_deterministic_algorithms(True, warn_only=True)


def use_one_thread() -> None:
    """Let the backend compute on one thread: for processes that share a machine, one network's worth each.

    Also for the sake of the last bits, which may depend on how many threads share a sum. Raises RuntimeError in
    a process that has computed with more of them already.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        threading = tensorflow.config.threading
        for get, change in (
            (threading.get_intra_op_parallelism_threads, threading.set_intra_op_parallelism_threads),
            (threading.get_inter_op_parallelism_threads, threading.set_inter_op_parallelism_threads),
        ):
            if get() != 1:
                change(1)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)
