"""Small files, as the kernel has many."""

from __future__ import annotations


def content(path: str) -> str:
    """Return what is in a file, or "" if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
