"""Which command comes next for a run, as a user would type it."""

from pathlib import Path
from typing import Any

from linesexp.wording import as_argument

DEFAULT_RUN = "results/default"


def following(run: str) -> str:
    """What comes next for a run, by how far it has come."""
    from linesexp.runs.folder import RunFolder

    made = RunFolder(run).names()
    if "study.json" in made:
        return opening(run, "study.html") if "study.html" in made else f"linesexp study {as_argument(run)}"
    recorded = "config.json" not in made and any(name.startswith("kernels/") for name in made)
    if "model.keras" not in made and not recorded:
        return f"linesexp train{named(run)}"
    return opening(run, "report.html") if "report.html" in made else f"linesexp report{named(run)}"


def remedy(run: str, damaged: list[Any]) -> str:
    """The commands that make damaged files again."""
    if any(error.name == "study.json" for error in damaged):
        return f"put the right study.json back, or begin anew: linesexp study {as_argument(run)} --force"
    if any(error.stage.startswith("study") for error in damaged):
        return f"to make them again: linesexp study {as_argument(run)}"
    if any(error.name == "config.json" for error in damaged):  # nothing else knows the settings
        return f"put the right config.json back, or begin anew: linesexp generate{named(run)} --force"
    stages = {"train --controls" if error.name.startswith("controls/") else error.stage for error in damaged}
    from linesexp.run import Run
    from linesexp.runs.folder import RunFolder

    opened = Run(RunFolder(run))
    if opened.is_recording and stages - {"report"}:
        return "only recording it again, in `fit`, makes those files again"
    own = not opened.is_recording and opened.has_own_pictures
    order = ["generate", "train", "train --controls", "report"]
    commands = []
    for stage in (stage for stage in order if stage in stages):
        if stage == "generate" and own:
            stage = "train --data DIR"
        command, *flags = stage.split()
        commands.append(" ".join([f"linesexp {command}{named(run)}", *flags]))
    if stages - set(order):  # of a manifest that no command has written
        commands.append("put the others back")
    return "to make them again: " + " && ".join(commands)


def opening(folder: Any, name: str) -> str:
    """The command that opens a file of a folder."""
    return f"open {as_argument(Path(folder) / name)}"


def named(run: str) -> str:
    """` RUN` as a command line takes it; nothing for the default."""
    return "" if run == DEFAULT_RUN else f" {as_argument(run)}"
