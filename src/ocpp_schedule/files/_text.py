"""Reading one text file within bounds: size first, then bytes, then UTF-8."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ocpp_schedule.errors import InputError, InputProblem

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES: Final = 50_000_000
"""100,000 sessions as CSV are about 10 MB; more than this is the wrong file."""
MAX_TOTAL_BYTES: Final = 200_000_000
"""A scenario and all its CSV files together."""


@dataclass(slots=True)
class Budget:
    """What the files of one scenario may still read together [bytes]."""

    left: int = MAX_TOTAL_BYTES


def read_text(path: Path, budget: Budget) -> str:
    """Return the text of a UTF-8 file, with or without a byte order mark.

    Raises:
        InputError: there is no such file, it is no regular file, too large, no UTF-8, or has NUL bytes.
    """
    name = path.name
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise _refused(name, "is no regular file; give the path of a file")
        if info.st_size > MAX_FILE_BYTES:
            raise _refused(name, _too_large(f"{info.st_size / 1e6:.0f} MB"))
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise _refused(name, f"there is no such file in {path.parent.absolute()}; check the path") from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(name, f"cannot be read ({reason}); check the path and its permissions") from None
    if len(data) > MAX_FILE_BYTES:  # it grew while it was read
        raise _refused(name, _too_large("more"))
    budget.left -= len(data)
    if budget.left < 0:
        limit = MAX_TOTAL_BYTES // 1_000_000
        raise _refused(name, f"takes the files of this scenario beyond {limit} MB together; split the scenario")
    return _decoded(data, name)


def _decoded(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused(name, "is UTF-16, not UTF-8; save it as UTF-8")
    zero = data.find(0)
    if zero >= 0:
        raise _refused(name, "has a NUL byte; this is no text file, or a damaged one", data, zero)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        seen = f"0x{data[error.start]:02x}"
        raise _refused(name, f"is not UTF-8 (byte {seen}); save it as UTF-8", data, error.start) from None


def _too_large(size: str) -> str:
    return f"is {size}, the most that is read is {MAX_FILE_BYTES // 1_000_000} MB; split the scenario"


def _refused(name: str, what: str, data: bytes = b"", position: int = -1) -> InputError:
    line = data.count(b"\n", 0, max(position, 0)) + 1
    where = name if position < 0 else f"{name} line {line}"
    return InputError(name, [InputProblem(where, f"{what}.")])
