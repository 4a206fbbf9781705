"""Linux kernels are judged by what is in the file."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from democd.errors import InputError
from democd.formats import linux
from democd.formats.compress import MAGICS
from tests.unit import crafted


@pytest.mark.parametrize("kind", ["", *MAGICS])
def test_a_bzimage_tells_its_release_however_it_is_packed(kind: str) -> None:
    kernel = linux.read(crafted.linux("6.12.9+deb13-amd64", kind=kind))
    assert (kernel.form, kernel.release) == ("bzImage", "6.12.9+deb13-amd64")
    assert kernel.compression == kind
    assert kernel.banner.endswith("#1 SMP 2026-01-01")
    assert (kernel.bits, kernel.efi_stub) == (64, True)
    assert kernel.xen.dom0


@pytest.mark.parametrize("kind", ["", "gzip"])
def test_a_bare_vmlinux_will_do(kind: str) -> None:
    kernel = linux.read(crafted.pack(kind, crafted.vmlinux("6.1.0-9-amd64")))
    assert (kernel.form, kernel.release, kernel.bits) == ("vmlinux", "6.1.0-9-amd64", 64)
    assert kernel.xen.pv
    assert kernel.xen.pvh


def test_the_dom0_bit_tells_xen0_from_xenu() -> None:
    xen0 = linux.read(crafted.linux(notes=crafted.xen_notes(crafted.DOM0))).xen
    xen_u = linux.read(crafted.linux(notes=crafted.xen_notes(crafted.GUEST))).xen
    assert (xen0.dom0, xen_u.dom0) == (True, False)
    assert "0x8001" in xen_u.why
    assert "lacks the dom0 bit" in xen_u.why
    assert xen_u.pv


def test_pv_and_pvh_each_have_their_entry_point() -> None:
    pv = linux.read(crafted.linux(notes=crafted.xen_notes(pvh=False))).xen
    pvh = linux.read(crafted.linux(notes=crafted.xen_notes(pv=False))).xen
    assert (pv.pv, pv.pvh) == (True, False)
    assert (pvh.pv, pvh.pvh) == (False, True)


@pytest.mark.parametrize(
    ("text", "dom0"),
    [
        ("writable_page_tables|dom0", True),
        ("!dom0|!writable_page_tables", True),
        ("!writable_page_tables|pae_pgdir_above_4gb", False),
        ("nodom0x", False),
    ],
)
def test_older_kernels_name_dom0_among_their_features(text: str, dom0: bool) -> None:
    notes = [crafted.NOTE_LINUX, crafted.NOTE_PV, crafted.words(text)]
    assert linux.read(crafted.linux(notes=notes)).xen.dom0 is dom0


def test_the_bits_outweigh_the_words() -> None:
    notes = [crafted.features(crafted.GUEST), crafted.words("dom0")]
    assert not linux.read(crafted.linux(notes=notes)).xen.dom0


def test_a_kernel_without_xen_is_told_so() -> None:
    notes = linux.read(crafted.linux(notes=[])).xen
    assert (notes.guest_os, notes.pv, notes.pvh, notes.dom0) == ("", False, False, False)
    assert "without support for Xen" in notes.why


def test_a_32_bit_kernel_for_bios_only() -> None:
    image = crafted.bzimage(crafted.pack("xz", crafted.vmlinux(bits=32)), efi=False, bits=32)
    kernel = linux.read(image)
    assert (kernel.bits, kernel.efi_stub) == (32, False)


def test_a_kernel_too_old_to_tell_is_refused() -> None:
    image = crafted.bzimage(crafted.pack("gzip", crafted.vmlinux()), protocol=0x206)
    with pytest.raises(InputError, match=r"2\.06, from before Linux 2\.6\.24"):
        linux.read(image)


def test_another_elf_file_is_no_kernel() -> None:
    other = crafted.elf_file(b"hello", b"")
    assert not linux.is_linux(other)
    with pytest.raises(InputError, match="no Linux kernel"):
        linux.read(other)


WHOLE = crafted.linux(kind="gzip")


@settings(max_examples=200)
@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_kernel_that_was_not_copied_whole_is_refused(length: int) -> None:
    with pytest.raises(InputError):
        linux.read(WHOLE[:length])


@settings(max_examples=200)
@given(at=st.integers(0x1F0, 0x260), value=st.binary(min_size=1, max_size=8))
def test_a_damaged_setup_header_does_no_worse_than_a_refusal(at: int, value: bytes) -> None:
    with suppress(InputError):
        linux.read(WHOLE[:at] + value + WHOLE[at + len(value) :])
