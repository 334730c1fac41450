"""The error tree, split by blame: the caller's input, our own faults, and (with the adapters) the charger's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PROBLEMS_SHOWN = 50
"""A file with ten thousand bad rows must not print ten thousand lines; all stay in ``InputError.problems``."""


class ScheduleError(Exception):
    """Base of everything this library raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class InputProblem:
    """One thing that is wrong with the input.

    Attributes:
        where: the place: JSON path or file line, with the object's id in parentheses.
        what: what was seen and what to do about it.

    >>> str(InputProblem("sessions[1] (b)", "connector 'BB' does not exist; the site has 'A', 'B'."))
    "sessions[1] (b): connector 'BB' does not exist; the site has 'A', 'B'."
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class InputError(ScheduleError, ValueError):
    """Everything that is wrong with the input, in one exception (blame: the caller).

    Attributes:
        source: the file or the call that was given the input.
        problems: every problem, in the order of the input.

    >>> print(InputError("scenario.json", [InputProblem("grid.slots", "0 slots; give at least 1.")]))
    1 problem in scenario.json
    grid.slots: 0 slots; give at least 1.
    """

    def __init__(self, source: str, problems: Iterable[InputProblem]) -> None:
        self.source = source
        self.problems = tuple(dict.fromkeys(problems))
        count = len(self.problems)
        lines = [f"{count} problem{'' if count == 1 else 's'} in {source}"]
        lines += [str(problem) for problem in self.problems[:MAX_PROBLEMS_SHOWN]]
        if count > MAX_PROBLEMS_SHOWN:
            lines.append(f"... and {count - MAX_PROBLEMS_SHOWN} more")
        super().__init__("\n".join(lines))


class InternalError(ScheduleError):
    """A fault of ours: nothing the caller passed explains it."""


class PlanRejectedError(InternalError):
    """The referee faults a plan that the solver made; the plan is not returned (blame: ours).

    Attributes:
        violations: what the referee found, as text, one line each.
    """

    def __init__(self, violations: Iterable[str]) -> None:
        self.violations = tuple(violations)
        shown = "\n".join(self.violations[:MAX_PROBLEMS_SHOWN])
        super().__init__(
            f"the plan breaks {len(self.violations)} rule(s) and is withheld; "
            f"please report this with the scenario\n{shown}"
        )


class MissingExtraError(ScheduleError, ImportError):
    """An optional dependency is absent.

    >>> str(MissingExtraError("cli", "click"))
    "'click' is not installed. Run: pip install 'ocpp-schedule[cli]'"
    """

    def __init__(self, extra: str, module: str) -> None:
        self.extra, self.module = extra, module
        super().__init__(f"'{module}' is not installed. Run: pip install 'ocpp-schedule[{extra}]'")
