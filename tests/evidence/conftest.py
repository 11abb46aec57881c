"""Runs whose every weight is known: planted into a run folder as training would have recorded them."""

from collections.abc import Callable

import numpy as np
import pytest
from msgspec import structs

from linesexp.config import build_config, config_json
from linesexp.images.dataset import make_dataset
from linesexp.kernels.operators import get_operator
from linesexp.picture_settings import FolderPictures, ImagesConfig
from linesexp.run import LOG, Run, dataset_bytes
from linesexp.runs import RunFolder
from linesexp.runs.formats import csv_bytes
from linesexp.runs.steps import StepWriter

IMAGES = {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30}
NETWORK = {"filters": (8, 4), "kernel_sizes": (5, 3)}


@pytest.fixture(scope="session")
def settings() -> Callable:
    """settings(filters=…, kernel_sizes=…): of a small experiment, changed in any section."""

    def build(**changes):
        small = build_config({"images": IMAGES, "network": NETWORK})
        sections = {"images": small.images, "network": small.network, "training": small.training}
        layers = [
            {section: {name: value}}
            for name, value in changes.items()
            for section, fields in sections.items()
            if name in fields.__struct_fields__
        ]
        return build_config({"images": IMAGES, "network": NETWORK}, *layers)

    return build


@pytest.fixture(scope="session")
def draw() -> Callable:
    """draw(config, rng, channels=1): weights of an untrained network, Glorot-uniform, biases 0."""

    def weights(config, rng, channels=1):
        drawn, entering = {}, channels
        network = config.network
        for layer, (filters, size) in enumerate(
            zip(network.filters, network.kernel_sizes, strict=True), start=1
        ):
            limit = np.sqrt(6 / (size**2 * (entering + filters)))
            drawn[f"conv{layer}/kernel"] = rng.uniform(-limit, limit, (size, size, entering, filters))
            drawn[f"conv{layer}/bias"] = np.zeros(filters)
            entering = filters
        flat = entering * network.map_sizes(config.images.size)[-1][1] ** 2
        classes = len(config.images.angles_deg)
        limit = np.sqrt(6 / (flat + classes))
        drawn["dense/kernel"] = rng.uniform(-limit, limit, (flat, classes))
        drawn["dense/bias"] = np.zeros(classes)
        return {name: values.astype(np.float32) for name, values in drawn.items()}

    return weights


@pytest.fixture(scope="session")
def plant(tmp_path_factory) -> Callable:
    """plant(config, steps): a run of these recorded weights; steps: {epoch: weights}.

    inside: the run that it is a control of, which `name` says.
    """

    def make(config, steps, *, dataset=None, name="run", inside=None):
        parent = tmp_path_factory.mktemp("planted") if inside is None else inside.folder.path / "controls"
        folder = RunFolder(parent / name)
        dataset = dataset or make_dataset(config.images)
        if dataset.pixels.shape[-1] == 3:  # no lines are drawn in colour: as somebody's own pictures
            own = FolderPictures(classes=dataset.class_names, channels=3, pictures=len(dataset.labels))
            config = structs.replace(config, images=ImagesConfig(size=config.images.size, folders=own))
        with folder.writing():
            folder.commit(
                {"config.json": config_json(config), "dataset.npz": dataset_bytes(dataset)}, "generate"
            )
            writer = StepWriter(folder)
            for step, weights in steps.items():
                writer.save(float(step), weights)
            log = [dict.fromkeys(LOG, 0.5) | {"step": step} for step in steps]
            # A control counts once it has a model; nothing measured here reads it.
            folder.commit({"history.csv": csv_bytes(log), "model.keras": b"none"}, "train")
        return Run(folder)

    return make


@pytest.fixture(scope="session")
def operators() -> Callable:
    """operators("prewitt", weights): the same weights with these operators for a first layer.

    In turn vertical and horizontal, of both polarities.
    """

    def replace(name, weights):
        size, _, channels, filters = weights["conv1/kernel"].shape
        turns = [("vertical", 1), ("horizontal", 1), ("vertical", -1), ("horizontal", -1)]
        layer = np.stack(
            [
                sign * get_operator(name, size, detects).kernel
                for detects, sign in (turns[index % 4] for index in range(filters))
            ],
            axis=-1,
        )
        layer = np.repeat(layer[:, :, None, :], channels, axis=2) / np.linalg.norm(layer[..., 0])
        return weights | {"conv1/kernel": layer.astype(np.float32)}

    return replace
