"""The recipe's keys: their defaults, meanings and checks, the one source of all three.

`reading` fills these dataclasses and applies the checks, `--help` lists the meanings, and a test
holds democd.toml to both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from democd.recipe import checks
from democd.recipe.checks import Check

MEDIA = {"cd74": 650 * 1024 * 1024, "cd80": 737_280_000, "dvd": 4_700_000_000}
"""Bytes that each medium holds."""

SUITES = ("trixie", "bookworm")
"""Debian releases that a disc can be made of: 13 and 12."""

COMPONENTS = ("main", "contrib", "non-free", "non-free-firmware")
HISTORIES = ("none", "shallow", "bundle")
COMPRESSIONS = ("zstd", "xz", "lz4")
SERIAL_PORTS = ("com1", "com2", "none")
SPEEDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)  # what GRUB, Xen and Linux share


def _key(default: Any, doc: str, check: Check) -> Any:
    """Return the field of a key; `check` looks at its value, or at each item of a list."""
    return field(default=default, metadata={"doc": doc, "check": check})


@dataclass(frozen=True)
class Disc:
    """[disc]: what the ISO is called and must fit on."""

    name: str = _key("xendemo", "the ISO is dist/NAME.iso", checks.file_name)
    volume_id: str = _key(
        "XENDEMO", "how the initrd finds the disc: 1-32 of A-Z 0-9 _", checks.volume_id
    )
    title: str = _key("Xen Demo CD", "in Help, README.CD and the manifest", checks.words(1, 60))
    version: str = _key("", '"" = what `git describe` says', checks.words(0, 40))
    builder: str = _key("", '"" = the name of the user who builds', checks.words(0, 60))
    media: str = _key("cd80", "what it must fit: cd74, cd80 or dvd", checks.one_of(tuple(MEDIA)))
    reserve: int = _key(
        180, "MB of it that must be left, for what comes later", checks.between(0, 4700)
    )
    readme: str = _key(
        "README.CD", "docs/NAME.j2, the text of /README.CD",
        checks.found_in("docs", "text", ".j2"),
    )  # fmt: skip
    guests: str = _key("", "a folder of guests' kernels and xl files, for /guests", checks.folder)


@dataclass(frozen=True)
class Root:
    """[root]: which Debian, and which packages of it."""

    suite: str = _key("trixie", "Debian 13; bookworm (12) builds as well", checks.one_of(SUITES))
    mirror: str = _key("", '"" = Debian\'s own archives', checks.mirror)
    snapshot: str = _key(
        "http://snapshot.debian.org/archive/{archive}/{time}",
        "where --snapshot finds archives as they were", checks.snapshot,
    )  # fmt: skip
    components: tuple[str, ...] = _key(
        ("main",), "of the archive: main, contrib, non-free, non-free-firmware",
        checks.one_of(COMPONENTS),
    )  # fmt: skip
    packages: tuple[str, ...] = _key(
        ("base", "xen", "network", "tools", "devel", "remake"), "lists in rootfs/packages/",
        checks.found_in("rootfs/packages", "package list"),
    )  # fmt: skip
    extra: tuple[str, ...] = _key((), "further packages, by name", checks.package_name)


@dataclass(frozen=True)
class Kernels:
    """[kernels]: what to boot instead of the root's own; "" is found by what is in the files."""

    xen: str = _key("", "xen.gz, or xen as it was built", checks.file)
    install_tree: str = _key("", "Xen's dist/install: Xen and its tools", checks.folder)
    dom0: str = _key("", "the xen0 kernel: has XEN_DOM0", checks.file)
    dom0_modules: str = _key("", "what its modules_install left", checks.folder)
    guest: str = _key("", "the xenU kernel", checks.file)
    guest_modules: str = _key("", "what its modules_install left", checks.folder)


@dataclass(frozen=True)
class Layers:
    """[layers]: how the squashfs files are made."""

    compression: str = _key("zstd", "zstd, xz or lz4", checks.one_of(COMPRESSIONS))
    level: int = _key(12, "of zstd: 1-22", checks.between(1, 22))
    block: int = _key(
        256, "KiB: 4-1024, a power of two", checks.one_of(tuple(2**n for n in range(2, 11)))
    )


WELL_KNOWN_HASH = (
    "$6$xendemo$b5M0i6MU63nDHWl5LREiirG38BXni.1AJHoEw4Cn1W8hrrGnwvwUDY7DSEMD8a92OCsSVAUXn24HiQXB"
    "JMB1v."
)
"""Of `xendemo`, as ever (crypt(5), SHA-512)."""


@dataclass(frozen=True)
class Sources:
    """[sources]: the source of what is on the disc, as /usr/local/src of the running one."""

    enabled: bool = _key(False, "true: fetched from root.mirror; some 180 MB more", checks.anything)
    packages: tuple[str, ...] = _key(
        ("xen", "grub2", "busybox", "linux"), "Debian source packages", checks.package_name
    )
    xen: str = _key(
        "", "a Xen tree in place of Debian's: a folder, or git's URL#REF",
        checks.folder_or_repository,
    )  # fmt: skip
    trees: tuple[str, ...] = _key(
        (), "of your own kernels and guests, for `build.py sources`", checks.folder
    )
    history: str = _key(
        "shallow", "of that tree, if git has it: none, shallow or bundle",
        checks.one_of(HISTORIES),
    )  # fmt: skip


@dataclass(frozen=True)
class Login:
    """[login]: who gets in. With a password of one's own, sshd takes it from the network too."""

    password_hash: str = _key(
        WELL_KNOWN_HASH, "of root and user, from `openssl passwd -6`", checks.password_hash
    )


@dataclass(frozen=True)
class Initrd:
    """[initrd]: lists of modules in each initrd."""

    xen0: tuple[str, ...] = _key(
        ("disc", "hardware"), "lists in rootfs/modules/, for dom0 and plain Linux",
        checks.found_in("rootfs/modules", "module list"),
    )  # fmt: skip
    xenU: tuple[str, ...] = _key(  # noqa: N815 - the field's own name
        ("disc", "frontends"), "lists in rootfs/modules/, for guests",
        checks.found_in("rootfs/modules", "module list"),
    )  # fmt: skip
    net: tuple[str, ...] = _key(
        ("network",), "further ones where a network starts dom0 or plain Linux",
        checks.found_in("rootfs/modules", "module list"),
    )  # fmt: skip


@dataclass(frozen=True)
class RamRoot:
    """[ramroot]: dom0's system in memory, as part of its initrd, in place of layers and roles."""

    programs: tuple[str, ...] = _key(
        (), "lists in rootfs/programs/; [] = the root is layers",
        checks.found_in("rootfs/programs", "list of programs"),
    )  # fmt: skip
    overlays: tuple[str, ...] = _key(
        (), "overlays/ folders laid over it, lowest first",
        checks.found_in("overlays", "overlay", folder=True),
    )  # fmt: skip


@dataclass(frozen=True)
class Console:
    """[console]: the serial line beside the screen."""

    serial: str = _key("com1", "com1, com2 or none", checks.one_of(SERIAL_PORTS))
    speed: int = _key(115200, "baud", checks.one_of(SPEEDS))


@dataclass(frozen=True)
class Xen:
    """[xen]: the hypervisor's command line."""

    dom0_mem: str = _key("512M", "at most, with its unit", checks.memory)
    options: tuple[str, ...] = _key(
        (), "further options for Xen, in every entry", checks.boot_option
    )


@dataclass(frozen=True)
class Linux:
    """[linux]: the kernels' command line."""

    options: tuple[str, ...] = _key(
        (), "further options for Linux, in every entry", checks.boot_option
    )


@dataclass(frozen=True)
class Menu:
    """[menu]: what GRUB offers."""

    timeout: int = _key(10, "seconds; -1 waits for ever", checks.between(-1, 3600))
    default: str = _key("xen", "the entry booted after the timeout", checks.anything)
    entries: tuple[str, ...] = _key(
        ("xen", "xen-ip", "xen-safe", "linux"), "grub/entries/NAME.cfg.j2",
        checks.found_in("grub/entries", "menu entry", ".cfg.j2"),
    )  # fmt: skip
    more: tuple[str, ...] = _key(
        ("toram", "checkmedia", "graphics", "harddisk"), "in the submenu",
        checks.found_in("grub/entries", "menu entry", ".cfg.j2"),
    )  # fmt: skip


ROLES: Mapping[str, tuple[str, ...]] = {
    "dom0": ("common", "xendemo", "dom0"),
    "guest": ("common", "guest"),
    "plain": ("common", "xendemo", "plain"),
}
ROLES_DOC = "overlays/ folders of each role, lowest first"
ROLES_CHECK = checks.found_in("overlays", "overlay", folder=True)


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; `folder` is where its relative paths start.

    `roles` is empty if dom0's root is in memory.
    """

    folder: Path
    disc: Disc = Disc()
    root: Root = Root()
    kernels: Kernels = Kernels()
    layers: Layers = Layers()
    sources: Sources = Sources()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(ROLES))
    login: Login = Login()
    initrd: Initrd = Initrd()
    ramroot: RamRoot = RamRoot()
    console: Console = Console()
    xen: Xen = Xen()
    linux: Linux = Linux()
    menu: Menu = Menu()


SECTIONS: Mapping[str, Any] = {
    name: kind for name, kind in get_type_hints(Recipe).items() if name not in ("folder", "roles")
}
"""The dataclass of each section but [roles], whose keys a person may add to."""

LIST = tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """A key of the recipe, as `--help` shows it.

    Attributes:
        kind: `str`, `int`, `bool` or `tuple[str, ...]`.
        check: looks at the value, or at each item of a list.
    """

    section: str
    name: str
    kind: Any
    default: Any
    doc: str
    check: Check

    @property
    def path(self) -> str:
        """The key as `--set` takes it, `section.name`."""
        return f"{self.section}.{self.name}"


def role_key(role: str) -> Key:
    """Return the key of a role, one of the three or a person's own."""
    return Key("roles", role, LIST, ROLES.get(role, ()), ROLES_DOC, ROLES_CHECK)


def known_keys() -> dict[str, Key]:
    """Return every key by its path, in the order of the dataclasses."""
    found = []
    for section, kind in SECTIONS.items():
        hints = get_type_hints(kind)
        found += [
            Key(section, item.name, hints[item.name], item.default, **item.metadata)
            for item in fields(kind)
        ]
    found += [role_key(role) for role in ROLES]
    return {key.path: key for key in found}
