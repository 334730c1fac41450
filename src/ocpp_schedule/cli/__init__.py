"""The command line: ``ocpp-schedule plan | demo | check | schema``.

Exit codes: 0 all wishes met; 1 a plan with shortfalls or alarms, or one that fails the check; 2 bad input or an
absent extra; 3 a fault of ours; 130 interrupted. Messages about what is wrong go to stderr; what was asked for goes
to stdout.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_BAD_INPUT: Final = 2
EXIT_FAULT: Final = 3
EXIT_INTERRUPTED: Final = 130
EXIT_BROKEN_PIPE: Final = 141
"""What a shell reports of a program that SIGPIPE ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        arguments: without the program's name; None: those of the process.
    """
    from ocpp_schedule.errors import InputError, MissingExtraError  # noqa: PLC0415 - start fast, fail with a message

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # ids may hold what the terminal cannot show
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except (InputError, MissingExtraError) as error:
        _say(str(error))
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        _say("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader is gone; the interpreter must not try to flush to it again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, it is our fault
        _say(_fault(error))
        return EXIT_FAULT
    return code


def _run(arguments: Sequence[str] | None) -> int:
    from ocpp_schedule.errors import MissingExtraError  # noqa: PLC0415 - as in main

    try:
        import click  # noqa: PLC0415 - an extra
        import rich  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("cli", error.name or "click") from error
    from ocpp_schedule.cli._commands import commands  # noqa: PLC0415 - needs click

    # not commands.main(): it would turn a broken pipe into exit code 1, which means something else here
    try:
        with commands.make_context("ocpp-schedule", list(sys.argv[1:] if arguments is None else arguments)) as context:
            return int(commands.invoke(context))
    except click.exceptions.Exit as error:  # --help, --version
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_BAD_INPUT
    except click.Abort:
        raise KeyboardInterrupt from None


def _fault(error: Exception) -> str:
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119 - a text, no path is touched
        trace = trace.tb_next
    return (
        f"internal fault: {type(error).__name__}{place}: {error}\n"
        "This is not your input's fault. Please report it, with the scenario and this message."
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - a command line prints
