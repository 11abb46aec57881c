"""A run among the members of a study: where it lies, which study is meant, and what is refused."""

import shutil

import msgspec
import numpy as np
import pytest

from linesexp import open_run
from linesexp.cli import cli
from linesexp.errors import InputError
from linesexp.report.making import make, makers
from linesexp.report.place import about_place, place_table
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.study.making import make as make_study
from linesexp.study.measuring import MEASURES
from linesexp.study.place import SHOWN, Place, Standing, condition_of, measures_of, place_of, study_of
from linesexp.study.plan import StudySettings
from linesexp.study.reading import open_study
from linesexp.study.sentences import decision

AXIS = next(measure for measure in MEASURES if measure.id == "axis")


@pytest.fixture(scope="module")
def folder(planted, tiny_config, tmp_path_factory):
    """A study of six networks with the tiny run's settings, and six with weight decay."""
    changed = msgspec.structs.replace(
        tiny_config, network=msgspec.structs.replace(tiny_config.network, weight_decay=0.1)
    )
    conditions = {"decayed": changed, "default": tiny_config}
    settings = StudySettings.of(tiny_config, conditions, range(3, 9), [0])
    path = tmp_path_factory.mktemp("placed") / "study"
    make_study(planted.plant(path, settings, lambda block: planted.result_of(block, measured=False)))
    return path


def standing(value, members, measure=AXIS):
    members = np.array(members, dtype=float)
    return Standing(measure, value, members, int((members < value).sum()), int((members == value).sum()))


def test_a_run_is_placed_among_the_members_with_its_settings(tiny_run, folder):
    run = open_run(tiny_run)
    study = study_of(run, folder)
    assert condition_of(run, study) == "default"
    place = place_of(run, study)
    assert (place.condition, place.members, place.itself) == ("default", 6, False)
    own = measures_of(run)
    by_id = {standing.measure.id: standing for standing in place.standings}
    assert by_id.keys() <= set(SHOWN)
    cosine = by_id["cosine"]
    assert cosine.value == pytest.approx(own["cosine"], rel=1e-6)
    assert (cosine.below, cosine.equal, len(cosine.members)) == (0, 0, 6)  # planted ones are far more alike
    assert by_id["matched"].members.tolist() == [1] * 6


def test_the_runs_own_measures_are_those_of_its_analysis(tiny_run):
    run = open_run(tiny_run)
    own, analysis = measures_of(run), run.analysis
    assert own["accuracy"] == analysis.after.accuracy
    assert own["matched"] == analysis.controls[0].matched / 4
    assert own["cosine"] == pytest.approx(np.mean([abs(r.match.cosine) for r in analysis.kernels]), abs=1e-6)


def test_the_study_beside_a_run_is_found_if_it_trained_the_same(run, folder):
    opened = open_run(run)
    assert study_of(opened) is None
    shutil.copytree(folder, run.parent / "study", ignore=shutil.ignore_patterns(".*"))
    assert study_of(opened).folder.path == run.parent / "study"
    shutil.copytree(folder, run / "study", ignore=shutil.ignore_patterns(".*"))
    assert study_of(opened).folder.path == run / "study"


def test_a_study_of_other_settings_is_refused_with_what_differs(run, folder, planted, tmp_path):
    other = planted.plant(
        tmp_path / "study",
        planted.settings_of(("default",), seeds=2),
        lambda b: planted.result_of(b, measured=False),
    )
    with pytest.raises(InputError, match=r"has no members\.csv yet"):
        study_of(open_run(run), other.folder.path)
    make_study(other)
    with pytest.raises(InputError, match=r"no condition has the settings of .*; default differs in .*filters"):
        study_of(open_run(run), other.folder.path)
    assert study_of(open_run(run)) is None  # found beside it, and passed over
    with pytest.raises(MissingFile, match="no study yet"):
        study_of(open_run(run), tmp_path / "none")


def test_a_run_that_is_not_trained_to_its_end_has_no_place(run, folder):
    opened = open_run(run)
    with opened.folder.writing():
        opened.folder.forget(opened.folder.names(prefix="kernels/")[-1:])
    with pytest.raises(InputError, match="not trained to its end"):
        study_of(open_run(run), folder)
    shutil.copytree(folder, run / "study", ignore=shutil.ignore_patterns(".*"))
    assert study_of(open_run(run)) is None


@pytest.mark.slow
def test_the_report_shows_the_place_and_is_made_anew_where_the_study_changes(run, folder):
    opened = open_run(run)
    study = study_of(opened, folder)
    assert make(opened, *makers(opened, study), study=study) == ["figures/place.png", "report.html"]
    page = (run / "report.html").read_text()
    assert 'id="place"' in page
    assert "trained 6 networks of these settings (condition default)" in page
    assert make(opened, *makers(opened, study), study=study) == []
    assert make(opened, *makers(opened)) == ["report.html"]
    assert 'id="place"' not in (run / "report.html").read_text()


def test_the_command_ends_with_what_the_study_decides_and_both_pages(run, folder, monkeypatch, capsys):
    monkeypatch.chdir(run.parent)
    cli.main(["report", run.name], standalone_mode=False)
    assert capsys.readouterr().err.splitlines()[-1] == f"next: open {run.name}/report.html"
    shutil.copytree(folder, "a study", ignore=shutil.ignore_patterns(".*"))
    cli.main(["report", run.name, "--study", "a study"], standalone_mode=False)
    said = capsys.readouterr().err.splitlines()
    assert said[-3].startswith("2 of ")  # files made: what shows the place
    assert said[-2] == decision(open_study("a study").analysis)
    assert said[-2].startswith("12 networks under 2 conditions: in ")
    assert said[-1] == f"next: open {run.name}/report.html && open 'a study/study.html'"
    (run.parent / "a study/study-analysis.json").write_text("{}")
    cli.main(["report", run.name, "--study", "a study"], standalone_mode=False)
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("note: ") and "study-analysis.json: damaged" in line for line in said)
    assert said[-2].startswith("0 of ")


@pytest.mark.slow
def test_the_command_takes_a_study_and_finds_one(run, folder, linesexp):
    ended = linesexp("report", run, "--study", folder, cwd=run.parent)
    assert ended.returncode == 0, ended.stderr
    assert 'id="place"' in (run / "report.html").read_text()
    ended = linesexp("report", run, "--study", run.parent / "none", cwd=run.parent)
    assert ended.returncode != 0
    assert "no study yet" in ended.stderr


# Words.


def a_place(*standings, itself=False):
    return Place("results/study", "default", 100, itself, list(standings))


def test_what_is_far_out_is_named():
    members = np.linspace(0, 1, 100)
    words = " ".join(about_place(a_place(standing(1.5, members))))
    assert "Fewer than one in twenty" in words
    assert f"{AXIS.words} (150 %)" in words
    for value in (0.5, 0.06, 0.94):
        assert "In none of these measures" in " ".join(about_place(a_place(standing(value, members))))


def test_a_run_that_is_a_member_itself_is_said_to_be_one():
    assert "One of them has this run’s seeds" in " ".join(about_place(a_place(itself=True)))


def test_the_table_counts_who_lies_where():
    row = place_table(a_place(standing(0.5, [0.1, 0.2, 0.5, 0.8])))["rows"][0]
    assert row == [AXIS.words, "50 %", "40 %", "10 % – 80 %", "2", "1", "1"]


def test_a_members_table_without_the_condition_is_refused(run, folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns(".*"))
    copy = RunFolder(tmp_path / "copy")
    with copy.writing():
        copy.commit({"members.csv": b"condition,seed\nother,1\n"}, "study-page")
    study = study_of(open_run(run), copy.path)
    with pytest.raises(InputError, match="holds no member of the run's condition"):
        place_of(open_run(run), study)
