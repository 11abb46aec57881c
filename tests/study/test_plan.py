"""Conditions, settings and blocks of a study."""

import msgspec
import numpy as np
import pytest

from linesexp.config import ExperimentConfig, differences
from linesexp.errors import ConfigError, InputError
from linesexp.images.dataset import make_dataset
from linesexp.study.conditions import ALL, CONDITIONS, chosen_conditions, own_conditions
from linesexp.study.plan import StudySettings, grown, parse_settings, planned, settings_json, spans
from linesexp.study.wanted import Asked, chosen_seeds, wanted_study
from linesexp.study.work import block_of, block_text

BASE = ExperimentConfig()
CHANGES = {
    "default": [],
    "weight-decay": ["network.weight_decay: 0 → 0.01"],
    "thin-lines": ["images.thickness_px: 1,3 → 1,1"],
    "thick-bars": ["images.thickness_px: 1,3 → 1,8"],
    "mixed-contrast": ["images.contrast: 'bright' → 'mixed'"],
    "noise": ["images.noise: 0 → 0.2"],
    "small-kernels": ["network.kernel_sizes: 7,5,3 → 3,5,3"],
    "average-pooling": ["network.pooling: 'max' → 'average'"],
    "shuffled-labels": ["training.shuffle_labels: False → True"],
    "frozen-random": ["network.first_layer: 'trained' → 'random'"],
    "frozen-prewitt": ["network.first_layer: 'trained' → 'prewitt'"],
}


def study(seeds=range(20), data_seeds=(0,), block_size=8, names=("default", "noise"), base=BASE, own=None):
    return StudySettings.of(base, chosen_conditions(names, base, own or {}), seeds, data_seeds, block_size)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_changes_what_it_says_and_its_pictures_can_be_drawn(name):
    config = chosen_conditions([name], BASE, {})[name]
    assert differences(BASE, config) == CHANGES[name]
    dataset = make_dataset(config.images)
    assert len(np.unique(dataset.pixels.reshape(len(dataset.pixels), -1), axis=0)) == 1200


def test_small_kernels_keep_the_other_layers_of_the_base():
    base = msgspec.structs.replace(BASE, network=type(BASE.network)(filters=(4, 4), kernel_sizes=(9, 3)))
    assert chosen_conditions(["small-kernels"], base, {})["small-kernels"].network.kernel_sizes == (3, 3)


def test_all_are_all_built_in_and_those_of_the_file(tmp_path):
    (tmp_path / "own.toml").write_text(
        "[mine.network]\nweight_decay = 0.5\n[mine.images]\nnoise = 0.1\n[same]\n"
    )
    own = own_conditions(tmp_path / "own.toml")
    found = chosen_conditions([ALL], BASE, own)
    assert list(found) == [*CONDITIONS, "mine", "same"]
    assert found["mine"].network.weight_decay == 0.5
    assert found["mine"].images.noise == 0.1
    assert found["same"] == BASE
    assert list(chosen_conditions(["mine", "default", "mine"], BASE, own)) == ["mine", "default"]


def test_an_unknown_condition_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="unknown condition mien; did you mean mine"):
        chosen_conditions(["mien"], BASE, {"mine": {}})


def test_blocks_hold_every_member_once_and_their_keys_are_fixed():
    settings = study(seeds=range(3, 23), data_seeds=(0, 5), block_size=8)
    blocks = list(planned(settings))
    assert len(blocks) == settings.blocks == 12
    assert [block.key for block in blocks[:4]] == [
        *("default/d0/s3-10", "default/d0/s11-18", "default/d0/s19-22", "default/d5/s3-10"),
    ]
    members = [
        (block.condition, block.config.images.data_seed, seed) for block in blocks for seed in block.seeds
    ]
    assert len(members) == len(set(members)) == settings.members == 80
    assert len({block.file for block in blocks}) == len(blocks)
    for block in blocks:
        assert len(block.seeds) <= 8
        assert block.config.training.seed == block.seeds[0]
        assert block.config.images.noise == (0.2 if block.condition == "noise" else 0)
        assert block_of(block_text(block)) == block
    assert [block.key for block in planned(settings)] == [block.key for block in blocks]


def test_seeds_in_settings_mean_nothing_and_everything_else_makes_another_digest():
    other = msgspec.structs.replace(BASE, training=type(BASE.training)(seed=5))
    assert study(base=other) == study()
    studies = [
        study(),
        study(range(21)),
        study(data_seeds=(1,)),
        study(block_size=4),
        study(names=("default",)),
    ]
    assert len({settings.digest for settings in studies}) == len(studies)


def test_settings_come_back_from_their_file_and_damaged_ones_are_named():
    settings = study()
    data = settings_json(settings)
    assert parse_settings(data, "here") == settings
    for damaged in (
        *(b"{", b"[]", data.replace(b'"block_size": 8', b'"block_size": 0')),
        data.replace(b'"noise": {', b'"../noise": {'),
        data.replace(b'"epochs": 20', b'"epochs": "x"'),
        data.replace(b'"kernel_sizes": [\n        7', b'"kernel_sizes": [\n        6'),
    ):
        with pytest.raises(InputError, match=r"here: damaged \("):
            parse_settings(damaged, "here")


def test_a_study_that_grows_keeps_its_blocks():
    before = study(range(10, 20), names=("default",))
    after = grown(before, study(range(35), data_seeds=(0, 1)), "here")
    assert after.seeds == ((10, 10), (0, 10), (20, 15))
    assert (after.data_seeds, list(after.conditions)) == ((0, 1), ["default", "noise"])
    assert {block.key for block in planned(before)} <= {block.key for block in planned(after)}
    assert after.members == 35 * 2 * 2
    assert grown(after, after, "here") == after


def test_another_study_is_refused_with_all_that_differs():
    own = {"mine": {"network": {"dropout": 0.1}}}
    before = study(names=("default", "noise", "mine"), own=own)
    base = msgspec.structs.replace(BASE, training=type(BASE.training)(epochs=3))
    own = {"mine": {"network": {"dropout": 0.2}}}
    wanted = study(range(4), (2,), 4, ("default", "mine"), base, own)
    with pytest.raises(InputError) as found:
        grown(before, wanted, "here")
    assert str(found.value).startswith(
        "here: the study was begun with other settings (training.epochs: 20 → 3; "
    )
    for words in (
        "condition noise: left out",
        "condition mine: network.dropout: 0.1 → 0.2",
        "seeds: 0-19 → 0-3",
        "data seeds: 0 → 2",
        "block size: 8 → 4",
    ):
        assert words in str(found.value)
    assert str(found.value).count("epochs") == 1  # once, and not for every condition


def test_runs_of_seeds():
    assert spans([]) == ()
    assert spans([4]) == ((4, 1),)
    assert spans([0, 1, 2, 7, 8]) == ((0, 3), (7, 2))


def test_seeds_are_how_many_or_which():
    assert chosen_seeds("5", 3) == range(3, 8)
    assert chosen_seeds("20-39", 0) == range(20, 40)
    assert chosen_seeds("7-7", 0) == range(7, 8)


def test_what_is_left_open_is_as_in_the_study_so_far():
    before = study(range(5, 9), data_seeds=(3, 4), block_size=2, names=("default", "noise"))
    assert wanted_study(Asked(), lambda base: base, before) == before
    more = wanted_study(
        Asked(seeds="6", data_seeds=3, conditions="default,noise,thin-lines"), lambda b: b, before
    )
    assert (more.seeds, more.data_seeds, more.block_size) == (((5, 6),), (3, 4, 5), 2)
    fresh = wanted_study(Asked(), lambda base: base or BASE, None)
    assert (fresh.seeds, fresh.data_seeds, fresh.block_size) == (((0, 8),), (0,), 8)
    assert list(fresh.conditions) == ["default", "weight-decay", "shuffled-labels"]


def test_a_condition_of_a_file_that_is_not_named_again_stays_what_it_was():
    own = {"mine": {"network": {"dropout": 0.1}}}
    before = study(names=("default", "mine"), own=own)
    assert wanted_study(Asked(seeds="30"), lambda base: base, before).conditions == before.conditions


@pytest.mark.parametrize(
    "seeds",
    [
        b"[[0, 100000000000000]]",
        b"[[0, 999999], [2000000, 9]]",
        b"[[0, 5], [3, 1]]",
        b"\xff",
        b"[" * 100_000,
        b"[[4294967290, 9]]",
        b"[[4294967296, 1]]",
    ],
    ids=["many", "many in all", "twice", "no text", "deep", "too large in the end", "too large"],
)
def test_seeds_that_nobody_can_count_out_are_damage(seeds):
    data = settings_json(study())
    begins = data.index(b'"seeds": ') + len(b'"seeds": ')
    ends = data.index(b'"data_seeds"')
    with pytest.raises(InputError, match=r"here: damaged \("):
        parse_settings(data[:begins] + seeds + b", " + data[ends:], "here")
