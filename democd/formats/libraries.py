"""Shared libraries: which of them an ELF program needs, and all that these need in turn.

Sources: gABI, "Dynamic Section" (DT_NEEDED) and "Program Interpreter" (PT_INTERP).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from democd.errors import InputError
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
    names: list[str] = []
    try:
        for segment in ELFFile(io.BytesIO(data)).iter_segments():
            if isinstance(segment, InterpSegment):
                names.append(PurePosixPath(segment.get_interp_name()).name)
            elif isinstance(segment, DynamicSegment):
                names += [str(tag.needed) for tag in segment.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]
    except Exception as error:  # pyelftools meets hostile bytes with a dozen kinds of exception
        raise InputError(f"the ELF file is damaged: {error or type(error).__name__}") from error
    return tuple(dict.fromkeys(names))


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
