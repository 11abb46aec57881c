"""The same seed gives the same bytes, wherever and under whatever settings of the system a command runs.

In studies, one worker, two, and those of a cluster: tests/study/test_real.py. With other versions a run refuses
to go on, and names them: tests/test_experiment.py; a study: tests/study/test_engine.py.
"""

import shutil
import subprocess
from functools import cache

import pytest
from reliability.scenarios import files_of, kernels_of

pytestmark = pytest.mark.xdist_group("reliability")
RERUNS = [pytest.param(1, id="1", marks=pytest.mark.slow), pytest.param(20, id="20", marks=pytest.mark.hours)]
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "XYZ+11:30")
LOCALES = (
    "C",
    "C.UTF-8",
    "POSIX",
    "de_DE.UTF-8",
    "tr_TR.UTF-8",
    "ja_JP.EUC-JP",
    "fr_FR.ISO-8859-1",
    "en_US.UTF-8",
)
COMMANDS = (("generate", "run", "--config", "tiny.toml"), ("train", "run"), ("report", "run"))


@cache
def locales():
    """The locales of those that are installed."""
    found = (
        subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout
        if shutil.which("locale")
        else ""
    )
    installed = {name.lower().replace("-", "") for name in found.split()} | {"c", "posix"}
    return [name for name in LOCALES if name.lower().replace("-", "") in installed]


def elsewhere(number, chance):
    """Settings of the system that no result may depend on; the number-th are unlike the one before."""
    return {
        "TZ": ZONES[number % len(ZONES)],
        "LC_ALL": locales()[number % len(locales())],
        "PYTHONHASHSEED": str(chance.randrange(2**32)),
        "COLUMNS": str(chance.choice((20, 80, 500))),
    }


@pytest.mark.parametrize("reruns", RERUNS)
def test_reruns_elsewhere_give_the_same_bytes(reruns, tiny_run, tiny_toml, linesexp, tmp_path, chance, figure):
    """A rerun's every file, but for seconds and dates, is that of the run that all tests share."""
    expected, kernels = files_of(tiny_run), kernels_of(tiny_run.parent)
    wrong = []
    for number in range(1, reruns + 1):  # from the first that is unlike here on
        place = tmp_path / chance.choice(("a", "b c", "ä/ö", "x" * 100)) / str(number)
        place.mkdir(parents=True)
        shutil.copy(tiny_toml, place / "tiny.toml")
        system = elsewhere(number, chance)
        for words in COMMANDS:
            ended = linesexp(*words, cwd=place, **system)
            assert ended.returncode == 0, ended.stderr
        found = files_of(place / "run")
        odd = [name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)]
        wrong += [(system, str(place), sorted(odd))] if odd or kernels_of(place) != kernels else []
    assert wrong == []
    figure(
        f"{reruns} reruns in {len(locales())} locales and {len(ZONES)} time zones: {len(expected)} files equal"
    )


def test_a_page_does_not_tell_how_long_a_training_took(tiny_run):
    """Which no two trainings would agree on."""
    assert '"seconds"' not in (tiny_run / "report.html").read_text(encoding="utf-8")
