"""The part of --help that comes from the recipe's keys."""

from __future__ import annotations

from typing import Any

from democd.recipe import known_keys


def keys_help() -> str:
    """Return a table of the recipe's keys, their defaults and meanings."""
    lines = [
        "recipe keys (democd.toml, or --set KEY=VALUE; lists as a,b):",
        *(f"  {key.path:<20} {_shown(key.default):<24} {key.doc}" for key in known_keys().values()),
    ]
    return "\n".join(lines)


def _shown(default: Any) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    text = ",".join(default) if isinstance(default, tuple) else str(default)
    short = text if len(text) <= 24 else text[:23] + "…"
    return short or '""'
