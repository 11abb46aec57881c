"""Where a run lies among the members of a study that were trained as it was."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linesexp.config import differences
from linesexp.errors import InputError
from linesexp.run import Run
from linesexp.runs.folder import RunFolder
from linesexp.runs.formats import parse_table
from linesexp.runs.manifest import sha256
from linesexp.seeing.forward import probabilities
from linesexp.study.blocks import LOG, Block, BlockResult
from linesexp.study.chances import chances_of, gather, without_seeds
from linesexp.study.gathering import MEMBERS
from linesexp.study.measuring import MEASURES, Measure, measure
from linesexp.study.networks import network_measures
from linesexp.study.reading import Study, open_study
from linesexp.wording import as_argument

BESIDE = ("study", "../study")  # where a run's study is looked for
SHOWN = ("accuracy", "epochs_to_95", "matched", "edge_like", "cosine", "emergence", "axis", "odd", "choosiness")


@dataclass(frozen=True)
class Standing:
    """One measure of a run among those of the members: its value, theirs, and how many lie below and at it."""

    measure: Measure
    value: float
    members: np.ndarray
    below: int
    equal: int


@dataclass(frozen=True)
class Place:
    """A run among the members of a condition.

    study: the name of its folder. itself: whether the run's own seeds are those of a member.
    """

    study: str
    condition: str
    members: int
    itself: bool
    standings: list[Standing]


def study_of(run: Run, path: str | os.PathLike[str] | None = None) -> Study | None:
    """The study that a run may be placed in: the one at `path`, else RUN/study or the study beside RUN.

    None where none is found, none has the run's settings, or the run is not trained to its end. Raises
    InputError, naming what differs, for a study at `path` that has no condition of the run's settings or no
    members.csv, and for a run that is not trained to its end; MissingFile without a study there.
    """
    finished = run.history.steps[-1] == run.config.training.epochs
    if path is not None:
        study = open_study(path)
        if not finished:
            raise InputError(f"{run.folder.path}: not trained to its end, so it has no place in a study yet")
        if MEMBERS not in study.folder:
            raise InputError(f"{path}: has no {MEMBERS} yet; `linesexp study {as_argument(path)}` makes it")
        if condition_of(run, study) is None:
            raise InputError(
                f"{path}: no condition has the settings of {run.folder.path}{_nearest(run, study)}"
            )
        return study
    for beside in BESIDE if finished else ():
        folder = RunFolder(Path(os.path.normpath(run.folder.path.resolve() / beside)))
        if MEMBERS in folder and folder.path != run.folder.path.resolve():
            study = Study(folder)
            if condition_of(run, study) is not None:
                return study
    return None


def condition_of(run: Run, study: Study) -> str | None:
    """The condition of a study that has a run's settings but for the seeds."""
    wanted = without_seeds(run.config)
    return next((name for name, config in study.settings.conditions.items() if config == wanted), None)


def digest_of(study: Study | None) -> str:
    """What a place in a study is made from, in short."""
    if study is None:
        return ""
    return sha256("".join(study.folder.entry(name).sha256 for name in ("study.json", MEMBERS)).encode())


def place_of(run: Run, study: Study) -> Place:
    """Where a run lies in a study that study_of found for it."""
    name = condition_of(run, study)
    source = str(study.folder.path / MEMBERS)
    rows = [row for row in parse_table(study.folder.read(MEMBERS), source) if row.get("condition") == name]
    if name is None or not rows:
        raise InputError(f"{source}: holds no member of the run's condition")
    own = measures_of(run)
    standings = []
    for each in MEASURES:
        members = np.array([float(row.get(each.id) or "nan") for row in rows])
        members, value = members[np.isfinite(members)], float(f"{own[each.id]:.7g}")  # as the file has them
        if each.id in SHOWN and len(members) and np.isfinite(value):
            close = np.isclose(members, value, rtol=1e-5, atol=1e-9)
            below = int(np.sum((members < value) & ~close))
            standings.append(Standing(each, value, members, below, int(close.sum())))
    seeds = str(run.config.images.data_seed), str(run.config.training.seed)
    itself = any((row["data_seed"], row["seed"]) == seeds for row in rows)
    return Place(study.folder.path.resolve().name, name, len(rows), itself, standings)


def measures_of(run: Run) -> dict[str, float]:
    """A finished run's MEASURES, found as those of a study's members are.

    Those that need the kernels of a whole condition, which one run has not, are found from its own.
    """
    block, result = as_block(run)
    chances = chances_of("run", {"run": block.config}, gather([(block, result)]))
    found = measure(block, result, run.dataset.part("test")[1], chances)
    return {each.id: float(found.members[each.id][0]) for each in MEASURES}


def as_block(run: Run) -> tuple[Block, BlockResult]:
    """A finished run as a block of one member."""
    history, log = run.history, run.log
    block = Block("run", run.config, (run.config.training.seed,))
    untrained, trained = ({name: values[None] for name, values in history.at(step).items()} for step in (0, -1))
    chances = probabilities(run.dataset.part("test")[0], history.at(-1), run.config.network)
    return block, BlockResult(
        steps=history.steps,
        kernels=run.kernels[None],
        untrained=untrained,
        trained=trained,
        log={name: log[name][None] for name in LOG},
        test_probabilities=chances[None],
        seconds=0.0,
        measures=network_measures(block, untrained, trained, run.dataset),
    )


def _nearest(run: Run, study: Study) -> str:
    """What the most alike condition has otherwise, in a few words."""
    wanted = without_seeds(run.config)
    found = {name: differences(wanted, config) for name, config in study.settings.conditions.items()}
    name = min(found, key=lambda each: len(found[each]))
    return f"; {name} differs in {', '.join(found[name][:3])}"
