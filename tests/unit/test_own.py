"""What a person brings to boot: every mismatch is told before any work, with its remedy."""

from __future__ import annotations

import gzip
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from democd.artifacts import Kernel, Kernels, Own, Package, Root
from democd.errors import Mistakes
from democd.formats.compress import unpack
from democd.inputs import Made
from democd.recipe import Initrd, Recipe
from democd.recipe import Kernels as Named
from democd.stages import kernels, own, own_layers
from democd.workspace import Workspace
from tests.unit import crafted

RELEASE = "7.1.0-mine"
TREE = f"lib/modules/{RELEASE}"


def module(release: str = RELEASE, *, bits: int = 64) -> bytes:
    magic = f"license=GPL\0vermagic={release} SMP preempt mod_unload \0".encode()
    return crafted.elf_file(magic, b"", bits=bits)


class Bench:
    """A project whose initrd wants `disc`, `usb_storage` and maybe `odd`; a kernel and modules."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("rootfs/modules/disc", b"isofs  # the disc\nusb-storage\nodd?\n")
        self.write("bzImage", crafted.linux(RELEASE, kind="gzip"))
        self.write("guest", crafted.linux(RELEASE, crafted.xen_notes(crafted.GUEST), kind="gzip"))
        self.write(f"mods/{TREE}/kernel/isofs.ko", module())
        self.write(f"mods/{TREE}/kernel/usb-storage.ko.xz", lzma.compress(module()))
        self.write(f"mods/{TREE}/modules.dep", b"kernel/isofs.ko:\nkernel/usb-storage.ko.xz:\n")
        self.write(f"mods/{TREE}/modules.order", b"")
        self.write(f"mods/{TREE}/modules.builtin", b"kernel/fs/squashfs/squashfs.ko\n")
        (folder / f"mods/{TREE}/build").symlink_to(folder)

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def inspect(self, **named: str) -> Own:
        recipe = Recipe(
            self.folder, kernels=Named(**named), initrd=Initrd(xen0=("disc",), xenU=("disc",))
        )
        return own.inspect(recipe, self.folder)

    def faults(self, **named: str) -> str:
        return told(self.inspect(**named))


def told(brought: Own) -> str:
    return "\n".join(f"{message} -> {hint}" for message, hint in brought.mistakes)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize("named", ["mods", "mods/lib/modules", f"mods/{TREE}"])
def test_modules_are_found_in_their_tree_or_by_themselves(bench: Bench, named: str) -> None:
    brought = bench.inspect(dom0="bzImage", dom0_modules=named)
    assert brought.mistakes == ()
    assert brought.dom0_modules == bench.folder / "mods" / TREE
    assert brought.dom0
    assert brought.dom0[1].release == RELEASE
    assert brought.guest is None


def test_modules_of_another_kernel(bench: Bench) -> None:
    bench.write("other", crafted.linux("7.1.0-other", kind="gzip"))
    for named in ("mods", f"mods/{TREE}"):
        found = bench.faults(dom0="other", dom0_modules=named)
        assert f"has modules of {RELEASE}, but the kernel is 7.1.0-other" in found
        assert "make modules_install INSTALL_MOD_PATH=DIR" in found


def test_modules_of_another_build_in_the_right_folder(bench: Bench) -> None:
    bench.write(f"mods/{TREE}/kernel/isofs.ko", module("6.12.1-amd64"))
    found = bench.faults(dom0="bzImage", dom0_modules="mods")
    assert f"isofs.ko is of Linux 6.12.1-amd64, but the kernel is {RELEASE}" in found


def test_modules_for_another_machine(bench: Bench) -> None:
    bench.write(f"mods/{TREE}/kernel/isofs.ko", module(bits=32))
    assert "for another machine: EM_386" in bench.faults(dom0="bzImage", dom0_modules="mods")


def test_a_damaged_module(bench: Bench) -> None:
    (bench.folder / f"mods/{TREE}/kernel/isofs.ko").unlink()
    path = bench.folder / f"mods/{TREE}/kernel/usb-storage.ko.xz"
    path.write_bytes(path.read_bytes()[:50])
    assert "usb-storage.ko.xz: cannot be read" in bench.faults(dom0="bzImage", dom0_modules="mods")


def test_modules_without_their_index(bench: Bench) -> None:
    (bench.folder / f"mods/{TREE}/modules.dep").unlink()
    found = bench.faults(dom0="bzImage", dom0_modules="mods")
    assert found.endswith(f"make the index: depmod -b {bench.folder}/mods {RELEASE}")


def test_a_folder_without_modules(bench: Bench) -> None:
    found = bench.faults(dom0="bzImage", dom0_modules="rootfs")
    assert f"[kernels] dom0_modules: {bench.folder}/rootfs has no {TREE}" in found


def test_every_module_that_an_initrd_lacks_is_named(bench: Bench) -> None:
    bench.write(f"mods/{TREE}/modules.dep", b"kernel/isofs.ko:\n")
    bench.write("rootfs/modules/disc", b"isofs\nusb-storage\nloop\nodd?\n")
    found = bench.faults(dom0="bzImage", dom0_modules="mods")
    assert f"Linux {RELEASE} lacks what rootfs/modules/disc names: usb-storage, loop ->" in found
    assert "--set initrd.xen0=disc" in found


def test_a_kernel_with_all_built_in_needs_no_module(bench: Bench) -> None:
    builtin = b"kernel/fs/isofs/isofs.ko\nkernel/drivers/usb/storage/usb-storage.ko\n"
    bench.write("objects/modules.builtin", builtin)
    brought = bench.inspect(dom0="bzImage", dom0_modules="objects")
    assert brought.mistakes == ()
    assert brought.dom0_modules == bench.folder / "objects"
    bench.write("objects/modules.builtin", b"kernel/fs/isofs/isofs.ko\n")
    found = bench.faults(dom0="bzImage", dom0_modules="objects")
    assert "built in, and there is no module beside it: usb-storage" in found


def test_all_that_is_wrong_is_told_at_once(bench: Bench) -> None:
    bench.write("syms", crafted.xen(bits=64))
    bench.write("arm", b"MZ\0\x91" + bytes(52) + b"ARM\x64" + bytes(900))
    found = bench.faults(
        xen="syms", dom0="guest", dom0_modules="rootfs", guest="arm", guest_modules="mods"
    )
    assert "xen-syms, which is for debuggers -> take xen.gz: xen/xen.gz where" in found
    assert "this kernel cannot be dom0" in found
    assert "has no lib/modules" in found
    assert "[kernels] guest:" in found
    assert len(found.splitlines()) == 4


def test_a_32_bit_kernel_is_no_use(bench: Bench) -> None:
    notes = crafted.vmlinux(RELEASE, bits=32)
    bench.write("old", crafted.bzimage(crafted.pack("gzip", notes), RELEASE, bits=32))
    assert "a 32-bit one" in bench.faults(guest="old")


def root(folder: Path, *tools: str) -> Root:
    packages = tuple(
        Package(f"xen-utils-{series}", f"{series}.1-1", "amd64", "xen", 1) for series in tools
    )
    return Root(Made(folder, "key"), folder / "root.tar", folder / "parts", packages, 0)


def test_a_xen_of_another_series_than_the_tools(bench: Bench) -> None:
    bench.write("xen.gz", gzip.compress(crafted.xen("4.21.0")))
    brought = bench.inspect(xen="xen.gz", dom0="bzImage", guest="guest")
    assert brought.mistakes == ()
    with pytest.raises(Mistakes) as caught:
        kernels.pick(
            Recipe(bench.folder, kernels=Named(xen="xen.gz", dom0="bzImage", guest="guest")),
            root(bench.folder, "4.20"),
            replace(brought, guest_modules=bench.folder),
        )
    (version, hint), (modules, remedy) = caught.value.mistakes
    assert "this is Xen 4.21.0, but the tools on the disc are of 4.20" in version
    assert "--install-tree dist/install" in hint
    assert "the root has no modules for it" in modules
    assert "--dom0-modules DIR" in remedy


def test_a_xen_of_the_tools_series_or_a_root_without_tools(bench: Bench) -> None:
    bench.write("xen.gz", gzip.compress(crafted.xen("4.20.9-pre")))
    brought = bench.inspect(xen="xen.gz")
    assert kernels.tools_faults(brought, root(bench.folder, "4.17", "4.20").packages) == []
    assert kernels.tools_faults(brought, root(bench.folder).packages) == []
    assert kernels.tools_faults(Own(), root(bench.folder, "4.17").packages) == []


def test_a_bare_xen_is_packed_the_same_every_time(bench: Bench, tmp_path: Path) -> None:
    bare = bench.write("xen", crafted.xen())
    kernel = Kernel(bare, RELEASE, tmp_path)
    picked = Kernels(bare, "4.20.2", frozenset(), kernel, kernel)
    found = []
    for place in ("one", "two"):
        workspace = Workspace(tmp_path / place)
        with workspace.locked():
            found.append(kernels.packed(workspace, picked).xen.read_bytes())
    assert found[0] == found[1]
    assert found[0][:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\x03"
    assert unpack(found[0]) == bare.read_bytes()
    gzipped = replace(picked, xen=bench.write("xen.gz", found[0]))
    assert kernels.packed(Workspace(tmp_path / "one"), gzipped) is gzipped


def test_the_running_root_gets_the_modules_but_no_link_to_where_they_were_built(
    bench: Bench,
) -> None:
    folder = bench.folder / "mods" / TREE
    assert set(own_layers.module_tree(folder, RELEASE)) == {
        f"usr/{TREE}/{name}"
        for name in (
            "kernel/isofs.ko", "kernel/usb-storage.ko.xz",
            "modules.builtin", "modules.dep", "modules.order",
        )
    }  # fmt: skip
