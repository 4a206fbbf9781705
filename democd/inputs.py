"""What a step's result is made from, and the key that stands for all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd.digests import file_digest


@dataclass(frozen=True)
class Made:
    """A kept result: its folder, and the key that stands for what it was made from and what it is.

    So what was made from a result is made again if that was made anew and came out otherwise.
    """

    path: Path
    key: str


def key_of(inputs: Mapping[str, Any]) -> str:
    """Return the 20-digit hexadecimal key of a step's inputs.

    Values may be JSON values, `Made` results, and paths, which count by content.
    """
    text = json.dumps(_canonical(inputs), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _canonical(value: Any) -> Any:
    """Turn an input into JSON: files and folders stand for their content."""
    if isinstance(value, Made):
        return ["made", value.key]
    if isinstance(value, Path):
        return ["tree", tree_digest(value)] if value.is_dir() else ["file", file_digest(value)]
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"not an input a step can be keyed by: {value!r}")


def made_in(value: Any) -> Iterator[Made]:
    """Give all results among the inputs of a step."""
    if isinstance(value, Made):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from made_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from made_in(item)


def tree(top: Path) -> list[Path]:
    """Return all that lies below `top`, sorted; but not what Python leaves beside its modules.

    A checkout whose programs have been run makes the same disc.
    """
    return sorted(path for path in top.rglob("*") if "__pycache__" not in path.parts)


def tree_digest(top: Path) -> str:
    """Return the SHA-256 over names, modes and contents of all below `top`.

    Only the execute bits of a mode count: the umask of a checkout must not change a build.
    """
    digest = hashlib.sha256()
    for path in tree(top):
        name = path.relative_to(top).as_posix()
        if path.is_symlink():
            entry = ["link", name, str(path.readlink())]
        elif path.is_dir():
            entry = ["dir", name]
        else:
            executable = bool(path.stat().st_mode & 0o100)
            entry = ["file", name, str(executable), file_digest(path)]
        digest.update(json.dumps(entry).encode())
    return digest.hexdigest()
