import json

import pytest

from linesexp.environment import backend_command, describe_environment


@pytest.mark.parametrize(
    ("configured", "asked", "backend"),
    [("jax", None, "jax"), ("jax", "torch", "torch"), (None, None, "tensorflow")],
)
def test_the_backend_is_the_one_that_keras_takes(configured, asked, backend, tmp_path, monkeypatch):
    if configured:
        (tmp_path / "keras.json").write_text(json.dumps({"backend": configured}))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    if asked:
        monkeypatch.setenv("KERAS_BACKEND", asked)
    assert json.loads(describe_environment())["versions"]["backend"] == backend


@pytest.mark.parametrize(
    ("versions", "command"),
    [
        ({}, []),
        ({"backend": "tensorflow"}, []),
        ({"backend": "jax"}, ["export KERAS_BACKEND=jax"]),
        ({"backend": "jax; reboot"}, ["export KERAS_BACKEND='jax; reboot'"]),
    ],
)
def test_the_command_that_chooses_a_backend_again_is_one_word_for_the_shell(versions, command):
    assert backend_command(versions) == command
