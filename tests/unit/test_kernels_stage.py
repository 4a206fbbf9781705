"""Picking kernels: the right file for each place, and every wrong one refused with its reason."""

import gzip
from pathlib import Path

import pytest

from democd.artifacts import Root
from democd.errors import Mistakes
from democd.formats import linux, xen
from democd.inputs import Made
from democd.recipe import Kernels, Recipe, Xen
from democd.stages import kernels
from democd.workspace import Workspace
from tests.support.picking import pick
from tests.unit import crafted

XEN0 = "6.12.10+deb13-amd64"
XENU = "6.12.10+deb13-cloud-amd64"


def xen0(release: str = XEN0) -> bytes:
    return crafted.linux(release, crafted.xen_notes(crafted.DOM0), kind="gzip")


def xen_u(release: str = XENU) -> bytes:
    return crafted.linux(release, crafted.xen_notes(crafted.GUEST), kind="gzip")


def make_root(
    folder: Path, files: dict[str, bytes], releases: tuple[str, ...] = (XEN0, XENU)
) -> Root:
    boot = folder / "parts/boot"
    boot.mkdir(parents=True)
    for name, content in files.items():
        (boot / name).write_bytes(content)
    for release in releases:
        (folder / "parts/usr/lib/modules" / release).mkdir(parents=True)
    return Root(Made(folder, "key"), folder / "root.tar", folder / "parts", (), 0)


def recipe(folder: Path, kernels: Kernels | None = None, options: tuple[str, ...] = ()) -> Recipe:
    return Recipe(folder=folder, kernels=kernels or Kernels(), xen=Xen(options=options))


def mistakes(folder: Path, root: Root, kernels: Kernels | None = None) -> str:
    with pytest.raises(Mistakes) as caught:
        pick(recipe(folder, kernels), root)
    return "\n".join(f"{message} -> {hint}" for message, hint in caught.value.mistakes)


USUAL = {"a": gzip.compress(crafted.xen("4.20.2")), "b": xen_u(), "c": xen0(), "d": b"text"}


def test_files_are_told_apart_by_content_whatever_their_names(tmp_path: Path) -> None:
    root = make_root(tmp_path, USUAL)
    kernels = pick(recipe(tmp_path), root)
    assert (kernels.xen.name, kernels.xen_version) == ("a", "4.20.2")
    assert kernels.xen_options == frozenset(crafted.OPTIONS)
    assert (kernels.dom0.image.name, kernels.dom0.release) == ("c", XEN0)
    assert kernels.dom0.modules == root.parts / "usr/lib/modules" / XEN0
    assert (kernels.guest.image.name, kernels.guest.release) == ("b", XENU)


def test_the_newest_wins(tmp_path: Path) -> None:
    files = {
        "1": xen0("6.12.9-amd64"),
        "2": xen0("6.12.10-amd64"),
        "3": xen_u("6.12.9-cloud"),
        "4": xen_u("6.12.10-cloud"),
        "x": crafted.xen("4.17.7"),
        "y": crafted.xen("4.20.2"),
        "z": crafted.xen("4.20.2-rc1"),
    }
    root = make_root(tmp_path, files, ("6.12.10-amd64", "6.12.10-cloud"))
    kernels = pick(recipe(tmp_path), root)
    assert kernels.dom0.release == "6.12.10-amd64"
    assert kernels.guest.release == "6.12.10-cloud"
    assert kernels.xen.name == "y"


def test_one_kernel_can_serve_both(tmp_path: Path) -> None:
    root = make_root(tmp_path, {"x": crafted.xen(), "k": xen0()}, (XEN0,))
    kernels = pick(recipe(tmp_path), root)
    assert kernels.guest == kernels.dom0


def test_of_flavours_that_all_can_be_dom0_the_one_with_more_modules_is(tmp_path: Path) -> None:
    """As in Debian 12, whose cloud kernel has the dom0 bit too."""
    big, small = "6.1.0-56-amd64", "6.1.0-56-cloud-amd64"
    files = {"x": crafted.xen(), "a": xen0(big), "b": xen0(small), "c": xen0("6.1.0-9-amd64")}
    root = make_root(tmp_path, files, (small, big))
    for release, count in ((small, 10), (big, 100)):
        listed = root.parts / "usr/lib/modules" / release / "modules.dep"
        listed.write_text("module.ko:\n" * count)
    kernels = pick(recipe(tmp_path), root)
    assert (kernels.dom0.release, kernels.guest.release) == (big, small)


def test_an_initrd_and_links_beside_them_do_not_disturb(tmp_path: Path) -> None:
    root = make_root(tmp_path, {**USUAL, "initrd": crafted.pack("gzip", b"070701" + bytes(500))})
    (root.parts / "boot/latest").symlink_to("c")
    (root.parts / "boot/dangling").symlink_to("nowhere")
    (root.parts / "boot/grub").mkdir()
    assert pick(recipe(tmp_path), root).dom0.release == XEN0


def test_the_recipes_files_come_first(tmp_path: Path) -> None:
    root = make_root(tmp_path, USUAL, (XEN0, XENU, "7.0.1-mine"))
    (tmp_path / "mine").write_bytes(xen0("7.0.1-mine"))
    (tmp_path / "xen").write_bytes(crafted.xen("4.21.0"))
    kernels = pick(recipe(tmp_path, Kernels(xen="xen", dom0="mine")), root)
    assert kernels.dom0.image == tmp_path / "mine"
    assert (kernels.xen, kernels.xen_version) == (tmp_path / "xen", "4.21.0")
    assert kernels.guest.release == XENU


def test_a_kernel_without_the_dom0_bit_is_refused_as_dom0(tmp_path: Path) -> None:
    root = make_root(tmp_path, USUAL)
    found = mistakes(tmp_path, root, Kernels(dom0="parts/boot/b"))
    assert "parts/boot/b: this kernel cannot be dom0" in found
    assert "SUPPORTED_FEATURES (0x8001) lacks the dom0 bit (11)" in found
    assert "CONFIG_XEN_DOM0" in found


def test_a_guest_needs_pv_or_pvh(tmp_path: Path) -> None:
    root = make_root(tmp_path, USUAL)
    (tmp_path / "bare").write_bytes(crafted.linux(XENU, [], kind="gzip"))
    (tmp_path / "hvm").write_bytes(
        crafted.linux(XENU, crafted.xen_notes(crafted.GUEST, pv=False, pvh=False), kind="gzip")
    )
    assert "cannot be a guest: it has no ELF note for Xen" in mistakes(
        tmp_path, root, Kernels(guest="bare")
    )
    assert "cannot be a guest: it has no entry point for PV or PVH" in mistakes(
        tmp_path, root, Kernels(guest="hvm")
    )


def test_a_dom0_kernel_for_pvh_only_needs_an_option(tmp_path: Path) -> None:
    notes = crafted.xen_notes(crafted.DOM0, pv=False)
    root = make_root(tmp_path, {**USUAL, "c": crafted.linux(XEN0, notes, kind="gzip")})
    assert "no entry point for PV, and Xen makes dom0 a PV domain" in mistakes(tmp_path, root)
    assert pick(recipe(tmp_path, options=("dom0=verbose,pvh",)), root).dom0.release == XEN0


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (crafted.linux(kind="gzip"), "no Xen hypervisor"),
        (b"#!/bin/sh\n", "no Xen hypervisor"),
        (crafted.xen_efi(), "xen.efi, which the menu cannot start"),
        (crafted.xen(headers=crafted.MULTIBOOT1), "no multiboot2 header"),
        (crafted.xen(bits=64), "xen-syms"),
        (gzip.compress(crafted.xen(), mtime=0)[:-400], "cut short"),
    ],
)
def test_a_xen_that_is_none_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    root = make_root(tmp_path, USUAL)
    (tmp_path / "given").write_bytes(content)
    assert why in mistakes(tmp_path, root, Kernels(xen="given"))


def test_a_kernel_without_its_modules_is_refused(tmp_path: Path) -> None:
    root = make_root(tmp_path, USUAL, (XENU,))
    found = mistakes(tmp_path, root)
    assert f"no modules for it: /usr/lib/modules/{XEN0}" in found
    assert XENU not in found


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    root = make_root(tmp_path, USUAL, ())
    given = Kernels(xen="parts/boot/d", dom0="parts/boot/b", guest="missing")
    found = mistakes(tmp_path, root, given).splitlines()
    assert len(found) == 4
    assert "[kernels] guest: cannot read" in "".join(found)


def test_an_empty_root_has_nothing_to_boot(tmp_path: Path) -> None:
    found = mistakes(tmp_path, make_root(tmp_path, {}))
    assert "no Xen in /boot" in found
    assert "there is no kernel in /boot" in found


def test_a_root_with_guests_kernels_only_says_why_none_is_dom0(tmp_path: Path) -> None:
    found = mistakes(tmp_path, make_root(tmp_path, {"x": crafted.xen(), "b": xen_u()}))
    assert "no kernel in the root can be dom0 (b: its Xen note" in found


def test_a_damaged_kernel_in_the_root_is_not_passed_over(tmp_path: Path) -> None:
    found = mistakes(tmp_path, make_root(tmp_path, {**USUAL, "c": xen0()[:-100]}))
    assert "parts/boot/c: the bzImage is cut short" in found


def test_what_a_root_boots_is_remembered_as_it_was_found(tmp_path: Path) -> None:
    efi = {**USUAL, "e": crafted.xen_efi(), "f": xen0("6.1-bad")[:-100]}
    root = make_root(tmp_path, efi)
    workspace = Workspace(tmp_path / "build")
    with workspace.locked():
        first = kernels.survey(workspace, root)
        (root.parts / "boot/c").unlink()
        again = kernels.survey(workspace, root)
    assert first == again
    assert {path.name for path in first.kernels} == {"b", "c"}
    assert first.hypervisors[root.parts / "boot/a"] == xen.read(USUAL["a"])
    assert first.kernels[root.parts / "boot/b"] == linux.read(USUAL["b"])
    assert "boot/f: the bzImage is cut short" in first.mistakes[0][0]
