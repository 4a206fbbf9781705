"""Debian's control data, deb822: dpkg's status, and a Sources index (Debian Policy, 5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_RELATION = re.compile(r"\s*([a-z0-9][a-z0-9+.-]+)\s*\(\s*=\s*([^\s)]+)\s*\)\s*")


def stanzas(text: str) -> Iterator[dict[str, str]]:
    """Give each stanza as its fields; a value of several lines keeps them, without the blank."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] += f"\n{line[1:]}"
        elif not line.startswith("#"):
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    if fields:
        yield fields


def text(fields: Mapping[str, str]) -> str:
    """Return a stanza of these fields, as `stanzas` gives them, with the blank line behind it."""
    lines = []
    for name, value in fields.items():
        blank = "" if value.startswith("\n") or not value else " "
        lines.append(f"{name}:{blank}{value}".replace("\n", "\n "))
    return "\n".join(lines) + "\n\n"


def exact_relations(text: str) -> list[tuple[str, str]]:
    """Return (name, version) for each item of a field such as Built-Using: `linux (= 6.12-1)`."""
    hits = (_RELATION.fullmatch(item) for item in text.split(","))
    return [(hit[1], hit[2]) for hit in hits if hit]
