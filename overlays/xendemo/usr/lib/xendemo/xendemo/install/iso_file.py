"""The disc as a file on a partition: where it may lie, and what puts it there.

Nothing on the partition is changed but for the folder `xendemo`, which is added. When the machine
starts, GRUB opens the file and goes on with the menu that the disc has for that (loopback.cfg);
the initrd looks for the file on every partition (findiso=). So what both must be able to read
decides where the file may lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from xendemo.install import devices, safety
from xendemo.install.devices import Device
from xendemo.install.facts import Disc, Facts
from xendemo.install.options import Options, Pairs
from xendemo.install.steps import Copy, Mount, Run, Step, aside

FOLDER = "xendemo"
NAME = "xendemo.iso"
ISO = f"/{FOLDER}/{NAME}"
WORK = "/run/xendemo/frugal"  # where the partition is mounted meanwhile
LOG = f"{WORK}/{FOLDER}/install.log"
CHECKED = "/run/xendemo/frugal-iso"  # and the copy, to compare it with its checksums
ASIDE = aside(ISO)
ENTRY = "xendemo-frugal"  # GRUB's id of the entry

MIB = 1 << 20
ROOM = 4 * MIB  # for folders, and for what the file system needs to note a file of this size
FAT_MOST = (4 << 30) - 1  # bytes of a file: its size has 32 bits there

FILE_SYSTEMS = {
    "ext2": ("ext2", "ext2"), "ext3": ("ext3", "ext2"), "ext4": ("ext4", "ext2"),
    "vfat": ("vfat", "fat"), "exfat": ("exfat", "exfat"), "ntfs": ("ntfs3", "ntfs"),
}  # fmt: skip
"""What lsblk calls them: the kernel's name, and the name of GRUB's module."""

WITHOUT_LINKS = ("vfat", "exfat")

FIT = "fit are ext2, ext3, ext4, vfat, exfat and ntfs"


@dataclass(frozen=True)
class Found:
    """A partition that the file may go to, looked into.

    Args:
        device: the partition.
        free: bytes that files can still take, the remains being gone.
        kept: volume id of the disc in the file that lies there already; "" if there is no file.
        same: that file is this very disc, byte for byte.
        remains: of a try that was cut short, or whose file system failed: paths on the partition.
        trouble: why nothing may be written, with a remedy; ("", "") if it may.
    """

    device: Device
    free: int
    kept: str = ""
    same: bool = False
    remains: tuple[str, ...] = ()
    trouble: tuple[str, str] = ("", "")


def choose(facts: Facts, path: str) -> tuple[Device | None, Pairs]:
    """Return the partition of this path, and all that forbids to put the file there.

    Args:
        facts: the machine and the disc.
        path: any of its names.
    """
    device = facts.find(path)
    if device is None:
        return None, [(f"{path}: no such partition", f"there are: {_listed(facts)}")]
    if facts.machine != "x86_64":
        return device, [(f"this machine is {facts.machine}", "the disc needs a 64-bit PC, x86_64")]
    wrong = safety.mistakes(facts, Options("frugal", path)) or _place(device)
    if device.fstype in FILE_SYSTEMS or not wrong:
        wrong += _file_system(facts, device)
    return device, wrong


def _listed(facts: Facts) -> str:
    names = [one.path for one in devices.walk(facts.devices)
             if one.fstype in FILE_SYSTEMS and one.path not in facts.disc.backing]  # fmt: skip
    return ", ".join(dict.fromkeys(names)) or "none that is fit"


def _place(device: Device) -> Pairs:
    """Judge what kind of device it is, besides what `safety` knows."""
    if device.type == "loop":
        return [(f"{device.path} is a loop device", "it is gone when the machine starts again")]
    if device.type not in ("part", "disk"):
        hint = "the disc's initrd finds neither LVM nor RAID nor what is encrypted"
        return [(f"{device.path} is no partition of a disk, but {device.type}", hint)]
    return []


def _file_system(facts: Facts, device: Device) -> Pairs:
    path, kind = device.path, device.fstype
    if kind not in FILE_SYSTEMS:
        return [(f"{path} has the file system {kind}",
                 f"when it starts, the disc cannot read that; {FIT}")]  # fmt: skip
    found = []
    if kind == "vfat" and facts.disc.size > FAT_MOST:
        size = f"{facts.disc.size} bytes"
        found.append((f"{path} has the file system vfat, and the disc's file {size}",
                      "a file has at most 4 GiB there: name another partition"))  # fmt: skip
    twins = {one.path for one in devices.walk(facts.devices) if one.uuid == device.uuid}
    if not device.uuid:
        found.append((f"{path} has no UUID", "GRUB finds the partition by it: give it one"))
    elif len(twins) > 1:
        found.append((f"{path} has the same UUID as {', '.join(sorted(twins - {path}))}",
                      "GRUB would not know which is meant: give it another one"))  # fmt: skip
    return found


def judge(facts: Facts, found: Found) -> Pairs:
    """Return all that forbids to put the file there, now that the partition was looked into."""
    mistakes = strangers(facts, found)
    need = facts.disc.size + ROOM
    if found.kept and found.device.fstype in WITHOUT_LINKS:
        need += facts.disc.size  # the old file is kept as a copy until the new one is in its place
    if not found.same and found.free < need:
        figures = f"{_mib(need)} needed, {_mib(found.free)} free"
        mistakes.append((f"{found.device.path} is too small: {figures}",
                         "make room there, or name another partition"))  # fmt: skip
    return mistakes


def strangers(facts: Facts, found: Found) -> Pairs:
    """Return what is on the partition that is not ours to change."""
    mistakes = [found.trouble] if found.trouble[0] else []
    if found.kept and found.kept != facts.disc.volume:
        path = f"{found.device.path}: {ISO}"
        mistakes.append((f"{path} is another file, '{found.kept}', not a copy of this disc",
                         "it is left alone; move it away first"))  # fmt: skip
    return mistakes


def entry(facts: Facts, device: Device, unrestricted: bool = False, default: bool = False) -> str:
    """Return the entry for a GRUB 2 menu: it opens the file and shows the disc's own menu.

    Args:
        facts: the machine and the disc.
        device: the partition with the file.
        unrestricted: GRUB asks for a password, but not for the other entries either.
        default: it becomes what is booted unless somebody chooses.
    """
    modules = [{"gpt": "part_gpt", "dos": "part_msdos"}.get(device.pttype, ""),
               FILE_SYSTEMS[device.fstype][1], "loopback", "iso9660"]  # fmt: skip
    loaded = "".join(f"  insmod {module}\n" for module in modules if module)
    flags = "--unrestricted " if unrestricted else ""
    text = f"""\
menuentry '{title(facts.disc)}' {flags}--id {ENTRY} {{
{loaded}\
  search --no-floppy --fs-uuid --set=root {device.uuid}
  set iso_path={ISO}
  export iso_path
  loopback loop ($root)$iso_path
  set root=loop
  configfile /boot/grub/loopback.cfg
}}
"""
    if default:
        # At the end it wins over a number, a name or a saved entry; a boot once goes before it.
        text += f'if [ "$boot_once" != true ]; then\n  set default={ENTRY}\nfi\n'
    return text


def title(disc: Disc) -> str:
    """Return the entry's title, as GRUB's menu shows it."""
    return f"Xen demo disc: Xen {disc.xen}, Linux {disc.kernel} (nothing is installed)"


def copying(found: Found, disc: Disc) -> tuple[Step, ...]:
    """Return the steps that put the disc there and check it; none if all is as it shall be."""
    remains = _remains(found)
    words = "take away what a try before has left"
    tidy = (Run(words, ("rm", "-f", *remains)),) if remains else ()
    if found.same:
        return tidy
    return (
        *tidy,
        Copy("copy the disc", disc.device, f"{WORK}{ISO}", size=disc.size),
        *_check(),
    )


def _remains(found: Found) -> tuple[str, ...]:
    return tuple(f"{WORK}{path}" for path in found.remains)


def becomes(found: Found, disc: Disc) -> str:
    """Return what becomes of the file."""
    if found.same:
        return "this very disc already, and stays"
    return f"{'replaced by this disc' if found.kept else 'added'}, {_mib(disc.size)},"


def known(device: Device) -> Run:
    """Return the first step: names of devices change when a stick is pulled and another put in."""
    words = f"see that {device.path} is still the partition that was chosen"
    return Run(words, ("blkid", "-c", "/dev/null", "-t", f"UUID={device.uuid}", device.path))


def mount(device: Device) -> Mount:
    """Return the step that makes the partition's files reachable."""
    kind = FILE_SYSTEMS[device.fstype][0]
    return Mount(f"mount {device.path}", device.path, WORK, kind)


def _check() -> tuple[Step, ...]:
    """Compare every file in the copy with the disc's checksums.

    By them, not by the disc: so a disc that is read wrongly is found as well.
    """
    return (
        # What is in memory is right in any case: let go of it, so that the disk itself is read.
        Run("let go of what is in memory of it",
            ("dd", f"if={WORK}{ISO}", "iflag=nocache", "count=0", "status=none")),
        Mount("open the copy", f"{WORK}{ISO}", CHECKED, "iso9660", "loop,ro"),
        Run("compare the copy with the disc's checksums",
            ("env", "-C", CHECKED, "sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS")),
    )  # fmt: skip


def taking(found: Found) -> tuple[Step, ...]:
    """Return the steps that take the file away, none if there is none; they are the last ones."""
    if not found.kept and not found.remains:
        return ()
    # No step `Remove`: to be able to put the file back, it would be kept in the folder meanwhile.
    return (
        Run("take away the disc's file", ("rm", "-f", f"{WORK}{ISO}", LOG, *_remains(found))),
        Run("take away its folder, if nothing else is in it",
            ("rmdir", "--ignore-fail-on-non-empty", f"{WORK}/{FOLDER}"), harmless=True),
    )  # fmt: skip


def described(device: Device) -> str:
    """Return a partition as a person knows it."""
    label = f", “{device.label}”" if device.label else ""
    return f"{device.path} ({device.fstype}{label}, {_mib(device.size)})"


def _mib(size: int) -> str:
    return f"{-(-size // MIB)} MiB"
