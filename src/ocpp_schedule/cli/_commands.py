"""The commands, as click knows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ocpp_schedule import __version__
from ocpp_schedule.cli._progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.plan import Plan

EXIT_DONE: Final = 0
EXIT_WISHES_MISSED: Final = 1
EXIT_NOT_TRUE: Final = 1


def _common(default_out: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return a decorator with the options of every command that plans."""
    options = (
        click.option("--ocpp", type=click.Choice(["1.6", "2.0.1", "2.1"]), help="One version for all messages."),
        click.option("--out", type=click.Path(path_type=Path), default=default_out, show_default=True, help="Folder."),
        click.option("--explain", is_flag=True, help="Say why each car gets what it gets, and what limits are worth."),
        click.option("--quiet", is_flag=True, help="Print nothing but errors."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."),
    )

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ocpp-schedule")
def commands() -> None:
    """Plan electric-vehicle charging and write it as OCPP ChargingProfiles.

    Exit codes: 0 all wishes met; 1 a plan with shortfalls or alarms, or one that fails the check; 2 bad input;
    3 internal fault.
    """


@commands.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@_common("./ocpp-schedule-plan")
def plan(scenario: Path, **options: Any) -> int:
    """Plan the scenario file SCENARIO and write the OCPP messages."""
    return _plan(scenario, **options)


@commands.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the examples.")
@_common("./ocpp-schedule-demo")
def demo(name: str | None, *, listed: bool, **options: Any) -> int:
    """Plan a bundled example: NAME, or a workplace day of real sessions at real prices."""
    from ocpp_schedule.files import example_names, example_path  # noqa: PLC0415 - loaded when needed

    if listed:
        for known, what in example_names().items():
            click.echo(f"{known:<15} {what}")
        return EXIT_DONE
    return _plan(example_path(name) if name else example_path(), **options)


@commands.command()
@click.argument("archive", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Print nothing; the exit code says it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def check(archive: Path, *, quiet: bool, as_json: bool) -> int:
    """Judge the plan ARCHIVE (plan.json, or the folder with it) again, without a solver.

    Limits, energies, cost, bounds and both gaps are derived from the models in the archive, and every claim is
    held against them. Exit codes: 0 all true; 1 a broken rule or a false claim; 2 not a plan.
    """
    with progress("judging the plan"):
        from ocpp_schedule.files import audit_file  # noqa: PLC0415 - loaded when needed
        from ocpp_schedule.views.audit_text import audit_data, audit_text  # noqa: PLC0415 - loaded when needed

        scenario, solution, found = audit_file(archive)
    if as_json:
        click.echo(json.dumps(audit_data(found), indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo(audit_text(scenario, solution, found))
    return EXIT_DONE if found.ok else EXIT_NOT_TRUE


@commands.command()
def schema() -> int:
    """Print the JSON Schema of a scenario file."""
    from ocpp_schedule.files import scenario_schema  # noqa: PLC0415 - loaded when needed

    click.echo(json.dumps(scenario_schema(), indent=2))
    return EXIT_DONE


def _plan(scenario_file: Path, *, ocpp: str | None, out: Path, explain: bool, quiet: bool, as_json: bool) -> int:
    with progress("reading the scenario") as tell:
        from ocpp_schedule.files import load_scenario, write_output  # noqa: PLC0415 - loaded when needed
        from ocpp_schedule.plan import schedule  # noqa: PLC0415 - loaded when needed

        scenario = load_scenario(scenario_file)
        tell(f"planning {len(scenario.sessions)} sessions")
        result = schedule(
            scenario.site,
            scenario.sessions,
            scenario.tariff,
            scenario.grid,
            objective=scenario.objective,
            limits=scenario.limits,
            forecasts=scenario.forecasts,
            availability=scenario.availability,
            session_defaults=scenario.session_defaults,
        )
        tell("writing the messages")
        messages = result.to_ocpp(version=ocpp)
        folder = write_output(out, result, messages)
    if as_json:
        click.echo(json.dumps(_overview(result, folder, messages), indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo(result.summary())
        if explain:
            click.echo(_explained(result))
        first = _first_expiry(messages)
        click.echo("" if first is None else f"\nThe first message expires at {first}; plan again if it is late.")
        click.echo(f"{len(messages)} OCPP messages, in the order to send: {folder}")
    return EXIT_DONE if result.status == "complete" else EXIT_WISHES_MISSED


def _explained(result: Plan) -> str:
    """Return why each car gets what it gets, and what the limits are worth."""
    cars = [str(result.explain(name)) for name in result.session_ids]
    return "\n\n".join(["", *cars, str(result.binding)])


def _first_expiry(messages: Sequence[OcppMessage]) -> str | None:
    """Return when the first message must not be sent any more; instants as OCPP writes them sort by time."""
    return min((message["expires_at"] for message in messages if message["expires_at"] is not None), default=None)


def _overview(result: Plan, folder: Path, messages: Sequence[OcppMessage]) -> dict[str, object]:
    return {
        "status": result.status,
        "mark": result.mark,
        "cost": result.cost,
        "messages": len(messages),
        "expires_at": _first_expiry(messages),
        "folder": str(folder),
        "shortfalls": [str(item) for item in result.shortfalls],
        "alarms": [str(item) for item in result.alarms],
        "notices": [str(item) for item in result.notices],
    }
