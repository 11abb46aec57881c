"""Measure `linesexp inspect` on VGG19: seconds and peak memory, imports included. Wanted: 30 s, 3 GiB.

Usage: inspect_vgg19.py [FOLDER]. Saves an untrained VGG19 with all its layers (574 MB) in FOLDER, or in a
temporary one, unless vgg19.keras is there already.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SAVE = "import keras; keras.applications.VGG19(weights=None).save('vgg19.keras')"


def main(folder: Path) -> None:
    quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if not (folder / "vgg19.keras").exists():
        subprocess.run([sys.executable, "-c", SAVE], env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, **quiet)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    already = sum(os.times()[2:4])
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "linesexp", "inspect", "vgg19.keras", "--out", "vgg19", "-q"], **quiet
    )
    spent = sum(os.times()[2:4]) - already
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    # The peak is of all children so far; saving the model takes less than inspecting it, or it is said.
    note = " (at most: saving it took as much)" if before / 2**20 >= peak else ""
    page = (folder / "vgg19/page.html").stat().st_size / 1e6
    print(f"inspect VGG19: {seconds:.1f} s (wanted 30), {spent:.1f} s of processor time")
    print(f"peak {peak:.2f} GiB{note} (wanted 3), page {page:.2f} MB (wanted 2)")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
