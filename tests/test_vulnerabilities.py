"""What `make audit` says of what pip-audit found; the advisories themselves are elsewhere."""

import subprocess

import pytest
import vulnerabilities

FINE = {"name": "a", "version": "1", "vulns": []}
BAD = {
    "name": "b",
    "version": "2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3"]}, {"id": "GHSA-2", "fix_versions": []}],
}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (3)"}
OURS = {"name": "linesexp", "skip_reason": "distribution marked as editable"}


@pytest.mark.parametrize(
    ("found", "lines", "code"),
    [
        ([FINE, OURS], ["1 of 1 installed packages looked up for known vulnerabilities: none found"], 0),
        ([FINE, UNKNOWN], ["1 of 2 installed packages looked up for known vulnerabilities: none found"], 0),
        ([UNKNOWN, OURS], ["none of 1 packages could be looked up: no connection to the advisories"], 0),
        (
            [FINE, BAD, UNKNOWN],
            [
                "2 of 3 installed packages looked up for known vulnerabilities: 2 found",
                "b 2: PYSEC-1, mended in 2.1, 3",
                "b 2: GHSA-2, mended in no version yet",
            ],
            1,
        ),
    ],
)
def test_what_was_found_is_told(found, lines, code):
    assert vulnerabilities.told(found) == (lines, code)


def test_where_pip_audit_fails_that_is_said(monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, "", "Traceback …\nConnectionError: no route\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert vulnerabilities.main() == 0
    said = capsys.readouterr().out
    assert said == "no package was looked up for known vulnerabilities: ConnectionError: no route\n"
