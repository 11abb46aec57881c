"""Opens files that want to run code, take memory or lead out of their folder, and tells what came of each.

A program of its own:

    python tests/reliability/hostile/open_all.py RUN FOLDER [--networks] [--quick] [CASE …]

makes each file beside a copy of RUN, a trained run, in FOLDER, opens it with the command that reads it, and
prints a JSON line for it:

    {"case": …, "command": […], "code": exit code, "expected": that it should have, "said": stderr,
     "named": what stderr must name, "seconds": of processor, "megabytes": of memory at the peak, beyond before,
     "alarms": what nothing in a file may bring about}

An audit hook listens for started processes, connections, pickles and the opening of the user's secret beside.
To add a file: a function under @case, or @network where Keras is loaded, in a module that is imported here.
"""

import contextlib
import io
import json
import resource
import shutil
import sys
import time
import warnings
from pathlib import Path

import links  # noqa: F401
import networks  # noqa: F401
import pictures  # noqa: F401
import run_files  # noqa: F401
from making import CANARY, CASES, NETWORKS, SECRET, Case, Folder

SLOW = {  # to make, or to be opened as far as it is
    "data_set_of_4_gib_of_zeros",
    "data_set_with_a_header_of_2_gib",
    "data_set_with_endless_text",
    "data_set_with_65_thousand_members",
    "kernel_of_ten_million_numbers",
    "kernel_of_a_million_rows",
    "analysis_without_kernels",
    "file_of_a_gibibyte",
    "file_that_is_being_replaced_by_a_gibibyte",
    "link_to_a_folder_of_the_users",
    "link_for_the_controls",
    "picture_of_2_gib",
    "picture_as_large_as_is_read",
    "picture_as_large_as_is_read_to_be_turned",
    "picture_with_endless_text",
    "picture_with_an_endless_profile",
    "picture_of_stars",
    "network_whose_settings_are_4_gib",
    "network_whose_weights_are_2_gib_of_zeros",
    "network_that_takes_pictures_of_a_gigapixel",
    "network_with_members_outside",
    "network_whose_layers_are_called_like_paths",
}


class Watch:
    """An audit hook that notes what no file may bring about."""

    FORBIDDEN = ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class")
    NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")

    def __init__(self, secret: Path) -> None:
        self._secret, self.alarms, self.on = str(secret), [], False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple) -> None:
        if not self.on:
            return
        if event in self.FORBIDDEN + self.NETWORK and arguments[0] != "uname":  # Python asks for the processor
            self.alarms.append(f"{event} {arguments!r}"[:200])
        if event == "open" and str(arguments[0]) == self._secret:
            self.alarms.append(f"open {arguments[0]}")


def memory(key: str) -> float:
    """VmRSS or VmHWM of this process, MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    return 0.0


def opened(made: Case, watch: Watch) -> dict:
    """What came of a command in this process."""
    from linesexp.cli import cli
    from linesexp.commands.ending import explain

    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = memory("VmRSS"), time.process_time()
    said, watch.alarms, watch.on = io.StringIO(), [], True
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = cli.main(made.command, standalone_mode=False) or 0
        except (SystemExit, Exception) as error:
            code = explain(error) if isinstance(error, Exception) else 1
    watch.on = False
    return {
        "code": code,
        "said": said.getvalue()[-2000:],
        "seconds": round(time.process_time() - began, 2),
        "megabytes": round(memory("VmHWM") - before),
        "alarms": watch.alarms,
    }


def main(run: Path, folder: Path, with_keras: bool, quick: bool, only: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    folder.mkdir(parents=True)
    secret = folder / SECRET
    secret.write_text("nobody's business\n")
    watch = Watch(secret)
    warm_up(run, folder / "warm", with_keras, watch)
    for name, make in (NETWORKS if with_keras else CASES).items():
        if name not in only if only else quick and name in SLOW:
            continue
        place = folder / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = make(Folder(place, run))
        found = opened(made, watch)
        theirs = [
            path for path in place.rglob("*") if "theirs" in str(path.relative_to(place)) and path.is_file()
        ]
        spoilt = [str(path) for path in theirs if path.read_bytes() != b"mine"]
        canary = [str(path) for path in (folder / CANARY, Path("canary")) if path.exists()]
        canary += [str(path) for path in folder.parent.rglob("evil.*") if path.suffix in (".txt", ".npy")]
        found["alarms"] += [f"made {path}" for path in canary] + [f"changed {path}" for path in spoilt]
        about = {"case": name, "command": made.command, "named": made.named, "expected": made.code}
        print(json.dumps(about | found), flush=True)
        shutil.rmtree(place, ignore_errors=True)


def warm_up(run: Path, place: Path, with_keras: bool, watch: Watch) -> None:
    """Import what opening takes, so that it counts for none of the files."""
    folder = Folder(place, run)
    folder.forget("report.html")
    out = str(place / "out")
    for command in (
        ["verify", str(folder.run)],
        ["predict", str(folder.run), folder.picture],
        ["report", str(folder.run)],
        ["filter", folder.picture, "--out", out],
    ):
        assert opened(Case(command, ""), watch)["code"] == 0, command
    if with_keras:
        path = str(folder.run / "model.keras")
        for command in (
            ["inspect", path, "--out", out],
            ["see", path, folder.picture, "--out", out, "--attribution", "none"],
        ):
            found = opened(Case(command, ""), watch)
            assert found["code"] == 0, found


if __name__ == "__main__":
    words = sys.argv[1:]
    loads, hasty = "--networks" in words, "--quick" in words
    words = [word for word in words if not word.startswith("--")]
    main(Path(words[0]).resolve(), Path(words[1]).resolve(), loads, hasty, words[2:])
