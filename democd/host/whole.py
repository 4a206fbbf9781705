"""Text files that appear whole: nobody ever finds half of one."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text, in UTF-8, in place of what lies there; whatever happens, it is the old or new.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.new")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
