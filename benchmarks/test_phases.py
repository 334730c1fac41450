"""One benchmark for each spec, size and phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.phases import JUDGE, RUN
from benchmarks.registry import CASES

if TYPE_CHECKING:
    from benchmarks.registry import Case, Phase
    from pytest_benchmark.fixture import BenchmarkFixture


@pytest.mark.parametrize(
    ("case", "phase"),
    [
        pytest.param(case, phase, id=f"{phase}-{case}", marks=pytest.mark.smoke if case.size.smoke else ())
        for case in CASES
        for phase in case.spec.phases
    ],
)
def test_phase(benchmark: BenchmarkFixture, case: Case, phase: Phase) -> None:
    _ = case.stacks  # what comes before the phase is made, and OR-Tools loaded, before the clock starts
    benchmark.group = str(case)
    benchmark.extra_info["shows"] = case.spec.shows
    JUDGE[phase](case, benchmark(RUN[phase], case))
