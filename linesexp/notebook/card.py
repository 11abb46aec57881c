"""A run's card: what it is, what it holds, and which command makes what is missing. It never raises."""

from collections.abc import Callable, Iterator
from typing import Any

from linesexp.config import changed_settings
from linesexp.errors import LinesexpError
from linesexp.kernels.analysis import Score
from linesexp.run import Run, first_kernels
from linesexp.runs.steps import WeightsHistory, read_steps
from linesexp.views.inline import Card, card_html
from linesexp.views.style import step_name
from linesexp.views.weights import before_after_png
from linesexp.wording import as_argument, short_name, shown

CHECKED = 100_000_000  # bytes: the files of a larger run are not all read for a card
CLASSES = 8  # named in a line


def html_of(run: Run) -> str:
    """The card as HTML; of a damaged run, whatever can still be said, and what is wrong."""
    return card_html(card_of(run))


def card_of(run: Run) -> Card:
    """The card of a run, finished or not, of own pictures, of a recording, or of a damaged folder."""
    return _Looking(run).card()


class _Looking:
    """One look at a run, that collects what is wrong with it instead of raising it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._path = str(run.folder.path)
        self._problems: list[str] = []

    def card(self) -> Card:
        names = set(self._say(self._run.folder.names, []))
        recording = "config.json" not in names and any(name.startswith("kernels/") for name in names)
        title = "A recording by KernelRecorder" if recording else "A run of linesexp"
        self._say(self._damaged, None)
        history = self._say(self._ends, None) if any(name.startswith("kernels/") for name in names) else None
        facts = [] if recording or "config.json" not in names else self._about_settings(names)
        if history is not None:
            facts += self._about_steps(names, history)
        facts += [] if recording else self._about_scores(names)
        picture, about = self._say(lambda: _picture(history), (None, "")) if history else (None, "")
        missing: list[tuple[str, str, str]] = []
        if not recording:
            parts = list(self._parts(names))
            missing = [(name, words, command) for name, words, command in parts if command]
            made = ", ".join(words for _, words, command in parts if not command)
            facts += [("made", made)] if made else []
        return Card(title, self._path, facts, missing, list(dict.fromkeys(self._problems)), picture, about)

    def _say(self, look: Callable[[], Any], otherwise: Any) -> Any:
        """What there is to see, or `otherwise` and a line on what is wrong."""
        try:
            return look()
        except LinesexpError as error:
            self._problems.append(str(error))
        except Exception as error:  # a card is shown unasked: it must not raise, whatever lies in the folder
            self._problems.append(f"{self._path}: cannot be shown ({type(error).__name__}: {error})")
        return otherwise

    def _damaged(self) -> None:
        folder = self._run.folder
        size = sum(entry.bytes for entry in folder.manifest().values())
        if size > CHECKED:
            return
        if damaged := folder.damaged():
            first, more = damaged[0], len(damaged) - 1
            others = f"; and {more} other file{'s' * (more > 1)}, see `linesexp verify {self._quoted}`"
            self._problems.append(f"{first}{others if more else ''}")

    def _ends(self) -> WeightsHistory:
        """The first and the last recorded step alone: all of a large model's would take long to read."""
        return read_steps(self._run.folder, only=(0, -1))

    def _about_settings(self, names: set[str]) -> list[tuple[str, str]]:
        config = self._say(lambda: self._run.config, None)
        if config is None:
            return []
        changed = ", ".join(f"{name} {shown(value)}" for name, value in changed_settings(config).items())
        facts = [("settings", changed or "all as by default")]
        if "dataset.npz" in names and (dataset := self._say(lambda: self._run.dataset, None)):
            count, height, width, channels = dataset.pixels.shape
            classes = [short_name(name, 24) for name in dataset.class_names]
            named = ", ".join(classes[:CLASSES]) + (", …" if len(classes) > CLASSES else "")
            kind = "drawn" if config.images.folders is None else "your own"
            colour = "" if channels == 1 else " in colour"
            facts += [("pictures", f"{count:,}, {kind}, {height}×{width} px{colour}: {named}")]
        return facts

    def _about_steps(self, names: set[str], history: WeightsHistory) -> list[tuple[str, str]]:
        count = sum(name.startswith("kernels/") for name in names)
        weights = sum(values[0].size for values in history.weights.values())
        words = f"{count} steps, {step_name(history.steps[0])} to {step_name(history.steps[-1])}"
        return [("recorded", f"{words}; {weights:,} weights in {len(history.weights)} arrays")]

    def _about_scores(self, names: set[str]) -> list[tuple[str, str]]:
        if "analysis.json" in names and (analysis := self._say(lambda: self._run.analysis, None)):
            words = f"untrained {_score(analysis.before)}, trained {_score(analysis.after)}"
            return [("test accuracy", words)]
        if "history.csv" in names and (log := self._say(lambda: self._run.log, None)):
            first, last = (f"{log['validation_accuracy'][index]:.3f}" for index in (0, -1))
            return [("validation accuracy", f"untrained {first}, epoch {log['step'][-1]:g} {last}")]
        return []

    def _parts(self, names: set[str]) -> Iterator[tuple[str, str, str]]:
        """(name, words, command) of each stage; the command that makes it is empty if it is there."""
        own = "config.json" in names and self._say(lambda: self._run.has_own_pictures, False)
        generate = f"linesexp train {self._quoted} --data DIR" if own else f"linesexp generate {self._quoted}"
        yield _part("data set", {"config.json", "dataset.npz"} <= names, generate)
        begun = "not finished" if any(name.startswith("kernels/") for name in names) else "not yet"
        yield _part("training", "model.keras" in names, f"linesexp train {self._quoted}", begun)
        yield _part("report", "report.html" in names, f"linesexp report {self._quoted}")
        controls = self._say(lambda: self._run.controls, {})
        train = f"linesexp train {self._quoted} --controls"
        yield ("controls", f"{len(controls)} controls", "") if controls else _part("controls", False, train)

    @property
    def _quoted(self) -> str:
        return as_argument(self._path)


def _part(name: str, there: bool, command: str, missing: str = "not yet") -> tuple[str, str, str]:
    return (name, name, "") if there else (name, missing, command)


def _score(score: Score) -> str:
    return f"{score.accuracy:.3f} ({score.correct} of {score.pictures})"


def _picture(history: WeightsHistory) -> tuple[bytes | None, str]:
    """Kernels of the first and the last step as a PNG, and what it shows; none without a convolution."""
    kernels = first_kernels(history)
    if kernels is None:
        return None, ""
    names = step_name(history.steps[0]), step_name(history.steps[-1])
    count, height, width = kernels.shape[1:]
    words = f"{count} kernels of {height}×{width} weights in the first layer, {names[0]} and {names[1]}"
    return before_after_png(kernels[0], kernels[-1], names), words
