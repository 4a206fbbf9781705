"""Judges what was read: a whole `Recipe`, or every mistake in one go."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from democd.errors import Mistakes
from democd.recipe.checks import Complaint, choice, nearest
from democd.recipe.given import Given, from_file, from_overrides
from democd.recipe.keys import LIST, ROLES, SECTIONS, Key, Recipe, known_keys, role_key
from democd.recipe.record import OF_THE_PROJECT

TYPE_NAMES = {
    str: 'a string, "…"',
    int: "a whole number",
    bool: "true or false",
    LIST: 'a list of strings, ["…", "…"]',
}


def load(
    path: Path,
    overrides: Sequence[str] = (),
    folder: Path | None = None,
    options: Sequence[Given] = (),
) -> Recipe:
    """Read a recipe, check all of it, and return it.

    Args:
        path: a TOML file.
        overrides: `section.name=value` each, stronger than the file; the value is TOML, or a bare
            string.
        folder: where relative paths start, and the project's parts lie; that of `path`, if None.
        options: what was given by options of their own, stronger than both.

    Raises:
        Mistakes: one for each wrong key or value.
        InputError: the file cannot be read or is not TOML.
    """
    folder = (folder or path.parent).resolve()
    known = known_keys()
    mistakes: list[tuple[str, str]] = []
    written = [*from_file(path, mistakes), *from_overrides(overrides, known, mistakes), *options]
    return _judged(written, str(path), folder, mistakes)


def recall(
    told: Mapping[str, Any],
    where: str,
    folder: Path,
    overrides: Sequence[str] = (),
    options: Sequence[Given] = (),
) -> Recipe:
    """Return the recipe that a disc keeps (`record.recorded`), with changes to it.

    Args:
        told: values by section and name.
        where: where it stood, for messages.
        folder: the project, whose parts the recipe may name.
        overrides: as for `load`.
        options: likewise.

    Raises:
        Mistakes: one for each wrong key or value.
    """
    known = known_keys()
    mistakes: list[tuple[str, str]] = []
    kept = [
        Given(str(section), str(name), value, where)
        for section, keys in told.items()
        if isinstance(keys, Mapping)
        for name, value in keys.items()
    ]
    written = [*kept, *from_overrides(overrides, known, mistakes), *options]
    return _judged(written, where, folder.resolve(), mistakes, told=where)


def _judged(
    written: Sequence[Given],
    where: str,
    folder: Path,
    mistakes: list[tuple[str, str]],
    told: str = "",
) -> Recipe:
    """Return the recipe of what was written, if all of it is right.

    What stands in `told`, a disc, names parts of the project that it was made of.
    """
    known = known_keys()
    # A default can be wrong as well: the project may have no list or overlay of that name.
    given = {item.path: item for item in [*_defaults(known, where), *written]}
    values = {key.path: key.default for key in known.values()}
    for item in given.values():
        key = _key_of(item, known)
        complaints = _wrong(item, key, folder) if key else [_unknown(item, known)]
        if item.where == told and _is_of_the_project(item):
            complaints = _mistyped(item.value, key.kind if key else LIST)
        mistakes += [(f"{item.where}: {item.path}: {what}", hint) for what, hint in complaints]
        if not complaints:
            values[item.path] = tuple(item.value) if isinstance(item.value, list) else item.value
    mistakes += _disagreements(values, given)
    if mistakes:
        raise Mistakes(mistakes)
    return _assemble(folder, values)


def _is_of_the_project(item: Given) -> bool:
    return item.path in OF_THE_PROJECT or item.section == "roles"


def _defaults(known: Mapping[str, Key], where: str) -> Iterator[Given]:
    for key in known.values():
        yield Given(key.section, key.name, key.default, f"{where} (left out)")


def _key_of(item: Given, known: Mapping[str, Key]) -> Key | None:
    """Return the key that a value was meant for; roles may be new, unless they look like a slip."""
    if item.section != "roles" or item.path in known:
        return known.get(item.path)
    slip = difflib.get_close_matches(item.name, list(ROLES), n=1, cutoff=0.75)
    good = re.fullmatch(r"[a-z][a-z0-9-]*", item.name)
    return role_key(item.name) if good and not slip else None


def _unknown(item: Given, known: Mapping[str, Key]) -> Complaint:
    """Return what to say about a key that there is none of."""
    names = [key.name for key in known.values() if key.section == item.section]
    close = nearest(item.name, names)
    if item.section == "roles" and not close:
        return "no name of a role", "write lower-case letters, digits and -, a letter first"
    elsewhere = [key.path for key in known.values() if key.name == item.name]
    if elsewhere or not names:
        close = elsewhere[0] if elsewhere else nearest(item.path, list(known))
        return "unknown key", f"did you mean {close}?" if close else "see: ./build.py build --help"
    return "unknown key", choice(item.name, names)


def _wrong(item: Given, key: Key, folder: Path) -> list[Complaint]:
    """Return all that is wrong with a value."""
    value = item.value
    if mistyped := _mistyped(value, key.kind):
        return mistyped
    if key.kind == LIST:
        twice = sorted({word for word in value if value.count(word) > 1})
        complaints: list[Complaint] = [(f"{word!r} twice", "write it once") for word in twice]
        return complaints + [
            wrong for word in dict.fromkeys(value) if (wrong := key.check(word, folder))
        ]
    wrong = key.check(value, folder)
    return [wrong] if wrong else []


def _mistyped(value: Any, kind: Any) -> list[Complaint]:
    """Return the complaint about a value of another type than its key's, if it is."""
    if kind == LIST:
        right = isinstance(value, (list, tuple)) and all(isinstance(it, str) for it in value)
    else:  # in Python a bool is an int
        right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return [] if right else [(f"{value!r} is of the wrong type", f"write {TYPE_NAMES[kind]}")]


def _disagreements(values: Mapping[str, Any], given: Mapping[str, Given]) -> Iterator[Complaint]:
    """Give the mistakes that only two keys together make."""

    def at(path: str) -> str:
        return f"{given[path].where}: {path}"

    entries, more, default = (values[f"menu.{name}"] for name in ("entries", "more", "default"))
    if not entries:
        yield f"{at('menu.entries')}: the menu is empty", 'write one entry at least, ["xen"]'
    for name in sorted(set(entries) & set(more)):
        yield f"{at('menu.more')}: {name!r} is in menu.entries too", "write it in one of both"
    if default not in entries + more:
        hint = choice(default, entries + more)
        yield f"{at('menu.default')}: {default!r} is not in the menu", hint
    yield from _root_disagreements(values, given)


def _root_disagreements(
    values: Mapping[str, Any], given: Mapping[str, Given]
) -> Iterator[Complaint]:
    """Give the mistakes about dom0's root, which is either layers or in memory."""

    def at(path: str) -> str:
        return f"{given[path].where}: {path}"

    programs, overlays = (values[f"ramroot.{name}"] for name in ("programs", "overlays"))
    if overlays and not programs:
        what = "these are laid over a root in memory, and ramroot.programs makes none"
        yield f"{at('ramroot.overlays')}: {what}", "write both, or neither"
    if programs and not overlays:
        what = "nothing starts these: an overlay has the /init"
        yield f"{at('ramroot.programs')}: {what}", 'write overlays = ["smoke"] in [ramroot]'
    for path, item in given.items():
        shipped = ROLES.get(item.name, ())
        if programs and item.section == "roles" and item.value not in (shipped, list(shipped)):
            what = "a role is made of layers, and with a root in memory there are none"
            yield f"{at(path)}: {what}", "leave out the role, or ramroot.programs"
    for kernel in ("dom0", "guest"):
        modules = f"kernels.{kernel}_modules"
        if values[modules] and not given[f"kernels.{kernel}"].value:
            hint = f"name the kernel, kernels.{kernel} or --{kernel}-kernel"
            yield f"{at(modules)}: whose modules are these?", hint


def _assemble(folder: Path, values: Mapping[str, Any]) -> Recipe:
    tables: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        section, _, name = path.partition(".")
        tables.setdefault(section, {})[name] = value
    made = {section: kind(**tables[section]) for section, kind in SECTIONS.items()}
    roles = {} if made["ramroot"].programs else tables["roles"]
    return Recipe(folder=folder, roles=roles, **made)
