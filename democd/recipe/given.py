"""What somebody wrote into a recipe or behind `--set`, and where: read, not yet judged."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd.errors import InputError
from democd.recipe.checks import choice, nearest
from democd.recipe.keys import LIST, SECTIONS, Key


@dataclass(frozen=True)
class Given:
    """A value that somebody wrote, and where: `democd.toml:12` or `--set`."""

    section: str
    name: str
    value: Any
    where: str

    @property
    def path(self) -> str:
        """The key, `section.name`."""
        return f"{self.section}.{self.name}"


def from_file(path: Path, mistakes: list[tuple[str, str]]) -> Iterator[Given]:
    """Give every key of a recipe file; what is no section at all becomes a mistake."""
    text = _read(path)
    lines = _line_numbers(text)
    sections = [*SECTIONS, "roles"]
    for section, content in _parse(text, path).items():
        where = f"{path}:{lines.get((section, ''), 1)}"
        if section not in sections:
            mistakes.append((f"{where}: [{section}] is no section", choice(section, sections)))
        elif not isinstance(content, dict):
            mistakes.append(
                (f"{where}: {section} is a section", f"write [{section}] above its keys")
            )
        else:
            for name, value in content.items():
                line = lines.get((section, name), lines.get((section, ""), 1))
                yield Given(section, name, value, f"{path}:{line}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist", "name a recipe with --recipe FILE") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: byte {error.start}") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Its message ends in "(at line 3, column 5)"; 3.11 has no attributes for them.
        at = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        what = str(error)[: at.start()] if at else str(error)
        line = at[1] if at else len(text.splitlines()) or 1
        raise InputError(
            f"{path}:{line}: not TOML: {what}", 'a key stands as: name = "value"'
        ) from None


def _line_numbers(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each section, (section, ""), and key of plainly written TOML."""
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\s*([\w-]+)\s*\]", line):
            section = header[1]
            lines.setdefault((section, ""), number)
        elif key := re.match(r"\s*([\w-]+)\s*=", line):
            lines.setdefault((section, key[1]) if section else (key[1], ""), number)
    return lines


def from_overrides(
    overrides: Sequence[str], known: Mapping[str, Key], mistakes: list[tuple[str, str]]
) -> Iterator[Given]:
    """Give every key of `section.name=value` texts; what is not of that form is a mistake."""
    for text in overrides:
        path, equals, value = text.partition("=")
        section, dot, name = path.strip().partition(".")
        if not (equals and dot and section and name):
            meant = nearest(path, list(known)) or "disc.media"
            mistakes.append((f"--set {text}: no key.sub=value", f"write --set {meant}=VALUE"))
            continue
        key = known.get(f"{section}.{name}")
        kind = key.kind if key else LIST if section == "roles" else None
        yield Given(section, name, _override_value(value.strip(), kind), "--set")


def _override_value(text: str, kind: Any) -> Any:
    """Read the value of an override as TOML, else as the bare words that the key's type wants."""
    try:
        table = tomllib.loads(f"value = {text}")
        value = table["value"] if len(table) == 1 else text
    except tomllib.TOMLDecodeError:
        value = text
    if kind is str and not isinstance(value, (str, list, dict)):
        return text  # disc.version=1.10 is a name, not a number
    if kind == LIST and isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value
