import numpy as np
import pytest

from linesexp.config import build_config, settings_of
from linesexp.learning.network import build_network


def small(**network):
    settings = {"filters": (3, 2), "kernel_sizes": (5, 3), **network}
    return build_config({"images": {"size": 20, "length_px": (6, 20)}, "network": settings})


def first_kernel(config):
    return build_network(config).get_layer("conv1").get_weights()[0]


def test_default_network_has_400_weights_in_its_first_layer_and_6226_in_all():
    model = build_network(build_config())
    assert model.get_layer("conv1").count_params() == 400
    assert model.count_params() == 6226
    assert model.output_shape == (None, 2)


def test_same_seed_gives_the_same_weights_and_another_seed_others():
    config = small()
    other = build_config(settings_of(config), {"training": {"seed": 1}})
    assert np.array_equal(first_kernel(config), first_kernel(config))
    assert not np.array_equal(first_kernel(config), first_kernel(other))


def test_a_layer_starts_the_same_whatever_surrounds_it():
    assert np.array_equal(first_kernel(small()), first_kernel(small(filters=(3, 7), dropout=0.5)))


@pytest.mark.parametrize(
    ("setting", "layer", "attribute", "value"),
    [
        ({"activation": "tanh"}, "conv1", "activation.__name__", "tanh"),
        ({"pooling": "average"}, "pool1", "__class__.__name__", "AveragePooling2D"),
        ({"pool_size": 3}, "pool1", "pool_size", (3, 3)),
        ({"padding": "same"}, "conv2", "padding", "same"),
        ({"dropout": 0.4}, "dropout", "rate", 0.4),
        ({"initializer": "he_normal"}, "conv1", "kernel_initializer.__class__.__name__", "HeNormal"),
    ],
)
def test_every_setting_reaches_its_layer(setting, layer, attribute, value):
    found = build_network(small(**setting)).get_layer(layer)
    for part in attribute.split("."):
        found = getattr(found, part)
    assert found == value


def test_weight_decay_is_an_l2_penalty_on_the_first_layer_alone():
    model = build_network(small(weight_decay=0.01))
    assert float(model.get_layer("conv1").kernel_regularizer.l2) == pytest.approx(0.01)
    assert model.get_layer("conv2").kernel_regularizer is None


@pytest.mark.parametrize(("name", "kind"), [("adam", "Adam"), ("sgd", "SGD"), ("rmsprop", "RMSprop")])
def test_optimizer_and_learning_rate_are_the_ones_asked_for(name, kind):
    config = build_config({"training": {"optimizer": name, "learning_rate": 0.02}})
    optimizer = build_network(config).optimizer
    assert type(optimizer).__name__ == kind
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
