"""Training a study in this process: what is kept, when, and what an error leaves."""

import contextlib
import itertools
import json
import sys
from functools import partial

import pytest

from linesexp import environment
from linesexp.errors import InputError, StorageError, StudyIncomplete
from linesexp.runs import RunFolder
from linesexp.study import engine
from linesexp.study import folder as folder_module
from linesexp.study.folder import ResultKeeper
from linesexp.study.local import train_here
from linesexp.study.plan import StudySettings, planned
from linesexp.study.reading import checked_result, open_study


class Stop(BaseException):
    """Stands for a signal."""


def test_a_block_that_raises_is_tried_three_times_and_the_rest_finishes(
    train, settings, tiny_blocks, undisturbed, results, tmp_path
):
    bad = "default/d0/s4-5"
    for times, fails in ((2, False), (3, True)):
        place = tmp_path / str(times)
        place.mkdir()
        wrong = tiny_blocks.Wrong("raises", [bad], place, times=times)
        found = train(place / "study", settings, lambda blocks, wrong=wrong: train_here(blocks, wrong))
        assert found.failed == ({bad: "RuntimeError: cannot be trained"} if fails else {})
        assert len(results(place / "study")) == (9 if fails else 10)


def here(work):
    return lambda blocks: train_here(blocks, work)


def test_a_block_that_cannot_be_trained_anywhere_stops_the_study_at_its_second_try(
    train, settings, tiny_blocks, undisturbed, results, told, tmp_path
):
    wrong = tiny_blocks.Wrong("contradicts", ["default/d0/s4-5"], tmp_path)
    told.clear()
    with pytest.raises(StudyIncomplete) as found:
        train(tmp_path / "study", settings, here(wrong))
    cause = "ValueError: shapes (2, 3) and (4,) do not fit"
    assert str(found.value) == (
        f"default/d0/s4-5: {cause}; it failed twice, and would again, so the study stops here; 2 of 10 blocks "
        "are done, and the same command goes on from there"
    )
    assert told.text == ""  # the error says all
    assert len(list(tmp_path.glob("contradicts-*"))) == 2
    assert len(results(tmp_path / "study")) == 2
    assert open_study(tmp_path / "study").failed == {"default/d0/s4-5": cause}

    # Once more, other conditions come first; and once it can be trained, all is as ever.
    with pytest.raises(StudyIncomplete, match="7 of 10 blocks"):
        train(tmp_path / "study", settings, here(tiny_blocks.misshapen))
    assert sum("weight-decay" in name for name in results(tmp_path / "study")) == 5
    assert not train(tmp_path / "study", settings, here(tiny_blocks.quick)).failed
    assert results(tmp_path / "study") == undisturbed
    assert open_study(tmp_path / "study").failed == {}


def test_a_study_whose_first_condition_cannot_be_trained_trains_the_others_the_next_time(
    train, settings, tiny_blocks, results, tmp_path
):
    for done in (0, 5, 5):
        with pytest.raises(StudyIncomplete, match=f"; {done} of 10 blocks are done"):
            train(tmp_path / "study", settings, here(tiny_blocks.misshapen))
    other = StudySettings.of(settings.base, settings.conditions, range(10), [1], block_size=2)
    with pytest.raises(StudyIncomplete, match="; 0 of 10 blocks are done"):
        train(tmp_path / "other", settings, here(tiny_blocks.misshapen))
    with pytest.raises(StudyIncomplete, match="; 0 of 10 blocks are done"):  # nothing failed of these settings
        train(tmp_path / "other", other, here(tiny_blocks.misshapen))


def test_a_block_that_failed_once_as_it_would_anywhere_and_then_did_not_is_told_of(
    train, settings, tiny_blocks, told, tmp_path
):
    wrong = tiny_blocks.Wrong("contradicts", ["default/d0/s4-5"], tmp_path, times=1)
    assert not train(tmp_path / "study", settings, here(wrong)).failed
    assert told.text == "default/d0/s4-5: ValueError: shapes (2, 3) and (4,) do not fit; tried again"


def test_a_cause_is_said_once_and_then_counted(train, settings, tiny_blocks, told, tmp_path):
    found = train(tmp_path / "study", settings, here(tiny_blocks.half))
    assert len(found.failed) == 5
    assert told.text.splitlines() == [
        "weight-decay/d0/s0-1: RuntimeError: cannot be trained, 0; tried again",
        "weight-decay/d0/s0-1 failed again and is given up",
        "4 more blocks failed with the cause given for weight-decay/d0/s0-1",
    ]


def test_the_traceback_of_a_cause_is_shown_once_with_debug(train, settings, tiny_blocks, told, tmp_path):
    train(tmp_path / "study", settings, here(tiny_blocks.half), debug=True)
    assert told.text.count("Traceback (most recent call last)") == 1
    told.clear()
    with pytest.raises(StudyIncomplete):
        train(tmp_path / "other", settings, here(tiny_blocks.misshapen), debug=True)
    assert told.text.count("Traceback (most recent call last)") == 1


def environment_of(path):
    return json.loads((path / "environment.json").read_text())


def test_how_members_were_convolved_is_said_with_debug_and_noted_with_every_way(
    train, settings, tiny_blocks, deep, told, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "linesexp.learning.members", None)  # whatever a work puts there goes again

    def first(blocks):
        work = partial(tiny_blocks.convolved, "one by one")
        return (each for each in itertools.islice(train_here(blocks, work), 4))

    train(tmp_path / "study", deep, first, debug=True)
    assert "default/d0/s0-1: members convolved one by one" in told
    before = environment_of(tmp_path / "study")
    assert before["member_convolution"] == ["one by one"]
    assert before.keys() == {"versions", "machine", "member_convolution"}
    told.clear()
    train(tmp_path / "study", deep, here(partial(tiny_blocks.convolved, "grouped")))
    assert told.text == ""
    assert environment_of(tmp_path / "study") == before | {"member_convolution": ["grouped", "one by one"]}


def test_blocks_without_a_choice_of_convolution_note_none(
    train, settings, tiny_blocks, deep, small, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "linesexp.learning.members", None)
    alone = StudySettings.of(deep.base, deep.conditions, range(2), [0], block_size=1)
    for name, study in (("shared", settings), ("alone", alone)):
        train(tmp_path / name, study, here(partial(tiny_blocks.convolved, "grouped")), debug=True)
        assert "member_convolution" not in environment_of(tmp_path / name)


def test_whatever_stops_a_study_keeps_what_is_done_and_ends_its_engine(
    train, settings, tiny_blocks, undisturbed, results, tmp_path, monkeypatch
):
    monkeypatch.setattr(folder_module, "SPACING", 1e9)  # nothing but the first result is due for a commit
    ended = []

    def engine(blocks):
        with contextlib.ExitStack() as stack:
            stack.callback(ended.append, True)
            for number, each in enumerate(train_here(blocks, tiny_blocks.quick)):
                if number == 6:
                    raise Stop
                yield each

    with pytest.raises(Stop):
        train(tmp_path / "study", settings, engine)
    assert ended
    assert len(results(tmp_path / "study")) == 6
    train(tmp_path / "study", settings, lambda blocks: train_here(blocks, tiny_blocks.quick))
    assert results(tmp_path / "study") == undisturbed


def test_a_study_that_cannot_go_on_says_what_is_left(
    train, settings, tiny_blocks, results, tmp_path, monkeypatch
):
    monkeypatch.setattr(folder_module, "SPACING", 1e9)

    def engine(blocks):
        for number, each in enumerate(train_here(blocks, tiny_blocks.quick)):
            if number == 3:
                raise StudyIncomplete("no worker")
            yield each

    with pytest.raises(StudyIncomplete) as found:
        train(tmp_path / "study", settings, engine)
    assert str(found.value) == ("no worker; 3 of 10 blocks are done, and the same command goes on from there")
    assert len(results(tmp_path / "study")) == 3


def test_results_are_committed_together_unless_they_take_much_memory(
    settings, tiny_blocks, tmp_path, monkeypatch
):
    commits = []
    commit = RunFolder.commit
    monkeypatch.setattr(
        RunFolder, "commit", lambda run, files, *more: (commits.append(len(files)), commit(run, files, *more))
    )
    monkeypatch.setattr(folder_module, "SPACING", 1e9)
    for most, expected in ((64_000_000, [1, 9]), (5, [1, 2, 2, 2, 2, 1])):
        commits.clear()
        monkeypatch.setattr(folder_module, "MOST_WAITING", most)
        folder = RunFolder(tmp_path / str(most))
        with folder.writing():
            keeper = ResultKeeper(folder)
            for block in planned(settings):
                keeper.keep(block, b"abc")
            keeper.commit()
        assert commits == expected


def test_a_disk_that_refuses_one_file_takes_the_others_that_fit(settings, tmp_path, monkeypatch):
    write = RunFolder.commit

    def full(run, files, *more):
        if any("s4-5" in name for name in files):
            raise StorageError("full")
        write(run, files, *more)

    monkeypatch.setattr(RunFolder, "commit", full)
    monkeypatch.setattr(folder_module, "SPACING", 1e9)
    folder = RunFolder(tmp_path / "study")
    with folder.writing():
        keeper = ResultKeeper(folder)
        for block in list(planned(settings))[:5]:
            keeper.keep(block, b"abc")
        with pytest.raises(StorageError):
            keeper.commit()
    kept = [f"blocks/default/d0-s{seeds}.safetensors" for seeds in ("0-1", "2-3", "6-7", "8-9")]
    assert folder.names() == kept


def test_a_study_is_read_one_block_at_a_time(train, settings, tiny_blocks, tmp_path):
    taken = []

    def engine(blocks):
        for each in train_here(blocks, tiny_blocks.quick):
            taken.append(each)
            if len(taken) == 4:
                return
            yield each

    train(tmp_path / "study", settings, engine)
    study = open_study(tmp_path / "study")
    assert [block.key for block, _ in study] == [block.key for block in study.done]
    assert (len(study.done), len(study.missing), len(study.plan)) == (3, 7, 10)
    for block, result in study:
        assert result.kernels.shape == (2, 3, 2, 3, 3)
        wanted = checked_result(block, tiny_blocks.quick(block, lambda done, total: None), "here")
        assert result.kernels.tobytes() == wanted.kernels.tobytes()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"keras": "9.9"}, r"begun with keras \S+ \(now 9\.9\); go on with the same versions"),
        (
            {"backend": "jax", "jax": "9"},
            r"begun with backend tensorflow \(now jax\); go on with KERAS_BACKEND=",
        ),
        ({"onednn": "off"}, r"begun with onednn on \(now off\); go on with TF_ENABLE_ONEDNN_OPTS=1"),
    ],
)
def test_a_study_that_other_versions_began_is_refused_and_they_are_named(
    other, said, train, settings, tiny_blocks, results, tmp_path, monkeypatch
):
    usual = environment.versions() | {"backend": "tensorflow", "onednn": "on"}
    monkeypatch.setattr(environment, "versions", lambda: usual)

    def half(blocks):
        return itertools.islice(train_here(blocks, tiny_blocks.quick), 4)

    def whole(blocks):
        return train_here(blocks, tiny_blocks.quick)

    train(tmp_path / "study", settings, lambda blocks: (each for each in half(blocks)))
    before = results(tmp_path / "study")
    with monkeypatch.context() as patch:
        patch.setattr(environment, "versions", lambda: usual | other)
        with pytest.raises(InputError, match=said):
            train(tmp_path / "study", settings, whole)
    assert results(tmp_path / "study") == before
    assert train(tmp_path / "study", settings, whole).trained_blocks == 6


@pytest.mark.parametrize(("backend", "words"), [("tensorflow", 0), ("jax", 1)])
def test_a_study_says_which_backend_is_quick(
    backend, words, train, told, settings, tiny_blocks, tmp_path, monkeypatch
):
    monkeypatch.setattr(engine, "versions", lambda: {"backend": backend})
    train(tmp_path / "study", settings, lambda blocks: train_here(blocks, tiny_blocks.quick))
    assert told.text.count("tensorflow is the quick one") == words
