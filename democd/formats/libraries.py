"""Shared libraries: which of them an ELF program needs, and all that these need in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from democd.formats import linkage
from democd.formats.elf import is_elf


@dataclass(frozen=True)
class Closure:
    """What a set of programs needs.

    Attributes:
        found: sorted names of libraries.
        missing: name of a library that is nowhere, to what needs it.
    """

    found: tuple[str, ...]
    missing: Mapping[str, str]


def needs(data: bytes) -> tuple[str, ...]:
    """Return the names of what an ELF file has loaded with it: its interpreter, its libraries.

    Of a static program, and of what is no ELF file at all, such as a script, that is nothing.

    Raises:
        InputError: it is damaged.
    """
    if not is_elf(data):
        return ()
    linked = linkage.read(data)
    loader = PurePosixPath(linked.interpreter).name
    return tuple(dict.fromkeys(name for name in (loader, *linked.needed) if name))


def closure(
    programs: Mapping[str, Iterable[str]], needs_of: Callable[[str], Iterable[str] | None]
) -> Closure:
    """Return every library that programs need, directly or by other libraries.

    Args:
        programs: what people call a program, to the names that it needs itself.
        needs_of: gives what a library of this name needs itself, or None if there is none.
    """
    found: set[str] = set()
    missing: dict[str, str] = {}
    queue = [(name, program) for program, names in programs.items() for name in names]
    while queue:
        name, wanted_by = queue.pop()
        if name in found or name in missing:
            continue
        further = needs_of(name)
        if further is None:
            missing[name] = wanted_by
        else:
            found.add(name)
            queue += [(other, name) for other in further]
    return Closure(tuple(sorted(found)), dict(sorted(missing.items())))
