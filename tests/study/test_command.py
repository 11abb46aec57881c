"""`linesexp study`: what it says, what it refuses, and what stops it."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from linesexp.cli import cli
from linesexp.errors import LinesexpError, StudyIncomplete
from linesexp.runs import RunFolder
from linesexp.study import local
from linesexp.study.plan import planned
from linesexp.study.reading import open_study

HERE = Path(__file__).parent
SMALL = """
[images]
size = 20
length_px = [6, 20]
margin_px = 2
pictures_per_class = 30
[network]
filters = [2]
kernel_sizes = [3]
"""
STUDY = ("--config", "small.toml", "--conditions", "default,weight-decay", "--seeds", "10", "--block-size", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A place to work in, with settings in small.toml."""
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start(folder, environment):
    """start("slow", "out", …): the command as a process of its own, in a group of its own."""
    started = []

    def begin(work, *words, path=()):
        process = subprocess.Popen(
            [sys.executable, HERE / "tiny_study.py", work, "study", *map(str, words)],
            env=environment | {"PYTHONPATH": os.pathsep.join(map(str, [*path, HERE.parents[1]]))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Even where the tests run in the background, whose processes ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run(run_script, folder):
    """run("quick", "out", …): the same to its end; returns exit code, stdout and stderr."""

    def to_its_end(work, *words):
        ended = run_script(HERE / "tiny_study.py", work, "study", *words, cwd=folder)
        return ended.returncode, ended.stdout, ended.stderr

    return to_its_end


@pytest.fixture
def undisturbed(run, results):
    code, _, stderr = run("quick", "undisturbed", *STUDY, "--jobs", "1")
    assert code == 0, stderr
    return results("undisturbed")


def refused(*words):
    """The error that the command ends with."""
    with pytest.raises(LinesexpError) as found:
        cli.main(["study", "out", *words], standalone_mode=False)
    assert "\n" not in str(found.value)
    return found.value.exit_code, str(found.value)


def blocks_in(path):
    return len(RunFolder(path).names(prefix="blocks/"))


def test_a_study_without_workers_needs_no_dask_and_says_what_it_does(start, run, folder):
    (folder / "distributed.py").write_text("raise ImportError('not to be imported')")
    process = start("quick", "out", *STUDY, "--jobs", "1", "--json", path=[folder])
    stdout, stderr = process.communicate(timeout=600)
    assert process.returncode == 0, stderr
    found = json.loads(stdout)
    assert (found["members"], found["blocks"], found["trained_members"], found["failed"]) == (20, 10, 20, {})
    assert found["members_a_minute"] > 0
    assert re.search(r"block 10/10, [\d.e+]+ members a minute", stderr)
    study = open_study("out")
    assert [block.key for block, _ in study] == [block.key for block in planned(study.settings)]

    code, stdout, stderr = run("quick", "out", "--jobs", "1")
    assert (code, stdout) == (0, "")
    assert "out holds them already: 20 members in 10 blocks" in stderr
    assert stderr.splitlines()[-1] == "next: open out/study.html"


@pytest.mark.slow
def test_a_study_killed_at_any_moment_goes_on_where_it_was_and_leaves_no_process(
    start, run, undisturbed, results, children_of, wait_for
):
    process = start("slow", "out", *STUDY, "--jobs", "2")
    wait_for(lambda: blocks_in("out") >= 2)
    children = children_of(process.pid)
    assert len(children) >= 2
    process.kill()
    process.wait()
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert 2 <= blocks_in("out") < 10
    code, stdout, stderr = run("quick", "out", *STUDY, "--jobs", "1", "--json")
    assert code == 0, stderr
    assert 0 < json.loads(stdout)["trained_members"] <= 16
    assert results("out") == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_study_that_is_stopped_ends_soon_keeps_all_and_leaves_no_process(
    number, code, start, run, undisturbed, results, children_of, wait_for
):
    process = start("slow", "out", *STUDY, "--jobs", "2")
    wait_for(lambda: blocks_in("out") >= 1)
    children = children_of(process.pid)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as Ctrl-C on a terminal: the workers get it too
    else:
        process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == code
    said = stderr.strip().splitlines()
    assert said[-1].startswith("stopped; what is done is kept, and this goes on from there: linesexp study out")
    assert "Traceback" not in stderr
    assert all(line.startswith(("block ", "stopping; ")) for line in said[:-1]), stderr
    wait_for(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert 1 <= blocks_in("out") < 10
    run("quick", "out", *STUDY, "--jobs", "1")
    assert results("out") == undisturbed


@pytest.mark.slow
def test_a_client_that_is_killed_goes_on_at_the_same_scheduler(
    start, run, undisturbed, results, processes, wait_for
):
    processes.scheduler()
    processes.worker("--no-nanny")
    cluster = ("--scheduler-file", processes.file)
    first = start("slow", "out", *STUDY, *cluster)
    wait_for(lambda: blocks_in("out") >= 2)
    first.kill()
    first.wait()
    code, _, stderr = run("slow", "out", *STUDY, *cluster)
    assert code == 0, stderr
    assert results("out") == undisturbed


def test_blocks_that_fail_make_the_exit_code_6_and_the_same_command_tries_them_again(run, undisturbed, results):
    code, stdout, stderr = run("half", "out", *STUDY, "--jobs", "1", "--json")
    assert code == 6
    failed = json.loads(stdout)["failed"]
    assert set(failed) == {f"weight-decay/d0/s{first}-{first + 1}" for first in range(0, 10, 2)}
    assert set(failed.values()) == {f"RuntimeError: cannot be trained, {first}" for first in range(0, 10, 2)}
    assert stderr.count("RuntimeError: cannot be trained") == 1
    assert "4 more blocks failed with the cause given for weight-decay/d0/s0-1" in stderr
    stderr = run("half", "out", "--jobs", "1")[2]
    assert "out holds 5 of 10 blocks, none trained now; 5 blocks failed, which the same" in stderr
    assert run("quick", "out", *STUDY, "--jobs", "1")[0] == 0
    assert results("out") == undisturbed


def test_a_study_that_stops_as_trying_again_cannot_help_says_why_in_one_line(run, folder):
    code, stdout, stderr = run("misshapen", "out", *STUDY, "--jobs", "1", "-q")
    assert (code, stdout) == (6, "")
    assert stderr.startswith("Error: default/d0/s0-1: ValueError: shapes (2, 3) and (4,) do not fit; ")
    assert stderr.count("\n") == 1


def test_what_is_done_has_its_page_where_a_study_stops(monkeypatch, folder, tiny_blocks):
    command, train_here = importlib.import_module("linesexp.commands.study"), local.train_here
    monkeypatch.chdir(folder)
    monkeypatch.setattr(
        local, "train_here", lambda blocks, on_epoch: train_here(blocks, tiny_blocks.misshapen, on_epoch)
    )
    gathered = []
    monkeypatch.setattr(command, "_gathered", lambda out, quiet: gathered.append(out))
    with pytest.raises(StudyIncomplete):
        cli.main(["study", "out", *STUDY, "--jobs", "1", "-q"], standalone_mode=False)
    assert gathered == ["out"]


def test_quiet_names_a_cause_of_failed_blocks_all_the_same(run, folder):
    code, _, stderr = run("half", "out", *STUDY, "--jobs", "1", "-q")
    assert code == 6
    assert re.fullmatch(
        r"Error: \d+ blocks? failed, weight-decay/d0/s\S+: RuntimeError: cannot be trained, \d+\n", stderr
    )


def test_a_study_of_failed_blocks_only_names_no_page_and_may_be_begun_with_other_settings(run, folder):
    other = ("--config", "small.toml", "--conditions", "weight-decay", "--seeds", "2", "--jobs", "1")
    code, stdout, stderr = run("half", "out", *other, "--json")
    assert (code, json.loads(stdout)["page"]) == (6, None)
    assert not (folder / "out" / "study.html").exists()
    code, _, stderr = run("half", "out", *other)
    assert code == 6
    assert stderr.splitlines()[-2:] == [
        "nothing is trained of 2 members in 1 block; 1 block failed, which the same command tries again",
        "next: linesexp study out",
    ]
    code, _, stderr = run("quick", "out", *STUDY, "--jobs", "1", "--epochs", "3")
    assert code == 0, stderr
    study = open_study("out")
    assert (study.settings.members, study.settings.base.training.epochs, study.failed) == (20, 3, {})


def test_a_study_whose_start_failed_may_be_begun_with_other_settings(run, folder, monkeypatch):
    from linesexp.study import cluster

    monkeypatch.setattr(cluster, "ANSWER_WITHIN", 0.5)
    _, message = refused("--config", "small.toml", "--seeds", "8", "--scheduler", "tcp://127.0.0.1:1")
    assert "Connection refused" in message
    assert open_study("out").settings.members == 24
    code, _, stderr = run("quick", "out", "--seeds", "6", "--conditions", "noise", "--jobs", "1")
    assert code == 0, stderr
    assert [block.key for block in open_study("out").done] == ["noise/d0/s0-5"]
    code, message = refused("--seeds", "5")  # from then on its settings are its own
    assert (code, "seeds: 0-5 → 0-4" in message) == (3, True)


@pytest.mark.slow
def test_a_scheduler_that_is_killed_ends_a_study_in_one_line_that_says_what_is_left(
    start, folder, processes, wait_for
):
    scheduler = processes.scheduler()
    processes.worker("--no-nanny")
    process = start("slow", "out", *STUDY, "--seeds", "200", "--scheduler-file", processes.file)
    wait_for(lambda: blocks_in("out") >= 2)
    scheduler.kill()
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 6
    said = stderr.strip().splitlines()
    assert all(line.startswith("block ") for line in said[:-1]), stderr
    done = blocks_in("out")
    assert said[-1].startswith("Error: the scheduler is gone or does not answer any more")
    assert said[-1].endswith(f"; {done} of 200 blocks are done, and the same command goes on from there")


def test_a_full_disk_is_exit_code_5(start, folder):
    process = start("on_a_full_disk", "out", *STUDY, "--jobs", "1")
    stdout, stderr = process.communicate(timeout=600)
    assert (process.returncode, stdout) == (5, "")
    assert re.search(r"Error: out/blocks/\S+ cannot be written \(", stderr)
    assert "bug" not in stderr


def test_a_study_grows_by_seeds_and_conditions_and_refuses_what_makes_it_another(run, folder, results):
    assert run("quick", "out", *STUDY, "--jobs", "1")[0] == 0
    before = results("out")
    code, stdout, stderr = run(
        "quick", "out", "--seeds", "13", "--conditions", "default,weight-decay,noise", "--jobs", "1", "--json"
    )
    assert code == 0, stderr
    assert "out grows from 20 to 39 members" in stderr
    assert json.loads(stdout)["trained_members"] == 19
    after = results("out")
    assert before.items() <= after.items()
    assert {"blocks/default/d0-s10-11.safetensors", "blocks/noise/d0-s8-9.safetensors"} <= after.keys()

    for words, says in (
        (["--epochs", "3"], "training.epochs: 20 → 3"),
        (["--seeds", "5"], "seeds: 0-12 → 0-4"),
        (["--seeds", "2-20"], "seeds: 0-12 → 2-20"),
        (["--conditions", "default,noise"], "condition weight-decay: left out"),
        (["--block-size", "4"], "block size: 2 → 4"),
        (["--data-seed", "7"], "data seeds: 0 → 7"),
        (["--first-seed", "7"], "seeds: 0-12 → 7-19"),
        (["--noise", "0.1"], "images.noise: 0 → 0.1"),
    ):
        code, message = refused(*words)
        assert (code, says in message, "--force" in message) == (3, True, True), message
    assert results("out") == after
    small = ("--config", "small.toml", "--conditions", "noise", "--jobs", "1", "--force")
    code, _, stderr = run("quick", "out", "--epochs", "3", *small)
    assert code == 0, stderr
    assert "out was kept as" in stderr
    code, _, stderr = run("quick", "out", *small)
    assert code == 0, stderr
    settings = open_study("out").settings  # what is asked for now, and nothing of the study before
    assert (settings.base.training.epochs, settings.block_size, settings.seeds) == (20, 8, ((0, 8),))
    assert list(settings.conditions) == ["noise"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--seeds", "0"], 2, "that is 0 of them; expected 1 to"),
        (["--seeds", "1000001"], 2, "expected 1 to 1,000,000"),
        (["--seeds", "600000", "--block-size", "1"], 2, "a study of 1,800,000 blocks; at most 1,000,000"),
        (["--seeds", "-3"], 2, "expected how many, such as 100, or which, such as 20-39"),
        (["--seeds", "9-5"], 2, "that is 0 of them"),
        (["--seeds", "1e3"], 2, "expected how many"),
        (["--seeds", "9" * 5000], 2, "expected how many"),
        (["--seeds", "5-9", "--first-seed", "1"], 2, "leave --first-seed out"),
        (["--seeds", "999999999999999990-999999999999999991"], 2, "expected seeds from 0 to 4294967295"),
        (["--seeds", "4294967290-4294967296"], 2, "seeds '4294967290-4294967296': from 4294967290 to"),
        (["--first-seed", "9" * 25], 2, "expected seeds from 0 to 4294967295"),
        (["--data-seed", "99999999999999999999999"], 2, "data seeds: from 99999999999999999999999 to"),
        (["--data-seed", "4294967295", "--data-seeds", "2"], 2, "data seeds: from 4294967295 to 4294967296"),
        (["--data-seeds", "1000000000000000000000"], 2, "data seeds: that is 1000000000000000000000 of them"),
        (["--data-seeds", "1000000000"], 2, "data seeds: that is 1000000000 of them; expected 1 to 1,000,000"),
        (["--block-size", "9" * 25], 2, "expected 1 to 1,000,000"),
        (
            ["--conditions", "default,wheight-decay"],
            2,
            "unknown condition wheight-decay; did you mean weight",
        ),
        (["--conditions", ","], 2, "name some"),
        (["--conditions", "thick-bars"], 2, "condition thick-bars: thickness_px = 1,8: a line must be longer"),
        (["--first-layer", "given"], 2, "nothing hands kernels over"),
        (["--pictures-per-class", "100000"], 3, "distinct pictures of class"),
        (["--conditions-file", "none.toml"], 3, "none.toml: cannot be read"),
        (["--scheduler-file", "none.json"], 3, "none.json: no such file"),
        (["--scheduler", "nowhere"], 3, "nowhere: no Dask scheduler there"),
        (["--jobs", "2", "--memory-limit", "much"], 3, "such as 2GB"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_refused_in_a_line(words, code, says, folder, monkeypatch):
    from linesexp.study import cluster

    monkeypatch.setattr(cluster.address_in, "__defaults__", (0.1,))
    found, message = refused("--config", "small.toml", *words)
    assert found == code, message
    assert says in message
    assert not (folder / "out" / "blocks").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "[mine.network]\nweigth_decay = 1",
            "condition mine: unknown setting network.weigth_decay; did you mean",
        ),
        ("[mine.netwrok]\nfilters = [2]", "condition mine: unknown section [netwrok]; did you mean network?"),
        ("[network]\nfilters = [2]", "[network] belongs to no condition; write [my-condition.network]"),
        ("mine = 3", "condition mine must be tables of settings"),
        ("[noise.network]\nfilters = [2]", "condition noise: there is a built-in one of this name"),
        ("['../up'.network]\nfilters = [2]", "condition ../up: a name is of a-z"),
        ("[mine.training]\nseed = 3", "training.seed is the study's, for all conditions: --first-seed"),
        ("[mine.images]\ndata_seed = 3", "images.data_seed is the study's, for all conditions: --data-seed"),
        ("[mine.images]\nfolders = 3", "images.folders is no setting"),
        ("[mine.network]\nfirst_layer = 'given'", "use trained, random or prewitt"),
        ("[mine.network]\nfilters = ['a']", "condition mine: filters = 'a'"),
    ],
)
def test_a_file_of_conditions_that_cannot_be_is_refused_by_name(text, says, folder):
    (folder / "mine.toml").write_text(text)
    code, message = refused("--config", "small.toml", "--conditions-file", "mine.toml")
    assert code == 2
    assert says in message


@pytest.mark.parametrize(
    "words",
    [
        ["--scheduler", "tcp://a:1", "--jobs", "2"],
        ["--scheduler", "tcp://a:1", "--scheduler-file", "f"],
        ["--jobs", "1", "--memory-limit", "2GB"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together_are_a_mistake_in_usage(words, folder):
    import click

    with pytest.raises(click.UsageError):
        cli.main(["study", "out", *words], standalone_mode=False)


def test_other_folders_and_files_are_left_alone(run, folder, tiny_run):
    (folder / "full").mkdir()
    (folder / "full" / "mine.txt").write_text("mine")
    (folder / "full" / "study.html").write_text("a page")
    for path, says in (
        ("full/study.html", "full/study.html: is a file; name a folder for the study"),
        ("full", "holds other files (mine.txt …) and no study"),
        ("small.toml", "is a file; name a folder"),
        (str(tiny_run), "holds a run or something else"),
    ):
        with pytest.raises(LinesexpError) as found:
            cli.main(["study", path, "--config", "small.toml"], standalone_mode=False)
        assert says in str(found.value)
    assert (folder / "full" / "mine.txt").read_text() == "mine"


def test_another_study_in_the_same_folder_waits_for_nobody(start, run, folder, wait_for):
    process = start("slow", "out", *STUDY, "--jobs", "1")
    wait_for(lambda: (folder / "out" / "study.json").exists())
    code, _, stderr = run("quick", "out", *STUDY, "--jobs", "1")
    assert code == 4
    assert f"process {process.pid}" in stderr


def test_damaged_results_are_set_aside_and_trained_again(run, folder, undisturbed, results):
    assert run("quick", "out", *STUDY, "--jobs", "1")[0] == 0
    (folder / "out" / "blocks/default/d0-s2-3.safetensors").write_bytes(b"x")
    (folder / "out" / "blocks/default/d0-s4-5.safetensors").unlink()
    with pytest.raises(LinesexpError, match="linesexp study out` makes it again"):
        list(open_study("out"))
    code, _, stderr = run("quick", "out", "--jobs", "1")
    assert code == 0
    assert stderr.count("set aside") == 2
    assert results("out") == undisturbed


def test_verify_looks_at_a_study_and_other_commands_say_that_it_is_none_of_theirs(run, folder, linesexp):
    assert run("quick", "out", *STUDY, "--jobs", "1")[0] == 0
    ended = linesexp("verify", "out", cwd=folder)
    named = RunFolder("out").names()
    assert {"study.json", "blocks/default/d0-s2-3.safetensors"} <= set(named)
    assert (ended.returncode, ended.stdout) == (0, f"{len(named)} files, all as they were written\n")
    (folder / "out" / "blocks/default/d0-s2-3.safetensors").write_bytes(b"x")
    ended = linesexp("verify", "out", cwd=folder)
    assert ended.returncode == 3
    assert "d0-s2-3.safetensors: damaged" in ended.stderr
    assert "to make them again: linesexp study out" in ended.stderr
    for command in ("generate", "train", "report"):
        with pytest.raises(LinesexpError, match=r"out: (holds a study|a study of many networks)"):
            cli.main([command, "out"], standalone_mode=False)
