"""What must stand in a disc's manifest, and beside it in a folder, for a disc to be made of it.

Whoever made the disc wrote the manifest, so nothing in it is taken for granted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from democd.manifest import FORMAT

TEXT_MAX = 1024
LATEST = 1 << 32
"""Seconds since 1970 that a disc cannot be younger than: its images hold 32 bits."""
NESTED_MAX = 12
_NUMBER_MAX = 1 << 63

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
"""Of a layer: a file's name on the disc, and a word in the initrds."""
INITRDS = ("initrd-xen0", "initrd-xenU")
"""Names that no layer can have; other parts of an unpacked disc are called so."""


def is_ours(about: object) -> bool:
    """Return whether a manifest is of the kind that democd writes."""
    return isinstance(about, dict) and about.get("format") == FORMAT


def fault(about: Mapping[str, Any]) -> str:
    """Return what is wrong with a manifest, or ""."""
    if not _is_shallow(about):
        return "it has values that no disc's has"
    wrong = next((name for name, fits in _SHAPE.items() if not fits(about.get(name))), "")
    return f"{wrong} is missing, or not what it should be" if wrong else ""


def is_volume(value: object) -> bool:
    """Return whether a value has the fields of `formats.iso.Volume`."""
    texts = ("volume_id", "publisher", "preparer", "application")
    return (
        isinstance(value, dict)
        and set(value) == {*texts, "date"}
        and all(_is_text(value[name]) for name in texts)
        and _is_date(value["date"])
    )


def is_state(value: object) -> bool:
    """Return whether a value is a folder's state."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("own"), bool)
        and isinstance(value.get("trees"), dict)
        and all(map(_is_text, value["trees"].values()))
    )


def _is_shallow(value: object) -> bool:
    """Return whether JSON can be written again as it was read, and shown to people."""
    pending = [(value, 0)]
    while pending:
        it, depth = pending.pop()
        if isinstance(it, str) and not it.isprintable():
            return False
        if isinstance(it, dict):
            pending += [(item, depth + 1) for pair in it.items() for item in pair]
        elif isinstance(it, list):
            pending += [(item, depth + 1) for item in it]
        if depth > NESTED_MAX:
            return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_MAX and value.isprintable()


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < _NUMBER_MAX


def _is_date(value: object) -> bool:
    return type(value) is int and 0 <= value < LATEST


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_layers(value: object) -> bool:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return False
    return all(map(is_name, value)) and len(set(value)) == len(value)


def is_name(value: str) -> bool:
    """Return whether a layer, a role or a section of the recipe can be called so."""
    return bool(NAME.fullmatch(value)) and value not in INITRDS


def _are_roles(value: object) -> bool:
    if not isinstance(value, dict) or not all(map(is_name, value)):
        return False
    return all(map(_are_layers, value.values()))


def _are_sources(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(tree, dict)
        and _is_text(tree.get("name"))
        and _is_text(tree.get("version"))
        and _are_texts(tree.get("packages"))
        and _is_number(tree.get("bytes"))
        for tree in value
    )


def _are_files(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(file, dict) and _is_text(file.get("path")) and _is_text(file.get("sha256"))
        for file in value
    )


def _is_recipe(value: object) -> bool:
    """Return whether a value is none, or a recipe that can be written as TOML."""
    if value is None:
        return True
    if not isinstance(value, dict) or not isinstance(value.get("disc"), dict):
        return False
    return all(
        is_name(section)
        and isinstance(keys, dict)
        and all(is_name(name) and _is_key(item) for name, item in keys.items())
        for section, keys in value.items()
    )


def _is_key(value: object) -> bool:
    number = type(value) is int and -_NUMBER_MAX <= value < _NUMBER_MAX
    return isinstance(value, bool) or number or _is_text(value) or _are_texts(value)


_SHAPE: Mapping[str, Callable[[Any], bool]] = {
    "date": _is_date,
    "volume_id": _is_text,
    "title": _is_text,
    "version": _is_text,
    "builder": _is_text,
    "xen": _is_text,
    "medium": lambda value: isinstance(value, dict) and _is_text(value.get("name")),
    "kernels": lambda value: isinstance(value, dict) and all(map(_is_text, value.values())),
    "layers": _are_layers,
    "roles": _are_roles,
    "packages": lambda value: isinstance(value, dict),
    "sources": _are_sources,
    "files": _are_files,
    "recipe": _is_recipe,
}
