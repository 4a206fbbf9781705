"""ELF files: what of them is loaded where, and their notes."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

from elftools.elf.elffile import ELFFile

from democd.errors import InputError

MAGIC = b"\x7fELF"


@dataclass(frozen=True)
class Note:
    """One entry of a PT_NOTE segment; `type` is its number, whatever the owner means by it."""

    owner: str
    type: int
    content: bytes


@dataclass(frozen=True)
class Segment:
    """A loaded piece: `size` bytes at `offset` in the file belong at the address `virtual`."""

    offset: int
    virtual: int
    size: int


@dataclass(frozen=True)
class Elf:
    """What there is to know of an ELF file.

    Attributes:
        bits: 32 or 64.
        machine: e.g. `EM_X86_64`, as elf.h names it.
        loads: the PT_LOAD segments, in the file's order.
        notes: all of all PT_NOTE segments.
    """

    bits: int
    machine: str
    loads: tuple[Segment, ...]
    notes: tuple[Note, ...]

    def content(self, owner: str, kind: int) -> bytes | None:
        """Return the content of a note, or None if there is no such note."""
        found = (note.content for note in self.notes if (note.owner, note.type) == (owner, kind))
        return next(found, None)


def is_elf(data: bytes) -> bool:
    """Tell whether `data` starts as an ELF file does."""
    return data.startswith(MAGIC)


def read(data: bytes) -> Elf:
    """Return what an ELF file says of itself.

    Raises:
        InputError: it is none, or damaged.
    """
    if not is_elf(data):
        raise InputError("it is no ELF file")
    try:
        file = ELFFile(io.BytesIO(data))
        segments = list(file.iter_segments())
        loads = tuple(
            Segment(segment["p_offset"], segment["p_vaddr"], segment["p_filesz"])
            for segment in segments
            if segment["p_type"] == "PT_LOAD"
        )
        tables = [segment.data() for segment in segments if segment["p_type"] == "PT_NOTE"]
        bits, machine = int(file.elfclass), str(file["e_machine"])
    except Exception as error:  # pyelftools meets hostile bytes with a dozen kinds of exception
        raise InputError(f"the ELF file is damaged: {error or type(error).__name__}") from error
    return Elf(bits, machine, loads, tuple(note for table in tables for note in _notes(table)))


def _notes(table: bytes) -> list[Note]:
    """Take a table of notes apart.

    Each (gABI, "Note Section"; Linux aligns to 4 in 64-bit files too)::

        0   I  length of the owner's name, with its NUL
        4   I  length of the content
        8   I  type
        12  …  name, content, each padded to 4 bytes

    By hand, as pyelftools gives the types the names they would have with owner `GNU`.
    """
    notes = []
    position = 0
    while position + 12 <= len(table):
        name_length, length, kind = struct.unpack_from("<III", table, position)
        start = position + 12 + (name_length + 3) // 4 * 4
        if start + length > len(table):
            break  # what follows cannot be trusted
        owner = table[position + 12 : position + 12 + name_length].rstrip(b"\0")
        notes.append(Note(owner.decode("latin-1"), kind, table[start : start + length]))
        position = start + (length + 3) // 4 * 4
    return notes
