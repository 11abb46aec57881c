"""`linesexp inspect` on models of all kinds: nothing is overlooked, and bad input is named."""

import html
import json
import warnings

import keras
import numpy as np
import pytest
from scipy import stats

from linesexp.errors import ConfigError, InputError
from linesexp.inspecting.inspect import inspect_file, inspect_model
from linesexp.kernels.operators import get_operator

layers = keras.layers
PREWITT = get_operator("prewitt", 3).kernel


@keras.saving.register_keras_serializable("tests")
class Block(layers.Layer):
    """A block with two convolutions of its own."""

    def __init__(self, **how):
        super().__init__(**how)
        self.one = layers.Conv2D(4, 3, padding="same", name="conv")
        self.other = layers.Conv2D(4, 3, padding="same", name="conv")

    def build(self, shape):
        self.one.build(shape)
        self.other.build((*shape[:3], 4))

    def call(self, values):
        return values + self.other(self.one(values))


class Subclassed(keras.Model):
    def __init__(self, **how):
        super().__init__(**how)
        self.start = layers.Conv2D(4, 5, name="start")
        self.block = Block(name="block")
        self.end = layers.Dense(2)

    def call(self, pictures):
        return self.end(keras.ops.mean(self.block(self.start(pictures)), axis=(1, 2)))


class Unregistered(keras.Model):
    def __init__(self, **how):
        super().__init__(**how)
        self.conv = layers.Conv2D(2, 3)

    def build(self, shape):
        self.conv.build(shape)

    def call(self, pictures):
        return self.conv(pictures)


def functional():
    """Nested, shared, and every kind of convolution."""
    inputs = keras.Input((24, 24, 3))
    values = layers.Conv2D(8, 3, name="conv")(inputs)
    shared = layers.Conv2D(8, 3, padding="same", name="shared", kernel_initializer="he_normal")
    values = shared(shared(values))
    inner = keras.Sequential(
        [
            keras.Input((22, 22, 8)),
            layers.DepthwiseConv2D(3, depth_multiplier=2, name="depth"),
            layers.Conv2D(6, 3, name="conv", groups=2),
        ],
        name="inner",
    )
    values = layers.SeparableConv2D(5, 5, name="separable")(inner(values))
    values = layers.Conv2DTranspose(4, 3, name="transposed")(values)
    values = layers.Conv2D(4, 4, name="even")(values)
    values = layers.Conv2D(4, (1, 7), name="wide")(values)
    return keras.Model(inputs, layers.Conv2D(2, 1, name="point")(values))


def planted(layer, place, kernel=PREWITT):
    weights = layer.kernel.numpy()
    weights[(slice(None), slice(None), *place)] = kernel
    layer.kernel.assign(weights)


PLANTED = {  # where in a layer's weights an operator lies, and the index and channel where it is to be found
    "conv": ((2, 5), 5, 2),
    "shared": ((7, 0), 0, 7),
    "inner/depth": ((3, 1), 7, 3),
    "inner/conv": ((5, 4), 4, 13),  # the second of two groups of eight channels
    "transposed": ((1, 4), 1, 4),  # (kh, kw, filters, channels)
}


def layer_of(model, name):
    for part in name.split("/"):
        model = model.get_layer(part)
    return model


def vgg_like():
    """Slim, with the 3×3 layers of VGG19 by name."""
    parts = [keras.Input((32, 32, 3))]
    for block, (filters, count) in enumerate(((4, 2), (8, 2), (16, 4), (32, 4), (32, 4)), 1):
        for number in range(1, count + 1):
            parts.append(layers.Conv2D(filters, 3, padding="same", name=f"block{block}_conv{number}"))
        parts.append(layers.MaxPooling2D())
    return keras.Sequential([*parts, layers.Flatten(), layers.Dense(10)])


def save(model, path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of Keras about NumPy, as it saves
        model.save(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models, to read only."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    model = functional()
    for name, (place, _, _) in PLANTED.items():
        planted(layer_of(model, name), place)
    save(model, folder / "model.keras")
    save(vgg_like(), folder / "slim.keras")
    save(keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)]), folder / "dense.keras")
    save(keras.Sequential([keras.Input((9, 1)), layers.Conv1D(2, 3)]), folder / "one.keras")
    double = layers.Lambda(lambda values: 2 * values, output_shape=(8, 8, 1))
    save(keras.Sequential([keras.Input((8, 8, 1)), double, layers.Conv2D(1, 3)]), folder / "lambda.keras")
    broken = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(3, 3, name="first"), layers.Conv2D(2, 3)])
    planted(broken.get_layer("first"), (0, 1), np.nan)
    save(broken, folder / "nan.keras")
    own = Unregistered()
    own.build((None, 8, 8, 1))
    own(np.zeros((1, 8, 8, 1), np.float32))
    save(own, folder / "own.keras")
    (folder / "old.h5").write_bytes(b"\x89HDF")
    (folder / "words.keras").write_text("no model")
    (folder / "folder").mkdir()
    (folder / "run").mkdir()
    (folder / "run/model.keras").write_text("")
    (folder / "picture.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


def inspected(model, folder, *names):
    return inspect_model(model, "model", folder, names, figures=False)[0]


@pytest.fixture(scope="module")
def whole(files, tmp_path_factory):
    """What is found in model.keras, and the files that were made."""
    return inspect_file(files / "model.keras", tmp_path_factory.mktemp("whole"), figures=False)


def test_every_kind_of_convolution_is_found_once(whole):
    found, made = whole
    expected = {
        "conv": ("Conv2D", (3, 3), 3, 8),
        "shared": ("Conv2D", (3, 3), 8, 8),
        "inner/depth": ("DepthwiseConv2D", (3, 3), 1, 16),
        "inner/conv": ("Conv2D", (3, 3), 8, 6),
        "separable/depthwise": ("SeparableConv2D", (5, 5), 1, 6),
        "separable/pointwise": ("SeparableConv2D", (1, 1), 6, 5),
        "transposed": ("Conv2DTranspose", (3, 3), 5, 4),
        "even": ("Conv2D", (4, 4), 4, 4),
        "wide": ("Conv2D", (1, 7), 4, 4),
        "point": ("Conv2D", (1, 1), 4, 2),
    }
    assert {
        layer.name: (layer.kind, layer.size, layer.channels, layer.filters) for layer in found.layers
    } == expected
    assert made == ["inspection.json"]
    assert len(found.kernels) == sum(filters for *_, filters in expected.values())
    of_shared = next(layer for layer in found.layers if layer.name == "shared")
    assert of_shared.match.initialiser == "he_normal"
    fields = {field.layer: field for field in found.fields}
    assert fields["inner/conv"].theoretical == (11, 11)  # the shared layer's second call counts on the way
    assert fields["shared"].theoretical == (5, 5)


@pytest.mark.parametrize("layer", PLANTED)
def test_an_operator_is_found_where_it_was_planted(layer, whole):
    _, index, channel = PLANTED[layer]
    kernels = [each for each in whole[0].kernels if each.layer == layer]
    record = kernels.pop(index)
    assert (record.index, record.channel, record.match.operator) == (index, channel, "prewitt")
    assert record.match.cosine == pytest.approx(1, abs=1e-5)
    assert max(abs(each.match.cosine) for each in kernels) < 0.999


def test_a_layer_that_two_models_within_the_model_share_is_one_layer(tmp_path):
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    both = [keras.Sequential([keras.Input((9, 9, 3)), shared], name=name) for name in ("left", "right")]
    inputs = keras.Input((9, 9, 3))
    model = keras.Model(inputs, layers.Add()([part(inputs) for part in both]))
    found = inspected(model, tmp_path)
    assert [layer.name for layer in found.layers] == ["left/shared"]
    assert len(found.kernels) == 3


def test_subclassed_models_and_blocks_with_names_that_come_twice(tmp_path):
    model = Subclassed()
    model(np.zeros((1, 16, 16, 1), np.float32))
    planted(model.block.other, (3, 2))
    found = inspected(model, tmp_path)
    assert [layer.name for layer in found.layers] == ["start", "block/conv", "block/conv_2"]
    (record,) = [each for each in found.kernels if (each.layer, each.index) == ("block/conv_2", 2)]
    assert (record.channel, record.match.operator) == (3, "prewitt")
    assert any("Receptive fields" in note for note in found.notes) or found.fields


def test_a_model_without_weights_yet_is_told_so(tmp_path):
    with pytest.raises(InputError, match="start has no weights yet"):
        inspected(Subclassed(), tmp_path)


def test_a_file_has_the_same_as_the_model_and_a_layer_alone_what_it_has_among_all(files, whole, tmp_path):
    model = keras.models.load_model(files / "model.keras", compile=False)
    alone = inspected(model, tmp_path, "inner")
    assert [layer.name for layer in alone.layers] == ["inner/depth", "inner/conv"]
    for one, other in zip(alone.kernels, whole[0].kernels[16:38], strict=True):
        assert (one.layer, one.index, one.match.operator) == (other.layer, other.index, other.match.operator)
        assert one.match.cosine == pytest.approx(other.match.cosine, abs=1e-6)
    initializer = keras.initializers.GlorotUniform(seed=1)
    assert np.ptp(initializer((3, 3)).numpy()) > 0  # drawing is back after loading


@pytest.mark.slow
def test_a_slim_vgg_from_the_command_line(linesexp, files, tmp_path):
    ended = linesexp("inspect", "slim.keras", "--out", tmp_path, "--json", cwd=files)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert [layer["name"] for layer in found["layers"]][-1] == "block5_conv4"
    assert len(found["layers"]) == 16
    assert len(found["kernels"]) == sum(layer["filters"] for layer in found["layers"])
    record = found["kernels"][0]
    for name in ("layer", "index", "detects", "polarity", "match", "shares", "tuning", "change", "health"):
        assert name in record
    assert record["colour"]["luminance"]["operator"]
    fields = {field["layer"]: field for field in found["fields"]}
    assert fields["block5_conv4"]["theoretical"] == [252, 252]  # known of VGG19
    assert fields["block1_conv2"]["effective"] <= 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "inspection.json", "page.html"]
    assert len(list((tmp_path / "figures").iterdir())) == 18
    saved = json.loads((tmp_path / "inspection.json").read_text())
    assert saved["kernels"] == found["kernels"]
    page = (tmp_path / "page.html").read_text()
    assert 'id="laboratory-data"' in page
    assert len(page) < 2_000_000
    assert page.count("<img") == page.count('alt="') == 18
    assert "default-src 'none'" in html.unescape(page)


@pytest.mark.slow
def test_one_layer_and_what_is_said_of_it(linesexp, files, tmp_path):
    ended = linesexp(
        "inspect", "model.keras", "--layer", "even", "--layer", "inner", "--out", tmp_path, cwd=files
    )
    assert ended.returncode == 0, ended.stderr
    saved = json.loads((tmp_path / "inspection.json").read_text())
    assert [layer["name"] for layer in saved["layers"]] == ["inner/depth", "inner/conv", "even"]
    assert all(record["match"] for record in saved["kernels"] if record["layer"] == "even")
    assert ended.stderr.strip().splitlines()[-1] == f"next: open {tmp_path}/page.html"
    assert ended.stdout.startswith("3 layers of two-dimensional convolution")


@pytest.mark.slow
def test_weights_that_are_not_finite_are_named(linesexp, files, tmp_path):
    ended = linesexp("inspect", "nan.keras", "--out", tmp_path, cwd=files)
    assert ended.returncode == 0, ended.stderr
    assert "note: first: 1 of 3 filters have weights that are not finite" in ended.stderr
    assert "not finite are in first" in ended.stdout
    saved = json.loads((tmp_path / "inspection.json").read_text())
    assert [record["finite"] for record in saved["kernels"]] == [True, False, True, True, True]
    assert saved["kernels"][1]["match"] is None


@pytest.mark.slow
def test_a_page_about_an_untrained_model_promises_nothing(linesexp, files, tmp_path):
    ended = linesexp("inspect", "slim.keras", "--out", tmp_path, cwd=files)
    saved = json.loads((tmp_path / "inspection.json").read_text())
    q = [record["match"]["q_initialiser"] for record in saved["kernels"]]
    p = [record["match"]["p_initialiser"] for record in saved["kernels"]]
    np.testing.assert_allclose(q, stats.false_discovery_control(p))
    assert min(q) > 0.05
    assert f"No filter of {len(q)} stands out from chance" in ended.stdout
    assert "which the interval allows: no more than luck gives" in ended.stdout
    assert "is more than luck" not in (tmp_path / "page.html").read_text()


BAD = {
    "no model": (3, ["words.keras"], ["words.keras", "not a .keras file"]),
    "missing": (3, ["none.keras"], ["none.keras", "No such file"]),
    "no convolution": (3, ["dense.keras"], ["dense.keras", "no two-dimensional convolution", "Conv2D"]),
    "one dimension only": (3, ["one.keras"], ["one.keras", "no two-dimensional convolution"]),
    "a Lambda layer": (3, ["lambda.keras"], ["lambda.keras", "Lambda", "would run", "--run-its-code"]),
    "an .h5 file": (3, ["old.h5"], ["old.h5", "load_model('old.h5'", ".save('old.keras')"]),
    "a class of one's own": (3, ["own.keras"], ["own.keras", "Unregistered", "inspect_model"]),
    "a folder": (3, ["folder"], ["folder", "linesexp report folder"]),
    "a run": (3, ["run"], ["linesexp report run", "linesexp inspect run/model.keras"]),
    "a picture": (
        3,
        ["picture.jpg"],
        ["picture.jpg", "not a .keras file", "expected a model that Keras saved"],
    ),
    "an unknown layer": (
        2,
        ["slim.keras", "--layer", "block1_conv3"],
        ["block1_conv3", "block3_conv3", "16 in all"],
    ),
    "no argument": (2, [], ["MODEL"]),
}


@pytest.mark.slow
@pytest.mark.parametrize(("code", "arguments", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_named_in_a_line_or_two(code, arguments, words, linesexp, files, tmp_path):
    ended = linesexp("inspect", *arguments, "--out", tmp_path / "out", "-q", cwd=files)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert "bug" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) <= 2
    for word in words:
        assert word in ended.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_lambda_layer_runs_when_asked_to(linesexp, files, tmp_path):
    ended = linesexp("inspect", "lambda.keras", "--run-its-code", "--out", tmp_path, "--no-figures", cwd=files)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["inspection.json"]


def test_an_unknown_layer_in_python_names_those_that_are_near(tmp_path):
    with pytest.raises(ConfigError, match="transpozed: no such convolution layer; there are transposed"):
        inspected(functional(), tmp_path, "transpozed")
