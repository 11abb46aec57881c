"""Measure linesexp against a plain script, side by side in one run; prints ratios as a table.

Usage: bench.py [ROUNDS]. What is compared takes turns within each round, because a shared machine's
speed wanders; a row gives the median of the rounds' ratios.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import linesexp
from linesexp.config import ExperimentConfig
from linesexp.images.dataset import count_distinct, make_dataset
from linesexp.images.lines import Lines, draw_lines
from linesexp.kernels.match import Bank, best_match, initializer_kernels, operator_bank
from linesexp.learning.backend import quiet_import
from linesexp.views.kernels import kernels_gif

with quiet_import():
    import plain_script

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "cwd": ROOT}


def main(rounds: int) -> None:
    print(f"{'what':58} {'ours':>9} {'plain':>9}  {'reach':>8}  {'measured':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for row in (bench_drawing, bench_angled_drawing, bench_data_set, bench_matching, bench_gif, bench_help):
            row(rounds * 3)
        bench_recording(Path(folder), rounds)
        bench_recorder(rounds)
        bench_analysis(Path(folder), rounds)
        bench_preferred(Path(folder), rounds)
        bench_experiment(Path(folder), rounds)
        bench_laboratory(Path(folder), rounds)


def bench_drawing(rounds: int) -> None:
    """1,200 lines along the axes; the loop draws them one at a time with the same formula."""
    lines = random_lines(np.repeat([0.0, 90.0], 600))
    compare(
        "draw 1,200 pictures, axis-parallel (loop / ours)",
        rounds,
        lambda: draw_lines(lines, 50),
        lambda: loop(lines),
        10,
    )


def bench_angled_drawing(rounds: int) -> None:
    """1,200 lines at any angle."""
    lines = random_lines(np.random.default_rng(1).uniform(0, 180, 1200))
    compare(
        "draw 1,200 pictures, any angle (loop / ours)",
        rounds,
        lambda: draw_lines(lines, 50),
        lambda: loop(lines),
    )


def bench_data_set(rounds: int) -> None:
    """Sampling, drawing, splitting and the check for duplicates, against the plain script's loop."""
    config = ExperimentConfig().images
    plain = lambda: plain_script.draw_pictures(1200, np.random.default_rng(0))  # noqa: E731
    compare("whole default data set (plain script / ours)", rounds, lambda: make_dataset(config), plain)


def bench_matching(rounds: int) -> None:
    """100,000 random 7×7 kernels against the whole bank, and (plain) 1,000 of them one at a time."""
    kernels = initializer_kernels("glorot_uniform", 7, 100_000, np.random.default_rng(0))
    bank = operator_bank(7)
    ours = [timed(lambda: best_match(kernels, bank)) for _ in range(rounds)]
    loop = [timed(lambda: match_one_by_one(kernels[:1000], bank)) for _ in range(rounds)]
    mine = statistics.median(ours)
    row(
        "100,000 kernels against all operators (loop: 1,000)",
        mine,
        statistics.median(loop),
        "≤ 2 s",
        f"{mine:.2f} s",
    )


def bench_gif(rounds: int) -> None:
    """A frame of the kernels' GIF, encoding included, against a matplotlib figure a frame."""
    rng = np.random.default_rng(0)
    steps = np.arange(21.0)
    kernels = rng.normal(size=(21, 8, 7, 7)).cumsum(axis=0).astype(np.float32)
    log = {name: rng.random(21) for name in ("loss", "accuracy", "validation_loss", "validation_accuracy")}
    log["step"] = steps
    with tempfile.TemporaryDirectory() as folder:

        def plain() -> None:
            import imageio.v2 as imageio

            paths = [Path(folder) / f"{step}.png" for step in range(21)]
            for step, path in enumerate(paths):
                shown = {"loss": log["loss"][:step], "accuracy": log["accuracy"][:step]}
                plain_script.save_figure(kernels[step].transpose(1, 2, 0)[:, :, None], shown, path)
            imageio.mimsave(Path(folder) / "k.gif", [imageio.imread(path) for path in paths], duration=350)

        ours = lambda: kernels_gif(kernels, steps, log)  # noqa: E731
        compare("GIF of 21 frames (one figure a frame / ours)", max(3, rounds // 3), ours, plain, 10)


def bench_help(rounds: int) -> None:
    """Seconds until the help is there, beside a bare interpreter."""
    for words in (["--help"], ["train", "--help"]):
        seconds = [timed(lambda: subprocess.run([BIN / "linesexp", *words], **QUIET)) for _ in range(rounds)]  # noqa: B023
        bare = [timed(lambda: subprocess.run([sys.executable, "-c", "pass"], **QUIET)) for _ in range(rounds)]
        row(
            f"linesexp {' '.join(words)}",
            statistics.median(seconds),
            statistics.median(bare),
            "≤ 0.15 s",
            f"{statistics.median(seconds):.3f} s",
        )


def bench_recording(folder: Path, rounds: int) -> None:
    """Share of a training's time that is spent in recording and committing; the median of the rounds."""
    shares = []
    for number in range(rounds):
        run = [sys.executable, Path(__file__).parent / "recording_cost.py", folder / f"recording-{number}"]
        output = subprocess.run(run, check=True, cwd=ROOT, capture_output=True, text=True).stdout.split()
        spent, total = float(output[-2]), float(output[-1])
        shares.append((spent / (total - spent), spent, total - spent))
    share, spent, without = sorted(shares)[len(shares) // 2]
    row("recording and checkpoints, share of fit without them", spent, without, "≤ 5 %", f"{share:.1%}")


def bench_recorder(rounds: int) -> None:
    """Somebody's own fit with a KernelRecorder: what recorder_cost.py says, two lines."""
    run = [sys.executable, Path(__file__).parent / "recorder_cost.py", str(2 * rounds)]
    done = subprocess.run(run, check=True, cwd=ROOT, capture_output=True, text=True)
    print(f"own fit with KernelRecorder, wanted: ≤ 2 % slower\n{done.stdout}", end="", flush=True)


def bench_analysis(folder: Path, rounds: int) -> None:
    """All measures of a default run and its ledger, imports included, beside those of NumPy and matplotlib."""
    code = "import sys, linesexp; from linesexp.evidence.measuring import analyse; "
    ours = [sys.executable, "-c", code + "analyse(linesexp.open_run(sys.argv[1]))", folder / "recording-0"]
    bare = [sys.executable, "-c", "import matplotlib.figure, scipy.stats"]
    both = [[timed(lambda: subprocess.run(run, **QUIET)) for _ in range(rounds)] for run in (ours, bare)]  # noqa: B023
    mine, theirs = map(statistics.median, both)
    row("analysis of a run (plain: the imports alone)", mine, theirs, "≤ 5 s", f"{mine:.1f} s")


def bench_preferred(folder: Path, rounds: int) -> None:
    """Preferred inputs of all units of a default network, imports and figures included, and how many win."""
    out = folder / "seen"
    layers = [word for name in ("conv1", "conv2", "conv3", "dense") for word in ("--preferred", name)]
    command = [BIN / "linesexp", "see", folder / "recording-0", *layers, "--out", out]
    took = statistics.median([timed(lambda: subprocess.run(command, **QUIET)) for _ in range(rounds)])
    found = json.loads((out / "preferred.json").read_text())
    print(
        f"preferred inputs win: {found['wins']} of {found['live']} live units, ≥ 95 %; {seconds(took)}, ≤ 20 s"
    )


def bench_experiment(folder: Path, rounds: int) -> None:
    """The first page of `make experiment`, set-up done, against the plain script, which makes one GIF."""
    counter = iter(range(1000))

    def ours() -> None:
        run = folder / f"ours-{next(counter)}"
        for command in (["generate"], ["train"], None, None, ["report"]):
            if command:
                subprocess.run([BIN / "linesexp", *command, run], **QUIET)
        for script in ("compare_prewitt.py", "make_gifs.py"):
            subprocess.run([sys.executable, ROOT / "scripts" / script, run], **QUIET)

    def plain() -> None:
        script = Path(__file__).parent / "plain_script.py"
        subprocess.run([sys.executable, script, folder / f"plain-{next(counter)}"], **QUIET)

    compare("first page of make experiment (plain script / ours)", max(rounds, 2), ours, plain, 0.83)
    facts(folder)


def bench_laboratory(folder: Path, rounds: int) -> None:
    """The page's laboratory in a browser: what laboratory.py says, a table of its own."""
    run = [sys.executable, Path(__file__).parent / "laboratory.py", folder / "ours-0", str(rounds)]
    done = subprocess.run(run, check=True, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout, end="", flush=True)


def facts(folder: Path) -> None:
    """What came out of the default runs, and whether two of them are equal."""
    runs = [linesexp.open_run(path) for path in sorted(folder.glob("ours-*"))[:2]]
    kernels = [
        {name: entry.sha256 for name, entry in run.folder.manifest().items() if name.startswith("kernels/")}
        for run in runs
    ]
    equal = sum(kernels[1].get(name) == digest for name, digest in kernels[0].items())
    test, weights = runs[0].analysis.after, runs[0].history.at(-1)
    print(f"distinct pictures: {count_distinct(runs[0].dataset.pixels)}")
    print(
        f"weights: {weights['conv1/kernel'].size + weights['conv1/bias'].size} in layer one, "
        f"{sum(values.size for values in weights.values())} in all"
    )
    print(f"test accuracy: {test.accuracy:.4f} ({test.correct} of {test.pictures})")
    print(f"same seed twice: {equal} of {len(kernels[0])} kernel files equal to the byte")


def compare(what: str, rounds: int, ours: Callable, plain: Callable, reach: float | None = None) -> None:
    """Take turns, and print the median of the rounds' ratios plain / ours; reach: the least wanted."""
    pairs = [(timed(ours), timed(plain)) for _ in range(rounds)]
    ratio = statistics.median(slow / fast for fast, slow in pairs)
    mine, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    row(what, mine, theirs, f"≥ {reach:g} ×" if reach else "–", f"{ratio:.1f} ×")


def row(what: str, ours: float, plain: float, reach: str, measured: str) -> None:
    print(f"{what:58} {seconds(ours):>9} {seconds(plain):>9}  {reach:>8}  {measured:>9}", flush=True)


def seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.1f} s"


def timed(function: Callable) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def random_lines(angle_deg: np.ndarray) -> Lines:
    rng = np.random.default_rng(0)
    count = len(angle_deg)
    row, column = rng.integers(15, 35, (2, count)) + 0.5
    return Lines(angle_deg, rng.integers(1, 4, count), rng.integers(10, 31, count), row, column)


def loop(lines: Lines) -> np.ndarray:
    """One picture at a time, each with NumPy over its own pixels."""
    rows, columns = np.mgrid[:50, :50] + 0.5
    pictures = []
    for index in range(len(lines)):
        radians = np.deg2rad(lines.angle_deg[index])
        right, down = columns - lines.column[index], rows - lines.row[index]
        along = np.abs(right * np.cos(radians) - down * np.sin(radians))
        across = np.abs(right * np.sin(radians) + down * np.cos(radians))
        reach = lines.length_px[index] / 2 + 0.5, lines.thickness_px[index] / 2 + 0.5
        pictures.append(np.clip(reach[0] - along, 0, 1) * np.clip(reach[1] - across, 0, 1))
    return np.array(pictures, dtype=np.float32)


def match_one_by_one(kernels: np.ndarray, bank: Bank) -> list[int]:
    """Index of the bank's best entry for each kernel, one product a kernel."""
    best = []
    for kernel in kernels:
        flat = kernel.ravel() - kernel.mean()
        best.append(int(np.argmax(np.abs(bank.rows @ (flat / np.linalg.norm(flat))))))
    return best


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
