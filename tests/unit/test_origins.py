"""What a root was built from, and that no other version of it ends up on the disc."""

from __future__ import annotations

import pytest

from democd import origins
from democd.errors import Mistakes
from democd.formats import deb822
from democd.host import apt, debs
from democd.origins import Origin

STATUS = """\
Package: busybox-static
Status: install ok installed
Source: busybox (1:1.37.0-6)
Version: 1:1.37.0-6+b9
Built-Using: glibc (= 2.41-12), not a relation
Description: Standalone rescue shell
 Package: is no field in here
 .
 the end

Package: linux-image-6.12.118-cloud-amd64
Source: linux-signed-amd64 (6.12.118+1)
Version: 6.12.118-1
Built-Using: linux (= 6.12.118-1)

Package: linux-image-6.12.118-amd64
Source: linux-signed-amd64 (6.12.118+1)
Version: 6.12.118-1
Built-Using: linux (= 6.12.118-1)

Package: grub2-common
Source: grub2
Version: 2.12-9

Package: sqv
Architecture: amd64
Source: rust-sequoia-sqv (1.3.0-3)
Version: 1.3.0-3+b2
Built-Using: rustc (= 1.85.0-1)
Static-Built-Using: rust-libc (= 0.2.169-1), rustc (= 1.85.0-1)
"""

SHOWSRC = """\
Package: busybox
Binary: busybox, busybox-static
Version: 1:1.37.0-6
Files:
 6c5d39bf208c4841c2a9e1dfb63eec46 2279 busybox_1.37.0-6.dsc
Checksums-Sha256:
 3ba2c096eef0c391f744f093edbe0df7b21ab118652487cc076818e92cb57e8e 2279 busybox_1.37.0-6.dsc
 3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4 2565764 busybox.tar.bz2
Directory: pool/main/b/busybox

Package: grub2
Version: 2.12-10
Checksums-Sha256:
 00 1 grub2_2.12-10.dsc

Package: busybox
Version: 1:1.37.0-6
Checksums-Sha256:
 00 1 busybox_1.37.0-6.dsc
"""


def of(name: str) -> list[Origin]:
    return [origin for origin in origins.of_root(STATUS) if origin.name == name]


def test_a_rebuild_names_the_version_of_its_source() -> None:
    assert of("busybox") == [Origin("busybox", "1:1.37.0-6", ("busybox-static",))]
    assert of("grub2") == [Origin("grub2", "2.12-9", ("grub2-common",))]


def test_a_signed_kernel_is_built_from_linux() -> None:
    images = ("linux-image-6.12.118-amd64", "linux-image-6.12.118-cloud-amd64")
    assert of("linux") == [Origin("linux", "6.12.118-1", images)]
    assert of("glibc") == [Origin("glibc", "2.41-12", ("busybox-static",))]


def test_what_is_linked_in_for_good_is_a_source_too() -> None:
    assert of("rust-libc") == [Origin("rust-libc", "0.2.169-1", ("sqv",))]
    sqv = origins.binaries(STATUS)[-1]
    assert (sqv.name, sqv.version, sqv.architecture) == ("sqv", "1.3.0-3+b2", "amd64")
    assert sqv.sources == (
        ("rust-sequoia-sqv", "1.3.0-3", "Source"),
        ("rustc", "1.85.0-1", "Built-Using"),
        ("rust-libc", "0.2.169-1", "Static-Built-Using"),
    )


def test_a_name_that_nothing_was_built_from_is_refused() -> None:
    everything = origins.of_root(STATUS)
    names = [origin.name for origin in origins.wanted(["linux", "busybox"], everything)]
    assert names == ["linux", "busybox"]
    with pytest.raises(Mistakes) as caught:
        origins.wanted(["grub", "busybox", "zen"], everything)
    assert len(caught.value.mistakes) == 2
    assert "nothing on the disc was built from 'grub'" in caught.value.mistakes[0][0]


def test_the_archives_entry_tells_files_and_sizes_once() -> None:
    busybox, grub = origins.offered(SHOWSRC)
    assert dict(busybox.files) == {"busybox_1.37.0-6.dsc": 2279, "busybox.tar.bz2": 2565764}
    assert busybox.size() == 2279 + 2565764
    assert busybox.sums["busybox_1.37.0-6.dsc"].startswith("3ba2c096")
    assert (grub.name, grub.version) == ("grub2", "2.12-10")
    assert origins.offered("") == ()


def test_another_version_is_no_source_of_the_binary() -> None:
    archive = origins.offered(SHOWSRC)
    assert list(origins.matched(of("busybox"), archive)) == [("busybox", "1:1.37.0-6")]
    with pytest.raises(Mistakes) as caught:
        origins.matched([*of("busybox"), *of("grub2"), *of("linux")], archive)
    (grub, hint), (linux, _) = caught.value.mistakes
    assert "version 2.12-9" in grub
    assert grub.endswith("another: 2.12-10")
    assert linux.endswith("another: none at all")
    assert "--refresh" in hint
    assert "root.mirror" in hint


def test_an_entry_is_written_as_it_was_read() -> None:
    entries = "".join(deb822.text(fields) for fields in deb822.stanzas(SHOWSRC))
    assert entries == f"{SHOWSRC}\n"
    assert list(deb822.stanzas(deb822.text({"A": "", "B": "\nx\n y"}))) == [
        {"A": "", "B": "\nx\n y"}
    ]


def test_stanzas_end_at_any_blank_line_and_skip_comments() -> None:
    text = "# a\nA: 1\nB:\n x\n  y\n\n \n\nA: 2: 3\n"
    assert list(deb822.stanzas(text)) == [{"A": "1", "B": "\nx\n y"}, {"A": "2: 3"}]


def test_sources_come_from_where_the_packages_came_from() -> None:
    lines = """\
deb http://localhost/debian trixie main contrib
# deb http://localhost/no trixie main
deb [arch=amd64 trusted=yes] http://localhost/debian trixie-updates main
deb-src http://localhost/debian trixie main
deb http://localhost/debian trixie main contrib
"""
    trust = f"deb-src [signed-by={apt.KEYRING}] http://localhost/debian"
    assert apt.source_lines(lines).splitlines() == [
        f"{trust} trixie main contrib",
        f"{trust} trixie-updates main",
    ]


def test_root_and_sources_are_checked_with_the_same_keys() -> None:
    assert str(apt.KEYRING) in debs.SIGNED
