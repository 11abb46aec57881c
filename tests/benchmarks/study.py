"""Members of a study a minute, beside plain Keras and beside what matrix multiplication alone would take.

Usage: study.py [ROUNDS]           against a loop of fit, one script a seed, and the floor; 5 rounds or more
       study.py sizes [ROUNDS]     seconds a member and epoch for blocks of several sizes, one thread
       study.py long [BLOCKS]      64 blocks of 8 members in a row: seconds and memory of each
       study.py ways [ROUNDS]      members convolved in groups and one by one, with oneDNN and without; 3 rounds

What is compared takes turns within each round, each in a process that lives through all rounds, because a
shared machine's speed wanders. Medians over the rounds; where a machine has others to serve, the processor's
seconds (cpu) say more than the clock's.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from linesexp.environment import ONEDNN

EPOCHS = 20
BATCH, TRAINING, VALIDATION = 32, 840, 180  # pictures of the default data set
LAYERS = (  # of the default network: positions of the output, products for each, filters, learns from its input
    ("conv1", 44 * 44, 49, 8, False),
    ("conv2", 18 * 18, 200, 16, True),
    ("conv3", 7 * 7, 144, 16, True),
    ("dense", 1, 144, 2, True),
)
SIZES = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Took:
    """Seconds of the clock and of the processor, and the process's greatest memory so far, MiB."""

    wall: float
    cpu: float
    mib: float = 0.0


class Contender:
    """A process that does one unit of work whenever it is told to."""

    def __init__(self, *words: Any, onednn: bool | None = None) -> None:
        """onednn: whether TensorFlow is to use it; by default as it, or linesexp, decides."""
        self.words = words
        environment = {} if onednn is None else {ONEDNN: str(int(onednn))}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "serve", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment | ({"OPENBLAS_NUM_THREADS": "1"} if words[0] == "floor" else {}),
            text=True,
        )

    def begin(self) -> None:
        """Tell it to do its unit."""
        print("go", file=self.process.stdin, flush=True)

    def end(self) -> Took:
        """Wait until it has done it."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.words} ended early: try `study.py serve {' '.join(map(str, self.words))}`")
        return Took(*json.loads(line))

    def run(self) -> Took:
        self.begin()
        return self.end()


def serve(kind: str, *words: str) -> None:
    """Do a unit of work for each line on stdin, and say what it took."""
    kinds = {
        "fit": fit_loop,
        "torch": torch_loop,
        "ours": our_blocks,
        "singly": our_blocks_singly,
        "floor": floor,
    }
    work = kinds[kind](*map(int, words))
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        found = next(work)
        took = found or (time.perf_counter() - wall, time.process_time() - cpu)
        print(json.dumps([*took, peak_mib()]), flush=True)


def fit_loop():
    """One member after the other, each with a fit of its own."""
    from plain_members import train

    yield from loop_over(train)


def torch_loop():
    """The same in PyTorch."""
    from torch_members import train

    yield from loop_over(train)


def loop_over(train):
    import numpy as np
    from plain_pictures import draw_pictures

    pictures, labels = draw_pictures(TRAINING + VALIDATION, np.random.default_rng(0))
    parts = (pictures[:TRAINING], labels[:TRAINING]), (pictures[TRAINING:], labels[TRAINING:])
    seed = 0
    while True:
        train(seed, *parts, epochs=EPOCHS)
        yield None
        seed += 1


def our_blocks(threads: int, members: int, epochs: int = EPOCHS):
    """One block after the other, its result's bytes included, as a worker makes it."""
    from linesexp.config import build_config
    from linesexp.images.dataset import make_dataset
    from linesexp.learning.backend import quiet_import, use_one_thread

    with quiet_import():
        if threads == 1:
            use_one_thread()
        from linesexp.learning.block import train_block
    from linesexp.study.blocks import Block, result_bytes

    first = 0
    dataset = None
    while True:
        config = build_config({"training": {"epochs": epochs, "seed": first}})
        dataset = dataset or make_dataset(config.images)
        result_bytes(train_block(Block("default", config, tuple(range(first, first + members))), dataset))
        yield None
        first += members


def our_blocks_singly(*of: int):
    """The same, members convolved one by one also where TensorFlow could convolve them in groups."""
    from linesexp.learning.backend import quiet_import

    with quiet_import():
        from linesexp.learning import members
    members.way_of_convolving = lambda: members.ONE_BY_ONE
    yield from our_blocks(*of)


def floor(members: int):
    """Seconds a member and epoch of the products alone, one thread: at NumPy's speed for matrices of their
    shapes, and for two of 2048 × 2048.

    Over the training pictures forward, and backward for the weights and the inputs of each layer (for the
    pictures there is none); over the validation pictures forward. A convolution is one product of its patches
    with its kernels; all members share the first one's patches.
    """
    import numpy as np

    def seconds(*shapes: tuple[int, int]) -> float:
        left, right = (np.ones(shape, np.float32) for shape in shapes)
        out = np.empty((len(left), right.shape[1]), np.float32)
        times = []
        for _ in range(9):
            began = time.perf_counter()
            np.matmul(left, right, out=out)
            times.append(time.perf_counter() - began)
        return min(times)

    while True:
        training = validation = 0.0
        for name, positions, products, filters, learns in LAYERS:
            rows, columns = BATCH * positions, filters * (members if name == "conv1" else 1)
            times = 1 / members if name == "conv1" else 1
            forward = seconds((rows, products), (products, columns)) * times
            back = seconds((products, rows), (rows, columns)) * times
            if learns:
                back += seconds((rows, columns), (columns, products)) * times
            training += (forward + back) * TRAINING / BATCH
            validation += forward * VALIDATION / BATCH
        square = seconds((2048, 2048), (2048, 2048)) / 2048**3
        yield training + validation, square * multiply_adds()


def multiply_adds() -> int:
    """Of one member and epoch: the same products."""
    forward = {name: positions * products * filters for name, positions, products, filters, _ in LAYERS}
    both = sum(forward[name] * (3 if learns else 2) for name, *_, learns in LAYERS)
    return both * TRAINING + sum(forward.values()) * VALIDATION


def peak_mib() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def script() -> Took:
    """One seed in a process of its own, imports and pictures included."""
    before, began = os.times(), time.perf_counter()
    path = Path(__file__).with_name("plain_members.py")
    subprocess.run(
        [sys.executable, path, "0"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(time.perf_counter() - began, cpu)


def compare(rounds: int) -> None:
    """The table of members a minute."""
    from linesexp.study.plan import BLOCK_SIZE as members

    fit, two, products = Contender("fit"), Contender("ours", 2, members), Contender("floor", members)
    peer = [Contender("torch")] if find_spec("torch") else []
    one = [Contender("ours", 1, members), Contender("ours", 1, members)]
    for contender in (
        fit,
        two,
        *one,
        *peer,
    ):  # imports and, for ours, the one tracing of all blocks of a condition
        contender.run()
    rows: dict[str, list[Took]] = {}

    def add(name: str, wall: float, cpu: float) -> None:
        rows.setdefault(name, []).append(Took(wall, cpu))

    for _ in range(rounds):
        took = fit.run()
        add("loop of plain fit", took.wall, took.cpu)
        for contender in peer:
            took = contender.run()
            add("loop of plain PyTorch", took.wall, took.cpu)
        began = time.perf_counter()
        for worker in one:
            worker.begin()
        both = [worker.end() for worker in one]
        wall = (time.perf_counter() - began) / (2 * members)
        add("ours, 2 processes of 1 thread", wall, sum(took.cpu for took in both) / (2 * members))
        took = script()
        add("one plain script a seed", took.wall, took.cpu)
        took = two.run()
        add("ours, 1 process of 2 threads", took.wall / members, took.cpu / members)
        took = one[0].run()
        memory = took.mib
        add("ours, 1 process of 1 thread", took.wall / members, took.cpu / members)
        took = products.run()
        add("floor: products of these shapes", took.wall * EPOCHS, took.wall * EPOCHS)
        add("floor: at the speed of 2048 × 2048", took.cpu * EPOCHS, took.cpu * EPOCHS)
    print(
        f"# Members a minute\n\n{machine()}. The default network, {EPOCHS} epochs, blocks of {members} members;"
    )
    print(f"medians of {rounds} rounds, in each of which all take turns; recording included for ours.\n")
    print("| what | seconds a member, clock | processor | members a minute |\n|---|---|---|---|")
    for name, tooks in rows.items():
        wall = statistics.median(took.wall for took in tooks)
        cpu = statistics.median(took.cpu for took in tooks)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {60 / wall:.1f} |")
    print("\n| ratio | by the clock | by the processor | wanted |\n|---|---|---|---|")
    for slow, fast, reach in (
        *[("loop of plain PyTorch", "ours, 2 processes of 1 thread", "–")] * len(peer),
        ("loop of plain fit", "ours, 2 processes of 1 thread", "≥ 3"),
        ("loop of plain fit", "ours, 1 process of 2 threads", "–"),
        ("one plain script a seed", "ours, 2 processes of 1 thread", "≥ 6"),
        ("ours, 1 process of 1 thread", "ours, 2 processes of 1 thread", "≥ 1.7"),
        ("ours, 1 process of 1 thread", "floor: products of these shapes", "≤ 1.5"),
        ("ours, 1 process of 1 thread", "floor: at the speed of 2048 × 2048", "–"),
    ):
        pairs = list(zip(rows[slow], rows[fast], strict=True))
        clock, cpu = (
            statistics.median(getattr(a, k) / getattr(b, k) for a, b in pairs) for k in ("wall", "cpu")
        )
        print(f"| {slow} / {fast} | {clock:.2f} | {cpu:.2f} | {reach} |")
    print(f"\nMemory of a worker after {rounds + 1} blocks: {memory:.0f} MiB, wanted ≤ 1536.")
    print(f"Multiply-adds of a member and epoch: {multiply_adds() / 1e9:.2f} · 10⁹.")


def machine() -> str:
    """What was measured on, in a line."""
    import platform

    from linesexp.environment import versions

    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    return f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f} at the end; {used}"


def sizes(rounds: int, epochs: int = 5) -> None:
    """Seconds a member and epoch, one thread, for blocks of several sizes."""
    contenders = {size: Contender("ours", 1, size, epochs) for size in SIZES}
    for contender in contenders.values():
        contender.run()
    tooks = [{size: contender.run() for size, contender in contenders.items()} for _ in range(rounds)]
    print(f"\n# Block size\n\nSeconds a member and epoch, one thread, {epochs} epochs a block.\n")
    print("| members | clock | processor | MiB | processor, alone = 1 |\n|---|---|---|---|---|")
    for size in SIZES:
        wall = statistics.median(took[size].wall for took in tooks) / size / epochs
        cpu = statistics.median(took[size].cpu for took in tooks) / size / epochs
        ratio = statistics.median(took[size].cpu / size / took[1].cpu for took in tooks)
        print(f"| {size} | {wall:.4f} | {cpu:.4f} | {tooks[-1][size].mib:.0f} | {ratio:.2f} |")


def long(blocks: int, members: int = 8, epochs: int = 2) -> None:
    """Blocks in a row in one process: what each member costs, and the memory."""
    contender = Contender("ours", 1, members, epochs)
    part: list[Took] = []
    print(f"\n# From {members} to {blocks * members} members")
    print(f"\nOne process, {epochs} epochs a block; medians of 8 blocks.\n")
    print("| member | clock, s a member | processor | MiB |\n|---|---|---|---|")
    for block in range(1, blocks + 1):
        part.append(contender.run())
        if block in (1, blocks) or block % 8 == 0:
            wall = statistics.median(took.wall for took in part) / members
            cpu = statistics.median(took.cpu for took in part) / members
            print(f"| {block * members} | {wall:.3f} | {cpu:.3f} | {part[-1].mib:.0f} |")
            part = []


def ways(rounds: int, members: int = 8, epochs: int = 5) -> None:
    """The two ways to convolve members, and plain Keras, with oneDNN and without."""
    ours = (2, members, epochs)  # threads, as the plain loop has them
    contenders = {
        "ours, grouped, oneDNN": (Contender("ours", *ours, onednn=True), members * epochs),
        "ours, one by one, oneDNN": (Contender("singly", *ours, onednn=True), members * epochs),
        "ours, one by one, no oneDNN": (Contender("ours", *ours, onednn=False), members * epochs),
        "loop of plain fit, oneDNN": (Contender("fit", onednn=True), EPOCHS),
        "loop of plain fit, no oneDNN": (Contender("fit", onednn=False), EPOCHS),
    }
    for contender, _ in contenders.values():
        contender.run()
    tooks = [{name: each.run() for name, (each, _) in contenders.items()} for _ in range(rounds)]
    print(
        f"\n# With oneDNN and without\n\nSeconds a member and epoch, 2 threads, blocks of {members} members.\n"
    )
    print("| what | clock | processor | processor, the first = 1 |\n|---|---|---|---|")
    first = next(iter(contenders))
    for name, (_, units) in contenders.items():
        wall, cpu = (statistics.median(getattr(t[name], k) / units for t in tooks) for k in ("wall", "cpu"))
        units_of_first = contenders[first][1]
        ratio = statistics.median(t[name].cpu / units / (t[first].cpu / units_of_first) for t in tooks)
        print(f"| {name} | {wall:.3f} | {cpu:.3f} | {ratio:.2f} |")


if __name__ == "__main__":
    PARTS = {"sizes": (sizes, 7), "long": (long, 64), "ways": (ways, 3)}
    words = sys.argv[1:]
    if words[:1] == ["serve"]:
        serve(*words[1:])
    elif words[:1] and words[0] in PARTS:
        part, usual = PARTS[words[0]]
        part(int(words[1]) if words[1:] else usual)
    else:
        compare(int(words[0]) if words else 5)
