"""Measure the engine of studies: what handing out a block costs, and what a second worker gains.

Usage: study_engine.py [ROUNDS] [BLOCKS]. One worker and two take turns within each round, because a shared
machine's speed wanders; both train the default network, in blocks of 8, and are warm. Wanted: 10,000 empty
blocks at 10 ms each, committed; two workers 1.7 times as fast as one.
"""

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from linesexp.config import ExperimentConfig
from linesexp.study.blocks import Block
from linesexp.study.cluster import started_here
from linesexp.study.conditions import chosen_conditions
from linesexp.study.dispatch import train_on
from linesexp.study.engine import train_study
from linesexp.study.plan import StudySettings
from linesexp.study.work import train_members

EMPTY = 10_000
SHARE = 8  # members of a block


def empty(block: Block, on_epoch: object) -> bytes:
    return b""


def main(rounds: int, blocks: int) -> None:
    base = ExperimentConfig()
    conditions = chosen_conditions(["default"], base, {})
    with tempfile.TemporaryDirectory() as folder:
        with started_here(2) as client:
            settings = StudySettings.of(base, conditions, range(EMPTY), [0], block_size=1)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = time.perf_counter()
            train(Path(folder) / "empty", settings, client, empty)
            each = 1000 * (time.perf_counter() - began) / EMPTY
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            print("\n# The engine, Dask\n")
            print(f"{EMPTY:,} empty blocks, {each:.2f} ms each (wanted ≤ 10), client + {grown:.0f} MiB.\n")
        with started_here(1) as one, started_here(2) as two:
            rates: dict[int, list[float]] = {1: [], 2: []}
            for number in range(rounds + 1):
                for workers, client in ((1, one), (2, two)):
                    count = workers * blocks
                    settings = StudySettings.of(base, conditions, range(SHARE * count), [0], SHARE)
                    began = time.perf_counter()
                    train(Path(folder) / f"{workers}-{number}", settings, client, train_members)
                    if number:  # the first one imports TensorFlow and builds the network
                        rates[workers].append(60 * SHARE * count / (time.perf_counter() - began))
            for workers, found in rates.items():
                print(f"- {workers} worker(s): {statistics.median(found):.1f} members a minute")
            ratios = [b / a for a, b in zip(rates[1], rates[2], strict=True)]
            shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"- 2 workers against 1: {statistics.median(ratios):.2f} × (wanted ≥ 1.7), of {shown}")


def train(path: Path, settings: StudySettings, client, work) -> None:
    train_study(
        path,
        settings,
        lambda blocks, count, on_epoch: train_on(
            client, blocks, study=settings.digest, ours=True, say=print, work=work
        ),
        say=print,
        progress=lambda done, total, words: None,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
