"""Way 2 of the installer, a whole disk: facts and options in, a plan out."""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from xendemo.errors import InputError
from xendemo.install import layout, live_only, settings, sizes, unfinished, whole_disk
from xendemo.install.devices import Device
from xendemo.install.facts import Disc, Facts
from xendemo.install.options import Options
from xendemo.install.steps import Copy, Mount, Plan, Run, Tree, Unpack, Write, programs

MIB, GIB = 1 << 20, 1 << 30
HASH = "$6$salt$" + "h" * 86
RELEASE = "6.12.57+deb13-amd64"
DISC = Disc(
    folder="/cdrom", device="/dev/sr0", backing=frozenset({"/dev/sr0"}), volume="XENDEMO",
    size=250 * MIB, version="1.0", xen="4.20.2", kernel=RELEASE,
    layers=("base", "common", "xendemo", "dom0"), unpacked=570 * MIB,
)  # fmt: skip
DISK = Device("/dev/sda", "disk", 8 * GIB, model="QEMU HARDDISK", serial="QM00001")
OPTIONS = Options("disk", "/dev/sda", password_hash=HASH)


def facts(disk: Device = DISK, disc: Disc = DISC, *, efivars: bool = False) -> Facts:
    return Facts(
        disc=disc, devices=(Device("/dev/sr0", "rom", 250 * MIB), disk), uefi=efivars,
        efivars=efivars, machine="x86_64", guest_disks=frozenset(), live=True,
    )  # fmt: skip


def counted() -> Callable[[], uuid.UUID]:
    numbers = itertools.count(0xABCDEF01_0000)
    return lambda: uuid.UUID(int=next(numbers) << 80 | 0x4000_8000_0000_0000_0001)


def plan(options: Options = OPTIONS, **about: object) -> Plan:
    return whole_disk.plan(facts(**about), options, counted())  # type: ignore[arg-type]


def commands(of: Plan) -> list[str]:
    return [step.command() for step in of.steps]


def index(of: Plan, pattern: str) -> int:
    found = [number for number, line in enumerate(commands(of)) if re.search(pattern, line)]
    assert found, f"no step is like {pattern}"
    return found[0]


def written(of: Plan, path: str) -> str:
    return next(
        step.data.decode()
        for step in of.steps
        if isinstance(step, Write) and step.path == whole_disk.TARGET + path
    )


def partitions(of: Plan) -> dict[str, tuple[int, int]]:
    """Return first and last sector of each partition, as sfdisk is told."""
    (table,) = (
        step.given for step in of.steps if isinstance(step, Run) and step.argv[0] == "sfdisk"
    )
    found = re.findall(r'^start=(\d+), size=(\d+), .* name="([^"]+)"$', table, re.MULTILINE)
    return {name: (int(start), int(start) + int(size) - 1) for start, size, name in found}


# --- the disk -------------------------------------------------------------------------------------


def test_partitions_come_one_after_another_and_leave_room_for_both_tables() -> None:
    for sector in (512, 4096):
        found = partitions(plan(disk=replace(DISK, sector=sector)))
        assert list(found) == ["BIOS boot", "ESP", "root"]
        spans = list(found.values())
        assert spans[0][0] * sector == MIB
        assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(spans))
        # GPT's backup: a header and 128 entries of 128 bytes (UEFI 5.3.1).
        assert DISK.size - (spans[-1][1] + 1) * sector >= sector + 128 * 128
        assert all(first * sector % MIB == 0 for first, _ in spans)


def test_an_esp_holds_enough_clusters_for_fat32() -> None:
    for sector in (512, 4096):
        first, last = partitions(plan(disk=replace(DISK, sector=sector)))["ESP"]
        assert last - first > 65_525 + 1024


def test_swap_and_usr_are_there_when_asked_for() -> None:
    both = plan(replace(OPTIONS, swap=GIB + 5, separate_usr=True))
    found = partitions(both)
    assert list(found) == ["BIOS boot", "ESP", "swap", "root", "usr"]
    first, last = found["swap"]
    assert (last - first + 1) * 512 == GIB + MIB
    table = written(both, "/etc/fstab")
    assert re.search(r"^UUID=\S+ /usr ext4 ", table, re.MULTILINE)
    assert re.search(r"^UUID=\S+ none swap ", table, re.MULTILINE)
    mounted = [step.path for step in both.steps if isinstance(step, Mount)]
    assert mounted.index(whole_disk.TARGET) < mounted.index(f"{whole_disk.TARGET}/usr")
    alone = plan()
    assert "swap" not in "".join(commands(alone))
    assert " /usr " not in written(alone, "/etc/fstab")


@pytest.mark.parametrize("size", [4 * GIB, 16 * GIB, 2 * 1024 * GIB])
def test_usr_and_root_both_get_what_they_need(size: int) -> None:
    found = partitions(plan(replace(OPTIONS, separate_usr=True), disk=replace(DISK, size=size)))
    has = {name: (last - first + 1) * 512 for name, (first, last) in found.items()}
    assert has["usr"] >= 0.9 * DISC.unpacked + sizes.USR_SPARE
    assert has["usr"] <= 16 * GIB
    assert has["root"] >= DISC.size + 0.1 * DISC.unpacked


@pytest.mark.parametrize(
    ("disk", "first"),
    [
        ("/dev/sda", "/dev/sda1"), ("/dev/vdb", "/dev/vdb1"), ("/dev/nvme0n1", "/dev/nvme0n1p1"),
        ("/dev/mmcblk0", "/dev/mmcblk0p1"), ("/dev/loop3", "/dev/loop3p1"),
    ],
)  # fmt: skip
def test_partitions_are_named_as_linux_names_them(disk: str, first: str) -> None:
    assert layout.partition_path(disk, 1) == first
    made = plan(replace(OPTIONS, target=disk), disk=replace(DISK, path=disk))
    assert index(made, f"^mkfs.ext4 .* {first[:-1]}3$")


def test_every_identifier_is_new_and_its_own() -> None:
    line = commands(plan(replace(OPTIONS, swap=GIB, separate_usr=True)))
    text = "\n".join(line)
    guids = re.findall(r"(?:label-id: |, uuid=)([^\s,]+)", text)
    made = re.findall(r"(?:-U|--uuid|-i) (\S+)", text)
    assert len(guids) == 6
    assert len(made) == 4
    assert len({*guids, *made}) == 10
    other = whole_disk.plan(facts(), OPTIONS)
    again = whole_disk.plan(facts(), OPTIONS)
    assert written(other, "/etc/fstab") != written(again, "/etc/fstab")


def test_fstab_names_the_file_systems_that_are_made() -> None:
    made = plan(replace(OPTIONS, swap=GIB, separate_usr=True))
    text = "\n".join(commands(made))
    for spec in re.findall(r"^UUID=(\S+)", written(made, "/etc/fstab"), re.MULTILINE):
        assert spec in text or spec.replace("-", "") in text
    assert len(re.findall(r"^UUID=", written(made, "/etc/fstab"), re.MULTILINE)) == 4


def test_what_was_on_the_disk_is_wiped_partitions_first() -> None:
    array = Device("/dev/md0", "raid1", GIB)  # lies on another disk as well
    old = Device("/dev/sda1", "part", GIB, children=(array,))
    lines = commands(plan(disk=replace(DISK, children=(old,))))
    wiped = [line.split()[-1] for line in lines if line.startswith("wipefs --all ")]
    assert wiped == ["/dev/sda1", "/dev/sda"]


def test_no_step_names_another_disk() -> None:
    other = Device("/dev/sdb", "disk", 8 * GIB, children=(Device("/dev/sdb1", "part", GIB),))
    known = replace(facts(), devices=(*facts().devices, other))
    text = "\n".join(commands(whole_disk.plan(known, OPTIONS)))
    assert "/dev/sda" in text
    assert "sdb" not in text


@pytest.mark.parametrize("options", [
    OPTIONS, replace(OPTIONS, guests=False), replace(OPTIONS, swap=GIB),
    replace(OPTIONS, separate_usr=True),
    replace(OPTIONS, separate_usr=True, swap=3 * GIB, guests=False),
])  # fmt: skip
@pytest.mark.parametrize("sector", [512, 4096])
def test_a_disk_that_just_suffices_is_taken_and_a_smaller_one_refused(
    options: Options, sector: int
) -> None:
    least = sizes.needed(DISC, options, sector)
    assert GIB < least < 6 * GIB
    assert plan(options, disk=replace(DISK, size=least, sector=sector)).steps
    with pytest.raises(InputError) as caught:
        plan(options, disk=replace(DISK, size=least - 512, sector=sector))
    message, hint = caught.value.pairs[0]
    assert "/dev/sda is too small" in message
    assert message.count("GiB") == 2
    assert "larger" in hint


def test_a_disk_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="no disk /dev/sdz"):
        plan(replace(OPTIONS, target="/dev/sdz"))


# --- the system -----------------------------------------------------------------------------------


def test_all_layers_are_unpacked_lowest_first() -> None:
    steps = plan().steps
    archives = [step for step in steps if isinstance(step, Unpack)]
    trees = [step for step in steps if isinstance(step, Tree)]
    assert [step.archive.rpartition("/")[2] for step in archives] == ["base.squashfs"]
    assert [tree.source.rpartition("/")[2] for tree in trees] == list(DISC.layers[1:])
    assert {step.path for step in (*archives, *trees)} == {whole_disk.TARGET}
    assert all(tree.layered for tree in trees)
    assert steps.index(archives[0]) < steps.index(trees[0])
    assert archives[0].exclude == live_only.patterns("base")


def test_a_usr_of_its_own_is_there_before_anything_is_unpacked() -> None:
    steps = plan(replace(OPTIONS, separate_usr=True)).steps
    kinds = [type(step) for step in steps if isinstance(step, Mount | Unpack)]
    places = [step.path for step in steps if isinstance(step, Mount)]
    assert places[:2] == [whole_disk.TARGET, f"{whole_disk.TARGET}/usr"]
    assert kinds[:3] == [Mount, Mount, Unpack]


def test_the_programs_that_it_takes_are_known() -> None:
    needed = programs(plan().steps)
    assert {"sfdisk", "mkfs.ext4", "mkfs.vfat", "mount", "unsquashfs", "chroot"} <= set(needed)
    assert "udevadm" not in needed, "it goes on without"


def test_what_is_left_out_is_in_the_overlays(project: Path) -> None:
    masked = (project / "overlays/masked.txt").read_text()
    for layer in ("common", "dom0"):
        top = project / "overlays" / layer
        paths = [path.relative_to(top).as_posix() for path in top.rglob("*")]
        for line in re.findall(rf"^{layer} (\S+)", masked, re.MULTILINE):
            folder = "system" if "." in line else "system-generators"
            paths.append(f"etc/systemd/{folder}/{line}")
        paths.append("boot/vmlinuz")  # links that the build makes
        for pattern in live_only.patterns(layer):
            assert fnmatch.filter(paths, pattern), f"{layer}: {pattern} means nothing"


def test_no_mask_and_no_word_of_the_password_is_left(project: Path) -> None:
    masked = (project / "overlays/masked.txt").read_text()
    for layer in ("common", "dom0"):
        patterns = live_only.patterns(layer)
        for unit in re.findall(rf"^{layer} (\S+)", masked, re.MULTILINE):
            path = f"etc/systemd/{'system' if '.' in unit else 'system-generators'}/{unit}"
            assert any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns), path
        top = project / "overlays" / layer
        for path in top.rglob("*"):
            name = path.relative_to(top).as_posix()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
                continue
            if path.is_file() and not path.is_symlink():
                assert "password is" not in path.read_text(), name
                assert "prompt.target" not in name


def test_what_guests_need_stays() -> None:
    for path in ("etc/xen/scripts/vif-xendemo", "etc/systemd/system/domains.service",
                 "etc/systemd/system/sysinit.target.wants/domains.service",
                 "etc/systemd/network/10-vif.link", "etc/xen/xendemo.conf"):  # fmt: skip
        assert not any(fnmatch.fnmatchcase(path, item) for item in live_only.patterns("dom0")), path


def test_kernel_and_xen_have_the_names_of_their_packages() -> None:
    copies = {step.path.removeprefix(whole_disk.TARGET): step.source for step in plan().steps
              if isinstance(step, Copy)}  # fmt: skip
    assert copies["/boot/xen-4.20-amd64.gz"] == "/cdrom/boot/xen.gz"
    assert copies[f"/boot/vmlinuz-{RELEASE}"] == "/cdrom/boot/vmlinuz-xen0"
    assert copies[f"/boot/initrd.img-{RELEASE}"] == "/cdrom/boot/initrd-xen0"


def test_a_kernel_of_ones_own_is_known_to_be_able_to_be_domain_0() -> None:
    own = replace(DISC, kernel="6.17.1", layers=("base", "modules-xen0", "common", "dom0"))
    assert "\nCONFIG_XEN_DOM0=y\n" in written(plan(disc=own), "/boot/config-6.17.1")
    assert not any("config-" in line and line.startswith("write") for line in commands(plan()))


def test_the_disc_is_kept_for_guests_unless_not_wanted() -> None:
    kept = next(step for step in plan().steps if isinstance(step, Copy) and "iso" in step.path)
    assert (kept.source, kept.size) == ("/dev/sr0", DISC.size)
    assert f"{settings.ISO} /cdrom iso9660 loop,ro,nofail" in written(plan(), "/etc/fstab")
    without = plan(replace(OPTIONS, guests=False))
    assert "disc.iso" not in "".join(commands(without))
    assert "cdrom " not in written(without, "/etc/fstab")


def test_the_password_is_set_and_never_shown() -> None:
    made = plan()
    step = next(step for step in made.steps if isinstance(step, Run) and step.secret)
    assert step.given == f"root:{HASH}\nuser:{HASH}\n"
    assert step.argv[0] == "chpasswd"
    assert HASH not in "\n".join([*commands(made), *made.words, *made.after, made.ruin])
    assert HASH not in "".join(step.words for step in made.steps)


def test_the_machine_has_the_name_that_was_chosen() -> None:
    made = plan(replace(OPTIONS, hostname="xen7"))
    assert written(made, "/etc/hostname") == "xen7\n"
    assert "127.0.1.1\txen7\n" in written(made, "/etc/hosts")
    assert written(made, "/etc/machine-id") == ""


def test_grub_is_told_as_the_disc_tells_it(project: Path) -> None:
    recipe = (project / "democd.toml").read_text()
    memory = re.search(r'^dom0_mem = "(\S+)"', recipe, re.MULTILINE)
    assert memory
    assert f"dom0_mem=max:{memory[1]} com1=115200,8n1 console=com1,vga" in settings.GRUB
    told = subprocess.run(
        ["sh", "-euc", f'{settings.GRUB}\necho "$GRUB_DEFAULT|$GRUB_CMDLINE_LINUX_XEN_REPLACE"'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "0|console=hvc0 console=tty0\n"


# --- what makes it boot comes last ----------------------------------------------------------------


def test_nothing_boots_before_all_is_in_its_place() -> None:
    made = plan(efivars=True)
    lines = commands(made)
    message = index(made, r"^sh -c 'printf .* /dev/sda$")
    menu = index(made, "grub-mkconfig")
    efi = index(made, "grub-install .*--target=x86_64-efi")
    bios = index(made, "grub-install .*--target=i386-pc /dev/sda$")
    assert index(made, "^sfdisk") < message < index(made, "^sync /dev/sda$")
    assert index(made, "^sync /dev/sda$") < index(made, "^mkfs.ext4")
    assert max(n for n, step in enumerate(made.steps) if isinstance(step, Tree | Unpack)) < menu
    assert index(made, "chpasswd") < menu < efi < bios == len(lines) - 2
    assert lines[-1] == f"sync --file-system {whole_disk.TARGET}"
    # Nothing but GRUB's own goes into the ESP, and none of it earlier.
    for number, line in enumerate(lines):
        if "/boot/efi/EFI" in line:
            assert number > menu
    assert index(made, "^mkfs.ext4 .*-L UNFINISHED ") < menu < index(made, "^e2label ") < bios


def test_the_removable_path_has_grub_as_well() -> None:
    made = plan()
    assert index(made, r"^cp \S+/EFI/debian/grubx64.efi \S+/EFI/BOOT/BOOTX64.EFI$")


def test_the_firmware_is_told_if_it_listens_and_need_not_obey() -> None:
    told = [step for step in plan(efivars=True).steps if step.command().startswith("efibootmgr")]
    assert len(told) == 1
    assert isinstance(told[0], Run)
    assert told[0].harmless
    assert "--part 2" in told[0].command()
    assert "efibootmgr" not in "".join(commands(plan()))


def test_an_unfinished_disk_says_so(tmp_path: Path) -> None:
    code = unfinished.boot_code()
    assert len(code) <= unfinished.CODE_SIZE
    assert b"was not finished" in code
    at = int.from_bytes(code[0x0D:0x0F], "little") - unfinished.ORIGIN
    assert code[at:].startswith(b"\r\nThe installation")
    disk = tmp_path / "disk"
    disk.write_bytes(b"\xff" * 1024)
    subprocess.run(unfinished.write(str(disk)), check=True)
    found = disk.read_bytes()
    assert found == code + b"\xff" * (1024 - len(code))
    assert "--wipe /dev/sda" in plan().ruin


def test_the_plan_says_what_will_be_lost_and_what_to_type() -> None:
    made = plan()
    assert made.confirm == "/dev/sda"
    assert "QEMU HARDDISK QM00001" in made.words[0]
    assert "lost" in made.words[0]
    assert not made.undo
    assert made.log.startswith(f"{whole_disk.TARGET}/")


def test_the_first_step_fails_if_the_disk_has_changed(tmp_path: Path) -> None:
    """As when one stick is pulled out and another gets its name; by a `lsblk` of our own."""
    step = plan().steps[0]
    assert isinstance(step, Run)
    seen = " ".join(f"{DISK.size} {DISK.serial}".split())
    for now, status in ((seen, 0), (f"{DISK.size} other", 1), (f"{DISK.size - 512}", 1)):
        (tmp_path / "lsblk").write_text(f"#!/bin/sh\necho ' {now} '\n")
        (tmp_path / "lsblk").chmod(0o755)
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(step.argv, env={"PATH": path}, capture_output=True, text=True)
        assert (done.returncode, bool(done.stderr)) == (status, bool(status))
