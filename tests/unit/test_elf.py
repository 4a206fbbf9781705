"""ELF files and PE files: what they say of themselves, and what damaged ones do."""

import struct
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from democd.errors import InputError
from democd.formats import elf, pe
from tests.unit import crafted


@pytest.mark.parametrize("bits", [32, 64])
def test_segments_and_notes_are_found(bits: int) -> None:
    notes = crafted.note(b"Xen", 17, b"\x01\x88\0\0") + crafted.note(b"GNU", 3, b"build")
    file = elf.read(crafted.elf_file(b"content", notes, bits=bits, address=0x1000000))
    assert file.bits == bits
    assert file.machine == ("EM_386" if bits == 32 else "EM_X86_64")
    assert [(load.virtual, load.size) for load in file.loads] == [(0x1000000, 7)]
    assert file.content("Xen", 17) == b"\x01\x88\0\0"
    assert file.content("GNU", 3) == b"build"


def test_a_note_is_known_by_owner_and_number() -> None:
    """Type 1 of GNU is an ABI tag; of Xen it is the entry point."""
    file = elf.read(crafted.elf_file(b"", crafted.note(b"GNU", 1, b"abi!")))
    assert file.content("Xen", 1) is None
    assert file.content("GNU", 2) is None


def test_notes_behind_a_damaged_one_are_not_believed() -> None:
    good = crafted.note(b"Xen", 6, b"linux\0")
    endless = struct.pack("<III", 4, 0xFFFFFFF0, 17) + b"Xen\0"
    file = elf.read(crafted.elf_file(b"", good + endless + crafted.note(b"Xen", 18, b"1234")))
    assert [note.type for note in file.notes] == [6]


def test_no_elf_file_is_told_so() -> None:
    with pytest.raises(InputError, match="no ELF"):
        elf.read(b"\x7fELG" + bytes(100))


WHOLE = crafted.vmlinux()


@settings(max_examples=200)
@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_cut_elf_file_does_no_worse_than_a_refusal(length: int) -> None:
    with suppress(InputError):
        file = elf.read(WHOLE[:length])
        assert len(file.notes) < 7  # all of its notes stand at the end


@settings(max_examples=300)
@given(at=st.integers(0, 0xC0), value=st.binary(min_size=1, max_size=8))
@example(at=0x38, value=b"\xff\xff")  # "the number of segments is elsewhere"
@example(at=0x20, value=b"\xff" * 8)  # the segments lie beyond any file
@example(at=0x60, value=b"\xff" * 8)  # a segment of 16 EiB
def test_a_damaged_head_does_no_worse_than_a_refusal(at: int, value: bytes) -> None:
    damaged = WHOLE[:at] + value + WHOLE[at + len(value) :]
    with suppress(InputError):
        elf.read(damaged)


def test_sections_of_an_efi_program_are_found() -> None:
    image = crafted.xen_efi()
    file = pe.read(image)
    assert (file.machine, file.subsystem, file.signed) == ("x86-64", "EFI application", False)
    data, build_id = file.sections
    assert (data.name, data.virtual) == (".data", crafted.UPPER + 0x200000)
    assert image[build_id.offset : build_id.offset + 4] == b"RSDS"


def test_a_dos_program_is_no_efi_program() -> None:
    dos = b"MZ" + bytes(200)
    assert not pe.is_pe(dos)
    with pytest.raises(InputError, match="no PE file"):
        pe.read(dos)


@settings(max_examples=200)
@given(length=st.integers(0, 0x400), at=st.integers(0, 0x200), value=st.binary(max_size=8))
def test_a_damaged_efi_program_does_no_worse_than_a_refusal(
    length: int, at: int, value: bytes
) -> None:
    image = crafted.xen_efi()
    damaged = (image[:at] + value + image[at + len(value) :])[:length]
    with suppress(InputError):
        pe.read(damaged)
