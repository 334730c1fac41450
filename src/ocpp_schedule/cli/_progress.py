"""A spinner on stderr, for a person who has waited a second; nothing for a pipe or a log."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S: Final = 1.0


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, from one second on, if stderr is a terminal.

    Args:
        text: what is done first.

    Yields:
        A function that takes what is done next.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only for a terminal
    from rich.status import Status  # noqa: PLC0415 - only for a terminal

    status = Status(text, console=Console(stderr=True))
    lock, over = threading.Lock(), threading.Event()

    def start() -> None:
        with lock:
            if not over.is_set():
                status.start()

    timer = threading.Timer(PATIENCE_S, start)
    timer.daemon = True
    timer.start()
    try:
        yield status.update
    finally:
        timer.cancel()
        with lock:
            over.set()
        status.stop()
