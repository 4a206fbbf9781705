"""Words for people: the nearest known name, and what there is to choose from."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like a given one, or ""."""
    import difflib

    lowered = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.5)
    return lowered[close[0]] if close else ""


def choice(word: str, known: Iterable[str]) -> str:
    """Return the advice for a word that is none of the known ones."""
    names = list(known)
    close = nearest(word, names)
    listed = ", ".join(names) or "none"
    return f"did you mean {close}? known: {listed}" if close else f"known: {listed}"


def count(number: int, thing: str) -> str:
    """Return a number of things: `1 guest`, `2 guests`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
