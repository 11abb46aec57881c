"""The network in the page gives what Keras gives."""

import re

import keras
import numpy as np
import pytest

from linesexp.config import ExperimentConfig, ImagesConfig, NetworkConfig, TrainingConfig
from linesexp.learning.network import build_network
from linesexp.learning.recorder import weights_of
from linesexp.report.laboratory import about_laboratory, laboratory_data
from linesexp.report.page import page_of
from linesexp.run import open_run
from linesexp.views.embedding import packed

pytestmark = pytest.mark.xdist_group("browser")

PROBABILITIES = """async (data) => {
  const experiment = await laboratory.openExperiment(data);
  return experiment.steps.map((step) => experiment.labels.map((_, index) =>
    experiment.outputs(experiment.testPicture(index), step, experiment.noEdits).at(-1).probabilities));
}"""
LAYERS = """async ({data, step}) => {
  const experiment = await laboratory.openExperiment(data);
  return experiment.outputs(experiment.testPicture(0), step, experiment.noEdits).map((layer) => ({
    name: layer.name, values: Array.from(layer.values ?? layer.probabilities),
    sums: layer.sums ? Array.from(layer.sums) : null,
  }));
}"""


def data_of(network, moments, pixels, classes=2):
    """What a page would carry for weights at some moments, {name: array} each, and uint8 pictures."""
    return {
        "network": {
            "filters": network.filters,
            "kernelSizes": network.kernel_sizes,
            "activation": network.activation,
            "pooling": network.pooling,
            "poolSize": network.pool_size,
            "padding": network.padding,
        },
        "classes": [str(index) for index in range(classes)],
        "steps": list(range(len(moments))),
        "weights": {name: packed(np.stack([each[name] for each in moments])) for name in moments[0]},
        "test": {"pixels": packed(pixels), "labels": [0] * len(pixels), "all": len(pixels)},
    }


@pytest.mark.slow
def test_the_default_network_agrees_with_keras_on_1000_pictures_at_three_moments(lab):
    rng = np.random.default_rng(0)
    pixels = np.zeros((1000, 50, 50, 1), dtype=np.uint8)
    pixels[800:] = rng.random((200, 50, 50, 1)) ** 3 * 255  # noise at every place
    for index, place in enumerate(rng.integers(0, 48, 900)):
        pixels[index][(slice(place, place + 2), slice(None))[:: 1 if index % 2 else -1]] = 255 - index % 99
    labels = np.arange(1000) % 2
    config = ExperimentConfig()
    model = build_network(config)
    moments, answers = [], []
    pictures = (pixels / np.float32(255)).astype(np.float32)
    for epochs in (0, 1, 2):
        model.fit(pictures, labels, epochs=epochs, verbose=0)
        moments.append({name: values.copy() for name, values in weights_of(model).items()})
        answers.append(model.predict(pictures, verbose=0))
    assert np.ptp(answers[-1][:, 0]) > 0.5  # it has learned to tell some apart
    found = lab.evaluate(PROBABILITIES, data_of(config.network, moments, pixels))
    assert np.abs(np.array(found) - answers).max() <= 1e-5


PLAIN, OTHER = ("valid", "max", 2, 1, 2), ("same", "average", 3, 3, 4)
KINDS = [
    *(("relu", *PLAIN), ("leaky_relu", *OTHER), ("elu", *PLAIN)),
    *(("tanh", *OTHER), ("sigmoid", *PLAIN), ("linear", *OTHER)),
]


@pytest.mark.parametrize(("activation", "padding", "pooling", "pool_size", "channels", "classes"), KINDS)
def test_every_layer_of_every_kind_agrees(lab, activation, padding, pooling, pool_size, channels, classes):
    network = NetworkConfig(
        filters=(3, 5),
        kernel_sizes=(5, 3),
        activation=activation,
        padding=padding,
        pooling=pooling,
        pool_size=pool_size,
    )
    config = ExperimentConfig(
        images=ImagesConfig(size=23, length_px=(6, 20), margin_px=0),
        network=network,
        training=TrainingConfig(seed=3),
    )
    model = build_network(config, channels, classes)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=weight.shape) * 0.5 for weight in model.get_weights()])
    pixels = rng.integers(0, 256, (1, 23, 23, channels), dtype=np.uint8)
    data = data_of(network, [weights_of(model)], pixels, classes)
    found = {layer["name"]: layer for layer in lab.evaluate(LAYERS, {"data": data, "step": 0})}
    values = keras.ops.convert_to_tensor((pixels / np.float32(255)).astype(np.float32))
    for layer in model.layers:
        values = layer(values, training=False)
        if layer.name in found:
            expected = keras.ops.convert_to_numpy(values).ravel()
            np.testing.assert_allclose(found[layer.name]["values"], expected, atol=2e-5)
    assert found.keys() == {"conv1", "pool1", "conv2", "pool2", "flatten", "dense"}


def test_the_page_carries_the_runs_own_weights_and_pictures(lab, tiny_run):
    run = open_run(tiny_run)
    data = laboratory_data(run)
    images, labels = run.dataset.part("test")
    assert sorted(data["test"]["labels"]) == sorted(labels.tolist())
    found = lab.evaluate(
        """() => laboratory.experiment.labels.map((label, index) => {
          const {values} = laboratory.experiment.testPicture(index);
          return [label, values.reduce((sum, value) => sum + value, 0)];
        })"""
    )
    expected = sorted(zip(labels.tolist(), images.sum(axis=(1, 2, 3)).tolist(), strict=True))
    np.testing.assert_allclose(sorted(map(tuple, found)), expected, rtol=1e-5)
    assert lab.evaluate("laboratory.experiment.steps") == run.history.steps.tolist()


def test_too_large_a_network_is_left_out_and_many_steps_are_thinned_out(tiny_run, monkeypatch):
    run = open_run(tiny_run)
    each = sum(values[0].nbytes for values in run.history.weights.values())
    monkeypatch.setattr("linesexp.report.laboratory.MOST_WEIGHT_BYTES", 2 * each)
    data = laboratory_data(run)
    assert data["steps"] == [run.history.steps[0], run.history.steps[-1]]
    assert data["recorded"] == len(run.history.steps)
    monkeypatch.setattr("linesexp.report.laboratory.MOST_WEIGHT_BYTES", 2 * each - 1)
    assert laboratory_data(run) is None


def test_a_page_without_its_network_says_why(tiny_run, monkeypatch):
    run = open_run(tiny_run)
    each = sum(values[0].nbytes for values in run.history.weights.values())
    monkeypatch.setattr("linesexp.report.laboratory.MOST_WEIGHT_BYTES", 2 * each - 1)
    page = page_of(run)
    (said,) = re.findall(r"<p>(The network does not run in this page.*?)</p>", page)
    assert f"its weights take {each / 1e6:.2g} MB a recorded step" in said
    assert f"must fit into {(2 * each - 1) / 1e6:.2g} MB" in said
    assert 'id="laboratory-data"' not in page
    assert 'class="laboratory"' not in page


def test_a_page_with_some_of_the_steps_says_how_many(tiny_run, monkeypatch):
    run = open_run(tiny_run)
    each = sum(values[0].nbytes for values in run.history.weights.values())
    monkeypatch.setattr("linesexp.report.laboratory.MOST_WEIGHT_BYTES", 3 * each)
    words = about_laboratory(run, laboratory_data(run))
    assert f"3 of {len(run.history.steps)} recorded steps fit into the page" in words[-1]
    monkeypatch.undo()
    assert len(about_laboratory(run, laboratory_data(run))) == 1
