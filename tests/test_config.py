"""Settings: what is refused and how, what survives a round trip, what the derived numbers mean."""

import json
import re
import subprocess
import sys

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linesexp.config import (
    SECTIONS,
    ExperimentConfig,
    ImagesConfig,
    NetworkConfig,
    TrainingConfig,
    build_config,
    choices,
    config_json,
    differences,
    load_config,
    settings_of,
)
from linesexp.errors import ConfigError, InputError
from linesexp.seeds import int_seed_for, rng_for

HEAVY = ("numpy", "scipy", "matplotlib", "keras", "tensorflow")


def test_defaults_are_the_experiment_of_the_design():
    config = ExperimentConfig()
    assert (config.images.size, config.images.pictures_per_class) == (50, 600)
    assert config.images.class_names == ("horizontal", "vertical")
    assert config.network.filters == (8, 16, 16)
    assert config.network.map_sizes(50) == [(44, 22), (18, 9), (7, 3)]
    assert (config.training.epochs, config.training.batch_size) == (20, 32)


@pytest.mark.parametrize("module", ["linesexp", "linesexp.config"])
def test_importing_loads_nothing_heavy(module):
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not set(HEAVY) & set(loaded.split())


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_settings_cannot_be_changed_in_place(section):
    name = section.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(section(), name, getattr(section(), name))


# What is refused, and what the error says.

REFUSED = [
    ("images", "size", 7, "7: .*8"),
    ("images", "size", 50.5, "50.5: expected whole number"),
    ("images", "size", "50", "'50': expected whole number, got text"),
    ("images", "size", True, "True: expected whole number"),
    ("images", "pictures_per_class", 2, "2: .*3"),
    ("images", "angles_deg", (0.0,), "0: .*2"),
    ("images", "angles_deg", (0.0, 180.0), "0,180: .*180"),
    ("images", "angle_jitter_deg", 46.0, "46: .*45"),
    ("images", "thickness_px", (0, 3), "0,3: .*1"),
    ("images", "thickness_px", (3, 1), "3,1: the smaller number comes first"),
    ("images", "thickness_px", (1, 2, 3), "1,2,3: .*2"),
    ("images", "length_px", (10, 80), "10,80: at most 50"),
    ("images", "margin_px", -1, "-1: .*0"),
    ("images", "margin_px", 24, "24: at most 23"),
    ("images", "contrast", "loud", "'loud': expected one of bright, dark, mixed"),
    ("images", "noise", 1.5, "1.5: .*1"),
    ("images", "noise", float("nan"), "nan"),
    ("images", "blur_px", -1.0, "-1: .*0"),
    ("images", "validation_share", 0.0, "0: .*0"),
    ("images", "test_share", 1.0, "1: .*1"),
    ("images", "data_seed", -1, "-1: .*0"),
    ("images", "folders", 3, "3: expected"),
    ("network", "filters", (8, 0, 16), "8,0,16: .*1"),
    ("network", "filters", (8, 16), "8,16 and kernel_sizes = 7,5,3: one number for each"),
    ("network", "kernel_sizes", (7, 4, 3), "7,4,3: 4 is even; .*3 or 5"),
    ("network", "activation", "swish", "'swish': expected one of .*relu"),
    ("network", "pooling", "min", "'min': expected one of .*average"),
    ("network", "pool_size", 0, "0: .*1"),
    ("network", "padding", "full", "'full': expected one of .*same"),
    ("network", "dropout", 1.0, "1: .*1"),
    ("network", "weight_decay", -0.1, "-0.1: .*0"),
    ("network", "initializer", "zeros", "'zeros': expected one of .*glorot_uniform"),
    ("network", "first_layer", "frozen", "'frozen': expected one of trained, random, prewitt, given"),
    ("training", "epochs", 0, "0: .*1"),
    ("training", "batch_size", 0, "0: .*1"),
    ("training", "optimizer", "lion", "'lion': expected one of .*adam"),
    ("training", "learning_rate", 0.0, "0: .*0"),
    ("training", "seed", -1, "-1: .*0"),
    ("training", "shuffle_labels", 1, "1: expected true or false, got whole number"),
]


@pytest.mark.parametrize(("section", "name", "value", "text"), REFUSED)
def test_a_refused_value_is_named_with_what_would_do(section, name, value, text):
    for attempt in (
        lambda: SECTIONS[section](**{name: value}),
        lambda: build_config({section: {name: value}}),
    ):
        with pytest.raises(ConfigError, match=f"^{name} = {text}"):
            attempt()


def test_every_setting_has_a_value_that_is_refused():
    named = {(section, name) for section, name, _, _ in REFUSED}
    assert named == {(s, name) for s, kind in SECTIONS.items() for name in kind.__struct_fields__}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"thickness_px": (1, 10)}, "thickness_px = 1,10: .*at most 9 with length_px = 10,50"),
        ({"angles_deg": (30.0, 30.0)}, "angles_deg = 30,30: two classes are 0° apart"),
        ({"angles_deg": (0.0, 175.0), "angle_jitter_deg": 3.0}, "two classes are 5° apart"),
        ({"validation_share": 0.5, "test_share": 0.45}, r"validation_share \+ test_share = 0.95"),
    ],
)
def test_pictures_settings_that_do_not_go_together_are_refused(values, text):
    with pytest.raises(ConfigError, match=text):
        build_config({"images": values})


def test_classes_have_names_that_differ():
    names = ImagesConfig(angles_deg=(0.0, 12.34567, 12.345671, 90.0)).class_names
    assert len(set(names)) == 4


def test_a_kernel_larger_than_its_map_is_refused_wherever_it_stands():
    with pytest.raises(ConfigError, match="7×7 kernels of layer 2 are larger than the 5×5 map"):
        build_config({"images": {"size": 16, "length_px": [4, 9]}, "network": {"kernel_sizes": [7, 7, 3]}})
    with pytest.raises(ConfigError, match="pool_size = 3: larger than the 1×1 map of layer 3"):
        build_config({"network": {"pool_size": 3}})


# From files and several layers of settings.


def test_the_last_layer_of_settings_wins():
    config = build_config({"training": {"epochs": 3, "seed": 1}}, {"training": {"epochs": 5}})
    assert (config.training.epochs, config.training.seed, config.training.batch_size) == (5, 1, 32)


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("[images]\nthicknes_px = [1, 2]", r"unknown setting images\.thicknes_px; did you mean thickness_px\?"),
        ("[image]\nsize = 40", r"unknown section \[image\]; did you mean images\?"),
        ("[images]\nepochs = 4", r"epochs belongs under \[training\], not \[images\]"),
        ("epochs = 4", r"epochs belongs under \[training\]"),
        ("images = 4", "images must be a table of settings, got 4"),
    ],
)
def test_a_misplaced_name_in_a_file_is_told_where_it_belongs(tmp_path, toml, text):
    path = tmp_path / "mine.toml"
    path.write_text(toml)
    with pytest.raises(ConfigError, match=f"{re.escape(str(path))}: {text}"):
        load_config(path)


def test_an_error_names_the_source_of_the_settings():
    with pytest.raises(ConfigError, match=r"^mine\.toml: epochs = 0"):
        build_config({"training": {"epochs": 0}}, source="mine.toml")


@pytest.mark.parametrize("content", [b"size = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_an_input_error(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.toml: not a TOML file"):
        load_config(path)


def test_a_file_that_is_missing_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: cannot be read \(No such file"):
        load_config(tmp_path / "none.toml")


def test_a_file_changes_only_what_it_names(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[images]\nthickness_px = [2, 4]\nnoise = 0.1\n[training]\nseed = 7\n")
    changed = differences(ExperimentConfig(), build_config(load_config(path)))
    assert changed == [
        "images.thickness_px: 1,3 → 2,4",
        "images.noise: 0 → 0.1",
        "training.seed: 0 → 7",
    ]


def test_differences_look_only_into_the_named_sections():
    old, new = ExperimentConfig(), build_config({"images": {"noise": 0.1}, "training": {"seed": 7}})
    assert differences(old, new, "training") == ["training.seed: 0 → 7"]
    assert differences(old, old) == []


def test_choices_are_the_words_of_a_setting():
    assert set(choices(NetworkConfig, "pooling")) == {"max", "average"}
    assert choices(TrainingConfig, "epochs") == ()


configs = st.builds(
    ExperimentConfig,
    images=st.builds(
        ImagesConfig,
        angles_deg=st.lists(st.floats(0, 179), min_size=2, max_size=5, unique_by=round).map(tuple),
        contrast=st.sampled_from(["bright", "dark", "mixed"]),
        noise=st.floats(0, 1),
        data_seed=st.integers(0, 2**64),
    ),
    network=st.builds(NetworkConfig, dropout=st.floats(0, 0.99), padding=st.sampled_from(["valid", "same"])),
    training=st.builds(TrainingConfig, learning_rate=st.floats(1e-9, 100), epochs=st.integers(1, 10**6)),
)


@settings(max_examples=30, deadline=None)
@given(config=configs)
def test_settings_survive_json_and_dictionaries(config):
    assert build_config(json.loads(config_json(config))) == config
    assert build_config(settings_of(config)) == config


def test_settings_from_before_a_setting_was_there_have_its_default():
    old = settings_of(ExperimentConfig())
    del old["network"]["first_layer"], old["training"]["shuffle_labels"]
    assert build_config(old) == ExperimentConfig()


def test_equal_settings_have_equal_json_and_hash():
    written = ExperimentConfig(images=ImagesConfig(noise=1, angles_deg=[0, 45]))
    read = build_config({"images": {"noise": 1.0, "angles_deg": [0.0, 45.0]}})
    assert written == read
    assert config_json(written) == config_json(read)
    assert hash(written) == hash(read)


# Derived sizes.


def rows_that_matter(network: NetworkConfig, size: int) -> int:
    """One more than the last input row that any output row looks at, found by walking back."""
    inputs = [size, *(pooled for _, pooled in network.map_sizes(size))]
    rows = set(range(inputs[-1]))
    for kernel, length in zip(reversed(network.kernel_sizes), reversed(inputs[:-1]), strict=True):
        convolved = {row * network.pool_size + offset for row in rows for offset in range(network.pool_size)}
        before = kernel // 2 if network.padding == "same" else 0
        rows = {row + offset - before for row in convolved for offset in range(kernel)} & set(range(length))
    return max(rows) + 1


@settings(max_examples=100, deadline=None)
@given(
    kernel_sizes=st.lists(st.sampled_from([1, 3, 5, 7]), min_size=1, max_size=3).filter(lambda k: k[0] > 1),
    pool_size=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same"]),
    size=st.integers(30, 60),
)
@example(kernel_sizes=[3, 1, 3], pool_size=2, padding="same", size=43)  # layer 3 pads its 10×10 map
def test_seen_size_counts_the_rows_that_reach_the_output(kernel_sizes, pool_size, padding, size):
    network = NetworkConfig(
        filters=(1,) * len(kernel_sizes),
        kernel_sizes=tuple(kernel_sizes),
        pool_size=pool_size,
        padding=padding,
    )
    try:
        network.map_sizes(size)
    except ConfigError:
        return
    assert network.seen_size(size) == rows_that_matter(network, size)


# Seeds.


def test_random_streams_depend_on_seed_and_names_alone():
    def draw(*names):
        return tuple(rng_for(*names).integers(2**32, size=4))

    assert draw(3, "lines", 0) == draw(3, "lines", 0)
    others = [(4, "lines", 0), (3, "lines", 1), (3, "order", 0), (3, "lines"), (3, "lines", 0, 0)]
    assert len({draw(3, "lines", 0), *(draw(*names) for names in others)}) == len(others) + 1


def test_integer_seeds_fit_into_31_bits_and_differ():
    seeds = {int_seed_for(0, "weights", number) for number in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_all_descriptions_for_the_command_line_are_there():
    for kind in SECTIONS.values():
        for field in msgspec.inspect.type_info(kind).fields:
            assert field.type.extra_json_schema["description"]


def test_the_first_layer_must_be_comparable_with_operators():
    with pytest.raises(ConfigError, match="at least 3×3"):
        NetworkConfig(filters=(8,), kernel_sizes=(1,))
