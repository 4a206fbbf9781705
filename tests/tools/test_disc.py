"""The disc as other programs see it: xorriso, isoinfo, sgdisk, fdisk, mtools, sha256sum."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from democd import layout
from democd.artifacts import Layer
from democd.errors import BuildError
from democd.inputs import Made
from democd.recipe import Console
from democd.stages import bootimg, disc, master
from tests.tools import small_disc


def said(*argv: str | Path) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def iso(folder: Path) -> Path:
    target = folder / "small.iso"
    master.master(small_disc.plan(folder), target, lambda done, total: None)
    return target


@pytest.fixture(scope="module")
def tree(iso: Path, folder: Path) -> Path:
    """All files of the ISO, as xorriso extracts them."""
    target = folder / "tree"
    said("xorriso", "-osirrox", "on:auto_chmod_on", "-indev", iso, "-extract", "/", target)
    said("chmod", "-R", "u+w", target)
    return target


def test_xorriso_sees_both_boot_images_and_the_hybrid(iso: Path) -> None:
    seen = said("xorriso", "-indev", iso, "-report_el_torito", "plain",
                "-report_system_area", "plain")  # fmt: skip
    assert re.search(r"El Torito boot img :   1  BIOS  y   none  0x0000  0x00      4 ", seen)
    assert re.search(r"El Torito boot img :   2  UEFI  y   none ", seen)
    assert "El Torito img path :   1  /boot/grub/bios.img" in seen
    assert "El Torito img opts :   1  boot-info-table grub2-boot-info" in seen
    assert "System area summary: MBR protective-msdos-label grub2-mbr" in seen
    assert re.search(r"GPT partition path :   1  /boot/grub/efi.img", seen)
    assert "0x80  0x00            0            1" in seen, "the dummy active entry"


def test_isoinfo_reads_the_descriptors_and_both_trees(iso: Path) -> None:
    seen = said("isoinfo", "-d", "-i", iso)
    assert "Volume id: SMALLDISC" in seen
    assert "Publisher id: Zoe Builder" in seen
    assert "Application id: Xen Demo CD 1.2, built by Zoe Builder" in seen
    assert "Joliet with UCS level 3 found" in seen
    assert "Rock Ridge signatures version 1 found" in seen
    for flag in ("-R", "-J"):
        paths = said("isoinfo", flag, "-f", "-i", iso).splitlines()
        assert "/EFI/BOOT/BOOTX64.EFI" in paths
        assert "/live/base.squashfs" in paths


def test_partition_tools_find_no_fault(iso: Path) -> None:
    assert "No problems found" in said("sgdisk", "-v", iso)
    assert re.search(r"small.iso1 .* EFI System", said("fdisk", "-l", iso))
    assert "No errors detected" in said("sfdisk", "--verify", iso)


def test_efi_partition_holds_the_loader(tree: Path, folder: Path) -> None:
    image = tree / "boot/grub/efi.img"
    assert subprocess.run(["fsck.fat", "-n", image], capture_output=True).returncode == 0
    loader = folder / "loader"
    said("mcopy", "-n", "-i", image, "::/EFI/BOOT/BOOTX64.EFI", loader)
    assert loader.read_bytes() == (tree / "EFI/BOOT/BOOTX64.EFI").read_bytes()


def test_sha256sum_agrees_with_every_file(tree: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tree, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    listed = {line.rsplit(": ", 1)[0] for line in checked.stdout.splitlines()}
    there = {str(p.relative_to(tree)) for p in tree.rglob("*") if p.is_file()}
    assert listed == there - {"SHA256SUMS"}


def test_packages_and_manifest(tree: Path) -> None:
    assert (tree / "packages.txt").read_text().splitlines() == [
        "bash 5.2.37-2 amd64 bash",
        "linux-image-6.12 6.12.1-1 amd64 linux",
        "xen-utils-4.20 4.20.2-1 amd64 xen",
    ]
    manifest = json.loads((tree / "manifest.json").read_text())
    assert manifest["kernels"] == {"xen0": "6.12.1-amd64", "xenU": "6.12.1-cloud-amd64"}
    assert manifest["builder"] == "Zoë Builder"
    assert manifest["packages"]["installed_bytes"] == 127_000_000
    sizes = {file["path"]: file["size"] for file in manifest["files"]}
    assert sizes["/boot/grub/bios.img"] == (tree / "boot/grub/bios.img").stat().st_size


def test_files_can_be_read_by_everyone_and_have_the_disc_s_date(iso: Path) -> None:
    seen = said("xorriso", "-indev", iso, "-lsl", "/README.CD")
    assert re.search(r"-r--r--r--.*Oct +9 +2025", seen)


def test_manifest_beside_the_iso_is_the_one_on_it(tree: Path, folder: Path) -> None:
    assert master.manifest_text(small_disc.plan(folder)) == (tree / "manifest.json").read_text()


def test_other_clock_zone_umask_and_folder_give_the_same_bytes(iso: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "some" / "other place"
    elsewhere.mkdir(parents=True)
    other = tmp_path / "other.iso"
    program = [sys.executable, "-m", "tests.tools.small_disc", str(elsewhere), str(other)]
    subprocess.run(
        ["faketime", "2031-02-03 04:05:06", "sh", "-c", 'umask 077; exec "$@"', "sh", *program],
        env={**os.environ, "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7"},
        check=True,
    )
    assert other.read_bytes() == iso.read_bytes()


def test_too_big_for_its_medium(folder: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(700_000_000)
    given = small_disc.arguments(folder)
    recipe = replace(given["recipe"], disc=replace(given["recipe"].disc, media="cd74"))
    layers = [*given["layers"], Layer("large", large, Made(tmp_path, "large"))]
    with pytest.raises(BuildError) as refused:
        small_disc.plan(folder, recipe=recipe, layers=layers)
    assert re.match(r"the disc has 70\d\.\d MB, 2\d\.\d MB more than cd74", refused.value.message)
    assert "linux-image-6.12 90.0 MB, xen-utils-4.20 30.0 MB" in refused.value.hint
    assert re.search(r"^overlays +700\.0 MB +102\.7 %$", refused.value.hint, re.MULTILINE)


def layer_of(size: int, folder: Path) -> Layer:
    """A layer of so many bytes, none of which takes room on the host."""
    path = folder / f"of-{size}"
    with path.open("wb") as stream:
        stream.truncate(size)
    return Layer("large", path, Made(folder, "large"))


def test_less_left_of_the_medium_than_is_kept_free(folder: Path, tmp_path: Path) -> None:
    given = small_disc.arguments(folder)
    layers = [*given["layers"], layer_of(600_000_000, tmp_path)]
    with pytest.raises(BuildError) as refused:
        small_disc.plan(folder, layers=layers)
    assert re.match(
        r"the disc has 60\d\.\d MB and leaves 13\d\.\d MB of what cd80 holds \(737\.3 MB\), "
        r"4\d\.\d MB less than disc\.reserve keeps free \(180\.0 MB\)",
        refused.value.message,
    )
    assert "--set disc.reserve=0 fills the medium" in refused.value.hint
    assert re.search(r"^left on cd80 +13\d\.\d MB ", refused.value.hint, re.MULTILINE)
    recipe = replace(given["recipe"], disc=replace(given["recipe"].disc, reserve=0))
    small_disc.plan(folder, recipe=recipe, layers=layers)


def test_the_manifest_tells_the_sizes_of_the_disc_that_it_is_on(
    folder: Path, tmp_path: Path
) -> None:
    """Its own size is among them, and decides where other files lie."""
    target = tmp_path / "sized.iso"
    for size in (0, 2_049, 9_990_000):
        given = small_disc.arguments(folder)
        given["layers"] = [*given["layers"], layer_of(size, tmp_path)]
        length = len(master.manifest_text(disc.plan(**given)).encode())
        for beyond in (-12, -2, 1, 20):
            # Only the manifest tells the release: so long that it ends near the end of a block.
            dom0 = given["kernels"].dom0
            release = dom0.release + "x" * (-length % 2048 + beyond)
            kernels = replace(given["kernels"], dom0=replace(dom0, release=release))
            plan = disc.plan(**{**given, "kernels": kernels})
            master.master(plan, target, lambda done, total: None)
            text = master.manifest_text(plan)
            assert len(text.encode()) % 2048 == beyond % 2048
            told = json.loads(text)["sizes"]
            parts = {part["name"]: part["bytes"] for part in told["parts"]}
            assert told["bytes"] == target.stat().st_size == 737_280_000 - told["left"]
            assert sum(parts.values()) == told["bytes"]
            assert parts["overlays"] >= size


def test_a_persons_own_guests_are_on_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "xtf/tests").mkdir(parents=True)
    (tmp_path / "xtf/tests/example.cfg").write_text("name = 'example'\n")
    recipe = small_disc.arguments(folder)["recipe"]
    recipe = replace(recipe, disc=replace(recipe.disc, guests=str(tmp_path / "xtf")))
    target = tmp_path / "x.iso"
    master.master(small_disc.plan(folder, recipe=recipe), target, lambda done, total: None)
    text = said("isoinfo", "-R", "-i", target, "-x", f"{layout.GUESTS}/tests/example.cfg")
    assert text == "name = 'example'\n"


def test_two_files_of_one_path(folder: Path) -> None:
    with pytest.raises(BuildError, match=f"two files want to be {layout.XEN}"):
        small_disc.plan(folder, menus={layout.XEN: ""})


def test_source_that_shrinks_while_it_is_written(folder: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 20_000_000)
    layers = [Layer("large", large, Made(tmp_path, "large"))]
    plan = small_disc.plan(folder, layers=layers)
    target = tmp_path / "out.iso"
    target.write_bytes(b"what was there")

    def shrink(done: int, total: int) -> None:
        if done > 10_000_000:
            os.truncate(large, 1000)

    with pytest.raises(BuildError, match=r"/live/large\.squashfs changed while it was written"):
        master.master(plan, target, shrink)
    assert target.read_bytes() == b"what was there"
    assert list(tmp_path.glob("*.part")) == []


def test_progress_reaches_the_end(folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    master.master(
        small_disc.plan(folder), tmp_path / "x.iso", lambda done, total: seen.append((done, total))
    )
    assert seen[-1][0] == seen[-1][1] == (tmp_path / "x.iso").stat().st_size


def test_output_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"cannot write .*nowhere/x\.iso"):
        master.master(small_disc.plan(folder), tmp_path / "nowhere" / "x.iso", lambda d, t: None)


def test_script_in_the_boot_images_is_good_grub(tmp_path: Path) -> None:
    for console in (Console(), Console(serial="none"), Console(serial="com2", speed=9600)):
        script = tmp_path / "embedded.cfg"
        script.write_text(bootimg.render_embedded("SMALLDISC", console))
        assert subprocess.run(["grub-script-check", script]).returncode == 0


def test_missing_grub_module_is_named(folder: Path, tmp_path: Path) -> None:
    grub = replace(small_disc.GRUB, bios=tmp_path)
    with pytest.raises(BuildError, match=r"has no module normal, .*multiboot2"):
        bootimg.make(tmp_path, grub, "", small_disc.DATE)
