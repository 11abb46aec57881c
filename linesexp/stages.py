"""The commands generate, train and report as functions, for notebooks and scripts.

Each does what the command does, with the same settings under the same names, and returns the Run.
"""

import os
from typing import Any

from linesexp import experiment
from linesexp.config import SECTIONS, ExperimentConfig, build_config, settings_of
from linesexp.errors import ConfigError
from linesexp.report.making import NEEDS, make, makers
from linesexp.run import Run, open_run
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.section import settable
from linesexp.study.place import study_of
from linesexp.wording import nearest

Path = str | os.PathLike[str]


def generate(path: Path, *, force: bool = False, say: experiment.Say = print, **settings: Any) -> Run:
    """Draw a run's pictures, as `linesexp generate` does; nothing if they are there with these settings.

    settings: by the names of the command's options, `generate("results/mine", noise=0.1, epochs=6)`; those
    of the network and its training are kept for `train`. Unless given, they are as the run has them, or as
    by default. force: keep an existing run under another name and begin anew. say: takes what the user should
    know. Raises ConfigError for a setting that is unknown or out of range, InputError for a run with others.
    """
    experiment.generate(path, _chosen(path, settings), force=force, say=say)
    return Run(RunFolder(path))


def train(
    path: Path,
    *,
    force: bool = False,
    say: experiment.Say = print,
    progress: experiment.Progress = lambda done, total, words: None,
    **settings: Any,
) -> Run:
    """Train a run's network and record its kernels, as `linesexp train` does; goes on where it was stopped.

    Arguments as for `generate`, without the settings of pictures. progress: called with the epochs done, the
    epochs in all and a few words after each, such as `print`. Seeds Keras for the whole process. Raises
    MissingFile, with the command to run, without pictures, InputError where settings or versions changed.
    """
    if names := [name for name in settings if name in SECTIONS["images"].__struct_fields__]:
        raise ConfigError(f"{names[0]} is a setting of pictures: give it to generate")
    experiment.train(path, _chosen(path, settings), force=force, debug=False, say=say, progress=progress)
    return Run(RunFolder(path))


def make_report(path: Path, study: Path | None = None) -> Run:
    """Measure a run, and make its figures, GIFs and report.html, as `linesexp report` does.

    study: one to show the run's place in; unless given, RUN/study or the study beside it, if it trained the
    same. Raises MissingFile, with the command to run, for a run without recorded steps.
    """
    run = open_run(path)
    run.require(*NEEDS)
    found = study_of(run, study)
    make(run, *makers(run, found), study=found)
    return run


def _chosen(path: Path, settings: dict[str, Any]) -> ExperimentConfig:
    """These settings over those of the run so far, or over the defaults."""
    home = {field.name: section for section, kind in SECTIONS.items() for field in settable(kind)}
    layer: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        if name not in home:
            raise ConfigError(f"unknown setting {name}{nearest(name, home)}")
        layer.setdefault(home[name], {})[name] = value
    try:
        so_far = settings_of(Run(RunFolder(path)).config)
    except MissingFile:
        so_far = {}
    return build_config(so_far, layer)
