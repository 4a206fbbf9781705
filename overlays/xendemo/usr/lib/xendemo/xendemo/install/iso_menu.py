"""The GRUB that gets the entry for the disc's file: that of a Linux which is there already.

As with an installation beside it (`into`), a script in its /etc/grub.d prints the entry, and its
own generator makes the menu; where it has none, the menu is changed between two marks. Ours have
names of their own, so that either can come and go without the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xendemo.install import grub2, loaders, menus, tree
from xendemo.install.grub2 import GENERATOR
from xendemo.install.iso_file import ENTRY
from xendemo.install.steps import Copy, Mount, Remove, Run, Step, Write
from xendemo.install.target import Target

SUFFIX = "_frugal"
ASIDE = ".xendemo"  # where the generator writes to first: it writes bit by bit
SYSTEM = ("/dev", "/proc", "/sys")  # what the generator looks at
PROGRAM = 0o755
_BLOCK = re.compile(
    rf"\n?^### BEGIN {GENERATOR}/\w+{SUFFIX} ###\n.*?^### END {GENERATOR}/\w+{SUFFIX} ###\n",
    re.DOTALL | re.MULTILINE,
)

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Menu:
    """A GRUB 2, as it was found.

    Args:
        named: what the person called its Linux.
        system: that Linux's name for itself.
        root: where it is mounted, or will be.
        mounts: what must be mounted for it, in order.
        configs: each grub.cfg that has a menu, as that Linux calls it: where it lies, its content
            and its mode.
        script: where the script that prints the entry lies, or shall; "" if it has no /etc/grub.d.
        printed: what that script is now, b"" if there is none.
        tool: its generator with its options, as it calls it itself; () to change menus by hand.
        language: that the generator shall speak.
        unrestricted: its entries are free for everybody although there is a password.
        trouble: what forbids to change it, with remedies.
    """

    named: str
    system: str
    root: str
    mounts: tuple[Mount, ...] = ()
    configs: tuple[tuple[str, str, bytes, int], ...] = ()
    script: str = ""
    printed: bytes = b""
    tool: tuple[str, ...] = ()
    language: str = ""
    unrestricted: bool = False
    trouble: tuple[tuple[str, str], ...] = ()

    def called(self) -> str:
        """Return it as a person would name it."""
        return f"{self.system} in {self.named}"


def read(target: Target, trouble: Pairs) -> Menu:
    """Return what there is, while the target is mounted."""
    found = target.grub2
    if found is None:
        return Menu(target.named, target.system, target.root,
                    trouble=(*trouble, _no_grub(target)))  # fmt: skip
    named = [(path, target.at(path), data) for path, data in found.configs.items()]
    script = ""
    if found.scripts is not None:
        there = loaders.programs(target.root, found.scripts)
        others = [name for name in there if not name.endswith(SUFFIX)]
        script = target.at(f"{GENERATOR}/{grub2.script_name(others)}{SUFFIX}")
    return Menu(
        named=target.named,
        system=target.system,
        root=target.root,
        mounts=target.mounts,
        configs=tuple((path, at, data, tree.mode(at)) for path, at, data in named),
        script=script,
        printed=(tree.read("/", script) or b"") if script else b"",
        tool=(found.tool, *found.flags) if found.tool and script else (),
        language=target.language,
        unrestricted=any(
            grub2.asks_for_password(data) and grub2.lets_all_boot(data)
            for data in found.configs.values()
        ),
        trouble=tuple(trouble),
    )


def _no_grub(target: Target) -> tuple[str, str]:
    if target.legacy:
        # It has no `loopback`; a list of a file's blocks would break when the file is moved.
        return (f"{target.named} has legacy GRUB ({', '.join(target.legacy)}), which has no command"
                " to open an .iso file",
                "it can start Xen from files of its own: --into; or name a Linux with GRUB 2:"
                " --boot DIR or PARTITION")  # fmt: skip
    hint = "name the Linux whose GRUB shall start the file: --boot DIR or PARTITION"
    return f"{target.named} has no GRUB 2: no grub.cfg with a menu", hint


def is_default(menu: Menu) -> bool:
    """Return whether a run before has made our entry the default."""
    return menus.grub2_default(menu.printed, (data for _, _, data, _ in menu.configs), ENTRY)


def adding(menu: Menu, entry: str) -> tuple[Step, ...]:
    """Return the steps that add an entry, none if it is there already.

    Args:
        menu: it has nothing in `trouble`.
        entry: as grub.cfg has it.
    """
    steps: list[Step] = []
    if menu.script and menu.printed != (wanted := grub2.script(entry)):
        words = "write the entry for the generator of GRUB's menu"
        steps.append(Write(words, menu.script, wanted, PROGRAM))
    name = menu.script.rpartition("/")[2] or f"{grub2.SCRIPTS[0]}{SUFFIX}"
    old = [config for config in menu.configs if not _has(config[2], entry)]
    if old and menu.tool:
        steps += _generated(menu, old)
    else:
        steps += [
            Write(f"add the entry to {path}", at, inserted(data, entry, name), mode, menu=True)
            for path, at, data, mode in old
        ]
    return (*menu.mounts, *steps) if steps else ()


def taking(menu: Menu) -> tuple[Step, ...]:
    """Return the steps that take the entry away, none if there is none."""
    steps: list[Step] = []
    if menu.printed:
        steps.append(Remove("take the entry from the generator of GRUB's menu", menu.script))
    with_it = [config for config in menu.configs if cut(config[2]) != config[2]]
    if with_it and menu.tool:
        steps += _generated(menu, with_it, gone=True)
    else:
        steps += [
            Write(f"take the entry out of {path}", at, cut(data), mode, menu=True)
            for path, at, data, mode in with_it
        ]
    return (*menu.mounts, *steps) if steps else ()


def _generated(
    menu: Menu, configs: list[tuple[str, str, bytes, int]], gone: bool = False
) -> list[Step]:
    """Return the steps by which the Linux's own generator makes its menus anew."""
    path, aside = configs[0][0] + ASIDE, configs[0][1] + ASIDE
    # Titles are in that Linux's language, and a default may be a title.
    command = ("env", "-u", "LC_ALL", f"LANG={menu.language or 'C'}", *menu.tool, "-o", path)
    steps: list[Step] = []
    if menu.root != "/":
        steps += [
            Mount(f"show it {folder}", folder, menu.root + folder, options="bind")
            for folder in SYSTEM
        ]
        command = ("chroot", menu.root, *command)
    words = f"have {menu.system} write a menu"
    steps.append(Run(words, command, undo=("rm", "-f", aside)))
    # A generator that fails halfway may say nothing of it.
    whole = f"### END {GENERATOR}/" if gone else f"{SUFFIX} ###"
    steps.append(Run("see that the menu is whole", ("grep", "-q", "-F", "-e", whole, aside)))
    steps += [
        Copy(f"put the new menu in its place, {path}", aside, at, mode, menu=True)
        for path, at, _, mode in configs
    ]
    return [*steps, Remove("take the draft away", aside)]


def inserted(config: bytes, entry: str, name: str) -> bytes:
    """Return a grub.cfg with our entry at its end, in place of one that it may have."""
    text = cut(config)
    if text and not text.endswith(b"\n"):
        text += b"\n"
    return text + grub2.block(entry, name).encode()


def cut(config: bytes) -> bytes:
    """Return a grub.cfg without our entry."""
    text = config.decode("utf-8", "surrogateescape")
    return _BLOCK.sub("", text).encode("utf-8", "surrogateescape")


def _has(config: bytes, entry: str) -> bool:
    found = _BLOCK.findall(config.decode("utf-8", "surrogateescape"))
    return len(found) == 1 and f"###\n{entry}### END" in found[0]
