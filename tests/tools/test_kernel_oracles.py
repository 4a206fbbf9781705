"""What is read from kernels, hypervisors and images, against programs that read them too."""

import shutil
import subprocess
from pathlib import Path

import pytest

from democd.formats import elf, linux, xen
from democd.formats.compress import unpack
from democd.inspect_file import inspect
from tests.unit import crafted


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def run(*argv: str | Path, feed: bytes | None = None, cwd: Path | None = None) -> bytes:
    done = subprocess.run(argv, input=feed, cwd=cwd, capture_output=True, check=True, timeout=60)
    return done.stdout


def grub_says(question: str, path: Path) -> bool:
    return subprocess.run(["grub-file", f"--is-{question}", path], timeout=60).returncode == 0


CONTENT = bytes(range(256)) * 5000 + b"end"


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(argv, id=argv[0], marks=needs(argv[0]))
        for argv in (
            ["gzip", "-9c"],
            ["bzip2", "-9c"],
            ["lzma", "-9c"],
            ["xz", "--check=crc32", "--x86", "--lzma2=dict=32MiB", "-c"],
            ["lzop", "-9c"],
            ["lz4", "-l", "-9", "-c"],
            ["zstd", "-22", "--ultra", "-c"],
        )
    ],
)
def test_what_the_kernels_build_packs_is_unpacked(argv: list[str]) -> None:
    """The very commands of scripts/Makefile.lib, and the size that it appends."""
    packed = run(*argv, feed=CONTENT)
    assert unpack(packed + len(CONTENT).to_bytes(4, "little")) == CONTENT


@needs("lzop")
def test_lzop_unpacks_what_the_tests_make(tmp_path: Path) -> None:
    assert run("lzop", "-dc", feed=crafted.lzop(CONTENT)) == CONTENT


@needs("grub-file")
@pytest.mark.parametrize(
    "headers",
    [crafted.MULTIBOOT1, crafted.multiboot2(), crafted.multiboot2(efi=False), bytes(32)],
    ids=["multiboot1", "multiboot2", "multiboot2 for BIOS", "none"],
)
def test_grub_finds_the_same_headers(tmp_path: Path, headers: bytes) -> None:
    path = tmp_path / "xen"
    path.write_bytes(crafted.xen(headers=headers))
    assert xen.has_multiboot1(path.read_bytes()) == grub_says("x86-multiboot", path)
    found = xen.find_multiboot2(path.read_bytes())
    assert (found is not None) == grub_says("x86-multiboot2", path)


@needs("grub-file")
def test_grub_calls_a_bzimage_linux(tmp_path: Path) -> None:
    path = tmp_path / "vmlinuz"
    path.write_bytes(crafted.linux(kind="gzip"))
    assert grub_says("x86-linux", path)
    assert inspect(path).kind == "linux"


@needs("grub-file")
@pytest.mark.parametrize("pv", [True, False])
def test_grub_agrees_on_pv_guests(tmp_path: Path, pv: bool) -> None:
    path = tmp_path / "vmlinuz"
    notes = crafted.xen_notes(crafted.GUEST, pv=pv) if pv else []
    path.write_bytes(crafted.linux(notes=notes, kind="gzip"))
    assert linux.read(path.read_bytes()).xen.pv == grub_says("x86_64-xen-domu", path)


@needs("readelf")
def test_readelf_finds_the_same_notes(tmp_path: Path) -> None:
    path = tmp_path / "vmlinux"
    path.write_bytes(crafted.vmlinux())
    printed = run("readelf", "-n", path).decode()
    notes = elf.read(path.read_bytes()).notes
    assert printed.count("  Xen  ") == len(notes) == 7
    for note in notes:
        assert f"0x{len(note.content):08x}" in printed


@needs("objdump")
def test_objdump_finds_the_same_sections(tmp_path: Path) -> None:
    path = tmp_path / "xen.efi"
    path.write_bytes(crafted.xen_efi())
    printed = run("objdump", "-h", path).decode()
    assert "pei-x86-64" in printed
    assert f"{crafted.UPPER + 0x200000:016x}" in printed
    assert inspect(path).facts["version"] == "4.20.2"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "file").write_bytes(CONTENT)
    (folder / "boot.img").write_bytes(bytes(2048))
    (folder / "efi.img").write_bytes(bytes(4096))
    return folder


@needs("xorriso")
def test_a_disc_that_xorriso_made(tmp_path: Path, tree: Path) -> None:
    path = tmp_path / "disc.iso"
    run(
        "xorriso", "-as", "mkisofs", "-quiet", "-o", path, "-V", "A_DISC", "-publisher", "ME",
        "-b", "boot.img", "-no-emul-boot", "-boot-load-size", "4",
        "-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", "-isohybrid-gpt-basdat", tree,
    )  # fmt: skip
    found = inspect(path)
    assert found.kind == "iso"
    assert found.facts["volume id"] == "A_DISC"
    assert found.facts["publisher"] == "ME"
    assert found.facts["boots from CD"] == ["BIOS", "UEFI"]
    assert found.trouble == ()
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - 2048 * 200)
    assert "cut short" in inspect(path).trouble[0]


@needs("genisoimage")
def test_a_disc_that_does_not_boot_and_one_that_does_on_bios(tmp_path: Path, tree: Path) -> None:
    path = tmp_path / "disc.iso"
    run("genisoimage", "-quiet", "-o", path, "-V", "DATA", tree)
    found = inspect(path)
    assert found.facts["volume id"] == "DATA"
    assert found.facts["boots from CD"] == []
    assert found.facts["boots from disk"] == []
    run("genisoimage", "-quiet", "-o", path, "-b", "boot.img", "-no-emul-boot", "-c", "cat", tree)
    assert inspect(path).facts["boots from CD"] == ["BIOS"]


@needs("mksquashfs")
@pytest.mark.parametrize("kind", ["zstd", "xz", "gzip"])
def test_a_squashfs(tmp_path: Path, tree: Path, kind: str) -> None:
    path = tmp_path / "layer"
    run("mksquashfs", tree, path, "-comp", kind, "-b", "256K", "-quiet", "-no-progress")
    found = inspect(path)
    assert found.kind == "squashfs"
    assert found.facts["packed"] == kind
    assert found.facts["block size"] == 256 << 10
    assert found.facts["inodes"] == 4


@needs("cpio")
@needs("zstd")
def test_an_initrd(tmp_path: Path, tree: Path) -> None:
    archive = run("cpio", "-o", "-H", "newc", "--quiet", feed=b"file\n", cwd=tree)
    path = tmp_path / "initrd"
    path.write_bytes(run("zstd", "-19", "-c", feed=archive))
    assert inspect(path).kind == "cpio"
    assert inspect(path).facts["packed"] == "zstd"
