"""The spinner: after a second, on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys
import time

import pytest

from ocpp_schedule.cli import _progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "patience_s", "seen"),
    [
        pytest.param(True, 0.0, True, id="terminal"),
        pytest.param(True, 60.0, False, id="quick-work"),
        pytest.param(False, 0.0, False, id="pipe"),
    ],
)
def test_shows_where_somebody_waits(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, patience_s: float, seen: bool
) -> None:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(_progress, "PATIENCE_S", patience_s)
    with _progress.progress("reading") as tell:
        tell("planning")
        deadline = time.monotonic() + (5 if seen else 0.05)
        while time.monotonic() < deadline and "planning" not in stream.getvalue():
            time.sleep(0.01)
    assert ("planning" in stream.getvalue()) == seen


def test_an_error_passes_through_and_stops_the_spinner(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(ZeroDivisionError), _progress.progress("x"):
        raise ZeroDivisionError
    assert stream.getvalue() == ""
