"""What one run leaves for a later one to read: a JSON file of a format, within bounds.

Others may have written there since, so a file that is no such record is as good as none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def text(number: int, record: DataclassInstance) -> str:
    """Return a record as it is kept.

    Args:
        number: of its format; it goes up when what was kept before cannot be read any more.
        record: it.
    """
    return json.dumps({"format": number, **asdict(record)}, indent=1) + "\n"


def read(path: Path, number: int, most: int, told: Callable[[Any], T]) -> T | None:
    """Return the record in a file; None if there is none.

    Args:
        path: the file.
        number: of the format.
        most: bytes that such a file may have.
        told: makes the record from JSON's objects; whatever it stumbles over, it is none.
    """
    try:
        if path.stat().st_size > most:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        return told(found) if found["format"] == number else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
