from __future__ import annotations

from pathlib import Path

import pytest
import typer

from bench.console import MISTAKE, UNWRITTEN, called, mistakes, write_page
from bench.spec import SpecError
from reports.runfile import RunFileError


@pytest.mark.parametrize("error", [SpecError("no such thing"), RunFileError("no such thing")])
def test_a_mistake_is_a_sentence_and_an_exit_code(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as left, mistakes():
        raise error
    assert left.value.exit_code == MISTAKE
    assert capsys.readouterr().err == "hatrick: no such thing\n"


def test_what_is_no_mistake_of_the_user_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), mistakes():
        raise ZeroDivisionError


def test_a_page_that_cannot_be_written_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.write_page", full)
    with pytest.raises(typer.Exit) as left:
        write_page([], Path("page.html"), UNWRITTEN)
    assert left.value.exit_code == UNWRITTEN
    assert "page.html cannot be written (No space left on device)" in capsys.readouterr().err


def test_the_command_is_named_as_it_can_be_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.argv", [str(Path.cwd() / ".venv" / "bin" / "hatrick"), "sweep"])
    assert called() == ".venv/bin/hatrick"
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert called() == "hatrick"
