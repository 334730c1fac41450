"""What a plan can be sent as: all of its messages, or those that are missing on the stations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocpp_schedule.check.scene import Scene
    from ocpp_schedule.delivery.diff import Diff
    from ocpp_schedule.delivery.messages import OcppMessage
    from ocpp_schedule.delivery.proof.report import Proof
    from ocpp_schedule.model.scenario import Scenario
    from ocpp_schedule.profiles.model import ProfileStack
    from ocpp_schedule.solution import Solution


class Sending:
    """The messages of a plan.

    Attributes:
        scenario: what was planned.
        solution: the raw result.
    """

    scenario: Scenario
    solution: Solution
    _scene: Scene | None

    if TYPE_CHECKING:  # what the plan itself brings

        def stacks(self, ids: Mapping[tuple[str, str], int] | None = None) -> tuple[ProfileStack, ...]: ...  # noqa: D102 - of the plan

    def to_ocpp(
        self,
        version: str | None = None,
        ids: Mapping[tuple[str, str], int] | None = None,
        *,
        installed: Mapping[str, object] | None = None,
        **rules: Any,
    ) -> list[OcppMessage]:
        """Return wire-exact messages, floors first.

        Args:
            version: ``"1.6"``, ``"2.0.1"`` or ``"2.1"`` for all; None: each station in its own.
            ids: as in ``stacks``.
            installed: what stations hold, as ``diff`` takes it: only what is missing is sent; None: everything is.
            rules: further arguments of ``diff``, with ``installed``.

        Raises:
            InputError: unknown version, or a transaction id of the wrong type for it.
            TypeError: rules without ``installed``.
        """
        if installed is not None:
            return list(self.diff(installed, version=version, ids=ids, **rules).messages)
        if rules:
            raise TypeError(f"to_ocpp() takes {', '.join(rules)} only with installed")
        from ocpp_schedule.delivery.messages import to_ocpp  # noqa: PLC0415 - not needed to plan

        return to_ocpp(self.stacks(ids), version=version, grid=self.scenario.grid)

    def prove(
        self,
        version: str | None = None,
        ids: Mapping[tuple[str, str], int] | None = None,
        *,
        clock_skew_s: int | None = None,
    ) -> Proof:
        """Return the proof that limits hold, whatever chargers lose of what ``to_ocpp`` sends (convention 23).

        The composite schedules of the messages are computed as the chargers would, in every state they may be in;
        ``str()`` of the result tells what holds, which stations it does not cover and why, and what it rests on.

        Args:
            version: as in ``to_ocpp``.
            ids: as in ``to_ocpp``.
            clock_skew_s: how far every clock may be off; None: half of the site's ``edge_guard_s``.

        Raises:
            InputError: the messages cannot be written, or the skew cannot be.
        """
        from ocpp_schedule.check.scene import scene_of  # noqa: PLC0415 - loads numpy
        from ocpp_schedule.delivery.proof.prove import prove  # noqa: PLC0415 - not needed to plan

        messages = self.to_ocpp(version, ids)
        scene = self._scene or scene_of(**self.scenario.inputs())
        return prove(self.scenario.site, scene, self.solution, messages, clock_skew_s=clock_skew_s)

    def diff(
        self,
        installed: Mapping[str, object],
        *,
        ids: Mapping[tuple[str, str], int] | None = None,
        **rules: Any,
    ) -> Diff:
        """Return the fewest safe messages from what stations hold to this plan (``delivery.diff``).

        Args:
            installed: what stations are known to hold, by their id (docs/sending.md).
            ids: as in ``stacks``.
            rules: ``now``, ``version``, ``dead_band_a``, ``dead_band_w``, ``writes_used``, ``last_write``.

        Raises:
            InputError: an argument cannot be.
        """
        from ocpp_schedule.delivery.diff import diff  # noqa: PLC0415 - not needed to plan

        return diff(installed, self.stacks(ids), self.scenario, ids=ids, scene=self._scene, **rules)
