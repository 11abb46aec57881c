"""Studies whose every kernel is known: results of blocks as a worker would hand them back."""

import msgspec
import numpy as np

from linesexp.config import build_config
from linesexp.images.dataset import make_dataset
from linesexp.kernels.operators import get_operator
from linesexp.runs import RunFolder
from linesexp.seeds import rng_for
from linesexp.study.blocks import LOG, BlockResult, result_bytes
from linesexp.study.conditions import chosen_conditions
from linesexp.study.folder import STAGE, begin
from linesexp.study.networks import network_measures
from linesexp.study.plan import StudySettings, planned
from linesexp.study.reading import Study

IMAGES = {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30}
NETWORK = {"filters": (8, 4), "kernel_sizes": (5, 3)}
BASE = build_config({"images": IMAGES, "network": NETWORK, "training": {"epochs": 3}})
TURNS = (("vertical", 1), ("horizontal", 1), ("vertical", -1), ("horizontal", -1))


def settings_of(
    names=("default", "weight-decay", "shuffled-labels"), seeds=8, data_seeds=(0,), first=20, **how
):
    """Settings of a small study, its seeds among those that a worker does not look through: that takes long."""
    conditions = chosen_conditions(names, BASE, {})
    return StudySettings.of(BASE, conditions, range(first, first + seeds), data_seeds, **how)


def drawn(config, rng, members):
    """Untrained weights (members, *shape), Glorot-uniform."""
    weights, entering = {}, 1
    for layer, (filters, size) in enumerate(
        zip(config.network.filters, config.network.kernel_sizes, strict=True), 1
    ):
        limit = np.sqrt(6 / (size**2 * (entering + filters)))
        weights[f"conv{layer}/kernel"] = rng.uniform(-limit, limit, (members, size, size, entering, filters))
        weights[f"conv{layer}/bias"] = np.zeros((members, filters))
        entering = filters
    flat = entering * config.network.map_sizes(config.images.size)[-1][1] ** 2
    weights["dense/kernel"] = rng.uniform(-0.2, 0.2, (members, flat, 2))
    weights["dense/bias"] = np.zeros((members, 2))
    return {name: values.astype(np.float32) for name, values in weights.items()}


def operators(name, shape, noise, rng):
    """(members, k, k, 1, filters) kernels like an operator, in turn of both directions and polarities."""
    _, size, _, _, filters = shape
    kernels = np.empty(shape)
    for index in range(filters):
        detects, sign = TURNS[index % 4]
        operator = get_operator(name, size, detects).kernel
        kernels[..., index] = sign * (operator / np.linalg.norm(operator))[None, :, :, None]
    return (kernels + noise / size * rng.normal(size=shape)).astype(np.float32)


def result_of(block, learn="prewitt", noise=0.3, right=1.0, measured=True):
    """What a block came to.

    learn: an operator that the first layer of every member comes to resemble from epoch 1 on, `nothing` for
    one that stays as it was drawn, `chance` for one that is drawn anew; right: share of test pictures named
    rightly.
    """
    rng = rng_for(block.seeds[0], block.condition, block.config.images.data_seed)
    members = len(block.seeds)
    untrained = drawn(block.config, rng, members)
    trained = drawn(block.config, rng, members)
    first = untrained["conv1/kernel"]
    if learn == "nothing":
        trained["conv1/kernel"] = first
    elif learn != "chance":
        trained["conv1/kernel"] = operators(learn, first.shape, noise, rng)
    # (members, k, k, channels, filters) → (members, filters, k, k)
    start, end = (step["conv1/kernel"].mean(axis=3).transpose(0, 3, 1, 2) for step in (untrained, trained))
    epochs = block.config.training.epochs
    steps = np.array([0.0, 0.25, 0.5, *range(1, epochs + 1)])
    kernels = np.stack([start if step < 1 else end for step in steps], axis=1)
    dataset = make_dataset(block.config.images)
    labels = dataset.part("test")[1]
    named = np.where(np.arange(len(labels)) < round(right * len(labels)), labels, 1 - labels)
    probabilities = np.stack([named == 0, named == 1], axis=1).astype(np.float32)
    log = {name: np.tile(np.linspace(0.5, 1, epochs + 1), (members, 1)) for name in LOG}
    return BlockResult(
        steps=steps,
        kernels=kernels.astype(np.float32),
        untrained=untrained,
        trained=trained,
        log=log,
        test_probabilities=np.repeat(probabilities[None], members, axis=0),
        seconds=1.0,
        measures=network_measures(block, untrained, trained, dataset) if measured else {},
    )


def usual(block, **how):
    """As a study is expected to come out: controls learn nothing, frozen ones stay as they are."""
    if block.config.training.shuffle_labels:
        return result_of(block, "chance", right=0.5, **how)
    if block.config.network.first_layer == "random":
        return result_of(block, "nothing", right=0.9, **how)
    return result_of(block, **how)


def plant(path, settings=None, make=usual):
    """A study's folder with such results."""
    settings = settings or settings_of()
    folder = RunFolder(path)
    with folder.writing():
        begin(folder, settings, print)
        files = {block.file: result_bytes(make(block)) for block in planned(settings)}
        folder.commit(files, STAGE)
    return Study(folder)


def renamed(settings, names):
    """The same settings with other names of conditions, whatever they are."""
    conditions = {names.get(name, name): config for name, config in settings.conditions.items()}
    return msgspec.structs.replace(settings, conditions=conditions)
