"""Training a study in this process: what is kept, when, and what an error leaves."""

import contextlib
import itertools

import pytest

from linesexp import environment
from linesexp.errors import InputError, StorageError, StudyIncomplete
from linesexp.runs import RunFolder
from linesexp.study import engine
from linesexp.study import folder as folder_module
from linesexp.study.folder import ResultKeeper
from linesexp.study.local import train_here
from linesexp.study.plan import planned
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
        assert found.failed == ({bad: "ValueError: cannot be trained"} if fails else {})
        assert len(results(place / "study")) == (9 if fails else 10)


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
