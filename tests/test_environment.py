import json
import platform
import subprocess
import sys

import pytest

from linesexp import environment
from linesexp.environment import (
    ONEDNN,
    backend_command,
    check_backend,
    check_environment,
    describe_environment,
    differing,
    switch_on_onednn,
)
from linesexp.errors import InputError

USUAL = {"python": "3.11.2", "backend": "tensorflow", "keras": "3.15", "tensorflow": "2.21", "onednn": "on"}
JAX = {"python": "3.11.2", "backend": "jax", "keras": "3.15", "tensorflow": "2.21", "jax": "0.10"}


@pytest.fixture
def machine(monkeypatch):
    """machine("arm64", "Darwin"): what this process then runs on."""

    def runs_on(kind, system="Linux"):
        monkeypatch.setattr(platform, "machine", lambda: kind)
        monkeypatch.setattr(platform, "system", lambda: system)

    runs_on("x86_64")
    return runs_on


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


def test_where_home_cannot_be_written_keras_looks_elsewhere(monkeypatch, tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras/keras.json").write_text('{"backend": "torch"}')
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setattr(environment.Path, "home", lambda: tmp_path)
    assert environment.versions()["backend"] == "torch"
    monkeypatch.setattr(environment.os, "access", lambda path, mode: False)
    monkeypatch.setattr(environment, "ELSEWHERE", tmp_path / "none")
    assert environment.versions()["backend"] == "tensorflow"


@pytest.mark.parametrize("backend", ["numpy", "openvino", "nonsense", "TensorFlow"])
def test_a_backend_that_is_not_supported_is_refused_with_those_that_are(backend, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    with pytest.raises(InputError, match=f"^KERAS_BACKEND: .*'{backend}'.* tensorflow, jax or torch$"):
        check_backend()


def test_one_of_keras_own_settings_is_named_by_its_file(tmp_path, monkeypatch):
    (tmp_path / "keras.json").write_text('{"backend": "numpy"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    with pytest.raises(InputError, match=r"keras\.json: .*'numpy'"):
        check_backend()


def test_a_backend_must_be_installed(monkeypatch):
    monkeypatch.setattr(environment, "find_spec", lambda name: None if name == "jax" else object())
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    check_backend()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(InputError, match="KERAS_BACKEND: Keras' backend jax is not installed"):
        check_backend()


@pytest.mark.parametrize(
    ("before", "now", "names"),
    [
        (USUAL, USUAL | {"python": "3.11.7"}, []),
        (USUAL, USUAL | {"python": "3.12.2"}, ["python"]),
        (USUAL, USUAL | {"keras": "3.16", "tensorflow": "2.22"}, ["keras", "tensorflow"]),
        (USUAL, JAX, ["backend"]),
        (USUAL, JAX | {"keras": "3.16"}, ["backend", "keras"]),
        (JAX, JAX | {"jax": "0.11"}, ["jax"]),
        (USUAL, USUAL | {"onednn": "off"}, ["onednn"]),
        (USUAL, USUAL | {"onednn": "default"}, ["onednn"]),
        (USUAL, {name: USUAL[name] for name in USUAL if name != "onednn"}, []),
        ({name: USUAL[name] for name in USUAL if name != "onednn"}, USUAL, []),
        ({}, USUAL, ["backend", "keras", "python"]),
    ],
)
def test_versions_differ_in_what_computes_otherwise(before, now, names, machine):
    assert differing(before, now) == names


@pytest.mark.parametrize(("kind", "names"), [("x86_64", []), ("aarch64", ["onednn"])])
def test_onednn_by_default_is_compared_on_machines_of_its_kind_alone(kind, names, machine):
    machine(kind)
    assert differing(USUAL | {"onednn": "default"}, USUAL) == names


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (USUAL, USUAL | {"onednn": "off"}, f"onednn on (now off); go on with {ONEDNN}=1, or use --force"),
        (USUAL | {"onednn": "off"}, USUAL, f"onednn off (now on); go on with {ONEDNN}=0, or use --force"),
        (USUAL | {"onednn": "default"}, USUAL, f"onednn default (now on); go on with no {ONEDNN}, or"),
        (USUAL, JAX, "backend tensorflow (now jax); go on with KERAS_BACKEND=tensorflow, or use --force"),
        (
            JAX,
            USUAL | {"python": "3.12.0", "keras": "4"},
            "backend jax (now tensorflow); keras 3.15 (now 4); python 3.11.2 (now 3.12.0); "
            "go on with KERAS_BACKEND=jax and the same versions, or use --force",
        ),
    ],
)
def test_what_differs_is_refused_with_what_gives_it_back(before, now, said, machine, monkeypatch):
    machine("aarch64")
    monkeypatch.setattr(environment, "versions", lambda: now)
    with pytest.raises(InputError) as refused:
        check_environment({"versions": before}, "run/environment.json", lambda words: None)
    assert f"run/environment.json: training was begun with {said}" in str(refused.value)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (USUAL | {"python": "3.11.99"}, USUAL),
        (USUAL, {name: USUAL[name] for name in USUAL if name != "onednn"}),
    ],
    ids=["a patch version of Python", "of a time before oneDNN was noted"],
)
def test_what_does_not_count_is_not_said(now, before, monkeypatch):
    monkeypatch.setattr(environment, "versions", lambda: now)
    said = []
    check_environment({"versions": before, "machine": environment._machine()}, "it", said.append)
    assert not said


@pytest.mark.parametrize(
    ("kind", "system", "asked", "imported", "then", "noted"),
    [
        ("x86_64", "Linux", None, False, "1", "on"),
        ("AMD64", "Windows", None, False, "1", "on"),
        ("x86_64", "Linux", "maybe", False, "1", "on"),  # TensorFlow takes it for nothing, too
        ("x86_64", "Linux", "", False, "1", "on"),
        ("x86_64", "Linux", "0", False, "0", "off"),
        ("x86_64", "Linux", "False", False, "False", "off"),
        ("x86_64", "Linux", "TRUE", False, "TRUE", "on"),
        ("x86_64", "Linux", None, True, None, "asked"),
        ("x86_64", "Linux", "0", True, "0", "off"),
        ("x86_64", "Darwin", None, False, None, "default"),
        ("aarch64", "Linux", None, False, None, "default"),
        ("aarch64", "Linux", "1", False, "1", "on"),
        ("arm64", "Darwin", "0", False, "0", "off"),
    ],
)
def test_onednn_is_switched_on_where_nobody_has_decided(
    kind, system, asked, imported, then, noted, machine, monkeypatch
):
    machine(kind, system)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv(ONEDNN, "")  # so that what is set here is put back
    monkeypatch.delenv(ONEDNN)
    if asked is not None:
        monkeypatch.setenv(ONEDNN, asked)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    if imported:
        monkeypatch.setitem(sys.modules, "tensorflow", object())
    switch_on_onednn()
    assert environment.os.environ.get(ONEDNN) == then
    for has_it in (True, False):
        monkeypatch.setattr(environment, "grouped_gradients", lambda tensorflow, device, has_it=has_it: has_it)
        expected = {True: "on", False: "off"}[has_it] if noted == "asked" else noted
        assert environment._onednn() == expected
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert "onednn" not in environment.versions()


def test_processes_of_a_study_inherit_onednn(machine, monkeypatch):
    monkeypatch.setenv(ONEDNN, "")  # so that what is set here is put back
    monkeypatch.delenv(ONEDNN)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    switch_on_onednn()
    code = f"import os; print(os.environ[{ONEDNN!r}])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "1\n"
