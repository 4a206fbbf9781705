"""The kernels and the hypervisor of the built root, as their makers shipped them."""

import re

import pytest

from democd.artifacts import Root
from democd.errors import Mistakes
from democd.formats import linux, xen
from democd.formats.xen_options import unknown_options
from democd.inspect_file import inspect
from democd.recipe import Kernels, Recipe
from tests.support.picking import pick

pytestmark = pytest.mark.build

ALWAYS = {
    "com1", "com2", "console", "dom0_mem", "dom0_max_vcpus", "sync_console", "watchdog",
    "noreboot", "nosmp", "smt", "acpi", "edd", "loglvl", "guest_loglvl", "iommu", "vga",
    "real-mode", "sched", "x2apic", "spec-ctrl", "placeholder",
}  # fmt: skip
"""Options that every Xen from 4.17 on knows."""


def test_each_file_is_in_its_place(root: Root) -> None:
    kernels = pick(Recipe(folder=root.parts), root)
    dom0 = linux.read(kernels.dom0.image.read_bytes())
    guest = linux.read(kernels.guest.image.read_bytes())
    assert (dom0.xen.dom0, dom0.xen.pv) == (True, True)
    assert guest.xen.pv
    # Debian 12's cloud kernel has the dom0 bit; from 13 on it has not.
    assert guest.xen.dom0 == ("6.1." in guest.release)
    assert kernels.dom0.release == dom0.release != guest.release
    assert (kernels.dom0.modules / "modules.dep").is_file()
    assert (kernels.guest.modules / "modules.dep").is_file()


def test_the_release_is_that_of_the_package(root: Root) -> None:
    kernels = pick(Recipe(folder=root.parts), root)
    names = {package.name for package in root.packages}
    assert f"linux-image-{kernels.dom0.release}" in names
    assert f"linux-image-{kernels.guest.release}" in names


def test_the_version_of_xen_is_that_of_the_package(root: Root) -> None:
    """A snapshot is called the `-pre` of what comes next: 4.20.4+63 prints 4.20.5-pre."""
    kernels = pick(Recipe(folder=root.parts), root)
    series = re.match(r"\d+\.\d+", kernels.xen_version)
    assert series
    assert f"xen-hypervisor-{series[0]}-amd64" in {package.name for package in root.packages}


def test_the_options_of_xen_are_its_own_table(root: Root) -> None:
    kernels = pick(Recipe(folder=root.parts), root)
    found = xen.read(kernels.xen.read_bytes())
    assert found.exact
    assert 150 < len(found.options) < 300
    assert found.options >= ALWAYS
    for option in found.options:
        assert re.fullmatch(r"[a-z][a-z0-9_.-]+\[?", option), option
    assert unknown_options("noht noacpi ignorebiostables", found.options) == [
        ("noht", "smt"),
        ("noacpi", "acpi"),
        ("ignorebiostables", ""),
    ]


def test_xen_efi_knows_the_same_options(root: Root) -> None:
    image = xen.read(pick(Recipe(folder=root.parts), root).xen.read_bytes())
    (path,) = (root.parts / "boot").glob("xen-*.efi")
    efi = xen.read(path.read_bytes())
    assert (efi.version, efi.options) == (image.version, image.options)


def test_the_guests_kernel_is_refused_as_dom0(root: Root) -> None:
    image = pick(Recipe(folder=root.parts), root).guest.image
    if linux.read(image.read_bytes()).xen.dom0:
        pytest.skip("Debian 12's guest kernel could be dom0")
    with pytest.raises(Mistakes) as caught:
        pick(Recipe(folder=root.parts, kernels=Kernels(dom0=str(image))), root)
    assert "lacks the dom0 bit" in caught.value.mistakes[0][0]


def test_inspect_says_so(root: Root) -> None:
    kernels = pick(Recipe(folder=root.parts), root)
    fit = {role.name: role.fit for role in inspect(kernels.dom0.image).roles}
    assert fit == {
        "Xen": False, "dom0": True, "PV guest": True, "PVH guest": True, "bare Linux": True,
    }  # fmt: skip
    assert inspect(kernels.xen).facts["UEFI by multiboot 2"]
