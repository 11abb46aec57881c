"""generate, train, report, predict and verify: the commands of one run.

Rooms are imported inside the commands, so that `--help` waits for none of them.
"""

from pathlib import Path
from typing import Any

import click
import msgspec

from linesexp.commands.ending import complain
from linesexp.commands.following import DEFAULT_RUN, following, named, opening, remedy
from linesexp.commands.inspect import report_recording
from linesexp.commands.options import chosen_config, config_options
from linesexp.commands.speaking import (
    common_options,
    finish,
    json_line,
    most_pixels_option,
    progress_on,
    say,
    shorter,
)
from linesexp.errors import InputError, LinesexpError, StorageError
from linesexp.picture_settings import OF_OWN

OF_OWN_ONLY = OF_OWN[:-1]  # settings of pictures that `train --data` takes

run_argument = click.argument("run", default=DEFAULT_RUN, envvar="LINESEXP_RUN")


@click.command()
@run_argument
@click.option(
    "--as-folders",
    "folders",
    type=click.Path(path_type=Path),
    help="Also write the pictures as PNG class folders into this new folder.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Keep an existing RUN under another name and begin anew, with its settings where none are given.",
)
@config_options("images", "network", "training")
@common_options
def generate(
    run: str,
    folders: Path | None,
    force: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Draw the pictures of RUN.

    Keeps the settings of the network and its training, which `train` will use.
    """
    from linesexp import experiment
    from linesexp.runs.atomic import check_writable

    config = chosen_config(given, config_file, _settings_so_far(run, force))
    if folders:
        check_writable(folders.resolve().parent)  # in which the new folder is made beside its place
    done = experiment.generate(run, config, force=force, say=say(quiet))
    facts = {"run": run, "made": done.made} | done.facts
    if folders:
        facts["files"] = experiment.write_class_folders(run, folders)
    splits = ", ".join(f"{sum(counts.values())} {split}" for split, counts in done.facts["splits"].items())
    words = f"{done.facts['pictures']} pictures, no two alike ({splits})"
    words = f"{words} in {run}" if done.made else f"{run} holds them already: {words}"
    if folders:
        words += (
            f"\n{facts['files']} PNG files in {folders}; Keras reads them with "
            f'keras.utils.image_dataset_from_directory({f"{folders}/train"!r}, color_mode="grayscale", '
            f"image_size={(config.images.size,) * 2})"
        )
    finish(facts, words, f"linesexp train{named(run)}", as_json, quiet)


@click.command()
@run_argument
@click.option(
    "--force",
    is_flag=True,
    help="Keep a trained RUN under another name and train anew, with its settings where none are given.",
)
@click.option("--controls", is_flag=True, help="Also train RUN's controls, in RUN/controls.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Learn from your own pictures: DIR/CLASS/*.png, or DIR/train/CLASS/… with validation and test. "
    "PNG, JPEG, BMP or GIF of any size, grey or colour.",
)
@click.option("--skip-broken", is_flag=True, help="With --data: leave out files that cannot be read.")
@most_pixels_option
@config_options("network", "training", *(f"images.{name}" for name in OF_OWN_ONLY))
@common_options
def train(
    run: str,
    force: bool,
    controls: bool,
    data: Path | None,
    skip_broken: bool,
    most_pixels: int | None,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> None:
    """Train the network of RUN and record its kernels; goes on where it was stopped.

    With --data RUN's pictures are your own, and need no `generate`.
    """
    from linesexp import experiment
    from linesexp.controls import describe_outcome, train_with_controls
    from linesexp.evidence.success import note_after_training
    from linesexp.run import open_run

    before = _settings_so_far(run, force)
    if data is None:
        _refuse_without_data(skip_broken, most_pixels)
        given = {name: value for name, value in given.items() if name not in OF_OWN_ONLY}
        config = chosen_config(given, config_file, before)
    else:
        from linesexp.environment import check_backend
        from linesexp.own_pictures.taking import for_own_pictures, take_pictures

        check_backend()  # before pictures are read, and a run is moved aside for them
        config = chosen_config(given, config_file, for_own_pictures(before))
        with progress_on("picture", quiet) as progress:
            config = take_pictures(
                run,
                config,
                data,
                force=force,
                skip_broken=skip_broken,
                most_pixels=most_pixels,
                say=say(quiet),
                progress=progress,
            )
        force = False  # what was there is kept aside by now
    with progress_on("epoch", quiet) as progress:
        go_on = train_with_controls if controls else experiment.train
        done = go_on(run, config, force=force, debug=debug, say=say(quiet), progress=progress)
    facts = done.facts
    if note := note_after_training(open_run(run)):
        say(quiet)(note)
    words = (
        f"{facts['epochs']} epochs, validation accuracy {facts['validation_accuracy']:.3f}, "
        f"loss {facts['validation_loss']:.4f}"
    )
    words = f"{words}; kernels of every epoch in {run}/kernels" if done.made else f"{run} is trained: {words}"
    for name, control in facts.get("controls", {}).items():
        words += f"\n{name}: {describe_outcome(control)}"
    finish({"run": run, "made": done.made} | facts, words, f"linesexp report{named(run)}", as_json, quiet)


@click.command()
@run_argument
@click.option(
    "--study",
    "study_path",
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="Show RUN's place in this study.  [default: RUN/study or study beside RUN, if it trained the same]",
)
@common_options
def report(run: str, study_path: Path | None, as_json: bool, quiet: bool, debug: bool) -> None:
    """Measure RUN, and make its figures, GIFs and report.html.

    RUN may also be a recording of your own model, by linesexp.KernelRecorder.
    """
    from linesexp.evidence.success import about_failure
    from linesexp.report.making import NEEDS, make, makers
    from linesexp.run import open_run
    from linesexp.study.place import study_of

    opened = open_run(run)
    if opened.is_recording:
        if study_path is not None:
            raise click.UsageError("--study is for runs of `linesexp train`, and this is a recording")
        report_recording(run, opened, as_json, quiet)
        return
    opened.require(*NEEDS)
    study = study_of(opened, study_path)
    files = makers(opened, study)
    with progress_on("file", quiet) as progress:
        made = make(opened, *files, by=files, progress=progress, study=study)
    facts = {"run": run, "made": made, "page": f"{run}/report.html"}
    analysis = opened.analysis
    for line in filter(None, [about_failure(analysis), *analysis.missing]):
        say(quiet)(f"note: {line}")
    if as_json:
        facts["analysis"] = msgspec.json.decode(opened.folder.read("analysis.json"))
    words = f"{len(made)} of {len(files)} files made, the others were current"
    pages = opening(run, "report.html")
    if study is not None:
        from linesexp.study.sentences import decision

        facts["study"] = shorter(study.folder.path)
        pages += f" && {opening(facts['study'], 'study.html')}"
        try:
            words += f"\n{decision(study.analysis)}"
        except LinesexpError as error:  # of another version, or damaged: the run's page needs none of it
            say(quiet)(f"note: {error}")
    finish(facts, words, pages, as_json, quiet)


@click.command()
@click.argument("run")
@click.argument("pictures", nargs=-1, required=True)
@most_pixels_option
@common_options
def predict(
    run: str, pictures: tuple[str, ...], most_pixels: int | None, as_json: bool, quiet: bool, debug: bool
) -> None:
    """Class and probability of each of PICTURES, by the network of RUN.

    Pictures are stretched to the size that the network learned. It knows lines like those of RUN's data
    set only: with bright lines on dark, dark ones on bright mean nothing to it.
    """
    from linesexp.predicting import predict as predict_pictures
    from linesexp.run import open_run

    found = predict_pictures(run, pictures, most_pixels)
    if as_json:
        click.echo(json_line({"run": run, "predictions": found}))
        return
    for record in found:
        click.echo(f"{record['picture']}: {record['class']} ({record['probability']:.4f})")
        if record["note"] and not quiet:
            complain(f"{record['picture']}: {record['note']}")
    if not quiet:
        opened = open_run(run)
        if "model.keras" not in opened.folder:
            complain(f"training has not ended: weights of epoch {opened.history.steps[-1]:g}")
        click.echo(f"next: {following(run)}", err=True)


@click.command()
@run_argument
@common_options
def verify(run: str, as_json: bool, quiet: bool, debug: bool) -> int:
    """Check every file of RUN against its manifest."""
    from linesexp import experiment

    count, damaged = experiment.verify(run)
    if as_json:
        found = [{"file": error.name, "stage": error.stage, "found": error.found} for error in damaged]
        click.echo(json_line({"run": run, "files": count, "damaged": found}))
    elif not damaged and not quiet:
        click.echo(f"{count} files, all as they were written")
        click.echo(f"next: {following(run)}", err=True)
    if damaged:
        for error in damaged:
            complain(str(error))
        complain(remedy(run, damaged))
        return InputError.exit_code
    return 0


def _refuse_without_data(skip_broken: bool, most_pixels: int | None) -> None:
    """Raise UsageError for options of `train` that only pictures read by --data have."""
    context = click.get_current_context()
    for name in OF_OWN_ONLY:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise click.UsageError(
                f"--{option} is for --data; lines are drawn by `linesexp generate --{option}`"
            )
    for option, value in (("--skip-broken", skip_broken), ("--most-pixels", most_pixels)):
        if value:
            raise click.UsageError(f"{option} is for --data DIR: which pictures?")


def _settings_so_far(run: str, force: bool) -> Any:
    """The run's settings; None without a run, or where a damaged one is to be set aside."""
    from linesexp.run import Run
    from linesexp.runs.folder import MissingFile, RunFolder

    try:
        return Run(RunFolder(run)).config
    except MissingFile:
        return None
    except StorageError:  # the settings may be whole, and those by default would take their place
        raise
    except LinesexpError:
        if force:
            return None
        raise
