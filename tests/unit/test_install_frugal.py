"""`xendemo install --frugal`: what lsblk tells and what is on a partition, to plan or refusals."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from democd.smoke.menu import entries
from xendemo.errors import InputError, Mistakes
from xendemo.install import devices, frugal, grub2, iso_file, iso_menu, iso_peek, judge
from xendemo.install.facts import Disc, Facts
from xendemo.install.findmnt import Mounted
from xendemo.install.frugal import Seen
from xendemo.install.iso_file import ISO, WORK, Found
from xendemo.install.iso_menu import Menu
from xendemo.install.options import Options
from xendemo.install.steps import Copy, Mount, Plan, Remove, Run, Step, Write
from xendemo.install.target import survey

MIB = 1 << 20
GIB = 1 << 30

# What lsblk says of a PC with a USB stick that the disc has booted from, and a disk with Debian,
# Windows, an EFI partition, and most of what people have besides.
LSBLK = {
    "blockdevices": [
        {"path": "/dev/sda", "type": "disk", "size": 500 * GIB, "pttype": "gpt", "children": [
            {"path": f"/dev/sda{number}", "type": "part", "partn": number, "pttype": "gpt", **more}
            for number, more in enumerate((
                {"size": 512 * MIB, "fstype": "vfat", "uuid": "1A2B-3C4D", "label": "EFI"},
                {"size": 100 * GIB, "fstype": "ntfs", "uuid": "01D0A1B2C3D4E5F6"},
                {"size": 100 * GIB, "fstype": "ext4", "uuid": "11111111-aaaa", "label": "debian"},
                {"size": 8 * GIB, "fstype": "swap", "uuid": "2222", "mountpoints": ["[SWAP]"]},
                {"size": 50 * GIB, "fstype": "xfs", "uuid": "3333"},
                {"size": 50 * GIB, "fstype": "btrfs", "uuid": "4444"},
                {"size": 50 * GIB, "fstype": "LVM2_member", "uuid": "5555", "children": [
                    {"path": "/dev/mapper/vg-root", "type": "lvm", "size": 40 * GIB,
                     "fstype": "ext4", "uuid": "6666"}]},
                {"size": 10 * GIB, "fstype": "crypto_LUKS", "uuid": "7777"},
                {"size": 10 * GIB},
                {"size": 10 * GIB, "fstype": "ext4", "uuid": "8888", "mountpoints": ["/mnt"]},
                {"size": 10 * GIB, "fstype": "ext4", "uuid": "9999"},
                {"size": 10 * GIB, "fstype": "ext4", "uuid": "9999"},
                {"size": 10 * GIB, "fstype": "ext3"},
                {"size": 10 * GIB, "fstype": "ext4", "uuid": "aaaa", "ro": True},
                {"size": 10 * GIB, "fstype": "linux_raid_member", "uuid": "bbbb"},
                {"size": 10 * GIB, "fstype": "exfat", "uuid": "CCCC-DDDD"},
            ), 1)
        ]},
        {"path": "/dev/sdb", "type": "disk", "size": 8 * GIB, "pttype": "dos", "rm": True,
         "fstype": "iso9660", "children": [
            {"path": "/dev/sdb1", "type": "part", "size": 240 * MIB, "fstype": "iso9660",
             "mountpoints": ["/cdrom"]},
            {"path": "/dev/sdb2", "type": "part", "size": 2 * MIB, "fstype": "vfat",
             "uuid": "DEAD-BEEF"}]},
        {"path": "/dev/sdc", "type": "disk", "size": 16 * GIB, "fstype": "vfat",
         "uuid": "FEED-F00D"},
        {"path": "/dev/sdd", "type": "disk", "size": 16 * GIB, "pttype": "dos", "children": [
            {"path": "/dev/sdd1", "type": "part", "size": 16 * GIB, "pttype": "dos",
             "fstype": "ext2", "uuid": "eeee"}]},
        {"path": "/dev/sr0", "type": "rom", "size": GIB, "fstype": "iso9660", "ro": True},
        {"path": "/dev/loop7", "type": "loop", "size": GIB, "fstype": "ext4", "uuid": "ffff"},
    ]
}  # fmt: skip

DISC = Disc(
    folder="/cdrom", device="/dev/sdb1", volume="XENDEMO", size=246 * MIB, version="1",
    backing=frozenset({"/dev/sdb", "/dev/sdb1", "/dev/sdb2"}), xen="4.20.2",
    kernel="6.12.57+deb13-amd64", layers=("base", "common", "dom0"),
)  # fmt: skip
FACTS = Facts(
    disc=DISC, devices=devices.read(json.dumps(LSBLK)), uefi=False, efivars=False,
    machine="x86_64", guest_disks=frozenset(), live=True,
)  # fmt: skip
OLD = b"menuentry 'The old Linux' {\n}\n"
GRUB = Menu(
    "/dev/sda3", "Debian 12", "/t", configs=(("/boot/grub.cfg", "/t/grub.cfg", OLD, 0o600),)
)


def chosen(path: str, facts: Facts = FACTS) -> devices.Device:
    device, mistakes = iso_file.choose(facts, path)
    assert device is not None
    assert mistakes == []
    return device


def found(path: str = "/dev/sda3", **more: Any) -> Found:
    return Found(chosen(path), **{"free": 20 * GIB, **more})


def refused(path: str, facts: Facts = FACTS) -> str:
    mistakes = iso_file.choose(facts, path)[1]
    assert all(remedy for _, remedy in mistakes)
    return "\n".join(told for told, _ in mistakes)


# --- which partition ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/dev/sda1", "/dev/sda2", "/dev/sda3", "/dev/sda16",
                                  "/dev/sdc", "/dev/sdd1"])  # fmt: skip
def test_what_the_file_may_lie_on(path: str) -> None:
    """Also a stick without a partition table, as sticks for cameras are."""
    assert chosen(path).path == path


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/dev/sdz9", "no such partition"),
        ("/dev/sda", "a whole disk, not a partition"),
        ("/dev/sda4", "in use as swap"),
        ("/dev/sda4", "is swap space"),
        ("/dev/sda5", "xfs"),
        ("/dev/sda6", "btrfs"),
        ("/dev/sda7", "part of LVM"),
        ("/dev/mapper/vg-root", "there through LVM"),
        ("/dev/sda8", "is encrypted"),
        ("/dev/sda9", "has no file system"),
        ("/dev/sda10", "mounted at /mnt"),
        ("/dev/sda11", "the same UUID as /dev/sda12"),
        ("/dev/sda13", "has no UUID"),
        ("/dev/sda14", "read-only"),
        ("/dev/sda15", "RAID"),
        ("/dev/sdb", "a whole disk, not a partition"),
        ("/dev/sdb1", "holds the disc that this runs from"),
        ("/dev/sdb2", "holds the disc that this runs from"),
        ("/dev/sr0", "no partition"),
        ("/dev/loop7", "loop device"),
    ],
)
def test_refused(path: str, told: str) -> None:
    assert told in refused(path)


def test_a_wrong_name_tells_what_there_is() -> None:
    [(_, remedy)] = iso_file.choose(FACTS, "/dev/sdz9")[1]
    assert "/dev/sda3" in remedy
    assert "/dev/sda16" in remedy
    assert "/dev/sdb" not in remedy  # the disc's own
    assert "/dev/sda5" not in remedy  # xfs


@pytest.mark.parametrize(
    ("disk", "told"),
    [("/dev/sda", "/dev/sda3 is on /dev/sda, a disk"), ("/dev/sda3", "/dev/sda3 is a disk")],
)
def test_a_running_guests_disk_is_refused(disk: str, told: str) -> None:
    facts = replace(FACTS, guest_disks=frozenset({disk}))
    assert refused("/dev/sda3", facts) == f"{told} of a running domain"
    assert refused("/dev/sdd1", facts) == ""


def test_a_stick_without_partitions_that_a_guest_has() -> None:
    facts = replace(FACTS, guest_disks=frozenset({"/dev/sdc"}))
    assert refused("/dev/sdc", facts) == "/dev/sdc is a disk of a running domain"


def test_what_else_is_known_to_use_it() -> None:
    facts = replace(FACTS, in_use={"/dev/sda3": "in use by something that holds it"})
    assert "/dev/sda3 is in use by something that holds it" in refused("/dev/sda3", facts)


def test_other_names_of_the_partition() -> None:
    name = "/dev/disk/by-label/debian"
    assert chosen(name, replace(FACTS, names={name: "/dev/sda3"})).path == "/dev/sda3"


def test_another_machine() -> None:
    assert "i686" in refused("/dev/sda3", replace(FACTS, machine="i686"))


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = refused("/dev/sda13", replace(FACTS, guest_disks=frozenset({"/dev/sda13"})))
    assert len(told.splitlines()) == 2


def test_vfat_takes_no_file_of_4_gib() -> None:
    for size, fits in ((4 * GIB - 1, True), (4 * GIB, False)):
        facts = replace(FACTS, disc=replace(DISC, size=size))
        assert (refused("/dev/sdc", facts) == "") == fits
        assert refused("/dev/sda16", facts) == ""  # exfat does


# --- what is on it --------------------------------------------------------------------------------


def judged(one: Found) -> str:
    return "\n".join(told for told, _ in iso_file.judge(FACTS, one))


def test_too_small() -> None:
    told = judged(found(free=245 * MIB))
    assert "250 MiB needed, 245 MiB free" in told
    assert judged(found(free=246 * MIB + iso_file.ROOM)) == ""
    assert judged(found(free=0, kept="XENDEMO", same=True)) == ""
    # The old copy goes only when the new one is whole: both need room; on FAT, which has no hard
    # links, a third one is made.
    assert "250 MiB needed" in judged(found(free=10 * MIB, kept="XENDEMO"))
    assert "496 MiB needed" in judged(found("/dev/sda16", free=10 * MIB, kept="XENDEMO"))


def test_a_stranger_of_that_name_is_left_alone() -> None:
    assert "'UBUNTU'" in judged(found(kept="UBUNTU"))
    with pytest.raises(Mistakes, match="'UBUNTU'"):
        remove(found(kept="UBUNTU"))


def partition(folder: Path, disc: Disc = DISC) -> Found:
    return iso_peek.found_in(str(folder), chosen("/dev/sda3"), disc)


@pytest.fixture
def disc(tmp_path: Path) -> Disc:
    """A disc of 40 KiB, with a volume id and bytes behind it that belong to no file."""
    data = bytearray(b"x" * (40 << 10))
    data[32768:32774] = b"\1CD001"
    data[32768 + 40 : 32768 + 72] = b"XENDEMO".ljust(32)
    device = tmp_path / "device"
    device.write_bytes(bytes(data) + b"behind the volume")
    (tmp_path / "partition" / "xendemo").mkdir(parents=True)
    return replace(DISC, device=str(device), size=len(data))


def test_a_look_at_an_empty_partition(tmp_path: Path) -> None:
    seen = partition(tmp_path)
    assert (seen.kept, seen.same, seen.trouble) == ("", False, ("", ""))
    assert seen.free > 0


def test_a_look_at_a_copy(tmp_path: Path, disc: Disc) -> None:
    copy = tmp_path / "partition" / "xendemo/xendemo.iso"
    whole = Path(disc.device).read_bytes()[: disc.size]
    assert not partition(copy.parents[1], disc).kept
    for data, same in (
        (whole, True),
        (whole[:-1], False),
        (whole + b"x", False),
        (whole[:-1] + b"y", False),
    ):
        copy.write_bytes(data)
        seen = partition(copy.parents[1], disc)
        assert (seen.kept, seen.same) == ("XENDEMO", same)
    copy.write_bytes(b"words")
    assert partition(copy.parents[1], disc).kept == "no disc at all"


def test_links_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    folder = tmp_path / "partition"
    folder.mkdir()
    (folder / "xendemo").symlink_to(tmp_path / "away")
    assert "/xendemo there is no folder" in partition(folder).trouble[0]
    (folder / "xendemo").unlink()
    (folder / "xendemo").mkdir()
    (folder / "xendemo/xendemo.iso").symlink_to("/dev/null")
    assert "/xendemo/xendemo.iso there is no file" in judged(partition(folder))


def test_a_windows_that_sleeps_is_let_sleep(tmp_path: Path) -> None:
    for head, sleeps in ((b"hibr", True), (b"HIBR", True), (b"\0\0\0\0", False), (b"", False)):
        (tmp_path / "hiberfil.sys").write_bytes(head)
        assert ("Windows" in judged(replace(partition(tmp_path), free=GIB))) == sleeps


# --- the plan -------------------------------------------------------------------------------------


def make(one: Found | None = None, menu: Menu = GRUB, **more: Any) -> Plan:
    one = one or found()
    options = Options("frugal", one.device.path, **more)
    return frugal.plan(FACTS, options, Seen(one, menu))


def remove(one: Found, menu: Menu = GRUB) -> Plan:
    options = Options("frugal", one.device.path)
    return frugal.removal(FACTS, options, Seen(one, menu))


def done(menu: Menu, steps: tuple[Step, ...]) -> Menu:
    """A menu as these steps leave it."""
    written = {step.path: step.data for step in steps if isinstance(step, Write)}
    configs = tuple(
        (path, at, written.get(at, data), mode) for path, at, data, mode in menu.configs
    )
    return replace(menu, configs=configs, printed=written.get(menu.script, menu.printed))


HERE = found(kept="XENDEMO", same=True)


def test_the_plan_in_order() -> None:
    plan = make()
    assert [type(step) for step in plan.steps] == [Run, Mount, Copy, Run, Mount, Run, Write]
    known, mount, copy, *_, check, entry = plan.steps
    assert known.command() == "blkid -c /dev/null -t UUID=11111111-aaaa /dev/sda3"
    assert mount == Mount("mount /dev/sda3", "/dev/sda3", WORK, "ext4")
    assert isinstance(copy, Copy)
    assert (copy.source, copy.path, copy.size) == ("/dev/sdb1", f"{WORK}{ISO}", 246 * MIB)
    assert check.command().endswith("sha256sum --check --quiet --strict SHA256SUMS")
    # Last: it never leads to a file that is not whole.
    assert isinstance(entry, Write)
    assert entry.path == "/t/grub.cfg"
    assert entry.mode == 0o600
    assert entry.menu, "flushed before and after"
    assert entry.data.startswith(OLD)
    assert plan.undo
    assert plan.confirm == "/dev/sda3"
    assert "keeps all that is on it" in plan.words[0]
    assert plan.words[3] == "what is booted by default stays as it is"


def test_ntfs_is_mounted_by_the_driver_that_can_write() -> None:
    assert make(found("/dev/sda2")).steps[1] == Mount("mount /dev/sda2", "/dev/sda2", WORK, "ntfs3")


def test_another_version_is_replaced() -> None:
    plan = make(found(kept="XENDEMO"))
    assert "replaced by this disc" in plan.words[1]
    assert any(isinstance(step, Copy) for step in plan.steps)


def test_a_second_run_does_nothing() -> None:
    first = make()
    assert make(HERE, done(GRUB, first.steps)).steps == ()
    # The file alone is there, or the entry alone.
    assert [type(step) for step in make(HERE).steps] == [Run, Mount, Write]
    assert any(isinstance(step, Copy) for step in make(found(), done(GRUB, first.steps)).steps)


def test_all_that_speaks_against_it_is_told_at_once() -> None:
    no_grub = Menu("/dev/sda3", "", "/t", trouble=(("no Linux", "x"), ("no GRUB", "y")))
    with pytest.raises(Mistakes) as caught:
        make(found(free=0), no_grub)
    assert len(caught.value.pairs) == 3


def test_the_way_back_is_told() -> None:
    told = make(boot="/mnt/debian").after[-1]
    assert "--frugal /dev/sda3 --boot /mnt/debian --remove" in told


def test_the_entry() -> None:
    text = iso_file.entry(FACTS, chosen("/dev/sda3"))
    [entry] = entries(text)
    assert entry.name == iso_file.ENTRY
    assert "4.20.2" in entry.title
    lines = [line.strip() for line in entry.body]
    assert "search --no-floppy --fs-uuid --set=root 11111111-aaaa" in lines
    assert "insmod part_gpt" in lines
    assert lines.index("export iso_path") < lines.index("configfile /boot/grub/loopback.cfg")
    assert f"set iso_path={ISO}" in lines
    assert "set default" not in text


def test_the_entry_as_the_default_and_free_for_all() -> None:
    plan = make(menu=replace(GRUB, unrestricted=True), default=True)
    last = plan.steps[-1]
    assert isinstance(last, Write)
    assert b" --unrestricted --id xendemo-frugal {" in last.data
    assert b"set default=xendemo-frugal" in last.data
    assert plan.words[3] == "that entry becomes the default"


@pytest.mark.parametrize("script", ["", "/t/42_xendemo_frugal"])
def test_the_default_stays_until_it_is_removed(script: str) -> None:
    grub = replace(GRUB, script=script)
    menu = done(grub, make(menu=grub, default=True).steps)
    for default in (False, True):
        again = make(HERE, menu, default=default)
        assert again.steps == ()
        assert again.words[3].startswith("that entry is the default since an earlier run")
    # Asked for later, it becomes the default as well; another entry of ours is none.
    menu = done(grub, make(menu=grub).steps)
    assert make(HERE, menu).words[3] == "what is booted by default stays as it is"
    assert make(HERE, menu, default=True).words[3] == "that entry becomes the default"
    assert not grub2.sets_default(b"set default=xendemo-frugal\n")


@pytest.mark.parametrize(
    ("path", "loaded"),
    [
        ("/dev/sda1", ["part_gpt", "fat"]), ("/dev/sda2", ["part_gpt", "ntfs"]),
        ("/dev/sda16", ["part_gpt", "exfat"]), ("/dev/sdd1", ["part_msdos", "ext2"]),
        ("/dev/sdc", ["fat"]),
    ],
)  # fmt: skip
def test_the_entry_loads_what_reads_the_partition(path: str, loaded: list[str]) -> None:
    text = iso_file.entry(FACTS, chosen(path))
    modules = [line.split()[1] for line in text.splitlines() if "insmod" in line]
    assert modules == [*loaded, "loopback", "iso9660"]


def test_what_a_try_before_has_left_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "xendemo").mkdir()
    left = tmp_path / "xendemo/.xendemo.iso.xendemo-new"
    left.write_bytes(b"x" * 5000)
    space = os.statvfs(tmp_path)
    found = iso_peek.found_in(str(tmp_path), chosen("/dev/sda3"), DISC)
    assert found.remains == ("/xendemo/.xendemo.iso.xendemo-new",)
    assert found.free - space.f_bavail * space.f_frsize > -(1 << 20)
    gone = f"rm -f {WORK}/xendemo/.xendemo.iso.xendemo-new"
    again = [step.command() for step in iso_file.copying(found, DISC)]
    assert again[0] == gone
    assert again[1].startswith("head -c ")
    removed = [step.command() for step in iso_file.taking(found)]
    assert removed[0].endswith(".xendemo-new")
    same = replace(found, kept=DISC.volume, same=True)
    assert [step.command() for step in iso_file.copying(same, DISC)] == [gone]


def test_removal() -> None:
    menu = done(GRUB, make().steps)
    plan = remove(HERE, menu)
    # No entry ever leads nowhere, and the menu is what it was.
    words = "take the entry out of /boot/grub.cfg"
    assert plan.steps[2] == Write(words, "/t/grub.cfg", OLD, 0o600, menu=True)
    assert [step.command() for step in plan.steps if "rm " in step.command()] == [
        f"rm -f {WORK}{ISO} {WORK}/xendemo/install.log"
    ]
    # An older version is ours as well; the file alone and an entry alone are taken away, too.
    assert not any(isinstance(step, Write) for step in remove(replace(HERE, same=False)).steps)
    assert [type(step) for step in remove(found(), menu).steps] == [Run, Mount, Write]
    with pytest.raises(InputError, match=r"has no /xendemo/xendemo\.iso"):
        remove(found())


# --- the GRUB that gets the entry -----------------------------------------------------------------


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    """A Linux as far as an installer looks at it; without a generator."""
    root = tmp_path / "linux"
    for name, text in {
        "etc/os-release": 'PRETTY_NAME="Old Linux"\n',
        "etc/fstab": "UUID=11111111-aaaa / ext4 defaults 0 1\n",
        "boot/grub/grub.cfg": OLD.decode(),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def menu_of(root: Path) -> Menu:
    mounted = (Mounted(str(root), "/dev/sda3", "ext4"),)
    target = survey(str(root), mounted, FACTS.devices, DISC.kernel, "/dev/sda3")
    return iso_menu.read(target, judge.target(target))


def with_generator(root: Path, *scripts: str) -> None:
    for name in ("usr/sbin/grub-mkconfig", *(f"etc/grub.d/{script}" for script in scripts)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("#!/bin/sh\n")
        (root / name).chmod(0o755)


def test_a_menu_without_a_generator_is_changed_by_hand(linux: Path) -> None:
    menu = menu_of(linux)
    assert (menu.trouble, menu.called()) == ((), "Old Linux in /dev/sda3")
    [write] = iso_menu.adding(menu, "menuentry x {\n}\n")
    assert isinstance(write, Write)
    assert write.path == f"{linux}/boot/grub/grub.cfg"
    assert write.data.startswith(OLD)
    Path(write.path).write_bytes(write.data)
    assert iso_menu.adding(menu_of(linux), "menuentry x {\n}\n") == ()
    # Another entry takes its place, and does not come beside it.
    [other] = iso_menu.adding(menu_of(linux), "menuentry y {\n}\n")
    assert isinstance(other, Write)
    assert other.data == write.data.replace(b"x {", b"y {")
    [back] = iso_menu.taking(menu_of(linux))
    assert isinstance(back, Write)
    assert back.data == OLD


def test_a_generator_is_used_and_never_writes_to_the_menu_itself(linux: Path) -> None:
    with_generator(linux, "10_linux", "41_custom", "42_xendemo")
    steps = iso_menu.adding(menu_of(linux), "menuentry x {\n}\n")
    script, *binds, run, check, copy, remove = steps
    assert isinstance(script, Write)
    # Behind all others, so that a default that is a number stays right.
    assert script.path == f"{linux}/etc/grub.d/42_xendemo_frugal"
    assert script.mode == 0o755
    assert [type(step) for step in binds] == [Mount, Mount, Mount]
    assert run.command().startswith(f"chroot {linux} env -u LC_ALL LANG=C /usr/sbin/grub-mkconfig")
    assert run.command().endswith("-o /boot/grub/grub.cfg.xendemo")
    assert "grep" in check.command()
    assert isinstance(copy, Copy)
    assert copy.path == f"{linux}/boot/grub/grub.cfg"
    assert (script.menu, copy.menu) == (False, True)
    assert isinstance(remove, Remove)
    assert remove.path == copy.source
    Path(script.path).write_bytes(script.data)
    Path(script.path).chmod(0o755)
    gone = iso_menu.taking(replace(menu_of(linux)))
    assert gone[0] == Remove("take the entry from the generator of GRUB's menu", script.path)


def test_a_script_with_a_late_name_stays_before_ours(linux: Path) -> None:
    with_generator(linux, "10_linux", "90_memtest")
    [script, *_] = iso_menu.adding(menu_of(linux), "menuentry x {\n}\n")
    assert isinstance(script, Write)
    assert script.path.endswith("/99_xendemo_frugal")


def test_an_installation_beside_it_is_left_alone(linux: Path) -> None:
    """Its entry is between marks of its own."""
    config = linux / "boot/grub/grub.cfg"
    beside = b"\n### BEGIN /etc/grub.d/42_xendemo ###\nmenuentry z {\n}\n### END /etc/grub.d/42_xendemo ###\n"  # noqa: E501
    config.write_bytes(OLD + beside)
    [write] = iso_menu.adding(menu_of(linux), "menuentry x {\n}\n")
    assert isinstance(write, Write)
    assert write.data.startswith(OLD + beside)
    assert iso_menu.cut(write.data) == OLD + beside


def test_no_linux_and_no_grub_is_told(tmp_path: Path) -> None:
    told = [words for words, _ in menu_of(tmp_path).trouble]
    assert any("no Linux" in words for words in told)
    assert any("no GRUB 2" in words for words in told)


def test_legacy_grub_cannot_open_a_file(linux: Path) -> None:
    (linux / "boot/grub/grub.cfg").unlink()
    (linux / "boot/grub/menu.lst").write_text("title Old\nroot (hd0,0)\nkernel /vmlinuz ro\n")
    [(words, remedy)] = menu_of(linux).trouble
    assert "has legacy GRUB (/boot/grub/menu.lst), which has no command to open an .iso" in words
    assert "--into" in remedy
    assert "--boot" in remedy
    with pytest.raises(Mistakes, match="legacy GRUB"):
        make(menu=menu_of(linux))
    # An entry that came when it had GRUB 2 is gone with that; the file can be taken away.
    assert remove(HERE, menu_of(linux)).steps
