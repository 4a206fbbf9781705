"""What speaks against an installation onto an existing Linux: everything at once, with remedies."""

from __future__ import annotations

from xendemo.install import fstab
from xendemo.install.facts import Facts
from xendemo.install.source import Source
from xendemo.install.target import Place, Target

Pairs = list[tuple[str, str]]

SPARE = 4 << 20  # bytes that are left free, for directories and for the files of others
_KINDS = {"lvm": "LVM", "crypt": "LUKS", "mpath": "multipath"}


def target(found: Target) -> Pairs:
    """Return what speaks against a target, whatever is to be done there."""
    if found.top is None:
        return [(
            f"{found.named} is not the root of a mounted file system",
            "name the partition itself, or the folder that it is mounted at",
        )]  # fmt: skip
    pairs: Pairs = []
    if not found.system:
        pairs.append((f"there is no Linux in {found.named}", "it has no /etc/os-release"))
    for folder, spec in found.missing:
        told = f"its {folder} is on {spec}, which is not there"
        pairs.append((told, "attach that disk, or mount it"))
    for name, place in (("/", found.top), ("/boot", found.boot)):
        if place and place.readonly:
            pairs.append((f"{name} of {found.named} is mounted read-only", "mount it writable"))
    if found.trouble:
        pairs.append((found.trouble, "was a later disc's installer here? use that one"))
    return pairs


def installation(facts: Facts, found: Target, source: Source) -> Pairs:
    """Return what else speaks against copying Xen there and booting it."""
    if found.top is None or not found.system:
        return []
    pairs: Pairs = []
    if found.machine != facts.machine:
        pairs.append((
            f"its programs are for {found.machine or 'no machine known here'}, the disc's kernel"
            f" for {facts.machine}",
            "only a Linux of the same kind can be booted by it",
        ))  # fmt: skip
    pairs += _root(found, found.top, source)
    pairs += _boot(found)
    usr = fstab.of(found.entries, "/usr")
    if usr and found.usr and found.usr.device and found.usr.device.type in _KINDS:
        kind = _KINDS[found.usr.device.type]
        pairs.append((f"its /usr is on {kind}, which the disc's initrd does not open", _BY_HAND))
    pairs += _loader(found)
    there = found.has_modules
    ours = bool(found.record and found.modules in found.record.modules)
    if there and not ours and not same_modules(there, source.files):
        pairs.append((
            f"{found.modules} is there already, with other modules",
            "they belong to a kernel of the same name; only one of the two can be kept",
        ))  # fmt: skip
    return pairs


def same_modules(there: dict[str, int], wanted: dict[str, int]) -> bool:
    """Return whether a folder has all the modules that it should; indexes are made on the spot."""
    modules = {path: size for path, size in wanted.items() if path.startswith("kernel/")}
    return all(there.get(path) == size for path, size in modules.items())


def room(needs: dict[str, int], found: Target) -> Pairs:
    """Return where there is too little room.

    Args:
        needs: bytes for "/boot" and "/".
        found: the target.
    """
    if not (found.top and found.boot):
        return []
    if found.top.source == found.boot.source:
        needs = {"/": sum(needs.values())}
    pairs = []
    for name, need in needs.items():
        place = found.boot if name == "/boot" else found.top
        wanted = (need + SPARE + (1 << 20) - 1) >> 20
        if need and need + SPARE > place.free:
            pairs.append((
                f"{name} of {found.named} has {place.free >> 20} MiB free, and {wanted} MiB are"
                " needed",
                f"remove what is not needed there: {name} is on {place.source}",
            ))  # fmt: skip
    return pairs


_BY_HAND = "its own initramfs can: copy Xen there, and add an entry, by hand (README.CD)"


def _root(found: Target, top: Place, source: Source) -> Pairs:
    device = top.device
    if device is None:
        return [(f"its root is {top.source} ({top.fstype}), no block device", "name a partition")]
    kind = _KINDS.get(device.type, "an array (md)" if device.type.startswith("raid") else "")
    if kind:
        return [(f"its root is on {kind}, which the disc's initrd does not open", _BY_HAND)]
    pairs: Pairs = []
    if device.type == "loop" and found.root == "/":  # a disk's image may well be prepared so
        pairs.append((f"its root is in a file ({device.path})", "no machine would boot it"))
    if not device.uuid:
        told = f"the file system on {device.path} has no UUID"
        pairs.append((told, "give it one: tune2fs -U random"))
    if top.fstype not in source.can_mount:
        pairs.append((f"the disc's kernel cannot mount {top.fstype}", "there is no way around it"))
    return pairs


def _boot(found: Target) -> Pairs:
    boot = found.boot
    if boot and boot.device and boot.device.uuid:
        return []
    where = boot.source if boot else "nowhere"
    return [
        (f"its /boot is on {where}, which GRUB cannot be told by UUID", "mount its /boot first")
    ]


def _loader(found: Target) -> Pairs:
    if found.grub2 and found.legacy:
        files = ", ".join([*found.grub2.configs, *found.legacy])
        return [(
            f"{found.named} has menus of GRUB 2 and of legacy GRUB: {files}",
            "move those aside that nothing boots from",
        )]  # fmt: skip
    if not found.grub2 and not found.legacy:
        return [(
            f"{found.named} has no GRUB: neither grub.cfg nor menu.lst nor grub.conf",
            "install GRUB there first, or use --frugal with --boot",
        )]  # fmt: skip
    return []
