"""The project's Markdown pages, cut into what can be run or compared."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
_FENCE = re.compile(r"(?:^`([\w./-]+)`:\n\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, its line in the page, and the file it is introduced as."""

    language: str
    text: str
    line: int
    file: str | None


def blocks(page: Path, language: str | None = None) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [
        Block(match[2], match[3], text.count("\n", 0, match.start(3)) + 1, match[1]) for match in _FENCE.finditer(text)
    ]
    return [block for block in found if language in {None, block.language}]


def section(page: Path, heading: str) -> str:
    """Return the text below a heading up to the next one of any level."""
    parts = re.split(r"^(#+ .*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return parts[parts.index(heading) + 1]


def run(block: Block, page: Path, names: dict[str, Any]) -> str:
    """Run a Python block and return what it prints; errors point at the line of the page."""
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, names)  # noqa: S102 - our own documentation is what is tested
    return printed.getvalue()
