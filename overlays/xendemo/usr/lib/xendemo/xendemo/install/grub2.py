"""GRUB 2: our entry, and where it goes. Pure: texts in, texts out.

An entry stands in a script of /etc/grub.d, which prints it each time that the configuration is
generated; and, where the target has no generator, in grub.cfg itself between the lines that a
generator would put around it. So a generator that comes later finds nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xendemo.install.cmdline import Words

FOLDERS = ("/boot/grub", "/boot/grub2")
GENERATOR = "/etc/grub.d"
SCRIPTS = ("42_xendemo", "99_xendemo", "zz_xendemo")
TOOLS = (
    "/usr/sbin/grub-mkconfig",
    "/usr/sbin/grub2-mkconfig",
    "/usr/bin/grub-mkconfig",
    "/usr/bin/grub2-mkconfig",
    "/sbin/grub-mkconfig",
    "/sbin/grub2-mkconfig",
)
ID = "xendemo"
_MODULES = {"ext2": "ext2", "ext3": "ext2", "ext4": "ext2", "vfat": "fat"}
_TABLES = {"gpt": "part_gpt", "dos": "part_msdos"}
_BLOCK = re.compile(
    rf"\n?^### BEGIN {GENERATOR}/\w+_xendemo ###\n.*?^### END {GENERATOR}/\w+_xendemo ###\n",
    re.DOTALL | re.MULTILINE,
)
_PLAIN = re.compile(r"[\w@%+=:,./-]+")


@dataclass(frozen=True)
class Entry:
    """What an entry boots.

    Args:
        title: as the menu shows it.
        id: by which it can be named as the default.
        xen: version, for the line that is shown while it is loaded.
        linux: release, likewise.
        folder: of the three files, as GRUB finds it on its file system.
        uuid: of that file system.
        fstype: likewise.
        pttype: gpt or dos, of the disk that it is on; "" if that is not known.
        words: options; Linux's with root= and what belongs to it.
        unrestricted: GRUB asks for a password, but not for the other entries either.
        absolute: GRUB reads btrfs from its default subvolume (openSUSE), which is not wanted here.
        default: it becomes what is booted unless somebody chooses.
    """

    title: str
    xen: str
    linux: str
    folder: str
    uuid: str
    fstype: str
    pttype: str
    words: Words
    unrestricted: bool = False
    absolute: bool = False
    default: bool = False
    id: str = ID


def entry(made: Entry) -> str:
    """Return an entry as grub.cfg has it."""
    tables = [_TABLES[made.pttype]] if made.pttype in _TABLES else sorted(_TABLES.values())
    modules = [*tables, _MODULES.get(made.fstype, made.fstype)]
    modules += ["gzio", "multiboot2"]
    lines = [f"insmod {module}" for module in modules if module]
    lines += ["set btrfs_relative_path=n"] if made.absolute else []
    lines += [
        f"search --no-floppy --fs-uuid --set=root {made.uuid}",
        "# On UEFI, Xen must not look for the BIOS.",
        'set xen_uefi=""',
        'if [ "$grub_platform" = efi ]; then',
        '  set xen_uefi="no-real-mode edd=off"',
        "fi",
        f"echo {quoted(f'Loading Xen {made.xen} ...')}",
        f"multiboot2 {quoted(f'{made.folder}/xen.gz')} {_words(made.words.xen)} $xen_uefi",
        f"echo {quoted(f'Loading Linux {made.linux} ...')}",
        f"module2 {quoted(f'{made.folder}/vmlinuz-xen0')} {_words(made.words.linux)}",
        f"module2 --nounzip {quoted(f'{made.folder}/initrd')}",
    ]
    flags = "--unrestricted " if made.unrestricted else ""
    head = f"menuentry {quoted(made.title)} --class xen --class gnu-linux {flags}--id {made.id} {{"
    text = "\n".join([head, *(f"  {line}" for line in lines), "}"]) + "\n"
    if made.default:
        # At the end it wins over a number, a name or a saved entry; a boot once goes before it.
        text += f'if [ "$boot_once" != true ]; then\n  set default={made.id}\nfi\n'
    return text


def script(entries: str) -> bytes:
    """Return the program for /etc/grub.d that prints entries."""
    return (
        "#!/bin/sh\n"
        "# Prints the entry of /boot/xendemo for grub-mkconfig.\n"
        "# It comes from `xendemo install --into`, and `xendemo install --remove` takes it away.\n"
        f"cat <<'END_OF_XENDEMO'\n{entries}END_OF_XENDEMO\n"
    ).encode()


def script_name(others: Sequence[str]) -> str:
    """Return a name for it that comes behind all others: a default that is a number stays right."""
    taken = [name for name in others if name not in SCRIPTS]
    return next((name for name in SCRIPTS if all(name > other for other in taken)), SCRIPTS[-1])


def inserted(config: bytes, entries: str, name: str) -> bytes:
    """Return a grub.cfg with our entries at its end, in place of those that it may have.

    Args:
        config: the grub.cfg.
        entries: ours.
        name: of the script in /etc/grub.d, whose output this is as the generator writes it.
    """
    text = cut(config)
    if text and not text.endswith(b"\n"):
        text += b"\n"
    return text + block(entries, name).encode()


def block(entries: str, name: str) -> str:
    """Return entries between the lines that the generator puts around them."""
    return f"\n### BEGIN {GENERATOR}/{name} ###\n{entries}### END {GENERATOR}/{name} ###\n"


def has(config: bytes, entries: str) -> bool:
    """Return whether a grub.cfg has just these entries of ours."""
    found = _BLOCK.findall(config.decode("utf-8", "surrogateescape"))
    return len(found) == 1 and f"###\n{entries}### END" in found[0]


def sets_default(text: bytes, id: str = ID) -> bool:
    """Return whether a script of ours, or a grub.cfg with what it prints, makes it the default."""
    return bool(re.search(rb"^\s*set default=" + id.encode() + rb"$", text, re.MULTILINE))


def cut(config: bytes) -> bytes:
    """Return a grub.cfg without our entries."""
    text = config.decode("utf-8", "surrogateescape")
    return _BLOCK.sub("", text).encode("utf-8", "surrogateescape")


def is_stub(config: bytes) -> bool:
    """Return whether a grub.cfg only leads to another one, as that on an ESP may do."""
    text = config.decode("utf-8", "replace")
    return bool(re.search(r"^\s*(configfile|normal)\b", text, re.MULTILINE)) and not re.search(
        r"^\s*(menuentry|blscfg)\b", text, re.MULTILINE
    )


def asks_for_password(config: bytes) -> bool:
    """Return whether only a superuser may boot an entry that is not marked as unrestricted."""
    return bool(re.search(rb"^\s*set\s+superusers=", config, re.MULTILINE))


def lets_all_boot(config: bytes) -> bool:
    """Return whether entries are free for everybody although there is a password."""
    return not asks_for_password(config) or b"--unrestricted" in config


def quoted(word: str) -> str:
    """Return a word as GRUB's shell reads it back (GRUB manual, Quoting)."""
    if _PLAIN.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _words(words: Sequence[str]) -> str:
    return " ".join(map(quoted, words))
