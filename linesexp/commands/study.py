"""study: many networks under several conditions, trained here or on a Dask cluster.

Rooms are imported inside the command, so that `--help` waits for none of them.
"""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linesexp.cgroups import usable_processors
from linesexp.commands.ending import complain
from linesexp.commands.following import opening
from linesexp.commands.options import chosen_config, config_options
from linesexp.commands.speaking import common_options, finish, progress_on, say
from linesexp.errors import StudyIncomplete
from linesexp.wording import as_argument, counted

if TYPE_CHECKING:
    from linesexp.study.blocks import Block
    from linesexp.study.engine import Engine, Trained
    from linesexp.study.folder import Say
    from linesexp.study.local import Ended
    from linesexp.study.plan import StudySettings

DEFAULT_STUDY = "results/study"
TRAINING = (  # all but the seed, which is --first-seed here
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "shuffle_labels",
)


@click.command()
@click.argument("out", default=DEFAULT_STUDY, envvar="LINESEXP_STUDY")
@click.option("--seeds", help="How many members of each condition, or which: 100, or 20-39.  [default: 8]")
@click.option(
    "--first-seed",
    type=click.IntRange(0),
    envvar="LINESEXP_SEED",
    help="Seed of the first member.  [default: 0]",
)
@click.option(
    "--data-seeds",
    type=click.IntRange(1),
    help="How many sets of pictures, each with all seeds, from --data-seed on.  [default: 1]",
)
@click.option(
    "--conditions",
    metavar="A,B,…",
    help="Names, or all.  [default: default,weight-decay,shuffled-labels, and those of your file]",
)
@click.option(
    "--conditions-file",
    type=click.Path(path_type=Path),
    help="TOML file with conditions of your own: tables [my-condition.network] and so on.",
)
@click.option("--block-size", type=click.IntRange(1), help="Members trained side by side.  [default: 8]")
@click.option(
    "--jobs", type=click.IntRange(1), help="Worker processes here.  [default: the cores that it may use]"
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="Train on the Dask cluster there, such as tcp://host:8786."
)
@click.option(
    "--scheduler-file",
    type=click.Path(path_type=Path),
    help="The same, by the file that `dask scheduler --scheduler-file` writes.",
)
@click.option("--memory-limit", metavar="SIZE", help="Of each worker of --jobs, such as 2GB.")
@click.option("--dashboard", is_flag=True, help="Dask's dashboard on http://127.0.0.1:8787; needs bokeh.")
@click.option(
    "--wait-for-workers",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    help="Seconds without any worker, after which the study stops.",
)
@click.option(
    "--block-limit",
    type=click.FloatRange(0, min_open=True),
    default=3600.0,
    show_default=True,
    help="Seconds for one block, after which its worker is restarted.",
)
@click.option("--force", is_flag=True, help="Keep an existing OUT under another name and begin anew.")
@config_options("images", "network", *(f"training.{name}" for name in TRAINING))
@common_options
def study(
    out: str,
    force: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> int:
    """Train many networks under several conditions, and say what they show together.

    Trains what OUT lacks, and goes on where it was stopped. More seeds and conditions may be asked for later.
    The settings are those that all conditions change; conditions are default, weight-decay, thin-lines,
    thick-bars, mixed-contrast, noise, small-kernels, average-pooling, shuffled-labels, frozen-random,
    frozen-prewitt, and your own.
    """
    _check_places(given)
    from linesexp.study.engine import train_study
    from linesexp.study.wanted import Asked, wanted_study

    before = _study_so_far(out, force)
    names = ("seeds", "first_seed", "data_seeds", "conditions", "conditions_file", "block_size")
    asked = Asked(**{name: given[name] for name in names})
    wanted = wanted_study(asked, lambda base: chosen_config(given, config_file, base), before)
    engine, tell = _engine(given, wanted, say(quiet), debug), say(quiet)
    try:
        with progress_on("block", quiet) as progress:
            trained = train_study(out, wanted, engine, say=tell, progress=progress, force=force, debug=debug)
    except StudyIncomplete:
        _gathered(out, quiet)  # what is done has its page all the same
        raise
    made = _gathered(out, quiet)
    page = f"{out}/study.html" if trained.done_blocks else None
    facts = _facts(out, trained) | {"files": made, "page": page}
    following = opening(out, "study.html") if page else f"linesexp study {as_argument(out)}"
    finish(facts, _words(out, trained), following, as_json, quiet)
    if trained.failed and quiet:
        key, cause = next(iter(trained.failed.items()))
        complain(f"Error: {counted(len(trained.failed), 'block')} failed, {key}: {cause}")
    return StudyIncomplete.exit_code if trained.failed else 0


def _gathered(out: str, quiet: bool) -> list[str]:
    """Make the study's tables, figures and pages, as far as they are not current; those made."""
    from linesexp.study.making import make
    from linesexp.study.reading import open_study

    study = open_study(out)
    if not study.done:
        return []
    with progress_on("block", quiet) as progress:
        return make(study, say=say(quiet), progress=progress)


def _check_places(given: dict[str, Any]) -> None:
    """Raise UsageError for options that do not go together."""
    elsewhere = [f"--{name.replace('_', '-')}" for name in ("scheduler", "scheduler_file") if given[name]]
    here = [f"--{name.replace('_', '-')}" for name in ("jobs", "memory_limit", "dashboard") if given[name]]
    if len(elsewhere) > 1 or (elsewhere and here):
        raise click.UsageError(f"{elsewhere[0]} and {[*elsewhere[1:], *here][0]} do not go together")
    if given["jobs"] == 1 and len(here) > 1:
        raise click.UsageError(f"{here[1]} is of worker processes; --jobs 1 trains in this one")
    if given["dashboard"]:
        from importlib.util import find_spec

        if find_spec("bokeh") is None:
            raise click.UsageError("--dashboard needs bokeh: pip install bokeh")


def _study_so_far(out: str, force: bool) -> "StudySettings | None":
    """The settings of the study in OUT; None without one, or where it is to be set aside."""
    from linesexp.runs.folder import RunFolder
    from linesexp.study.folder import is_study, refuse_file, settings_of_study

    folder = RunFolder(out)
    refuse_file(folder)
    return settings_of_study(folder) if not force and is_study(folder) else None


def _engine(given: dict[str, Any], settings: "StudySettings", tell: "Say", debug: bool) -> "Engine":
    """What trains the blocks: this process, workers of its own, or a running cluster."""
    jobs = given["jobs"] or usable_processors()
    elsewhere = given["scheduler"] or given["scheduler_file"]

    def here(blocks: "Iterator[Block]", count: int, on_epoch: Any) -> "Generator[Ended]":
        from linesexp.study.local import train_here

        yield from train_here(blocks, on_epoch=on_epoch)

    def on_a_cluster(blocks: "Iterator[Block]", count: int, on_epoch: Any) -> "Generator[Ended]":
        from linesexp.study.cluster import running, started_here
        from linesexp.study.dispatch import Limits, train_on

        with contextlib.ExitStack() as stack:
            if elsewhere:
                client = stack.enter_context(running(elsewhere, debug))
            else:
                workers = min(jobs, count)
                client = stack.enter_context(
                    started_here(workers, given["memory_limit"], given["dashboard"], debug)
                )
            limits = Limits(given["wait_for_workers"], given["block_limit"])
            yield from train_on(
                client, blocks, study=settings.digest, ours=not elsewhere, say=tell, limits=limits
            )

    return on_a_cluster if elsewhere or jobs > 1 else here


def _facts(out: str, trained: "Trained") -> dict[str, Any]:
    rate = trained.members_a_minute
    return {
        "study": out,
        "made": trained.trained_blocks > 0,
        "members": trained.members,
        "blocks": trained.blocks,
        "trained_members": trained.trained_members,
        "seconds": round(trained.seconds, 2),
        "members_a_minute": None if rate is None else round(rate, 2),
        "failed": trained.failed,
    }


def _words(out: str, trained: "Trained") -> str:
    words = f"{counted(trained.members, 'member')} in {counted(trained.blocks, 'block')}"
    failed = f"; {counted(len(trained.failed), 'block')} failed, which the same command tries again"
    failed *= bool(trained.failed)
    if trained.trained_blocks:
        now = f"{trained.trained_members} of them trained now, {trained.members_a_minute:.3g} a minute"
        return f"{words}, {now}{failed}; in {out}"
    if not trained.failed:
        return f"{out} holds them already: {words}"
    if not trained.done_blocks:
        return f"nothing is trained of {words}{failed}"
    return f"{out} holds {trained.done_blocks} of {counted(trained.blocks, 'block')}, none trained now{failed}"
