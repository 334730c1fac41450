"""Examples of what a JSON schema allows, from a source of chance; fast, for there are many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.ocpp_schemas import TIMES

if TYPE_CHECKING:
    import random  # noqa: TID251 - tests may

NUMBERS = (0, 1, 6.5, 16, 32.0, 63.9, 11040, 0.1, -6, -0.0, 1e-9, 123456.789)
WORDS = ("", "x", "Central", "é", "tx-1", "0" * 36, "2026-01-15T07:30:00Z")
DEPTH = 6
"""Beyond it only what must be there is there."""


def example(document: dict[str, Any], node: dict[str, Any], chance: random.Random, depth: int = 0) -> Any:
    """Return a value that a node of a schema document allows."""
    while "$ref" in node:
        node = document["definitions"][node["$ref"].rsplit("/", 1)[1]]
    if "enum" in node:
        return chance.choice(node["enum"])
    kind = node.get("type", "object")
    if kind == "object":
        return _object(document, node, chance, depth)
    if kind == "array":
        fewest = node.get("minItems", 0)
        count = max(fewest, min(chance.choice((1, 1, 2, 3)), node.get("maxItems", 3)) if depth < DEPTH else 0)
        return [example(document, node["items"], chance, depth + 1) for _ in range(count)]
    return _value(kind, node, chance)


def _object(document: dict[str, Any], node: dict[str, Any], chance: random.Random, depth: int) -> dict[str, Any]:
    required = set(node.get("required", ()))
    share = 0.4 if depth < DEPTH else 0.0
    made = {
        name: example(document, part, chance, depth + 1)
        for name, part in node.get("properties", {}).items()
        if name in required or chance.random() < share
    }
    if node.get("additionalProperties") is not False and chance.random() < share:
        made.setdefault("vendorSpecific", chance.choice((None, 5, ["a"], {"b": 1.5})))
    return made


def _value(kind: str, node: dict[str, Any], chance: random.Random) -> Any:
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "integer":
        low, high = int(node.get("minimum", -5)), int(node.get("maximum", 100_000))
        return chance.choice((low, min(low + 1, high), chance.randint(low, min(high, low + 5000))))
    if kind == "number":
        if "multipleOf" in node:
            return chance.randint(-100, 10_000) / 10
        return min(chance.choice(NUMBERS), node.get("maximum", 1e12))
    if node.get("format") == "date-time":
        return chance.choice(TIMES)
    return chance.choice(WORDS)[: node.get("maxLength", 100)]
