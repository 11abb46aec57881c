"""Controls: a run trained again with one thing changed, so that it can prove a claim about it wrong.

Each control is a run folder of its own inside the run's, RUN/controls/NAME, with the same pictures,
seeds and settings but for the one: every command that takes a RUN takes it.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from linesexp import experiment
from linesexp.config import ExperimentConfig, build_config, config_json, settings_of
from linesexp.errors import ConfigError, InputError
from linesexp.experiment import Done, Progress, Say
from linesexp.first_layer import GIVEN, given_bytes
from linesexp.run import CONTROLS, Run
from linesexp.runs.folder import MissingFile, RunFolder
from linesexp.runs.manifest import sha256
from linesexp.seeing.ablation import score
from linesexp.seeing.forward import probabilities
from linesexp.wording import percent

CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "frozen-random": {"network": {"first_layer": "random"}},
    "frozen-prewitt": {"network": {"first_layer": "prewitt"}},
    "frozen-learned": {"network": {"first_layer": "given"}},  # the run's own last kernels and biases
    "shuffled-labels": {"training": {"shuffle_labels": True}},
}
LEARNED = 0.95  # validation accuracy from which a network counts as having learned


@dataclass(frozen=True)
class Outcome:
    """What became of a run. loss is None for one that diverged, epochs_to_95 for one that never got there.

    accuracy, loss, correct and pictures are those of the test pictures under the last recorded weights.
    """

    accuracy: float
    loss: float | None
    correct: int
    pictures: int
    epochs: int
    epochs_to_95: int | None


def train_with_controls(
    path: str | os.PathLike[str],
    config: ExperimentConfig,
    *,
    force: bool,
    debug: bool,
    say: Say,
    progress: Progress,
) -> Done:
    """Train a run as `experiment.train` does, and then its controls; goes on where it was stopped.

    A finished control is left alone. One that was begun from other settings, pictures or kernels than
    the run's, or with other versions, is renamed and made anew. `made` and the facts are those of the run;
    under `controls` come those of each control: made, and the fields of its Outcome. Raises ConfigError for a
    run that is a control itself, InputError where controls are missing and versions are not those that
    trained the run, FolderBusy while another process writes the run.
    """
    _refuse_control(config)
    epochs, count = config.training.epochs, len(CONTROLS)

    def stage(number: int, of: int, name: str) -> Progress:
        before = number * epochs
        return lambda done, total, words: progress(before + done, of * epochs, f"{name}: {words}")

    trained = experiment.train(
        path, config, force=force, debug=debug, say=say, progress=stage(0, count + 1, "the run")
    )
    first = int(trained.made)
    made: dict[str, bool] = {}
    # Held for all of them, so that nobody trains the run anew while its controls are made from it.
    with RunFolder(path).writing() as folder:
        run = Run(folder)
        run.require("model.keras")
        if not all(_is_made(run, name) for name in CONTROLS):
            experiment.check_as_begun(folder, say)
        for number, name in enumerate(CONTROLS):
            control = _begin(run, name, say)
            done = experiment.train(
                control.path,
                Run(control).config,
                force=False,
                debug=debug,
                say=say,
                progress=stage(first + number, first + count, name),
            )
            made[name] = done.made
        outcomes = {name: {"made": made[name]} | asdict(outcome(run.controls[name])) for name in made}
    return Done(trained.made, trained.facts | {"controls": outcomes})


def control_config(name: str, config: ExperimentConfig) -> ExperimentConfig:
    """The settings of a run's control."""
    return build_config(settings_of(config), CHANGES[name])


def outcome(run: Run) -> Outcome:
    """How well a trained run does on its test pictures, and how soon it had learned."""
    images, labels = run.dataset.part("test")
    found = score(probabilities(images, run.history.at(-1), run.config.network), labels)
    log = run.log
    return Outcome(
        found.accuracy,
        found.loss,
        found.correct,
        found.pictures,
        int(log["step"][-1]),
        epochs_to(log["step"], log["validation_accuracy"]),
    )


def describe_outcome(facts: dict[str, Any]) -> str:
    """An Outcome's fields in a sentence."""
    named = f"{facts['correct']} of {facts['pictures']} test pictures named rightly"
    epochs = facts["epochs_to_95"]
    return f"{named}, {percent(LEARNED)} of validation " + ("never" if epochs is None else f"by epoch {epochs}")


def epochs_to(steps: np.ndarray, accuracy: np.ndarray, wanted: float = LEARNED) -> int | None:
    """The first of these steps (epochs) with at least this accuracy; None without one. 0 is untrained."""
    reached = np.flatnonzero(accuracy >= wanted)
    return int(steps[reached[0]]) if len(reached) else None


def _refuse_control(config: ExperimentConfig) -> None:
    """Raise ConfigError for settings whose controls would compare nothing."""
    for name, value, usual in (
        ("first_layer", config.network.first_layer, "trained"),
        ("shuffle_labels", config.training.shuffle_labels, False),
    ):
        if value != usual:
            raise ConfigError(f"{name} = {value!r}: controls are for a run with {name} = {usual!r}")


def _is_made(run: Run, name: str) -> bool:
    """Whether a run has this control, trained to its end."""
    folder = run.control_folders().get(name)
    return folder is not None and _made_from(run, name, _files(run, name)) and experiment.is_trained(folder)


def _files(run: Run, name: str) -> dict[str, bytes]:
    """Everything that the training of a control needs."""
    files = {
        "config.json": config_json(control_config(name, run.config)),
        "dataset.npz": run.folder.read("dataset.npz"),
        "dataset.png": run.folder.read("dataset.png"),
    }
    return files | ({GIVEN: given_bytes(run.history.at(-1))} if name == "frozen-learned" else {})


def _begin(run: Run, name: str, say: Callable[[str], None]) -> RunFolder:
    """The folder of a control, with its files in it."""
    folder, files = run.folder.within(f"controls/{name}"), _files(run, name)
    if folder.exists() and not _made_from(run, name, files):
        with folder.writing():
            kept = folder.move_aside()
        say(f"{folder.path} was made from another state of the run: kept as {kept}, made anew")
    with folder.writing():
        damaged = [error for error in folder.damaged() if error.name in files]
        for error in damaged:
            say(f"{error}; set aside")
            folder.set_aside(error.name)
        again = {error.name for error in damaged}
        if missing := {file: data for file, data in files.items() if file in again or file not in folder}:
            folder.commit(missing, stage="generate")
    return folder


def _made_from(run: Run, name: str, files: dict[str, bytes]) -> bool:
    """Whether a control was made from these files, damaged since or not, and with the versions of its run."""
    folder = run.folder.within(f"controls/{name}")
    if run.trained_unlike(Run(folder)):
        return False
    manifest = folder.manifest()
    others = [
        name
        for name in ("config.json", "dataset.npz", GIVEN)
        if name in manifest and name in files and manifest[name].sha256 != sha256(files[name])
    ]
    if others == ["config.json"]:  # another version may write the same settings otherwise
        with contextlib.suppress(InputError, MissingFile):
            return Run(folder).config == control_config(name, run.config)
    return not others
