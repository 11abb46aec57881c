"""What a worker does with a block: draw its pictures, train its members, hand back the result's bytes.

Keras is imported when the first block comes, and by this process alone.
"""

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import msgspec

from linesexp.causes import cause_of, is_deterministic
from linesexp.config import ExperimentConfig, build_config
from linesexp.environment import differing, versions
from linesexp.first_layer import handmade_layer
from linesexp.images.dataset import Dataset, make_dataset
from linesexp.picture_settings import ImagesConfig
from linesexp.room import room_for_members
from linesexp.study.blocks import Block, result_bytes
from linesexp.study.networks import network_measures

OnEpoch = Callable[[int, int], None]  # epochs done, epochs in all
Work = Callable[[Block, OnEpoch], bytes]  # a block → the bytes of its result

_one_at_a_time = threading.Lock()


def train_members(block: Block, on_epoch: OnEpoch) -> bytes:
    """Train a block's members in this process, on one thread, and measure what they do with pictures.

    Returns the bytes of its BlockResult. Raises NoMemory, saying what needs less, where they do not fit.
    """
    with room_for_members(block.config, len(block.seeds)):
        return _trained(block, on_epoch)


def _trained(block: Block, on_epoch: OnEpoch) -> bytes:
    from linesexp.learning.backend import quiet_import, quiet_running, use_one_thread

    if "linesexp.learning.block" in sys.modules:
        from linesexp.learning.block import train_block
    else:
        with quiet_import():
            use_one_thread()
            quiet_running()
            from linesexp.learning.block import train_block
    dataset = _dataset(block.config.images)
    first_layer = handmade_layer(block.config, dataset.pixels.shape[-1])
    result = train_block(block, dataset, on_epoch, first_layer=first_layer)
    measures = network_measures(block, result.untrained, result.trained, dataset)
    return result_bytes(replace(result, measures=measures))


def block_text(block: Block) -> str:
    """A block as JSON, for its way to a worker."""
    return msgspec.json.encode([block.condition, block.config, block.seeds]).decode()


def block_of(text: str) -> Block:
    """The block in such a text."""
    condition, config, seeds = msgspec.json.decode(text, type=tuple[str, dict[str, Any], tuple[int, ...]])
    found: ExperimentConfig = build_config(config)
    return Block(condition, found, seeds)


def outcome(work: Work, text: str, wanted: dict[str, str]) -> dict[str, Any]:
    """What became of a block on a worker, as plain values: these come through where an exception may not.

    {"data": bytes, "convolution": …}, {"cause": …, "trace": …, "deterministic": …} of a block that raised, or
    {"versions": …} where this worker has others than are wanted, and did nothing.
    """
    if differing(ours := _versions_here(), wanted):
        return {"versions": ours}
    with _one_at_a_time:  # training seeds Keras for the whole process
        try:
            block = block_of(text)
            data = work(block, lambda done, total: None)
            return {"data": data, "convolution": convolution_of(block)}
        except Exception as error:  # whatever a block raises, its study must hear of it
            return failure(error)


def failure(error: Exception) -> dict[str, Any]:
    """What a study must hear of an error that is being handled: its cause in a line, and the traceback.

    deterministic: whether the block would fail like this again, wherever it is trained.
    """
    return {
        "cause": cause_of(error),
        "trace": traceback.format_exc(),
        "deterministic": is_deterministic(error),
    }


def convolution_of(block: Block) -> str:
    """How this process has convolved a block's members, see learning/members.py.

    Nothing where there was no choice: the first layer's picture is shared, and one member needs no groups.
    """
    if len(block.seeds) == 1 or len(block.config.network.filters) == 1:
        return ""
    members = sys.modules.get("linesexp.learning.members")
    return str(members.way_of_convolving()) if members else ""


@cache
def _versions_here() -> dict[str, str]:
    return versions()


@lru_cache(maxsize=2)  # blocks come condition by condition
def _dataset(images: ImagesConfig) -> Dataset:
    return make_dataset(images)
