"""Run: a run folder's content as settings, arrays and records."""

import contextlib
import os
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from linesexp.config import ExperimentConfig, build_config
from linesexp.environment import differing
from linesexp.errors import InputError
from linesexp.images.dataset import SPLITS, Dataset
from linesexp.kernels.analysis import Analysis, parse_analysis
from linesexp.picture_settings import ImagesConfig
from linesexp.runs.folder import STUDY, DamagedFile, MissingFile, RunFolder
from linesexp.runs.formats import MOST_ARRAYS, npz_bytes, parse_csv, parse_json, parse_npz
from linesexp.runs.steps import WeightsHistory, read_steps
from linesexp.wording import as_argument

if TYPE_CHECKING:
    from linesexp.notebook.gif import Gif
    from linesexp.notebook.plots import Plots

CONTROLS = ("frozen-random", "frozen-prewitt", "frozen-learned", "shuffled-labels")  # see controls.py
STAGES = ("generate", "train", "report")  # commands, by which the manifest tells who made a file
LOG = ("step", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds")  # columns
OLD_PICTURES = 20_000  # of which data sets of own pictures may hold that do not say how many they are
COMMANDS = {"dataset.npz": "generate", "config.json": "generate", "analysis.json": "report"}


def open_run(path: str | os.PathLike[str]) -> "Run":
    """A run that `linesexp generate` or a KernelRecorder has begun. Raises MissingFile for other paths."""
    run = Run(RunFolder(path))
    if not run.folder.path.exists():
        near = get_close_matches(run.folder.path.name, run.folder.neighbours(), n=1)
        meant = f"did you mean {run.folder.path.with_name(near[0])}? A" if near else "a"
        command = f"linesexp generate {as_argument(path)}"
        raise MissingFile(f"{path}: no such folder; {meant} new run begins with `{command}`")
    if not run.folder.names(prefix="kernels/"):
        run.require("config.json")
    return run


class Run:
    """Typed reading of a run folder. Every read checks the file first; errors name the file.

    Raises MissingFile, with the command to run, for what is not there yet; DamagedFile or InputError
    for what does not hold what it should.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder.path)!r})"

    def _repr_html_(self) -> str:
        """The run as a notebook shows it: what it is, what it holds, what makes the rest, and its kernels."""
        from linesexp.notebook.card import html_of

        return html_of(self)

    @property
    def plot(self) -> "Plots":
        """The run's figures, each as matplotlib Axes: `run.plot.kernels()`, `run.plot.training()` …"""
        from linesexp.notebook.plots import Plots

        return Plots(self)

    def gif(self, name: str) -> "Gif":
        """The GIF `kernels` or `responses`, or of a recording's layer, which a notebook shows.

        Made in memory if it is not there yet.
        """
        from linesexp.notebook.gif import gif_of

        return gif_of(self, name)

    def require(self, *names: str) -> None:
        """Raise MissingFile, with the command that makes it, unless the run has these files."""
        manifest = self.folder.manifest()
        for name in names:
            if name not in manifest:
                self._missing(name)

    def check(self, except_for: str) -> None:
        """Raise InputError, with what to do, for the first damaged file that another stage made."""
        for error in self.folder.damaged():
            if error.stage != except_for:
                raise self._with_remedy(error)

    @property
    def is_recording(self) -> bool:
        """Whether it is a KernelRecorder's, of somebody's own model: steps, and no settings or data."""
        return "config.json" not in self.folder and bool(self.folder.names(prefix="kernels/"))

    @property
    def config(self) -> ExperimentConfig:
        """The settings."""
        path = str(self.folder.path / "config.json")
        return build_config(parse_json(self._read("config.json"), path), source=path)

    @property
    def has_own_pictures(self) -> bool:
        """Whether its pictures are somebody's own, from class folders, and not drawn lines."""
        return self.config.images.folders is not None

    @cached_property
    def dataset(self) -> Dataset:
        """The pictures, labels and split."""
        path = str(self.folder.path / "dataset.npz")
        return dataset_from(parse_npz(self._read("dataset.npz"), path, most_bytes(self.config.images)), path)

    @cached_property
    def history(self) -> WeightsHistory:
        """All recorded steps of all layers."""
        try:
            history = read_steps(self.folder)
        except MissingFile:
            self._missing("kernels")
        except DamagedFile as error:
            raise self._with_remedy(error) from None
        if "config.json" in self.folder:
            self._check_weights(history)
        return history

    def _check_weights(self, history: WeightsHistory) -> None:
        """Raise InputError for recorded weights of another network than the settings'."""
        images = self.config.images
        channels = images.folders.channels if images.folders else 1
        expected = self.config.network.weight_shapes(images.size, channels, len(images.class_names))
        found = {name: values.shape[1:] for name, values in history.weights.items()}
        if odd := sorted(name for name, _ in expected.items() ^ found.items()):
            raise InputError(
                f"{self.folder.path / 'kernels'}: weights of another network than config.json describes "
                f"({odd[0]} is {found.get(odd[0], 'missing')}, and should be {expected.get(odd[0], 'missing')})"
            )

    @property
    def kernels(self) -> np.ndarray:
        """Kernels of the first convolution: float32 (steps, filters, k, k), averaged over colour channels.

        `history.steps` says at which epoch each step was recorded.
        """
        kernels = first_kernels(self.history)
        if kernels is None:
            raise InputError(f"{self.folder.path}: the recorded model has no two-dimensional convolution")
        return kernels

    @property
    def log(self) -> dict[str, np.ndarray]:
        """The training log: column → (rows,); a row for step 0 and one for each epoch."""
        path = str(self.folder.path / "history.csv")
        rows = parse_csv(self._read("history.csv"), path)
        if not rows:
            raise InputError(f"{path}: holds no rows")
        if missing := [name for name in LOG if name not in rows[0]]:
            raise InputError(f"{path}: not a training log (no column {missing[0]})")
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    @property
    def analysis(self) -> Analysis:
        """The measures that the page states."""
        return parse_analysis(self._read("analysis.json"), str(self.folder.path / "analysis.json"))

    @property
    def versions(self) -> dict[str, Any]:
        """What its training was begun with, as `environment.versions` tells; empty if that cannot be read."""
        path = str(self.folder.path / "environment.json")
        with contextlib.suppress(InputError, MissingFile):
            found = parse_json(self.folder.read("environment.json"), path).get("versions")
            return found if isinstance(found, dict) else {}
        return {}

    @property
    def controls(self) -> dict[str, "Run"]:
        """The finished controls by name that may be compared with the run: trained with the same versions."""
        return {name: run for name, run in self._finished_controls().items() if not self.trained_unlike(run)}

    @property
    def controls_unlike(self) -> dict[str, list[str]]:
        """Finished controls of other versions, by name: what of their versions is not the run's."""
        unlike = {name: self.trained_unlike(run) for name, run in self._finished_controls().items()}
        return {name: versions for name, versions in unlike.items() if versions}

    def _finished_controls(self) -> dict[str, "Run"]:
        folders = self.control_folders()
        return {name: Run(folder) for name, folder in folders.items() if "model.keras" in folder}

    def trained_unlike(self, control: "Run") -> list[str]:
        """What of a control's versions is not the run's; nothing where one of them does not say."""
        return differing(self.versions, control.versions) if self.versions and control.versions else []

    def control_folders(self) -> dict[str, RunFolder]:
        """The folders of the controls by name, finished or not."""
        folders = {name: self.folder.within(f"controls/{name}") for name in CONTROLS}
        return {name: folder for name, folder in folders.items() if folder.exists()}

    def _read(self, name: str) -> bytes:
        try:
            return self.folder.read(name)
        except MissingFile:
            self._missing(name)
        except DamagedFile as error:
            raise self._with_remedy(error) from None

    def _with_remedy(self, error: DamagedFile) -> InputError:
        if error.name == "config.json":  # nothing else knows the settings
            remedy = f"put the right one back, or begin anew: `linesexp generate {self._quoted} --force`"
        elif "config.json" not in self.folder and error.stage == "train":
            remedy = "only recording it again, in `fit`, makes it again"
        elif error.stage == "generate" and self.has_own_pictures:
            remedy = f"`linesexp train {self._quoted} --data DIR` makes it again from your pictures in DIR"
        elif error.stage not in STAGES:
            remedy = "put the right one back"
        else:
            remedy = f"`linesexp {error.stage} {self._quoted}` makes it again"
        return InputError(f"{error}; {remedy}")

    @property
    def _quoted(self) -> str:
        return as_argument(self.folder.path)

    def _missing(self, name: str) -> NoReturn:
        if STUDY in self.folder:
            raise MissingFile(
                f"{self.folder.path}: a study of many networks, not one run; "
                f"`linesexp study {self._quoted}` goes on with it"
            ) from None
        if self.is_recording:
            raise MissingFile(
                f"{self.folder.path}: a recording by KernelRecorder, which has no {name}; `linesexp report "
                f"{self._quoted}` shows its kernels, and open_run(…).history has its steps in Python"
            )
        what = {"config.json": "no data set", "dataset.npz": "no data set"}.get(name, f"no {name}")
        command = f"linesexp {COMMANDS.get(name, 'train')} {self._quoted}"
        raise MissingFile(f"{self.folder.path}: {what} yet; run `{command}` first") from None


def first_kernels(history: WeightsHistory) -> np.ndarray | None:
    """Kernels of the first convolution (steps, filters, k, k), their channels' mean; None without one."""
    layers = [values for values in history.weights.values() if values.ndim == 5]
    # (steps, k, k, channels, filters) → (steps, filters, k, k)
    return layers[0].mean(axis=3).transpose(0, 3, 1, 2) if layers else None


def dataset_bytes(dataset: Dataset) -> bytes:
    """A data set as .npz: images (uint8), labels, split (0 train, 1 validation, 2 test), class_names."""
    return npz_bytes(
        {
            "images": dataset.pixels,
            "labels": dataset.labels,
            "split": dataset.split,
            "class_names": np.array(dataset.class_names),
        }
    )


def most_bytes(images: ImagesConfig) -> int:
    """An upper bound of a data set's bytes in memory, by the settings that it was made with."""
    known, channels = images.folders, 1
    if known is None:
        count = images.pictures_per_class * len(images.angles_deg)
    else:
        count, channels = known.pictures or OLD_PICTURES, known.channels
    return count * (images.size**2 * channels + 64) + MOST_ARRAYS  # 64: labels and the like


def dataset_from(arrays: dict[str, np.ndarray], source: str) -> Dataset:
    """The data set in these arrays. Raises InputError, naming the source, if they do not fit together."""
    expected = {"images": ("u", 4), "labels": ("i", 1), "split": ("i", 1), "class_names": ("U", 1)}
    for name, (kind, dimensions) in expected.items():
        array = arrays.get(name)
        if array is None or array.dtype.kind != kind or array.ndim != dimensions:
            raise InputError(f"{source}: damaged (array {name!r} is missing or of another kind)")
    count = len(arrays["images"])
    if not count or len(arrays["labels"]) != count or len(arrays["split"]) != count:
        raise InputError(f"{source}: damaged (images, labels and split differ in number)")
    for name, end in (("labels", len(arrays["class_names"])), ("split", len(SPLITS))):
        if arrays[name].min() < 0 or arrays[name].max() >= end:
            raise InputError(f"{source}: damaged ({name} must be 0..{end - 1})")
    return Dataset(arrays["images"], arrays["labels"], arrays["split"], tuple(arrays["class_names"].tolist()))
