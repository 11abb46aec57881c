"""Damage is found before anything is parsed, the file is named, and only its stage is done again."""

import shutil

import pytest

from linesexp.errors import InputError
from linesexp.experiment import train as train_run
from linesexp.run import Run
from linesexp.runs import RunFolder
from linesexp.stages import generate, make_report

MANIFEST = "manifest.json"


def artefacts(run):
    return [MANIFEST, *RunFolder(run).names()]


def found(run):
    """Names of what is seen to be damaged, as `linesexp verify` sees it."""
    try:
        return [error.name for error in RunFolder(run).damaged()]
    except InputError as error:
        return [MANIFEST] if str(error).startswith(f"{run / MANIFEST}: damaged") else []


def unnoticed(run, name, damaged):
    """Whether this content in the place of a file is not found, or not named; then it is whole again.

    Of a manifest it is enough that it, or a file that it no longer agrees with, is named.
    """
    path = run / name
    whole = path.read_bytes()
    path.write_bytes(damaged)
    names = found(run)
    path.write_bytes(whole)
    return not names if name == MANIFEST else names != [name]


def truncated(data, places):
    """Beginnings of the data, from none of it to all but a byte."""
    return [data[: len(data) * place // places] for place in range(places)] + [data[:-1]]


def flipped(data, place):
    changed = bytearray(data)
    changed[place // 8] ^= 1 << (place % 8)
    return bytes(changed)


def missed(run, places, flips, rng):
    """(name, how) of every damage that was not found."""
    wrong = []
    for name in artefacts(run):
        data = (run / name).read_bytes()
        wrong += [(name, len(part)) for part in truncated(data, places) if unnoticed(run, name, part)]
        for _ in range(flips):
            place = rng.randrange(8 * len(data))
            wrong += [(name, f"bit {place}")] * unnoticed(run, name, flipped(data, place))
    return wrong


def test_damage_is_found_and_named(run, chance):
    assert missed(run, 2, 3, chance) == []


def test_every_bit_of_a_manifest_counts(run, chance):
    data = (run / MANIFEST).read_bytes()
    places = chance.sample(range(8 * len(data)), 200)
    assert not [place for place in places if unnoticed(run, MANIFEST, flipped(data, place))]


@pytest.mark.hours
def test_every_truncation_and_a_thousand_flipped_bits_are_found_and_named(run, chance, figure):
    names = artefacts(run)
    assert missed(run, 32, -(-1000 // len(names)), chance) == []
    figure(f"{len(names)} artefacts, 33 truncations and {-(-1000 // len(names))} flipped bits each: found")


@pytest.fixture
def other(tmp_path, tiny_toml, linesexp):
    """A run of other pictures and another seed."""
    options = ["--config", tiny_toml, "--data-seed", "5", "--seed", "5"]
    for command in (["generate", "other", *options], ["train", "other"], ["report", "other"]):
        assert linesexp(*command, cwd=tmp_path).returncode == 0
    return tmp_path / "other"


@pytest.mark.hours
def test_files_of_another_run_are_found_and_named(run, other, figure):
    swapped = [
        name for name in RunFolder(run).names() if (run / name).read_bytes() != (other / name).read_bytes()
    ]
    assert len(swapped) > 10
    assert not [name for name in swapped if unnoticed(run, name, (other / name).read_bytes())]
    shutil.copy(other / MANIFEST, run / MANIFEST)  # the other run's manifest beside this run's files
    assert set(found(run)) == set(swapped)
    figure(f"{len(swapped)} files of another run: all found")


@pytest.mark.hours
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, as it saves
def test_only_the_stage_of_a_damaged_file_is_done_again(run, figure):
    """Every file, cut short: the command that its stage names makes the same content again."""
    folder = RunFolder(run)
    config = Run(folder).config

    def again(stage):
        if stage == "generate":
            generate(run, say=lambda words: None)
        elif stage == "train":
            train_run(
                run, config, force=False, debug=False, say=lambda words: None, progress=lambda *state: None
            )
        else:
            make_report(run)

    timed = ("history.csv", "checkpoint.safetensors", "model.keras", "initial.keras", "environment.json")
    for name in folder.names():
        if name == "config.json":  # nothing knows the settings but this file
            continue
        before, manifest = (run / name).read_bytes(), folder.manifest()
        times = {each: (run / each).stat().st_mtime_ns for each in manifest}
        (run / name).write_bytes(before[: len(before) // 2])
        again(manifest[name].stage)
        assert folder.damaged() == [], name
        if name not in timed:  # these hold times of writing, or of training
            assert (run / name).read_bytes() == before, name
        redone = {each for each in manifest if (run / each).stat().st_mtime_ns != times[each]}
        assert {manifest[each].stage for each in redone} == {manifest[name].stage}, name
        again("report")  # where the log or the kernels were written again
    figure(f"{len(folder.names()) - 1} files made again by their stage alone")
