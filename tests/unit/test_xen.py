"""The hypervisor: its headers, its version, and the options that it knows."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from democd.errors import InputError
from democd.formats import xen
from democd.formats.xen_options import unknown_options
from tests.unit import crafted

KNOWN = frozenset(crafted.OPTIONS)


@pytest.mark.parametrize("packed", [False, True])
def test_xen_gz_and_bare_xen_say_the_same(packed: bool) -> None:
    image = crafted.xen("4.20.2")
    found = xen.read(gzip.compress(image) if packed else image)
    assert (found.form, found.version, found.bits) == ("ELF", "4.20.2", 32)
    assert found.build_id == bytes(range(20)).hex()
    assert found.multiboot1
    assert found.multiboot2
    assert found.multiboot2.efi


def test_xen_efi_is_xen_too() -> None:
    found = xen.read(crafted.xen_efi("4.17.7"))
    assert (found.form, found.version) == ("EFI", "4.17.7")
    assert found.build_id == bytes(range(16)).hex()
    assert found.multiboot2 is None
    assert found.options == KNOWN


@pytest.mark.parametrize("version", ["4.20.2", "4.20.5-pre", "4.6.0-rc1"])
def test_the_version_is_found_without_a_configuration_inside(version: str) -> None:
    assert xen.read(crafted.xen(version, config=False)).version == version


def test_the_options_are_the_table_and_nothing_else() -> None:
    found = xen.read(crafted.xen())
    assert found.exact
    assert found.options == KNOWN
    assert "stray" not in found.options


def test_without_a_table_every_word_counts_as_an_option() -> None:
    """A Xen of another make must not have its real options called typing errors."""
    image = crafted.xen(options=())
    words = b"\0" + b"\0".join(option.encode() for option in crafted.OPTIONS) + b"\0"
    found = xen.read(image + words)
    assert not found.exact
    assert "sync_console" in found.options


def test_headers_of_each_kind() -> None:
    only1 = xen.read(crafted.xen(headers=crafted.MULTIBOOT1))
    bios = xen.read(crafted.xen(headers=crafted.multiboot2(efi=False)))
    assert (only1.multiboot1, only1.multiboot2) == (True, None)
    assert not bios.multiboot1
    assert bios.multiboot2
    assert not bios.multiboot2.efi


def test_a_header_whose_sum_is_wrong_is_none() -> None:
    broken = bytearray(crafted.multiboot2())
    broken[12] ^= 1
    with pytest.raises(InputError, match="no multiboot header"):
        xen.read(crafted.xen(headers=bytes(broken)))


def test_a_program_with_the_header_alone_is_no_xen() -> None:
    other = crafted.elf_file(crafted.MULTIBOOT1, b"", bits=32)
    assert xen.has_multiboot1(other)
    with pytest.raises(InputError, match="no Xen"):
        xen.read(other)


WHOLE = crafted.xen()


@settings(max_examples=150)
@given(
    length=st.integers(0, len(WHOLE)), at=st.integers(0, len(WHOLE)), value=st.binary(max_size=8)
)
def test_a_damaged_xen_does_no_worse_than_a_refusal(length: int, at: int, value: bytes) -> None:
    with suppress(InputError):
        xen.read((WHOLE[:at] + value + WHOLE[at + len(value) :])[:length])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "com1=115200,8n1 console=com1,vga",
        "  dom0_mem=512M,max:512M   noreboot ",
        "no-smt no-real-mode edd=off",  # `real-mode` is what the table names
        "ivrs_ioapic[3]=00:14.0",
        "placeholder -- root=/dev/sda nonsense",  # what follows is for dom0's kernel
        "acpi=off",
    ],
)
def test_lines_that_xen_takes(line: str) -> None:
    assert unknown_options(line, KNOWN) == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("noht", "smt"),
        ("noacpi", "acpi"),
        ("sync_consol", "sync_console"),
        ("dom0-mem=512M", "dom0_mem"),
        ("no-sync_consol", "sync_console"),
        ("nosync_console", "sync_console"),  # only `no-` is taken off
        ("Console=vga", "console"),
        ("ignorebiostables", ""),
        ("ivrs_ioapic=3", "ivrs_ioapic["),
        ("ivrs_hpet[3]=00:14.0", ""),
        ("=vga", ""),
        ("--", ""),  # it parts two command lines only with words on both sides
    ],
)
def test_words_that_xen_calls_unknown(word: str, meant: str) -> None:
    assert unknown_options(f"noreboot {word}", KNOWN) == [(word, meant)]


def test_every_mistake_of_a_line_is_named() -> None:
    found = unknown_options("consle=vga watchdog wachdog", KNOWN)
    assert found == [("consle=vga", "console"), ("wachdog", "watchdog")]
