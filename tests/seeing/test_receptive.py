"""Receptive fields against what is known otherwise: kernels themselves, SciPy's convolution, sums by hand."""

import keras
import numpy as np
import pytest
from scipy.signal import convolve2d

from linesexp.seeing.convolutions import convolutions_of
from linesexp.seeing.receptive import extent, receptive_fields

layers = keras.layers


def fields_of(model, **how):
    return receptive_fields(model, convolutions_of(model), **how)


def theoretical(*parts, side=64):
    fields, notes = fields_of(keras.Sequential([keras.Input((side, side, 1)), *parts]))
    assert not [note for note in notes if "did not look" in note]
    return [field.theoretical for field in fields.values()]


def test_the_field_of_a_single_convolution_is_its_mean_squared_kernel():
    keras.utils.set_random_seed(0)
    conv = layers.Conv2D(6, (3, 5), name="conv")
    fields, notes = fields_of(keras.Sequential([keras.Input((9, 13, 2)), conv]))
    assert notes == []
    expected = np.square(conv.kernel.numpy()).sum(axis=2)  # (3, 5, filters)
    found = np.zeros((9, 13))
    # One picture's random signs mix the filters; over 16 pictures and 2 channels what remains is small.
    energy = fields["conv"].energy
    rows, columns = np.nonzero(energy)
    assert (np.ptp(rows), np.ptp(columns)) == (2, 4)
    found = energy[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    expected = expected.mean(axis=2)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.04)
    assert fields["conv"].theoretical == (3, 5)


def test_one_filter_has_its_very_kernel_squared():
    conv = layers.Conv2D(1, 3, name="conv")
    fields, _ = fields_of(keras.Sequential([keras.Input((9, 9, 1)), conv]))
    kernel = np.square(conv.kernel.numpy()[:, :, 0, 0])
    np.testing.assert_allclose(fields["conv"].energy[3:6, 3:6], kernel / kernel.sum(), rtol=1e-5)
    assert fields["conv"].energy[3:6, 3:6].sum() == pytest.approx(1)


def test_two_linear_convolutions_are_scipys_convolution_of_both():
    parts = [layers.Conv2D(1, 3, name="a"), layers.Conv2D(1, 5, name="b")]
    fields, _ = fields_of(keras.Sequential([keras.Input((15, 15, 1)), *parts]))
    first, second = (part.kernel.numpy()[:, :, 0, 0] for part in parts)
    both = np.square(convolve2d(first, second))
    energy = fields["b"].energy
    rows, columns = np.nonzero(energy)
    found = energy[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    np.testing.assert_allclose(found, both / both.sum(), atol=1e-6)
    assert fields["b"].theoretical == (7, 7)
    assert fields["b"].effective <= 7


def test_sizes_grow_by_strides_pools_and_dilations_as_by_hand():
    conv = lambda k, **how: layers.Conv2D(1, k, padding="same", **how)  # noqa: E731
    assert theoretical(conv(3), conv(3), conv(3)) == [(3, 3), (5, 5), (7, 7)]
    # r = 3; pool: 3 + 1·1 = 4, two apart; 4 + 2·2 = 8; stride 2 keeps it, four apart; 8 + 4·4 = 24
    assert theoretical(conv(3), layers.MaxPooling2D(2), conv(3, strides=2), conv(5)) == [
        (3, 3),
        (8, 8),
        (24, 24),
    ]
    assert theoretical(conv(3, dilation_rate=4), conv((1, 7))) == [(9, 9), (9, 15)]
    assert theoretical(layers.AveragePooling2D(3, 2), layers.DepthwiseConv2D(3)) == [(7, 7)]
    # a transposed kernel of 4 at stride 2 sees two inputs a unit, and units are half as far apart
    parts = (conv(2, strides=2), layers.Conv2DTranspose(1, 4, strides=2, padding="same"), conv(3))
    assert theoretical(*parts) == [(2, 2), (4, 4), (6, 6)]


def test_the_gradient_fills_the_size_that_was_added_up():
    parts = [layers.Conv2D(4, 3, strides=2), layers.Conv2D(4, 3, activation="tanh"), layers.AveragePooling2D(2)]
    model = keras.Sequential([keras.Input((41, 41, 1)), *parts, layers.Conv2D(4, 3, name="last")])
    field = fields_of(model)[0]["last"]
    rows, columns = np.nonzero(field.energy)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == field.theoretical == (17, 17)


def test_branches_count_by_the_larger_and_blocks_by_themselves():
    inputs = keras.Input((32, 32, 3))
    wide = layers.Conv2D(4, 7, padding="same", name="wide")(inputs)
    narrow = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same", name="narrow")(inputs))
    joined = layers.Activation("relu")(layers.Add()([wide, narrow]))
    inner = keras.Sequential([keras.Input((32, 32, 4)), layers.Conv2D(2, 3, name="conv")], name="inner")
    weight = layers.Reshape((1, 1, 2))(layers.GlobalAveragePooling2D()(inner(joined)))
    squeezed = layers.Conv2D(2, 1, name="squeezed")(weight)
    fields, _ = fields_of(keras.Model(inputs, squeezed))
    assert fields["inner/conv"].theoretical == (9, 9)
    assert fields["squeezed"].whole
    assert fields["squeezed"].theoretical is None


def support(model, name):
    """(height, width) of the pixels that a central unit's gradient reaches: what a field can be checked by."""
    import tensorflow

    layer = model.get_layer(name)
    part = keras.Model(model.inputs, layer.output)
    rng, total = np.random.default_rng(0), 0
    for _ in range(3):
        picture = tensorflow.constant(rng.standard_normal((1, *model.input_shape[1:])).astype("float32"))
        with tensorflow.GradientTape() as tape:
            tape.watch(picture)
            maps = part(picture, training=False)
            middle = maps[0, maps.shape[1] // 2, maps.shape[2] // 2]
            answer = tensorflow.reduce_sum(middle * rng.standard_normal(maps.shape[-1]).astype("float32"))
        total = total + np.abs(tape.gradient(answer, picture).numpy()[0]).sum(axis=-1)
    return tuple(int(np.ptp(places)) + 1 for places in np.nonzero(total))


def cropped():
    inputs = keras.Input((32, 32, 1))
    corners = [layers.Cropping2D(((0, 4), (0, 4)))(inputs), layers.Cropping2D(((4, 0), (4, 0)))(inputs)]
    return keras.Model(inputs, layers.Conv2D(3, 3, name="last")(layers.Add()(corners)))


def strided_padding():
    inputs = keras.Input((33, 40, 1))
    one = layers.Conv2D(2, 3, strides=2, padding="same")(layers.ZeroPadding2D(((3, 0), (0, 1)))(inputs))
    other = layers.MaxPooling2D(2, padding="same")(layers.ZeroPadding2D(((0, 3), (1, 0)))(inputs))
    joined = layers.Concatenate()([one, other])
    return keras.Model(inputs, layers.Conv2D(2, 2, padding="same", dilation_rate=2, name="last")(joined))


def up_and_down(up):
    inputs = keras.Input((32, 32, 1))
    values = layers.Conv2D(2, 3, padding="same", activation="tanh")(inputs)
    small = layers.Conv2D(2, 3, padding="same")(layers.AveragePooling2D(2)(values))
    joined = layers.Concatenate()([up(small), values])
    return keras.Model(inputs, layers.Conv2D(2, 2, padding="same", name="last")(joined))


def generated():
    inputs = keras.Input((12, 12, 1))
    code = layers.Dense(16)(layers.Flatten()(layers.Conv2D(2, 3)(inputs)))
    maps = layers.Conv2DTranspose(2, 3, strides=2)(layers.Reshape((4, 4, 1))(code))
    return keras.Model(inputs, layers.Conv2D(2, 3, name="last")(maps))


def squeezed_on_a_part():
    inputs = keras.Input((20, 20, 1))
    part = layers.Cropping2D(((2, 3), (5, 5)))(inputs)
    weights = layers.GlobalAveragePooling2D(keepdims=True)(part)
    return keras.Model(inputs, layers.Conv2D(2, 3, name="last")(layers.Multiply()([part, weights])))


def soft_along(axis):
    inputs = keras.Input((16, 16, 1))
    values = layers.Softmax(axis=axis)(layers.Conv2D(2, 3)(inputs))
    return keras.Model(inputs, layers.Conv2D(2, 3, name="last")(values))


def in_sequence(*parts):
    return keras.Sequential([keras.Input((32, 32, 1)), *parts, layers.Conv2D(2, 3, name="last")])


FOLLOWED = {
    "two crops that are added": (cropped, (7, 7)),
    "paddings and strides beside a pool": (strided_padding, None),
    "up by repeating": (lambda: up_and_down(layers.UpSampling2D(2)), None),
    "up by a transposed kernel": (
        lambda: up_and_down(layers.Conv2DTranspose(2, 3, strides=2, padding="same")),
        None,
    ),
    "squeezed on a part": (squeezed_on_a_part, (15, 10)),
    "softmax along rows": (lambda: soft_along(1), (16, 5)),
    "softmax over filters": (lambda: soft_along(-1), (5, 5)),
    "augmentation": (lambda: in_sequence(layers.RandomFlip(), layers.RandomRotation(0.1)), (3, 3)),
    "norm over filters": (lambda: in_sequence(layers.Conv2D(3, 3), layers.LayerNormalization()), (5, 5)),
}


@pytest.mark.parametrize(("build", "size"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_field_is_where_the_gradient_of_a_central_unit_reaches(build, size):
    keras.utils.set_random_seed(0)
    model = build()
    fields, notes = fields_of(model)
    assert fields["last"].theoretical == support(model, "last")
    assert size in (None, fields["last"].theoretical)
    assert notes == []


@pytest.mark.parametrize("build", [lambda: soft_along((1, 2)), generated], ids=["softmax", "dense"])
def test_what_looks_at_all_places_at_once_sees_the_whole_picture(build):
    model = build()
    field = fields_of(model)[0]["last"]
    assert field.whole
    assert field.theoretical is None
    assert support(model, "last") == model.input_shape[1:3]


class Wider(layers.Conv2D):
    """Named like a convolution of 3×3, and sees more."""

    def call(self, values):
        return super().call(layers.AveragePooling2D(3, 1, padding="same")(values))


def blurred(values):
    return keras.ops.average_pool(values, 3, 1, "same")


NOT_FOLLOWED = {
    "channels first": (
        [layers.Permute((3, 1, 2)), layers.Conv2D(2, 3, data_format="channels_first", name="last")],
        "Permute",
    ),
    "maps laid in a row and out again": (
        [layers.Conv2D(1, 3), layers.Flatten(), layers.Reshape((9, 100, 1)), layers.Conv2D(2, 3, name="last")],
        "reshape",
    ),
    "a kind of one's own": ([Wider(2, 3), layers.Conv2D(2, 3, name="last")], "wider"),
    "an activation of one's own": (
        [layers.Conv2D(2, 3, activation=blurred), layers.Conv2D(2, 3, name="last")],
        "activation",
    ),
    "soft upsampling": (
        [layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2D(2, 3, name="last")],
        "bilinear",
    ),
}


@pytest.mark.parametrize(("parts", "word"), NOT_FOLLOWED.values(), ids=NOT_FOLLOWED)
def test_what_is_not_followed_has_no_size_and_a_reason(parts, word):
    fields, notes = fields_of(keras.Sequential([keras.Input((32, 32, 1)), *parts]))
    assert fields["last"].theoretical is None
    assert not fields["last"].whole
    assert any(word in note for note in notes)


def test_what_lies_elsewhere_in_channels_first_is_not_measured():
    conv = layers.Conv2D(4, 3, data_format="channels_first", name="conv")
    permuted = keras.Sequential([keras.Input((32, 32, 3)), layers.Permute((3, 1, 2)), conv])
    field = fields_of(permuted)[0]["conv"]
    assert (field.theoretical, field.effective) == (None, None)
    conv = layers.Conv2D(4, 3, data_format="channels_first", name="conv")
    fields, notes = fields_of(keras.Sequential([keras.Input((3, 32, 32)), conv]))
    assert fields == {}
    assert "channels last" in notes[0]


class Calculating(keras.Model):
    def __init__(self):
        super().__init__()
        self.one, self.other = layers.Conv2D(2, 3, padding="same"), layers.Conv2D(2, 3, padding="same")

    def call(self, pictures):
        return self.other(pictures + 2 * self.one(pictures))


def test_a_calculation_between_layers_ends_the_trail_and_not_the_measure():
    model = Calculating()
    model(np.zeros((1, 16, 16, 2), np.float32))
    fields, notes = fields_of(model)
    if fields:  # a model that remembers its input's shape
        first, second = fields.values()
        assert first.theoretical == (3, 3)
        assert second.theoretical is None
        assert 3 <= second.effective <= 5
    else:
        assert "does not take one batch" in notes[0]


@pytest.mark.slow
def test_a_model_of_any_size_gets_pictures_that_hold_its_fields():
    model = keras.Sequential(
        [keras.Input((None, None, 1)), layers.Conv2D(2, 31), layers.Conv2D(2, 51, name="b")]
    )
    field = fields_of(model)[0]["b"]
    assert field.theoretical == (81, 81)
    assert field.picture == (96, 96)


def test_what_cannot_be_found_out_is_said_and_never_raised():
    first, second = keras.Input((8, 8, 1)), keras.Input((8, 8, 1))
    model = keras.Model([first, second], layers.Conv2D(2, 3)(layers.Add()([first, second])))
    assert "does not take one batch" in fields_of(model)[1][0]
    dead = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3, kernel_initializer="zeros", name="conv")]
    )
    fields, notes = fields_of(dead)
    assert fields["conv"].effective is None
    assert "no noise picture" in notes[0]


def test_costly_models_are_measured_at_evenly_taken_layers(monkeypatch):
    parts = [layers.Conv2D(2, 3, padding="same", name=f"c{index}") for index in range(9)]
    model = keras.Sequential([keras.Input((16, 16, 1)), *parts])
    monkeypatch.setattr("linesexp.seeing.receptive.MOST_LAYERS", 3)
    fields, notes = fields_of(model)
    assert [name for name, field in fields.items() if field.effective] == ["c0", "c4", "c8"]
    assert fields["c3"].theoretical == (9, 9)
    assert "3 of 9 layers" in notes[0]
    monkeypatch.setattr("linesexp.seeing.receptive.MOST_PRODUCTS", 16 * 2 * 16 * 16 * 18)
    assert [name for name, field in fields_of(model)[0].items() if field.effective] == ["c0"]


def test_the_same_seed_gives_the_same_field_and_another_seed_another():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((16, 16, 1)), *(layers.Conv2D(4, 3, activation="relu") for _ in "ab")]
    )
    first, again, other = ([field.energy for field in fields_of(model, seed=s)[0].values()] for s in (0, 0, 1))
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert not np.array_equal(first[1], other[1])


def test_the_extent_is_that_of_the_smallest_square():
    energy = np.zeros((20, 30))
    energy[2:7, 10:14] = 1
    assert extent(energy / energy.sum()) == 5
    assert extent(energy / energy.sum(), share=0.45) == 3
    energy[:] = 1
    assert extent(energy / energy.sum(), share=1.0) == 30
    brute = np.random.default_rng(0).random((9, 7)) ** 6
    sides = [
        side
        for side in range(1, 10)
        for row in range(max(1, 10 - side))
        for column in range(max(1, 8 - side))
        if brute[row : row + side, column : column + side].sum() >= 0.95 * brute.sum()
    ]
    assert extent(brute) == min(sides)
