"""What `inspect` says of a file, to a person and to a program."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from democd.errors import InputError
from democd.formats.compress import MAGICS
from democd.inspect_file import Inspection, as_json, inspect, report
from tests.unit import crafted


def look_at(folder: Path, content: bytes) -> Inspection:
    path = folder / "file"
    path.write_bytes(content)
    return inspect(path)


def roles(inspection: Inspection) -> dict[str, bool]:
    return {role.name: role.fit for role in inspection.roles}


def test_a_dom0_kernel(tmp_path: Path) -> None:
    found = look_at(tmp_path, crafted.linux("6.12.1-amd64"))
    assert found.what == "the Linux kernel 6.12.1-amd64 (bzImage)"
    assert roles(found) == {
        "Xen": False, "dom0": True, "PV guest": True, "PVH guest": True, "bare Linux": True,
    }  # fmt: skip


def test_a_guests_kernel_says_why_it_is_no_dom0(tmp_path: Path) -> None:
    found = look_at(tmp_path, crafted.linux(notes=crafted.xen_notes(crafted.GUEST, pvh=False)))
    assert roles(found) == {
        "Xen": False, "dom0": False, "PV guest": True, "PVH guest": False, "bare Linux": True,
    }  # fmt: skip
    lines = report(found).splitlines()
    assert any(" dom0 " in line and " no " in line and "0x8001" in line for line in lines)


def test_a_vmlinux_cannot_boot_alone(tmp_path: Path) -> None:
    found = look_at(tmp_path, crafted.vmlinux())
    assert found.kind == "linux"
    assert roles(found)["dom0"]
    assert not roles(found)["bare Linux"]


def test_a_kernel_for_pvh_only_can_be_dom0_with_an_option(tmp_path: Path) -> None:
    found = look_at(tmp_path, crafted.linux(notes=crafted.xen_notes(pv=False)))
    (dom0,) = (role for role in found.roles if role.name == "dom0")
    assert dom0.fit
    assert "dom0=pvh" in dom0.why


@pytest.mark.parametrize(
    ("content", "what", "fit"),
    [
        (gzip.compress(crafted.xen("4.20.2"), mtime=0), "the Xen hypervisor 4.20.2 (xen.gz)", True),
        (crafted.xen("4.17.7"), "the Xen hypervisor 4.17.7 (xen)", True),
        (crafted.xen_efi("4.20.2"), "the Xen hypervisor 4.20.2 (xen.efi)", True),
        (crafted.xen("4.20.2", bits=64), "the Xen hypervisor 4.20.2 (xen-syms)", False),
    ],
)
def test_xen_in_its_forms(tmp_path: Path, content: bytes, what: str, fit: bool) -> None:
    found = look_at(tmp_path, content)
    assert found.what == what
    assert roles(found)["Xen"] is fit
    assert not roles(found)["dom0"]


@pytest.mark.parametrize("kind", ["", *MAGICS])
def test_an_initrd_however_packed(tmp_path: Path, kind: str) -> None:
    found = look_at(tmp_path, crafted.pack(kind, b"070701" + bytes(3000)))
    assert found.what == "a cpio archive, such as an initrd"
    assert found.facts["packed"] == kind


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b"Hello\n", "a text"),
        (b"\0\x01\x02\x03", "nothing that is known here; it starts with 00 01 02 03"),
        (gzip.compress(b"Hello\n", mtime=0), "gzip data, with nothing in it that is known here"),
        (b"BZhello", "a text"),  # the magic alone makes no bzip2 data
        (crafted.elf_file(b"hello", b""), "a program (64-bit ELF, EM_X86_64): neither Xen nor"),
    ],
)
def test_other_files_are_told_so(tmp_path: Path, content: bytes, what: str) -> None:
    found = look_at(tmp_path, content)
    assert found.what.startswith(what)
    assert found.roles == ()


def test_a_damaged_kernel_is_told_so(tmp_path: Path) -> None:
    found = look_at(tmp_path, crafted.linux()[:-50])
    assert found.kind == "linux"
    assert "the bzImage is cut short" in found.trouble[0]
    assert "WRONG: the bzImage is cut short" in report(found)


def test_json_says_all_of_it(tmp_path: Path) -> None:
    said = json.loads(json.dumps(as_json(look_at(tmp_path, crafted.xen("4.20.2")))))
    assert said["file"] == str(tmp_path / "file")
    assert said["size"] == len(crafted.xen("4.20.2"))
    assert (said["kind"], said["trouble"]) == ("xen", [])
    assert said["facts"]["version"] == "4.20.2"
    assert said["facts"]["options"] == sorted(crafted.OPTIONS)
    assert said["roles"]["xen"]["fit"] is True
    assert said["roles"]["pv_guest"] == {"fit": False, "why": "it is a hypervisor"}


def test_what_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        inspect(tmp_path / "missing")
    with pytest.raises(InputError, match="no install tree"):
        inspect(tmp_path)


SAMPLES = [
    crafted.linux(kind="gzip"),
    crafted.xen(),
    crafted.xen_efi(),
    b"hsqs" + bytes(92),
    bytes(16 * 2048) + b"\x01CD001\x01" + bytes(4096),
]


@settings(max_examples=200)
@given(
    sample=st.sampled_from(SAMPLES),
    at=st.integers(0, 1024),
    value=st.binary(max_size=8),
    length=st.integers(1, 1 << 16),
)
def test_no_file_makes_it_fail(
    tmp_path_factory: pytest.TempPathFactory, sample: bytes, at: int, value: bytes, length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes((sample[:at] + value + sample[at + len(value) :])[:length])
    assert report(inspect(path)).startswith(f"{path}: ")
