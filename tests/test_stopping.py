"""Signals: answered while a library is at work, never lost, and at the second one there is no more waiting."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals")
BEGIN = """
import hashlib, os, signal, sys, threading, time
from linesexp import stopping
sys.argv = ["linesexp", "train", "my run", "--force"]
signal.signal(signal.SIGINT, signal.default_int_handler)
stopping.PATIENCE = 0.3
stopping.listen()

def ready():
    print("ready", flush=True)

def in_a_library():  # which hears nothing, and lets other threads work
    threading.Timer(1.0, ready).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""
FAREWELL = "goes on from there: linesexp train 'my run'"


def ended(code, environment, *numbers, pause=0.0):
    """(exit code, stdout, stderr) of this code, to which signals were sent when it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN + code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    for number in numbers:
        process.send_signal(number)
        try:
            process.wait(pause)
        except subprocess.TimeoutExpired:
            continue
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_hears_nothing_answers_and_ends_all_the_same(number, code, environment):
    found, _, said = ended("in_a_library()", environment, number)
    assert found == code
    assert said.splitlines()[0] == "stopping; a second time ends it at once"
    assert said.splitlines()[-1].endswith(FAREWELL)


FINALIZER = """
stopping.PATIENCE = 1e6
class Odd:
    def __del__(self):
        ready()
        time.sleep(30)
        raise ValueError("of its own")
Odd()
time.sleep(0.5)  # until the answer is said
print(stopping.exit_code())
"""


def test_a_signal_during_a_finalizer_is_remembered_and_makes_no_traceback(environment):
    _, out, said = ended(FINALIZER, environment, signal.SIGINT)
    assert out == "130\n"
    assert said == "stopping; a second time ends it at once\n"


def test_other_errors_of_finalizers_are_told(environment):
    _, _, said = ended(FINALIZER.replace("30", "0"), environment)
    assert "ValueError: of its own" in said


def test_the_second_signal_ends_it_at_once(environment):
    code = "stopping.PATIENCE = 1e6\nin_a_library()"
    found, _, said = ended(code, environment, signal.SIGINT, signal.SIGTERM, pause=0.5)
    assert found == 143
    assert said.splitlines()[-1].endswith(FAREWELL)


TIDY = """
stopping.PATIENCE = 1e6
try:
    ready()
    time.sleep(60)
except stopping.Stopped:
    time.sleep(0.5)
    print("tidied")
    sys.exit(stopping.exit_code())
"""


def test_a_signal_that_comes_twice_at_once_is_one(environment):
    """As where somebody in between sends it on; what is being brought in order is not disturbed."""
    assert ended(TIDY, environment, signal.SIGINT, signal.SIGINT)[:2] == (130, "tidied\n")


def test_a_signal_whose_exception_goes_nowhere_is_remembered(environment):
    code = """
ready()
class Library:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

library = Library()
del library
try:
    stopping.check()
except stopping.Stopped:
    sys.exit(stopping.exit_code())
"""
    assert ended(code, environment)[0] == 143


def test_a_signal_to_a_forked_child_is_none_to_its_parent(environment):
    code = """
ready()
child = os.fork()
if not child:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
os.waitpid(child, 0)
time.sleep(0.5)
stopping.check()
print("undisturbed")
"""
    found, out, said = ended(code, environment)
    assert (found, out) == (0, "undisturbed\n")
    assert "stopping;" not in said


def test_who_ignores_ctrl_c_goes_on_doing_so(environment):
    """As under nohup, or in the background of a shell."""
    code = BEGIN.replace("signal.default_int_handler", "signal.SIG_IGN")
    code += "os.kill(os.getpid(), signal.SIGINT)\nprint('deaf')"
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "deaf\n")
    assert found.stderr == ""


STAND_IN = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    sum(range(10**6))
except BaseException:  # as a module with a C++ part does
    raise ImportError("interrupted while the module was being loaded") from None
"""


def test_ctrl_c_is_heard_before_anything_that_takes_time_is_imported(tmp_path, environment):
    (tmp_path / "click.py").write_text(STAND_IN)
    found = subprocess.run(
        [sys.executable, "-m", "linesexp", "verify"],
        env=environment | {"PYTHONPATH": f"{tmp_path}:{environment.get('PYTHONPATH', '')}"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 130, found.stderr
    assert found.stderr.splitlines()[-1].endswith("goes on from there: linesexp verify")
    assert "Traceback" not in found.stderr
