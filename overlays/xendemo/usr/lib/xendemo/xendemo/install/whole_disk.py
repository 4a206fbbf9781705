"""Way 2, `--disk`: a whole disk becomes a Debian with Xen. Decides purely: facts to a plan.

The layers of the disc are unpacked, without what only a live disc wants (`live_only`). The disk
cannot boot before all is in its place: the BIOS finds a message (`unfinished`), UEFI an empty ESP,
and GRUB's boot code and images are the last that is written.
"""

from __future__ import annotations

import uuid

from xendemo.errors import InputError, Mistakes
from xendemo.install import layout, live_only, settings, sizes, unfinished
from xendemo.install.devices import Device
from xendemo.install.facts import Disc, Facts
from xendemo.install.layout import Fresh, Layout
from xendemo.install.options import Options, say_size
from xendemo.install.steps import Copy, Mount, Plan, Run, Step, Tree, Unpack, Write

TARGET = "/run/xendemo/target"
LAYERS = "/run/xendemo/layers"
LABEL = "xendemo-root"
LABEL_BEFORE = "UNFINISHED"
USERS = ("root", "user")
HOST_KEYS = ("ed25519", "ecdsa")  # RSA's takes up to a minute on an emulated machine
DEBIAN = "debian"  # the folder in the ESP that Debian's own packages would use
_GRUB_FINDS = ("--modules=part_gpt ext2",)  # the root, whatever is thought of the disk's name
LOG = "/var/log/xendemo-install.log"


def plan(facts: Facts, options: Options, fresh: Fresh = uuid.uuid4) -> Plan:
    """Return what makes of a whole disk a system of its own.

    Args:
        facts: of machine and disc; whether the disk may be taken is `safety`'s to say.
        options: with the password's hash.
        fresh: gives a new UUID at each call.

    Raises:
        InputError: there is no such disk, or it is too small.
    """
    device = _device(facts, options.target)
    if mistakes := sizes.mistakes(facts.disc, options, device):
        raise Mistakes(mistakes)
    disk = layout.make(device, facts.disc, options, fresh)
    return Plan(
        title=f"install Xen and Debian on the whole disk {device.path}",
        words=_words(disk, device, options),
        steps=(
            *_partitions(disk, device),
            *_file_systems(disk),
            *_unpack(disk, facts.disc),
            *(_kept_disc(facts.disc) if options.guests else ()),
            *_boot_files(facts.disc),
            *_settings(disk, options),
            *_packages(),
            *_loaders(disk, facts),
        ),
        confirm=device.path,
        after=_after(options),
        ruin=f"{device.path} holds an unfinished installation: it does not boot, and says so. "
        f"To start anew: xendemo install --disk {device.path} --wipe {device.path}",
        log=f"{TARGET}{LOG}",
    )


def _device(facts: Facts, name: str) -> Device:
    device = facts.find(name)
    if not device:
        raise InputError(f"there is no disk {name}", "see what there is: lsblk")
    return device


def _words(disk: Layout, device: Device, options: Options) -> tuple[str, ...]:
    what = " ".join(word for word in (device.model, device.serial) if word)
    parts = ", ".join(f"{part.name} {say_size(part.size)}" for part in disk.parts)
    return (
        f"everything on {device.path} ({say_size(device.size)}{', ' + what if what else ''}) "
        "is lost; nothing else is touched",
        f"partitions: {parts}",
        f"a Debian with Xen, named {options.hostname}; it starts by BIOS and by UEFI, with Xen "
        "unless you choose Linux alone",
        f"{' and '.join(USERS)} log in with the new password",
        "`xendemo create` starts guests as from the disc, which is kept as a file"
        if options.guests
        else "the disc is not kept: guests need a kernel and a disk of your own",
    )


def _after(options: Options) -> tuple[str, ...]:
    return (
        "take the disc out, and start the machine from the disk",
        f"log in as {' or '.join(USERS)} with the new password; `xl list` shows domain 0",
        "for upgrades, Xen and kernels among them: apt update && apt upgrade",
        *(("a guest: xendemo create",) if options.guests else ()),
    )


def _partitions(disk: Layout, device: Device) -> tuple[Step, ...]:
    # Partitions first: their signatures are out of reach once the table is gone. Nothing else that
    # lies on the disk, as an array, which may lie on other disks too.
    old = [*(child for child in device.children if child.type == "part"), device]
    return (
        Run("see that it is still the disk that was shown", _same(device)),
        *(
            Run(f"wipe what {part.path} was", ("wipefs", "--all", "--quiet", part.path))
            for part in old
        ),
        Run("make the partitions", ("sfdisk", "--quiet", disk.device), layout.table(disk)),
        Run(
            "have the disk say that it is unfinished, if somebody starts it",
            unfinished.write(disk.device),
        ),
        # A disk that cannot be written to at its ends, where the table is, is told here.
        Run("have both on the disk", ("sync", disk.device)),
        _settle(),
    )


def _same(device: Device) -> tuple[str, ...]:
    # Names are given anew when a stick is pulled out and another plugged in.
    look = 'echo $(lsblk --bytes --nodeps --noheadings --output SIZE,SERIAL "$1")'
    test = f'now=$({look}); [ "$now" = "$2" ] || {{ echo "$1 is now: $now" >&2; exit 1; }}'
    shown = " ".join(f"{device.size} {device.serial}".split())
    return ("sh", "-c", test, "sh", device.path, shown)


def _settle() -> Run:
    return Run("wait for the devices' names", ("udevadm", "settle"), harmless=True)


def _file_systems(disk: Layout) -> tuple[Step, ...]:
    steps: list[Step] = []
    for part in disk.parts:
        words = f"make the file system of {part.path}, {part.name}"
        argv: tuple[str, ...]
        if part.name in ("root", "usr"):
            label = LABEL_BEFORE if part.name == "root" else "xendemo-usr"
            argv = ("mkfs.ext4", "-q", "-F", "-L", label, "-U", part.uuid, part.path)
            steps.append(Run(words, argv))
        elif part.name == "ESP":
            number = part.uuid.replace("-", "")
            argv = ("mkfs.vfat", "-F", "32", "-n", "ESP", "-i", number, part.path)
            steps.append(Run(words, argv))
        elif part.name == "swap":
            argv = ("mkswap", "--uuid", part.uuid, part.path)
            steps.append(Run(f"make {part.path} swap", argv))
    return (*steps, _settle())


def _unpack(disk: Layout, disc: Disc) -> tuple[Step, ...]:
    lowest, *others = disc.layers
    usr, esp = disk.part("usr"), disk.the("ESP").path
    return (
        Mount("mount the new root", disk.the("root").path, TARGET, "ext4"),
        *((Mount("mount the new /usr", usr.path, f"{TARGET}/usr", "ext4"),) if usr else ()),
        Unpack(f"unpack the layer {lowest}", _archive(disc, lowest), TARGET,
               live_only.patterns(lowest), disc.unpacked),
        *(
            Mount(f"open the layer {layer}", _archive(disc, layer), f"{LAYERS}/{layer}",
                  "squashfs", "ro,loop")
            for layer in others
        ),
        *(
            Tree(f"unpack the layer {layer}", f"{LAYERS}/{layer}", TARGET,
                 live_only.patterns(layer), layered=True)
            for layer in others
        ),
        Mount("mount the ESP", esp, f"{TARGET}/boot/efi", "vfat", "umask=0077"),
    )  # fmt: skip


def _archive(disc: Disc, layer: str) -> str:
    return f"{disc.folder}/live/{layer}.squashfs"


def _kept_disc(disc: Disc) -> tuple[Step, ...]:
    return (
        Run("make a folder for the disc", ("mkdir", "-p", f"{TARGET}{settings.CDROM}")),
        Copy("keep the disc as a file", disc.device, f"{TARGET}{settings.ISO}", size=disc.size),
    )


def _boot_files(disc: Disc) -> tuple[Step, ...]:
    boot, series = f"{TARGET}/boot", ".".join(disc.xen.split(".")[:2])
    own = "modules-xen0" in disc.layers
    # The names are those of Debian's packages, so an upgrade replaces the files.
    return (
        Copy("put Xen in its place", f"{disc.folder}/boot/xen.gz",
             f"{boot}/xen-{series}-amd64.gz"),
        Copy("put Linux in its place", f"{disc.folder}/boot/vmlinuz-xen0",
             f"{boot}/vmlinuz-{disc.kernel}"),
        Copy("and its initrd", f"{disc.folder}/boot/initrd-xen0",
             f"{boot}/initrd.img-{disc.kernel}"),
        *(
            (Write("say that this kernel can be domain 0", f"{boot}/config-{disc.kernel}",
                   settings.OWN_KERNEL.encode()),)
            if own
            else ()
        ),
    )  # fmt: skip


def _settings(disk: Layout, options: Options) -> tuple[Step, ...]:
    name, etc = options.hostname, f"{TARGET}/etc"
    passwords = "".join(f"{user}:{options.password_hash}\n" for user in USERS)
    return (
        Write("say what is mounted where", f"{etc}/fstab",
              settings.fstab(disk, guests=options.guests).encode()),
        Write("name the machine", f"{etc}/hostname", f"{name}\n".encode()),
        Write("and let it know its name", f"{etc}/hosts", settings.hosts(name).encode()),
        Write("have an id of the machine made at its first start", f"{etc}/machine-id", b""),
        Write("settings of GRUB", f"{etc}/default/grub", settings.GRUB.encode()),
        Run("set the new password", ("chpasswd", "--encrypted", "--root", TARGET), passwords,
            secret=True),
        *(
            Run(f"make a host key for sshd, {kind}", (
                "ssh-keygen", "-q", "-t", kind, "-N", "", "-C", f"root@{name}",
                "-f", f"{etc}/ssh/ssh_host_{kind}_key"))
            for kind in HOST_KEYS
        ),
    )  # fmt: skip


def _packages() -> tuple[Step, ...]:
    # Guests' kernel has no drivers for a real machine, and GRUB would offer it first, as its
    # version sorts highest. `xendemo create` takes it from the disc.
    purge = (
        "dpkg-query --show --showformat '${Package}\\n' 'linux-image-*cloud-amd64' "
        "| xargs --no-run-if-empty dpkg --force-unsafe-io --purge"
    )
    return (
        *(
            Mount(f"lend {folder} to the new system", folder, f"{TARGET}{folder}", options="bind")
            for folder in ("/dev", "/proc", "/sys")
        ),
        _chroot("take out the package of guests' kernel", "sh", "-c", purge),
        _chroot(
            "have GRUB list Xen first", "dpkg-divert", "--quiet", "--local", "--rename",
            "--divert", "/etc/grub.d/09_linux_xen", "--add", "/etc/grub.d/20_linux_xen",
        ),
        _chroot(
            "have network cards ask by DHCP", "systemctl", "--quiet", "enable",
            "systemd-networkd.service", "systemd-network-generator.service",
        ),
    )  # fmt: skip


def _loaders(disk: Layout, facts: Facts) -> tuple[Step, ...]:
    """Return the last steps: what makes the disk boot."""
    menu, efi = "/boot/grub/grub.cfg", f"{TARGET}/boot/efi/EFI"
    root, esp = disk.the("root"), disk.the("ESP")
    entry = (
        "efibootmgr", "--quiet", "--create", "--disk", disk.device, "--part", str(esp.number),
        "--label", DEBIAN, "--loader", rf"\EFI\{DEBIAN}\grubx64.efi",
    )  # fmt: skip
    return (
        Run("make the folder of GRUB", ("mkdir", "-p", f"{TARGET}/boot/grub")),
        _chroot("make GRUB's menu", "grub-mkconfig", "--output", menu),
        Run(
            "see that the menu starts this very root",
            ("grep", "--quiet", f"root=UUID={root.uuid}", f"{TARGET}{menu}"),
        ),
        Run("name the root", ("e2label", root.path, LABEL)),
        _flush(),
        _chroot(
            "install GRUB for UEFI", "grub-install", *_GRUB_FINDS, "--target=x86_64-efi",
            "--efi-directory=/boot/efi", f"--bootloader-id={DEBIAN}", "--no-nvram",
        ),
        # Where firmware looks when it has no entry of its own, or has lost it.
        Run("make the folder of the removable path", ("mkdir", "-p", f"{efi}/BOOT")),
        Copy("GRUB at the removable path as well", f"{efi}/{DEBIAN}/grubx64.efi",
             f"{efi}/BOOT/BOOTX64.EFI"),
        *((Run("tell the firmware", entry, harmless=True),) if facts.efivars else ()),
        _chroot("install GRUB for the BIOS", "grub-install", *_GRUB_FINDS, "--target=i386-pc",
                disk.device),
        _flush(),
    )  # fmt: skip


def _flush() -> Run:
    return Run("write all to the disk", ("sync", "--file-system", TARGET))


def _chroot(words: str, *argv: str) -> Run:
    return Run(
        words,
        ("chroot", TARGET, "/usr/bin/env", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive",
         *argv),
    )  # fmt: skip
