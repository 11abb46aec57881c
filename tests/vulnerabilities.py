"""Looks up the installed packages among the published advisories on vulnerabilities: `make audit`.

pip-audit does the work. It ends as if all were well where it could look up nothing; here one line tells how
many packages were looked up. Each vulnerability is a line of its own, and then the exit code is 1.
"""

import json
import subprocess
import sys
from typing import Any

COMMAND = ("-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--skip-editable")


def main() -> int:
    ended = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True)
    try:
        found = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"no package was looked up for known vulnerabilities: {_last_line(ended.stderr)}")
        return 0
    lines, code = told(found)
    print("\n".join(lines))
    return code


def told(found: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Lines on what pip-audit found of each package, and the exit code."""
    packages = [package for package in found if "editable" not in package.get("skip_reason", "")]
    looked_up = [package for package in packages if "skip_reason" not in package]
    bad = [(package, each) for package in looked_up for each in package["vulns"]]
    first = f"{len(looked_up)} of {len(packages)} installed packages looked up for known vulnerabilities"
    if not looked_up:
        first = f"none of {len(packages)} packages could be looked up: no connection to the advisories"
    elif not bad:
        first += ": none found"
    elif bad:
        first += f": {len(bad)} found"
    lines = [first]
    for package, each in bad:
        mended = ", ".join(each.get("fix_versions", [])) or "no version yet"
        lines.append(f"{package['name']} {package['version']}: {each['id']}, mended in {mended}")
    return lines, int(bool(bad))


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["pip-audit said nothing"])[-1]


if __name__ == "__main__":
    sys.exit(main())
