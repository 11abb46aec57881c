"""What a study's page says on repeating it: the same command line as words, and the same study from them."""

import shlex

import msgspec
import pytest

from linesexp.commands.options import chosen_config
from linesexp.commands.study import study as command
from linesexp.config import build_config
from linesexp.study.conditions import chosen_conditions
from linesexp.study.plan import StudySettings, grown, numbers, planned
from linesexp.study.repeating import commands_of, own_conditions_of
from linesexp.study.wanted import Asked, wanted_study

OWN = {
    "mine": {"network": {"dropout": 0.1, "activation": "tanh"}, "images": {"thickness_px": (1, 2)}},
    "same": {},
    "noisy": {"images": {"noise": 1e-5}, "training": {"shuffle_labels": True, "optimizer": "sgd"}},
}


def of(seeds=range(8), data_seeds=(0,), names=("default", "noise"), own=None, **training):
    base = build_config({"training": {"epochs": 3, **training}, "network": {"filters": (4, 4, 4)}})
    return StudySettings.of(base, chosen_conditions(names, base, own or {}), seeds, data_seeds)


def repeated(settings, folder):
    """The study that each printed command asks for, by the command's own options."""
    file = folder / "conditions.toml"
    file.write_text(own_conditions_of(settings))
    for line in commands_of(settings):
        words = shlex.split(line)
        assert words[:2] == ["linesexp", "study"]
        given = command.make_context("study", words[2:]).params
        assert (given["conditions_file"] is None) == (file.read_text() == "")
        names = ("seeds", "first_seed", "data_seeds", "conditions", "conditions_file", "block_size")
        asked = Asked(**{name: given[name] for name in names})
        yield wanted_study(asked, lambda base, given=given: chosen_config(given, None, base), None)


def members(settings):
    """Every member: condition, its full settings without the seed, data seed and seed."""
    return {
        (block.condition, block.config.images.data_seed, seed): msgspec.structs.replace(
            block.config, training=msgspec.structs.replace(block.config.training, seed=0)
        )
        for block in planned(settings)
        for seed in block.seeds
    }


@pytest.mark.parametrize(
    "settings",
    [
        of(),
        grown(of(), of(range(16)), "here"),
        grown(of(range(10, 20)), of(range(40)), "here"),
        of(data_seeds=(1, 0)),
        grown(of(data_seeds=(3,)), of(data_seeds=range(2, 6)), "here"),
        of(names=("default", "mine", "noisy", "same", "small-kernels"), own=OWN),
        of(shuffle_labels=True, learning_rate=1e-5, optimizer="sgd"),
    ],
    ids=["plain", "grown", "grown at both ends", "data seeds", "data seeds grown", "own", "base"],
)
def test_one_command_makes_the_same_study(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (again,) = repeated(settings, tmp_path)
    assert again.base == settings.base
    assert again.conditions == settings.conditions
    assert (numbers(again.seeds), set(again.data_seeds)) == (numbers(settings.seeds), set(settings.data_seeds))
    assert members(again) == members(settings)


def test_seeds_that_are_left_out_take_several_commands_with_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = of([0, 1, 2, 7, 8], data_seeds=(0, 4))
    together = {}
    for again in repeated(settings, tmp_path):
        together |= members(again)
    assert together == members(settings)
    folders = [line.split()[2] for line in commands_of(settings)]
    assert folders == ["repeated-1", "repeated-2", "repeated-3", "repeated-4"]
