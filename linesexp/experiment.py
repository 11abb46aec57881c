"""One run from settings to a trained, recorded network: generate, train, predict, verify."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linesexp.config import ExperimentConfig, config_json, differences
from linesexp.environment import check_backend, check_environment, describe_environment
from linesexp.errors import InputError, StorageError
from linesexp.first_layer import check_given, first_layer_of
from linesexp.generated import GENERATED, generated_files
from linesexp.images.dataset import Dataset, make_dataset
from linesexp.images.folders import class_folder_files
from linesexp.keeping import CHECKPOINT, Keeper, kept_checkpoint
from linesexp.room import check_room_to_generate, check_room_to_train, naming_memory, pictures_of
from linesexp.run import Run, open_run
from linesexp.runs.atomic import storage_errors
from linesexp.runs.folder import STUDY, DamagedFile, RunFolder
from linesexp.runs.formats import csv_bytes, parse_json
from linesexp.runs.manifest import sha256
from linesexp.runs.trees import write_tree
from linesexp.runs.waiting import commit_waiting
from linesexp.wording import as_argument

TRAINED = {"environment.json", "initial.keras", "history.csv", "model.keras"}  # beside steps and checkpoint
Say = Callable[[str], None]  # something that the user should know
Progress = Callable[[int, int, str], None]  # epochs done, epochs in all, a few words on how it stands


@dataclass(frozen=True)
class Done:
    """What a stage did; `made` is False if everything was there already."""

    made: bool
    facts: dict[str, Any]


def generate(
    path: str | os.PathLike[str],
    config: ExperimentConfig,
    *,
    force: bool,
    say: Say,
    dataset: Dataset | None = None,
) -> Done:
    """Draw the data set into a run folder, or put the one there that is given: somebody's own pictures.

    Does nothing if it is there with these settings and undamaged; a damaged one is set aside and
    drawn again. With other settings: InputError that lists them or, with `force`, the old folder is
    renamed and a new one begun.
    """
    folder = RunFolder(path)
    refuse_other_folder(folder, force)
    check_given(folder, config, force)
    if force and folder.exists():
        # Settings that cannot be drawn leave everything in its place.
        dataset = dataset or _dataset_for(Run(folder), config)
        with folder.writing():
            kept = folder.begin_anew(generated_files(config, dataset), stage="generate")
        say(f"{folder.path} was kept as {kept}")
        return Done(True, _dataset_facts(dataset))
    with folder.writing():
        run = Run(folder)
        if "config.json" in folder:
            check_settings(run, config)
            if run.config != config:
                folder.commit({"config.json": config_json(config)}, stage="generate")
        damaged = [error for error in folder.damaged() if error.stage == "generate"]
        if not damaged and folder.manifest().keys() >= GENERATED:
            return Done(False, _dataset_facts(run.dataset))
        dataset = dataset or _dataset_for(run, config)
        files = generated_files(config, dataset)
        if folder.names(stage="train") and sha256(files["dataset.npz"]) != folder.entry("dataset.npz").sha256:
            raise InputError(
                f"{folder.path}: the data set is damaged, and this version makes another one than the network "
                "learned from; put the right one back, or use --force to begin anew"
            )
        for error in damaged:
            say(f"{error}; set aside, drawn again")
            folder.set_aside(error.name)
        folder.commit(files, stage="generate")
    return Done(True, _dataset_facts(dataset))


def write_class_folders(path: str | os.PathLike[str], destination: Path) -> int:
    """A run's pictures as PNG files under destination/train/CLASS/ and so on; returns how many.

    The folder appears when it is whole. Raises InputError if it holds anything already.
    """
    dataset = Run(RunFolder(path)).dataset
    write_tree(destination, class_folder_files(dataset))
    return len(dataset.labels)


def train(
    path: str | os.PathLike[str],
    config: ExperimentConfig,
    *,
    force: bool,
    debug: bool,
    say: Say,
    progress: Progress,
) -> Done:
    """Train the run's network and record it; goes on where an earlier call was stopped.

    The same settings, on the same machine with the same versions, give the same kernel files,
    interrupted or not. Raises InputError for settings, data or versions that do not belong to what is there.
    With `force` a trained folder is renamed, and a new one begun from the data set on.
    """
    check_backend()
    folder = RunFolder(path)
    run = Run(folder)
    run.require("config.json", "dataset.npz")
    check_given(folder, config, force)
    trained = bool(folder.names(stage="train"))
    if force and (trained or differences(run.config, config, "images")):
        generate(path, config, force=True, say=say)
    with folder.writing():
        check_settings(run, config)
        commit_waiting(folder)
        dataset = run.dataset
        damaged = [error for error in folder.damaged() if error.stage == "train"]
        if not damaged and folder.manifest().keys() >= TRAINED:
            return Done(False, _training_facts(run.log))
        if "environment.json" in folder and "environment.json" not in {error.name for error in damaged}:
            check_as_begun(folder, say)
        check_room_to_train(folder, config, pictures_of(dataset))
        if run.config != config:
            folder.commit({"config.json": config_json(config)}, stage="generate")
        _forget_damaged(folder, damaged, say)
        _train(folder, config, dataset, debug, progress)
        return Done(True, _training_facts(run.log))


def check_as_begun(folder: RunFolder, say: Say) -> None:
    """Raise InputError where this process computes otherwise than what began the training in a folder."""
    source = str(folder.path / "environment.json")
    check_environment(parse_json(folder.read("environment.json"), source), source, say)


def is_trained(folder: RunFolder) -> bool:
    """Whether a training there has ended, and none of its files is damaged since."""
    damaged = any(error.stage == "train" for error in folder.damaged())
    return not damaged and folder.manifest().keys() >= TRAINED


def verify(path: str | os.PathLike[str]) -> tuple[int, list[DamagedFile]]:
    """Number of files in the manifests of a run and its controls, or of a study, and those gone or changed.

    The names of a control's files begin with controls/NAME/.
    """
    if STUDY in (folder := RunFolder(path)):
        return len(folder.manifest()), folder.damaged()
    run = open_run(path)
    count, damaged = len(run.folder.manifest()), run.folder.damaged()
    for folder in run.control_folders().values():
        inside = folder.path.relative_to(run.folder.path).as_posix()
        count += len(folder.manifest())
        damaged += [error.inside(inside) for error in folder.damaged()]
    return count, damaged


def _train(
    folder: RunFolder, config: ExperimentConfig, dataset: Dataset, debug: bool, progress: Progress
) -> None:
    """From the checkpoint, if there is one, to the trained model; every file committed on the way."""
    epochs = config.training.epochs
    progress(0, epochs, "loading Keras")
    from linesexp.learning.backend import quiet_import

    with quiet_import(debug):
        from linesexp.learning.training import Checkpoint, start_network
        from linesexp.learning.training import train as train_network

        model = start_network(config, dataset, first_layer_of(folder, config, dataset.pixels.shape[-1]))
    begin = {"environment.json": describe_environment, "initial.keras": lambda: _keras_bytes(model, folder)}
    files = {name: make() for name, make in begin.items() if name not in folder}
    if files:
        folder.commit(files, stage="train")
    checkpoint = Checkpoint(*kept_checkpoint(folder)) if CHECKPOINT in folder else Checkpoint()
    keeper = Keeper(folder, checkpoint.recorded)

    def on_epoch(row: dict[str, Any]) -> None:
        if not row["step"]:
            keeper.log([row])
        words = f"validation accuracy {row['validation_accuracy']:.3f}, loss {row['validation_loss']:.4f}"
        progress(int(row["step"]), epochs, words)

    begun = f"goes on after epoch {checkpoint.epoch}" if checkpoint.epoch else "training begins"
    progress(checkpoint.epoch, epochs, begun)
    try:
        with naming_memory(folder.path, config, pictures_of(dataset)):
            train_network(
                model,
                dataset,
                config,
                checkpoint=checkpoint,
                record=keeper.record,
                save_checkpoint=keeper.save,
                on_epoch=on_epoch,
            )
    except StorageError:
        raise
    except BaseException:  # stopped: what waits is whole
        keeper.commit()
        raise
    keeper.commit()
    files = {"history.csv": csv_bytes(checkpoint.history), "model.keras": _keras_bytes(model, folder)}
    folder.commit(files, stage="train")


def _keras_bytes(model: Any, folder: RunFolder) -> bytes:
    """A model in Keras' own format, which Keras writes to a path only."""
    path = folder.path / ".model.part.keras"
    with storage_errors(path):
        path.unlink(missing_ok=True)  # and not follow a link that lies there
        try:
            model.save(path)
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)


def refuse_other_folder(folder: RunFolder, force: bool) -> None:
    """Raise InputError for a path that holds something, but no run."""
    path = folder.path
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; name a folder for the run")
    # By what lies there, as force is also for a folder whose manifest is damaged.
    if (path / STUDY).exists() or (
        not force and folder.names(prefix="kernels/") and "config.json" not in folder
    ):
        raise InputError(f"{path}: holds a study, or the recording of another model; name a new folder")
    if path.is_dir() and not folder.exists():
        # Files of ours may be there without a manifest, if an earlier call was killed.
        others = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")} - GENERATED
        if others:
            raise InputError(f"{path}: holds other files ({min(others)} …) and no run; name a new folder")


def check_settings(run: Run, config: ExperimentConfig) -> None:
    """Raise InputError where the settings are not those of the folder's data or recorded steps."""
    path = run.folder.path
    if changed := differences(run.config, config, "images"):
        raise InputError(
            f"{path}: the data set was drawn with other settings ({'; '.join(changed)}); "
            "choose another folder, or use --force to keep this one aside and draw anew"
        )
    if run.folder.names(stage="train") and (changed := differences(run.config, config)):
        raise InputError(
            f"{path}: training was begun with other settings ({'; '.join(changed)}); "
            "choose another folder, or use --force to keep this one aside and train anew"
        )


def _forget_damaged(folder: RunFolder, damaged: list[DamagedFile], say: Say) -> None:
    """Set damaged files of the training aside; begin it anew where steps or the checkpoint are among them."""
    for error in damaged:
        say(f"{error}; set aside")
        folder.set_aside(error.name)
    forgotten = {error.name for error in damaged}
    if forgotten - TRAINED:
        say("training begins again from the start")
        forgotten |= set(folder.names(stage="train"))
    if forgotten:  # at once: killed between two of them, a training would go on with a hole
        folder.forget(forgotten)


def _dataset_for(run: Run, config: ExperimentConfig) -> Dataset:
    """Lines as the settings say; own pictures, which nothing can draw, from the run that holds them."""
    if config.images.folders is None:
        check_room_to_generate(run.folder.path, config)
        return make_dataset(config.images)
    if "dataset.npz" in run.folder and not differences(run.config, config, "images"):
        return run.dataset
    command = f"linesexp train {as_argument(run.folder.path)} --data DIR"
    raise InputError(f"{run.folder.path}: pictures of your own are read by `{command}`")


def _dataset_facts(dataset: Dataset) -> dict[str, Any]:
    return {"pictures": len(dataset.labels), "splits": dataset.counts()}


def _training_facts(log: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "epochs": int(log["step"][-1]),
        "validation_accuracy": float(log["validation_accuracy"][-1]),
        "validation_loss": float(log["validation_loss"][-1]),
        "seconds": round(float(log["seconds"].sum()), 2),
    }
