"""Numbered cases on all cores, each of them repeatable by its number alone."""

from __future__ import annotations

import os
import random  # noqa: TID251 - tests may; the seed is the name of the case
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CASES = 500
"""Of one shard."""


def chance(name: str, number: int) -> random.Random:
    """Return the source of numbers of one case."""
    return random.Random(f"{name} {number}")  # noqa: S311 - no secret; the seed makes it repeatable


def shards(names: Iterable[str], count: int) -> list[tuple[str, range]]:
    """Return (name, numbers) that together are ``count`` cases of every name."""
    return [(name, range(low, min(low + CASES, count))) for name in names for low in range(0, count, CASES)]


def run(work: Callable[[str, range], list[str]], names: Iterable[str], count: int) -> list[str]:
    """Run ``count`` cases of each name on all cores; return what went wrong, and tell how many there were."""
    start = time.perf_counter()
    wanted = shards(names, count)
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        failures = [failure for found in pool.map(work, *zip(*wanted, strict=True)) for failure in found]
    done = sum(len(numbers) for _, numbers in wanted)
    sys.stdout.write(f"{done:,} cases, {len(failures)} failures, {time.perf_counter() - start:.0f} s\n")
    return failures


def report(failures: list[str], most: int = 20) -> None:
    """Print failures and leave with 1 where there are any."""
    for failure in failures[:most]:
        sys.stderr.write(f"{failure}\n")
    sys.exit(1 if failures else 0)


def named(error: BaseException, command: str, shown: Any) -> str:
    """Return one failure: what happened, how to see it again, and the input."""
    try:
        text = repr(shown)
    except ValueError:  # Python does not write integers of more than 4300 digits
        text = "too large to show"
    return f"{type(error).__name__}: {error}\n  again: {command}\n  input: {text[:4000]}"
