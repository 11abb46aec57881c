from linesexp.learning.backend import quiet_import


def test_keras_can_be_imported_without_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with quiet_import():
        pass


def test_what_is_said_meanwhile_is_not_shown_unless_asked_for(capfd):
    import os

    for debug, shown in ((False, ""), (True, "noise")):
        with quiet_import(debug):
            os.write(2, b"noise")
        assert capfd.readouterr().err == shown
