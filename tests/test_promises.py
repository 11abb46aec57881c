"""What a user may rely on, each once broken: see the names."""

import json

import numpy as np
import pytest

import linesexp
from linesexp.config import ExperimentConfig, NetworkConfig
from linesexp.errors import ConfigError, InputError
from linesexp.experiment import generate
from linesexp.learning.backend import quiet_import
from linesexp.runs import RunFolder
from linesexp.runs.steps import StepWriter
from linesexp.seeing.convolution import pool


def silent(words):
    """Says nothing."""


@pytest.fixture
def recording(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    with folder.writing():
        StepWriter(folder).save(0.0, {"first/kernel": np.ones((3, 3, 1, 2), np.float32)})
    return folder


def test_a_recording_of_somebodys_model_is_not_drawn_over(recording):
    with pytest.raises(InputError, match="recording of another model"):
        generate(recording.path, ExperimentConfig(), force=False, say=silent)
    assert linesexp.open_run(recording.path).history.steps.tolist() == [0.0]


def test_the_first_layer_must_be_comparable_with_operators():
    with pytest.raises(ConfigError, match="at least 3×3"):
        NetworkConfig(filters=(8,), kernel_sizes=(1,))


def test_pooling_keeps_what_is_no_number():
    maps = np.full((1, 3, 3, 1), np.nan)
    for kind in ("max", "average"):
        with np.errstate(invalid="ignore"):
            assert np.isnan(pool(maps, 2, kind=kind, padding="same")).all()


def test_keras_can_be_imported_without_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with quiet_import():
        pass


def test_the_backend_is_the_one_of_keras_own_file(tmp_path, monkeypatch):
    from linesexp.environment import describe_environment

    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert json.loads(describe_environment())["versions"]["backend"] == "jax"
