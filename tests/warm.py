"""A warm parent that has imported everything once, and forks a child for each command.

`python warm.py` takes requests as lines of JSON on stdin and answers each in a line. So a command costs what it
does, and not what Python's and TensorFlow's start cost. TensorFlow is imported and not used in the parent: it
starts its threads when it first computes, in the child.
"""

import contextlib
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reliability.faults import Counters, Fault, install

from linesexp.runs import RunFolder
from linesexp.runs.formats import parse_tensors
from linesexp.runs.steps import read_steps

WARM = tuple(
    f"linesexp.{name}"
    for name in (
        "cli",
        "controls",
        "experiment",
        "filtering",
        "inspecting.inspect",
        "learning.training",
        "looking.see",
        "own_pictures.taking",
        "predicting",
        "report.making",
    )
)
TIME_LIMIT = 600.0  # seconds, of a command


@dataclass(frozen=True)
class Ended:
    """How a command ended: a negative code is the signal that killed it.

    fired: whether the fault came. epochs: how many were done.
    """

    code: int
    out: str
    err: str
    seconds: float
    counts: dict[str, int]
    fired: bool
    epochs: int


class Warm:
    """The client: `warm.run(place, "train", "run")`. One at a time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self,
        place: Path,
        *words: str,
        fault: Fault | None = None,
        kill_after: float | None = None,
        made: Path | None = None,
        asks: bool = True,
        watched: bool = True,
        variables: dict[str, str] | None = None,
        script: Path | None = None,
    ) -> Ended:
        """Run a command in the folder `place`, in a process of its own.

        kill_after: seconds, after which it is killed. made: a finished run, whose figures are taken as they are
        instead of being drawn once more, and whose steps instead of learning, as the disk alone is in question.
        asks: whether it asks first how much room there is on the disk. watched: whether calls and epochs are
        counted, which a fault needs. variables: of the environment, beside those of the parent. script: a
        Python file to run with these words instead of linesexp.
        """
        request = {
            "place": str(place),
            "words": list(words),
            "fault": asdict(fault) if fault else None,
            "kill_after": kill_after,
            "made": str(made) if made else None,
            "asks": asks,
            "watched": watched,
            "variables": variables or {},
            "script": str(script) if script else None,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.kill()  # TensorFlow takes a second to be taken down
        self._process.communicate()


def serve() -> None:
    """Answer requests until there are no more."""
    from linesexp.learning.backend import quiet_import

    with quiet_import():
        for name in WARM:
            importlib.import_module(name)
    counters = Counters()
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            counters.reset()
            began = time.monotonic()
            child = os.fork()
            if child == 0:
                _be_the_command(request, out.fileno(), err.fileno(), counters)
            code = _wait(child, began, request["kill_after"])
            seconds = time.monotonic() - began
            out.seek(0)
            err.seek(0)
            said = [file.read().decode(errors="replace") for file in (out, err)]
        ended = Ended(code, *said, seconds, counters.counts(), counters.fired, counters.epochs)
        answers.write(json.dumps(asdict(ended)) + "\n")
        answers.flush()


def _wait(child: int, began: float, kill_after: float | None) -> int:
    """Its exit code, or minus the signal that killed it."""
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        spent = time.monotonic() - began
        if spent > (TIME_LIMIT if kill_after is None else kill_after):
            os.kill(child, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        time.sleep(0.001 if kill_after is not None else 0.005)


def _be_the_command(request: dict[str, Any], out: int, err: int, counters: Counters) -> None:
    """In the child: what the console script does, with the fault in place. Does not return."""
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["place"])
        os.environ.update(request["variables"])
        sys.argv = [request["script"] or "linesexp", *request["words"]]
        if request["watched"]:
            _prepare(request, counters)
        _run(request["script"])
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):  # the last words of a script
            print(error.code, file=sys.stderr)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _run(script: str | None) -> None:
    if script is None:
        from linesexp.__main__ import main

        main()
    else:
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")


def _prepare(request: dict[str, Any], counters: Counters) -> None:
    """What makes the child another one than a user's process."""
    if request["made"]:
        _take_as_drawn(RunFolder(request["made"]))
        _take_as_learned(RunFolder(request["made"]))
    _count_epochs(counters)
    if not request["asks"]:
        import linesexp.room

        linesexp.room.check_space = lambda *_: None
    install(Fault(**request["fault"]) if request["fault"] else None, request["place"], counters)


def _count_epochs(counters: Counters) -> None:
    """Count each epoch before what it learned is kept."""
    from linesexp.keeping import Keeper

    save = Keeper.save

    def counting(keeper: Keeper, checkpoint: Any) -> None:
        counters.epochs += 1
        save(keeper, checkpoint)

    Keeper.save = counting


def _take_as_drawn(run: RunFolder) -> None:
    """Let `report` take each file from a finished run instead of drawing it."""
    from linesexp.report import making

    stored = {name: run.read(name) for name in run.names(stage="report")}
    makers = making.makers
    making.makers = lambda *of: {name: lambda _, name=name: stored[name] for name in makers(*of)}


def _take_as_learned(run: RunFolder) -> None:
    """Let `train` take each step from a finished run of as many epochs instead of learning."""
    from linesexp.learning import training

    history = read_steps(run)
    tensors, about = parse_tensors(run.read("checkpoint.safetensors"), "checkpoint")

    def train(model, dataset, config, *, checkpoint, record, save_checkpoint, on_epoch):
        if not checkpoint.epoch:
            checkpoint.history = [about["history"][0]]
            on_epoch(checkpoint.history[0])
        for index in range(checkpoint.recorded, len(history.steps)):
            step = float(history.steps[index])
            record(step, history.at(index))
            checkpoint.recorded += 1
            if step >= 1:
                checkpoint.epoch, checkpoint.tensors = int(step), tensors
                checkpoint.history.append(about["history"][int(step)])
                save_checkpoint(checkpoint)
                on_epoch(checkpoint.history[-1])
        return checkpoint

    training.train = train


if __name__ == "__main__":
    serve()
