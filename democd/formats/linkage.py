"""What an ELF file tells the dynamic linker: its libraries, and where to look for them.

Sources: gABI, "Dynamic Section" and "Program Interpreter".
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from democd.errors import InputError
from democd.formats.versions import version_key

_GLIBC = re.compile(rb"\0GLIBC_(\d+\.\d+)(?=\0)")


@dataclass(frozen=True)
class Linkage:
    """What an ELF file tells the dynamic linker.

    Attributes:
        bits: 32 or 64.
        machine: e.g. `EM_X86_64`.
        interpreter: path of the dynamic linker that a program asks for (PT_INTERP), or "".
        needed: names of the libraries it is linked with (DT_NEEDED).
        search: folders to look for them first (DT_RUNPATH, else DT_RPATH), `$ORIGIN` as it stands.
        glibc: the newest version of glibc it asks for, e.g. `2.38`, or "".
    """

    bits: int
    machine: str
    interpreter: str
    needed: tuple[str, ...]
    search: tuple[str, ...]
    glibc: str


def read(data: bytes) -> Linkage:
    """Return what an ELF file tells the dynamic linker; a static one has no needs.

    Raises:
        InputError: it is damaged.
    """
    tags: dict[str, list[str]] = {"DT_NEEDED": [], "DT_RUNPATH": [], "DT_RPATH": []}
    interpreter = ""
    try:
        file = ELFFile(io.BytesIO(data))
        bits, machine = int(file.elfclass), str(file["e_machine"])
        for segment in file.iter_segments():
            if isinstance(segment, InterpSegment):
                interpreter = str(segment.get_interp_name())
            elif isinstance(segment, DynamicSegment):
                for tag in segment.iter_tags():
                    if tag.entry.d_tag in tags:
                        value = getattr(tag, tag.entry.d_tag[3:].lower())
                        tags[tag.entry.d_tag].append(str(value))
    except Exception as error:  # pyelftools meets hostile bytes with a dozen kinds of exception
        raise InputError(f"the ELF file is damaged: {error or type(error).__name__}") from error
    search = ":".join(tags["DT_RUNPATH"] or tags["DT_RPATH"])
    return Linkage(
        bits,
        machine,
        interpreter,
        tuple(tags["DT_NEEDED"]),
        tuple(folder for folder in search.split(":") if folder),
        newest_glibc(data),
    )


def newest_glibc(data: bytes) -> str:
    """Return the newest version of glibc whose symbols a file names, or ""."""
    found = {match.decode() for match in _GLIBC.findall(data)}
    return max(found, key=version_key, default="")
