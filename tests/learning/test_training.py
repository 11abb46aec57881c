import contextlib
import copy
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from linesexp.config import build_config, settings_of
from linesexp.errors import InputError
from linesexp.images.dataset import make_dataset
from linesexp.learning.training import Checkpoint, batches, capture, restore, start_network, train
from linesexp.runs import RunFolder
from linesexp.runs.formats import tensors_bytes

CONFIG = build_config(
    {
        "images": {"size": 20, "length_px": (6, 20), "margin_px": 2, "pictures_per_class": 30},
        "network": {"filters": (3, 2), "kernel_sizes": (5, 3)},
        "training": {"epochs": 4, "batch_size": 8},
    }
)
DATASET = make_dataset(CONFIG.images)


class Killed(Exception):
    """Stands for the end of the process."""


def trained(config=CONFIG, checkpoint=None, die_after=None, moment="checkpoint"):
    """Recorded steps, checkpoints as they were saved, and the log; dies after an epoch if asked to."""
    recorded, saved = {}, []

    def record(step, weights):
        recorded[step] = hashlib.sha256(tensors_bytes(weights, {"step": step})).hexdigest()
        if step == die_after and moment == "recording":
            raise Killed

    def save(checkpoint):
        saved.append(copy.deepcopy(checkpoint))
        if checkpoint.epoch == die_after and moment == "checkpoint":
            raise Killed

    model = start_network(config, DATASET)
    with contextlib.suppress(Killed):
        train(
            model,
            DATASET,
            config,
            checkpoint=checkpoint or Checkpoint(),
            record=record,
            save_checkpoint=save,
            on_epoch=lambda row: None,
        )
    return recorded, saved


@pytest.fixture(scope="module")
def undisturbed():
    return trained()


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", [{"images": {"data_seed": 1}}, pytest.param({"training": {"seed": 1}}, marks=pytest.mark.slow)]
)
def test_another_seed_gives_others(undisturbed, change):
    config = build_config(
        {name: {**values, **change.get(name, {})} for name, values in settings_of(CONFIG).items()}
    )
    assert trained(config)[0][4.0] != undisturbed[0][4.0]


@pytest.mark.parametrize(
    ("epoch", "moment"),
    [
        (3, "checkpoint"),
        pytest.param(1, "recording", marks=pytest.mark.slow),
        pytest.param(1, "checkpoint", marks=pytest.mark.slow),
        pytest.param(3, "recording", marks=pytest.mark.slow),
    ],
)
def test_the_same_seed_gives_the_same_bits_and_so_does_going_on_from_any_checkpoint(undisturbed, epoch, moment):
    before, saved = trained(die_after=epoch, moment=moment)
    after, _ = trained(checkpoint=saved[-1] if saved else None)
    assert before | after == undisturbed[0]


def test_history_has_step_0_and_every_epoch(undisturbed):
    history = undisturbed[1][-1].history
    assert [row["step"] for row in history] == [0, 1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"]


def test_checkpoint_counts_the_recorded_steps(undisturbed):
    recorded, saved = undisturbed
    assert saved[-1].recorded == len(recorded)


def test_checkpoint_holds_weights_dropout_state_and_optimiser(undisturbed):
    names = " ".join(undisturbed[1][-1].tensors)
    for part in ("kernel", "seed_generator_state", "iteration", "velocity"):
        assert part in names


def test_restore_puts_everything_back(undisturbed):
    model = start_network(CONFIG, DATASET)
    restore(model, undisturbed[1][-1])
    for name, value in undisturbed[1][-1].tensors.items():
        assert np.array_equal(capture(model)[name], value)


def test_restore_refuses_the_checkpoint_of_another_network(undisturbed):
    other = build_config(
        {"images": {"size": 20, "length_px": (6, 20)}, "network": {"filters": (5,), "kernel_sizes": (5,)}}
    )
    with pytest.raises(InputError, match="another network"):
        restore(start_network(other, DATASET), undisturbed[1][-1])


def test_order_derives_from_data_seed_and_epoch():
    pictures, labels = np.arange(20)[:, None], np.arange(20)

    def epochs(first, count):
        stream = batches(pictures, labels, CONFIG, first_epoch=first)
        return [np.concatenate([next(stream)[1] for _ in range(3)]).tolist() for _ in range(count)]

    one, two = epochs(0, 2)
    assert sorted(one) == sorted(two) == labels.tolist()
    assert one != two
    assert epochs(1, 1) == [two]


@pytest.mark.slow
@pytest.mark.parametrize("wait", [0.0, pytest.param(0.35, marks=pytest.mark.hours)])
def test_killed_process_goes_on_to_the_same_bytes(tmp_path, wait):
    """A real SIGKILL, some time after the first epoch was committed."""
    settings = tmp_path / "tiny.toml"
    settings.write_text(
        "[images]\nsize = 20\nlength_px = [6, 20]\nmargin_px = 2\npictures_per_class = 30\n"
        "[network]\nfilters = [3, 2]\nkernel_sizes = [5, 3]\n[training]\nepochs = 12\nbatch_size = 8\n"
    )
    command = [sys.executable, "-m", "linesexp"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def start(name, run):
        words = [*command, name, str(run), "--config", str(settings)]
        return subprocess.Popen(words, **quiet)

    runs = [tmp_path / "undisturbed", tmp_path / "killed"]
    for run in runs:
        assert start("generate", run).wait() == 0
    assert start("train", runs[0]).wait() == 0
    victim = start("train", runs[1])
    deadline = time.monotonic() + 120
    while not (runs[1] / "checkpoint.safetensors").exists():
        assert victim.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(wait)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert start("train", runs[1]).wait() == 0
    manifests = [RunFolder(run).manifest() for run in runs]
    kernels = [
        {name: entry.sha256 for name, entry in manifest.items() if name.startswith("kernels/")}
        for manifest in manifests
    ]
    assert len(kernels[0]) == 12 + 1 + 3  # epochs, step 0, batches 1, 2 and 4 of 6
    assert kernels[0] == kernels[1]


def test_json_can_hold_the_history(undisturbed):
    assert json.loads(json.dumps(undisturbed[1][-1].history)) == undisturbed[1][-1].history
