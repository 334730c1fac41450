"""Chains of parents: what is at the top of each, and where they run in a circle."""

from __future__ import annotations


def tops_of(parents: dict[str, str | None]) -> tuple[dict[str, str], list[list[str]]]:
    """Return the circuit at the top of each one's chain (absent on a cycle), and the cycles. Linear in the circuits."""
    tops: dict[str, str] = {}
    cycles: list[list[str]] = []
    done: set[str] = set()
    for name in parents:
        chain: dict[str, None] = {}
        current = name
        while current not in chain and current not in done:
            chain[current] = None
            parent = parents[current]
            if parent is None or parent not in parents:
                tops[current] = current
                break
            current = parent
        if current in chain and current not in tops:
            walked = list(chain)
            cycles.append(walked[walked.index(current) :])
        if current in tops:
            tops.update(dict.fromkeys(chain, tops[current]))
        done.update(chain)
    return tops, cycles
