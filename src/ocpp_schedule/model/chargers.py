"""Known chargers: what others found out about a vendor's stations, by model, firmware and protocol."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from ocpp_schedule.errors import InputProblem
from ocpp_schedule.model._base import Model, raise_references
from ocpp_schedule.model.capabilities import Capabilities

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Pattern = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)]
Note = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500)]
Version = Literal["1.6", "2.0.1", "2.1"]
LONGEST_NAME: Final = 200
_PART: Final = re.compile(r"([0-9]+)([^0-9]*)")


class ChargerRecord(Model):
    """What is known of some chargers.

    ``vendor`` and ``model`` are patterns (``*`` stands for anything), compared without case. ``firmware_from`` and
    ``firmware_before`` bound the firmware, part by part as numbers (5.6 comes before 5.10); None: no bound.
    ``values`` are fields of ``Capabilities``. ``citations`` say where it was seen.

    >>> record = ChargerRecord(vendor="Huawei*", values={"rate_units": ("W",)}, citations=("lbbrhzn/ocpp#1810",))
    >>> record.matches(vendor="HUAWEI Technologies", model="SCharger-22KT", firmware="V1", version="1.6")
    True
    """

    vendor: Pattern
    model: Pattern = "*"
    firmware_from: Pattern | None = None
    firmware_before: Pattern | None = None
    versions: tuple[Version, ...] = Field(default=("1.6", "2.0.1", "2.1"), min_length=1, max_length=3)
    values: dict[str, Any] = Field(default_factory=dict, max_length=30)
    advice: tuple[Note, ...] = Field(default=(), max_length=20, description="what no field can say")
    citations: tuple[Note, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        raise_references(InputProblem("", text) for text in self._texts())
        return self

    def _texts(self) -> Iterator[str]:
        try:
            Capabilities.model_validate(self.values)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                where = ".".join(map(str, detail["loc"])) or "values"
                yield f"values.{where}: {detail['msg']}"
        if not self.values and not self.advice:
            yield "says nothing; give values or advice."

    def matches(self, *, vendor: str, model: str, firmware: str, version: str) -> bool:
        """Tell whether a station, as it names itself in BootNotification, is one of those meant."""
        return (
            version in self.versions
            and fnmatchcase(vendor[:LONGEST_NAME].lower(), self.vendor.lower())
            and fnmatchcase(model[:LONGEST_NAME].lower(), self.model.lower())
            and (self.firmware_from is None or _parts(firmware) >= _parts(self.firmware_from))
            and (self.firmware_before is None or _parts(firmware) < _parts(self.firmware_before))
        )


def _parts(firmware: str) -> list[tuple[int, str]]:
    """Return a firmware version as numbers, each with the text behind it, so that 5.10 comes after 5.6.

    >>> _parts("V5.10-rc1"), _parts("5.10") > _parts("5.6")
    ([(5, '.'), (10, '-rc'), (1, '')], True)
    """
    return [(int(number), text) for number, text in _PART.findall(firmware[:LONGEST_NAME].lower())]


def known_capabilities(
    advertised: Capabilities,
    records: Iterable[ChargerRecord],
    *,
    vendor: str,
    model: str,
    firmware: str,
    version: str,
) -> tuple[Capabilities, tuple[str, ...]]:
    """Return what a station says, corrected by what is known of it, and the advice for it.

    Later records win over earlier ones, so put the general ones first and your own last.

    Args:
        advertised: as ``from_configuration`` or ``from_device_model`` returned it.
        records: known chargers.
        vendor: as in the station's BootNotification, like the next two.
        model: the same.
        firmware: the same; ``""`` where it names none.
        version: the OCPP version spoken.

    >>> said = Capabilities().with_values({"stack_levels": (0, 1, 2, 3)}, "advertised")
    >>> record = ChargerRecord(vendor="ABB", model="Terra AC*", values={"stack_levels": (0,)},
    ...     citations=("evcc#4957",))
    >>> found, advice = known_capabilities(said, [record], vendor="ABB", model="Terra AC W22", firmware="1.6",
    ...     version="1.6")
    >>> found.stack_levels
    (0,)
    """
    found = advertised
    advice: list[str] = []
    for record in records:
        if record.matches(vendor=vendor, model=model, firmware=firmware, version=version):
            found = found.with_values(record.values, "verified")
            advice += record.advice
    return found, tuple(dict.fromkeys(advice))
