"""Way 1 of the installer: onto trees of many a Linux, again, and away from them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import linuxes as l
from tests.support.performing import cut_short, memory, perform
from xendemo.errors import InputError, Mistakes
from xendemo.install import into, record, remove
from xendemo.install.devices import Device
from xendemo.install.into import Seen
from xendemo.install.source import Source
from xendemo.install.steps import Copy, Plan, Write

BOOT_MENUS = ("grub.cfg", "menu.lst", "grub.conf")
MENUS = ("boot/grub/grub.cfg", "boot/grub2/grub.cfg", "boot/grub/menu.lst", "boot/grub/grub.conf")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    with memory(tmp_path) as folder:
        yield folder


@pytest.fixture
def disc(tmp_path: Path) -> Source:
    return l.disc(tmp_path / "cdrom", ("ext4", "ext3", "xfs", "btrfs"))


def install(root: Path, disc: Source, default: bool = False, **more: object) -> Plan:
    plan = into.plan(l.facts(), l.into(root, default), l.seen(root, disc, **more))
    assert_menus_are_flushed(root, plan)
    perform(plan)
    return plan


def take_away(root: Path, **more: object) -> Plan:
    plan = remove.plan(l.facts(), l.into(root), l.gone(root, **more))
    assert_menus_are_flushed(root, plan)
    perform(plan)
    return plan


def assert_menus_are_flushed(root: Path, plan: Plan) -> None:
    """A boot loader's files, and no others, are replaced with a flush before and after."""
    for step in plan.steps:
        if isinstance(step, Write | Copy):
            inside = Path(step.path).relative_to(root)
            kept = "xendemo" in inside.parts  # a copy of what it was
            assert step.menu == (inside.name in BOOT_MENUS and not kept), step.words


def menu(root: Path) -> str:
    path = next(root / name for name in MENUS if (root / name).is_file())
    return path.read_bytes().decode("utf-8", "surrogateescape")


def refused(found: Seen, **more: object) -> str:
    with pytest.raises(Mistakes) as error:
        into.plan(l.facts(**more), l.into(Path("/mnt")), found)
    assert all(hint for _, hint in error.value.pairs)
    return "\n".join(message for message, _ in error.value.pairs)


SUBVOLUME = replace(l.ROOT, fstype="btrfs")
TARGETS = {
    "debian": (l.debian, {}),
    "debian-boot-apart": (l.debian, {"boot": l.BOOT}),
    "fedora": (l.fedora, {"top": SUBVOLUME, "subvolume": "/root"}),
    "centos6": (l.centos6, {"boot": l.BOOT}),
    "old-debian": (l.old_debian, {"top": replace(l.ROOT, fstype="ext3")}),
    "opensuse": (
        lambda top: l.make(
            top,
            {
                "etc/fstab": f"UUID={l.ROOT_UUID} / btrfs defaults 0 0\n",
                "boot/grub2/grub.cfg": b'set btrfs_relative_path="yes"\n' + l.GRUB_CFG,
                "etc/grub.d/80_suse_btrfs_snapshot": "#!/bin/sh\n",
                "etc/grub.d/95_textmode": "#!/bin/sh\n",
            },
            "openSUSE Leap 15.6",
        ),
        {"top": SUBVOLUME, "subvolume": "/@/.snapshots/1/snapshot"},
    ),
    "arch": (
        lambda top: l.make(
            top,
            {
                "etc/fstab": "",
                "boot/grub/grub.cfg": l.GRUB_CFG,
                "bin": "-> usr/bin",
                "lib": "-> usr/lib",
                "usr/bin/sh": l.ELF64,
            },
            "Arch Linux",
        ),
        {},
    ),
    "no-generator": (
        lambda top: l.make(top, {"etc/fstab": l.FSTAB, "boot/grub/grub.cfg": l.GRUB_CFG[:-1]}),
        {},
    ),
    "crlf": (
        lambda top: l.old_debian(top, l.OLD_DEBIAN.replace("\n", "\r\n")[:-2]),
        {"top": replace(l.ROOT, fstype="ext3")},
    ),
}


@pytest.mark.parametrize("default", [False, True], ids=["", "default"])
@pytest.mark.parametrize("name", TARGETS)
def test_there_again_and_away(name: str, default: bool, tmp_path: Path, disc: Source) -> None:
    make, more = TARGETS[name]
    root = make(tmp_path / "root")
    before = l.snapshot(root)
    old = menu(root)
    first = install(root, disc, default, **more)
    assert first.steps
    assert "xendemo" in menu(root)
    if not default:
        assert menu(root).startswith(old)  # only added to
    for file in ("xen.gz", "vmlinuz-xen0", "initrd", "installed.json"):
        assert (root / "boot/xendemo" / file).is_file()
    assert (root / f"lib/modules/{l.KERNEL}/kernel/fs/xfs/xfs.ko").read_bytes() == b"the module xfs"
    there = l.snapshot(root)
    again = install(root, disc, default, **more)
    assert again.steps == ()
    assert "nothing to do" in again.words[0]
    assert l.snapshot(root) == there
    take_away(root, **more)
    assert l.snapshot(root) == before
    assert take_away(root, **more).steps == ()


def default_of(root: Path) -> str:
    """What is booted unless somebody chooses, as the menu says it: a number or GRUB 2's id."""
    said = re.findall(r"^\s*(?:set )?default\s*=?\s*(\S+?)\s*$", menu(root), re.MULTILINE)
    return str(said[-1]) if said else ""


@pytest.mark.parametrize("name", ["debian", "fedora", "centos6", "crlf"])
def test_the_default_stays_what_it_is_unless_asked(name: str, tmp_path: Path, disc: Source) -> None:
    make, more = TARGETS[name]
    root = make(tmp_path / "root")
    before, old = l.snapshot(root), default_of(root)
    stays = "what is booted by default stays as it is"
    ours = "that entry is the default since an earlier run, and stays it until --remove"
    assert stays in install(root, disc, **more).words
    assert stays in install(root, disc, **more).words
    assert default_of(root) == old
    assert "that entry becomes the default" in install(root, disc, True, **more).words
    new = default_of(root)
    assert new != old
    for default in (False, True):
        there = l.snapshot(root)
        again = install(root, disc, default, **more)
        assert again.steps == ()
        assert ours in again.words
        assert l.snapshot(root) == there
    # A later disc, whose entry is another one, does not ask either.
    facts = replace(l.facts(), disc=replace(l.facts().disc, xen="4.21.0"))
    later = into.plan(facts, l.into(root), l.seen(root, disc, **more))
    assert ours in later.words
    perform(later)
    assert "4.21.0" in menu(root)
    assert default_of(root) == new
    take_away(root, **more)
    assert l.snapshot(root) == before


def test_two_entries_of_ours_that_are_to_be_the_default_are_told(
    tmp_path: Path, disc: Source
) -> None:
    both = l.GRUB_CFG + b"set default=xendemo-frugal\n"
    root = l.debian(tmp_path / "root", **{"boot/grub/grub.cfg": both})
    told = "the entry of --frugal is to be the default, too: the later in the menu wins"
    for default in (False, True):
        words = into.plan(l.facts(), l.into(root, default), l.seen(root, disc)).words
        assert (told in words) is default


LATER = "\ntitle\t\tA later kernel\nroot\t\t(hd0,0)\nkernel\t\t/vmlinuz-3 ro\n"


@pytest.mark.parametrize(("chosen", "left"), [(0, 0), (1, 1), (2, 0), (3, 2)])
def test_legacy_numbers_stay_right_where_others_add_an_entry(
    chosen: int, left: int, tmp_path: Path, disc: Source
) -> None:
    """Two entries were there, ours is the third, and a fourth has come behind it since."""
    more = {"top": replace(l.ROOT, fstype="ext3")}
    root = l.old_debian(tmp_path / "root")
    install(root, disc, **more)
    path = root / "boot/grub/menu.lst"
    path.write_text(path.read_text().replace("default\t\t0", f"default\t\t{chosen}") + LATER)
    changed = replace(disc, words=replace(disc.words, xen=("dom0_mem=1G",)))
    install(root, changed, **more)
    assert "dom0_mem=1G" in menu(root)
    assert menu(root).endswith(LATER)
    assert default_of(root) == str(chosen)
    take_away(root, **more)
    assert path.read_text() == l.OLD_DEBIAN.replace("default\t\t0", f"default\t\t{left}") + LATER


def test_menu_comes_last(tmp_path: Path, disc: Source) -> None:
    """So that the old system boots whenever the power goes."""
    root = l.debian(tmp_path / "root")
    steps = into.plan(l.facts(), l.into(root), l.seen(root, disc)).steps
    words = [getattr(step, "path", "") or " ".join(getattr(step, "argv", ())) for step in steps]
    places = [i for i, word in enumerate(words) if word.endswith("boot/grub/grub.cfg")]
    flush = next(i for i, word in enumerate(words) if word.startswith("sync"))
    assert places[-1] == len(steps) - 2  # only the record follows
    assert all(
        words.index(str(root / "boot/xendemo" / name)) < flush < places[-1]
        for name in ("xen.gz", "vmlinuz-xen0", "initrd")
    )
    assert isinstance(steps[-1], Write)
    assert json.loads(steps[-1].data)["complete"] is True


def test_root_is_named_by_uuid_and_cards_as_before(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    install(root, disc)
    line = re.search(r"module2 /boot/xendemo/vmlinuz-xen0 (.*)", menu(root))
    assert line
    words = line[1].split()
    assert words[0] == f"root=UUID={l.ROOT_UUID}"
    assert "net.ifnames=0" in words  # of /etc/default/grub
    assert not {"quiet", "root=/dev/x", "role=dom0", "$findiso"} & set(words)


def test_paths_follow_the_file_system_of_boot(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "apart")
    install(root, disc, boot=l.BOOT)
    assert f"--set=root {l.BOOT_UUID}" in menu(root)
    assert "multiboot2 /xendemo/xen.gz" in menu(root)
    root = l.fedora(tmp_path / "fedora")
    install(root, disc, top=SUBVOLUME, subvolume="/root")
    assert "multiboot2 /root/boot/xendemo/xen.gz" in menu(root)
    assert "rootfstype=btrfs rootflags=subvol=root" in menu(root)


def test_opensuse_reads_from_the_top_of_btrfs(tmp_path: Path, disc: Source) -> None:
    make, more = TARGETS["opensuse"]
    root = make(tmp_path / "root")
    install(root, disc, **more)
    assert "set btrfs_relative_path=n" in menu(root)
    assert "multiboot2 /@/.snapshots/1/snapshot/boot/xendemo/xen.gz" in menu(root)
    assert "rootflags" not in menu(root)  # its default subvolume moves with each rollback
    assert (root / "etc/grub.d/99_xendemo").is_file()  # behind 95_textmode: numbers stay right


def test_legacy_stanza(tmp_path: Path, disc: Source) -> None:
    root = l.centos6(tmp_path / "root")
    install(root, disc, boot=l.BOOT)
    assert menu(root).startswith(l.GRUB_CONF)
    assert (root / "boot/grub/menu.lst").is_symlink()
    assert (
        "root (hd0,1)\n"
        "kernel /xendemo/xen.gz dom0_mem=max:512M com1=115200,8n1 console=com1,vga\n"
        f"module /xendemo/vmlinuz-xen0 root=UUID={l.ROOT_UUID} ro console=hvc0 console=tty0"
        " loglevel=6 rd_NO_LUKS LANG=en_US.UTF-8\n"
        "module /xendemo/initrd\n"
    ) in menu(root)


def test_legacy_default_counts_entries(tmp_path: Path, disc: Source) -> None:
    root = l.old_debian(tmp_path / "root")
    install(root, disc, True, top=replace(l.ROOT, fstype="ext3"))
    assert "default\t\t2\n" in menu(root)
    titles = re.findall(r"^title\s+(.*)", menu(root), re.MULTILINE)
    assert titles[2].startswith("Xen ")


@pytest.mark.parametrize("line", ["default saved", "default=saved", "", "default   0   "])
def test_legacy_defaults_of_all_kinds(line: str, tmp_path: Path, disc: Source) -> None:
    text = l.OLD_DEBIAN.replace("default\t\t0", line)
    root = l.old_debian(tmp_path / "root", text)
    before = l.snapshot(root)
    more = {"top": replace(l.ROOT, fstype="ext3")}
    install(root, disc, True, **more)
    assert re.search(r"^default[ =]+2\s*$", menu(root), re.MULTILINE)
    take_away(root, **more)
    assert l.snapshot(root) == before


def test_lines_end_as_the_others_do(tmp_path: Path, disc: Source) -> None:
    make, more = TARGETS["crlf"]
    root = make(tmp_path / "root")
    install(root, disc, **more)
    assert menu(root).count("\n") == menu(root).count("\r\n")


def test_a_menu_with_a_password_lets_boot_what_it_lets_boot(tmp_path: Path, disc: Source) -> None:
    locked = b'set superusers="root"\npassword_pbkdf2 root grub.x\n' + l.GRUB_CFG
    free = locked.replace(b"--class debian", b"--class debian --unrestricted")
    for text, expected in ((l.GRUB_CFG, False), (locked, False), (free, True)):
        root = l.debian(tmp_path / str(hash(text)), **{"boot/grub/grub.cfg": text})
        install(root, disc)
        assert ("--unrestricted --id xendemo" in menu(root)) is expected


def test_absolute_links_stay_in_the_target(tmp_path: Path, disc: Source) -> None:
    outside = tmp_path / "outside"
    (outside / "grub").mkdir(parents=True)
    (outside / "grub/grub.cfg").write_text("ours, not theirs")
    before = l.snapshot(outside)
    root = l.make(tmp_path / "root", {
        "etc/fstab": l.FSTAB,
        "boot": f"-> {outside}",
        str(outside).lstrip("/") + "/grub/grub.cfg": l.GRUB_CFG,
        "etc/grub.d": "-> ../../../../../../../../../etc/grub.d.of.target",
        "etc/grub.d.of.target/00_header": "#!/bin/sh\n",
    })  # fmt: skip
    install(root, disc)
    assert l.snapshot(outside) == before
    assert "xendemo" in (root / str(outside).lstrip("/") / "grub/grub.cfg").read_text()
    assert (root / "etc/grub.d.of.target/42_xendemo").is_file()
    take_away(root)
    assert l.snapshot(outside) == before


def test_what_others_have_changed_since_stays(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    install(root, disc)
    config = root / "boot/grub/grub.cfg"
    newer = config.read_text().replace("6.1.0-9", "6.1.0-10")
    config.write_text(newer)
    plan = take_away(root)
    assert any("changed since" in word for word in plan.words)
    assert config.read_text() == l.GRUB_CFG.decode().replace("6.1.0-9", "6.1.0-10")
    assert not (root / "boot/xendemo").exists()


def test_a_changed_legacy_menu_gets_its_default_back(tmp_path: Path, disc: Source) -> None:
    more = {"top": replace(l.ROOT, fstype="ext3")}
    root = l.old_debian(tmp_path / "root")
    install(root, disc, True, **more)
    path = root / "boot/grub/menu.lst"
    path.write_text(path.read_text().replace("timeout\t\t5", "timeout\t\t30"))
    take_away(root, **more)
    assert path.read_text() == l.OLD_DEBIAN.replace("timeout\t\t5", "timeout\t\t30")


def test_a_folder_for_modules_goes_where_there_was_none(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    shutil.rmtree(root / "lib/modules")
    before = l.snapshot(root)
    install(root, disc)
    assert install(root, disc).steps == ()
    take_away(root)
    assert l.snapshot(root) == before


def test_modules_of_others_stay(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    install(root, disc)
    mine = root / f"lib/modules/{l.KERNEL}/updates/dkms.ko"
    mine.parent.mkdir()
    mine.write_text("somebody's own")
    plan = take_away(root)
    assert any("dkms.ko" in word for word in plan.words)
    assert [path for path in (root / f"lib/modules/{l.KERNEL}").rglob("*") if path.is_file()] == [
        mine
    ]


def test_an_initrd_without_need_is_the_discs_own(tmp_path: Path) -> None:
    disc = l.disc(tmp_path / "cdrom", ("ext4",), ("ahci",))
    root = l.debian(tmp_path / "root")
    install(root, disc)
    assert (root / "boot/xendemo/initrd").read_bytes() == b"initrd of the disc"


def test_modules_of_the_kernel_that_are_there_are_taken(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    shutil.copytree(tmp_path / "cdrom/modules", root / f"lib/modules/{l.KERNEL}")
    before = l.snapshot(root)
    plan = install(root, disc)
    assert any("already" in word for word in plan.words)
    take_away(root)
    assert l.snapshot(root) == before


def test_a_failed_try_is_finished_by_the_next(tmp_path: Path, disc: Source) -> None:
    """After each step, as if the power had gone there."""
    whole = into.plan(l.facts(), l.into(Path("x")), l.seen(l.debian(tmp_path / "x"), disc)).steps
    for done in range(len(whole)):
        root = l.debian(tmp_path / f"root{done}")
        before = l.snapshot(root)
        plan = into.plan(l.facts(), l.into(root), l.seen(root, disc))
        perform(replace(plan, steps=plan.steps[:done]))
        copy = tmp_path / f"copy{done}"
        shutil.copytree(root, copy, symlinks=True)
        install(root, disc)
        assert install(root, disc).steps == ()
        take_away(root)
        assert l.snapshot(root) == before
        if (copy / "boot/xendemo/installed.json").is_file():
            take_away(copy)
            assert l.snapshot(copy) == before


def boots(root: Path, old: str) -> None:
    """The menu is whole, the old entries are as they were, and what a new one names is there."""
    now = menu(root)
    assert now.startswith(old)
    for path in re.findall(r"^\s*(?:multiboot2|module2(?: --nounzip)?) (\S+)", now, re.MULTILINE):
        assert (root / path.lstrip("/")).stat().st_size > 10
    if now != old:
        assert now.endswith("END /etc/grub.d/42_xendemo ###\n")
        assert (root / "boot/xendemo/xen.gz").read_bytes() == b"xen " * 999
        assert (root / f"lib/modules/{l.KERNEL}/modules.dep").is_file()


def test_the_power_may_go_at_any_moment(tmp_path: Path, disc: Source) -> None:
    """Killed before each eighth change of the file system: the old system boots each time."""
    moments, change, running = 0, 1, True
    while running:
        root = l.debian(tmp_path / f"root{change}")
        before, old = l.snapshot(root), menu(root)
        running = cut_short(into.plan(l.facts(), l.into(root), l.seen(root, disc)), change)
        boots(root, old)
        install(root, disc)
        boots(root, old)
        assert install(root, disc).steps == ()
        running = cut_short(remove.plan(l.facts(), l.into(root), l.gone(root)), change) or running
        boots(root, old)
        if (root / "boot/xendemo/installed.json").exists():
            take_away(root)
        assert l.snapshot(root) == before
        moments, change = moments + 1, change + 8
    assert moments >= 14


def test_a_newer_disc_brings_its_own(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    before = l.snapshot(root)
    install(root, disc)
    newer = replace(disc, digests={**disc.digests, "xen.gz": "other"})
    plan = into.plan(l.facts(), l.into(root), Seen(l.target(root), newer))
    assert [step.path for step in plan.steps if isinstance(step, into.Copy)] == [
        str(root / "boot/xendemo/xen.gz")
    ]
    perform(plan)
    take_away(root)
    assert l.snapshot(root) == before


# --- refusals ------------------------------------------------------------------------------------


def test_another_machine_is_refused(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root", **{"bin/sh": l.ELF32})
    assert "for i386, the disc's kernel for x86_64" in refused(l.seen(root, disc))


def test_no_linux_is_refused(tmp_path: Path, disc: Source) -> None:
    (tmp_path / "root").mkdir()
    assert "there is no Linux" in refused(l.seen(tmp_path / "root", disc))


def test_a_mere_folder_is_refused(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    found = l.survey(str(root), (), l.facts().devices, l.KERNEL)
    assert "not the root of a mounted file system" in refused(Seen(found, disc))


@pytest.mark.parametrize(("kind", "told"), [("lvm", "LVM"), ("crypt", "LUKS"), ("raid1", "array")])
def test_what_the_initrd_does_not_open_is_refused(
    kind: str, told: str, tmp_path: Path, disc: Source
) -> None:
    device = Device("/dev/mapper/x", kind, 1 << 30, fstype="ext4", uuid="u")
    root = l.debian(tmp_path / "root")
    found = l.seen(root, disc, top=device, devices=(replace(l.DISK, children=(device,)),))
    assert f"its root is on {told}" in refused(found) or f"its root is on an {told}" in refused(
        found
    )


def test_no_grub_is_refused(tmp_path: Path, disc: Source) -> None:
    root = l.make(tmp_path / "root", {"etc/fstab": l.FSTAB})
    assert "has no GRUB" in refused(l.seen(root, disc))


def test_two_grubs_are_refused(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root", **{"boot/grub/menu.lst": l.OLD_DEBIAN})
    assert "/boot/grub/grub.cfg, /boot/grub/menu.lst" in refused(l.seen(root, disc))


def test_too_little_room_is_told_with_numbers(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root")
    found = l.target(root, boot=l.BOOT)
    assert found.boot
    small = replace(found, boot=replace(found.boot, free=3 << 20))
    assert re.search(
        r"/boot of .* has 3 MiB free, and 6 MiB are needed", refused(Seen(small, disc))
    )


def test_a_read_only_target_is_refused(tmp_path: Path, disc: Source) -> None:
    found = l.target(l.debian(tmp_path / "root"))
    assert found.top
    assert "read-only" in refused(Seen(replace(found, top=replace(found.top, readonly=True)), disc))


def test_a_root_without_uuid_is_refused(tmp_path: Path, disc: Source) -> None:
    device = replace(l.ROOT, uuid="")
    found = l.seen(l.debian(tmp_path / "root"), disc, top=device, devices=(device,))
    assert "has no UUID" in refused(found)


def test_other_modules_of_the_same_name_are_refused(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root", **{f"lib/modules/{l.KERNEL}/kernel/fs/xfs/xfs.ko": "x"})
    assert "is there already, with other modules" in refused(l.seen(root, disc))


def test_a_file_system_that_the_kernel_lacks_is_refused(tmp_path: Path, disc: Source) -> None:
    device = replace(l.ROOT, fstype="reiserfs")
    found = l.seen(l.debian(tmp_path / "root"), disc, top=device)
    assert "cannot mount reiserfs" in refused(found)


def test_all_mistakes_are_told_at_once(tmp_path: Path, disc: Source) -> None:
    root = l.make(tmp_path / "root", {"bin/sh": l.ELF32})
    told = refused(l.seen(root, disc, top=replace(l.ROOT, fstype="zfs")))
    assert all(word in told for word in ("i386", "zfs", "no GRUB"))


def test_a_folder_without_a_record_is_left_alone(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root", **{"boot/xendemo/mine": "words"})
    with pytest.raises(InputError, match=r"no /boot/xendemo/installed\.json"):
        remove.plan(l.facts(), l.into(root), l.gone(root))


def test_a_record_that_cannot_be_read_is_told(tmp_path: Path, disc: Source) -> None:
    root = l.debian(tmp_path / "root", **{"boot/xendemo/installed.json": '{"format": 9}'})
    assert "installed.json" in refused(l.seen(root, disc))


@pytest.mark.parametrize("folder", ["/etc", "/lib/modules", "/lib/modules/..", "/lib/modules/a/b"])
def test_a_record_that_would_have_other_folders_removed_is_none(folder: str) -> None:
    good = record.Record(True, "1.0", l.KERNEL, "grub2", "", modules=(f"/lib/modules/{l.KERNEL}",))
    assert record.read(record.write(good)) == good
    for bad in ({"modules": (folder,)}, {"folders": (f"{folder}/x",)}):
        with pytest.raises(ValueError, match="no folder of modules"):
            record.read(record.write(replace(good, **bad)))
