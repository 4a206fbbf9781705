"""Way 3: the disc as a file on a partition, and an entry in a Linux's GRUB that starts it."""

from __future__ import annotations

from dataclasses import dataclass

from xendemo.errors import InputError, Mistakes
from xendemo.install import iso_file, iso_menu, iso_peek, judge, menus, reach
from xendemo.install.facts import Facts
from xendemo.install.iso_file import ISO, Found
from xendemo.install.iso_menu import Menu
from xendemo.install.options import Options
from xendemo.install.steps import Plan


@dataclass(frozen=True)
class Seen:
    """All that a plan depends on, besides facts and options.

    Args:
        found: the partition for the file.
        menu: the GRUB for the entry.
    """

    found: Found
    menu: Menu


def look(facts: Facts, options: Options) -> Seen:
    """Look into the partition, and at the Linux whose GRUB gets the entry; change nothing.

    Raises:
        Mistakes: they cannot be what is meant.
        Failure: one of them cannot be mounted.
    """
    device, mistakes = iso_file.choose(facts, options.target)
    if device is None or mistakes:
        raise Mistakes(mistakes)
    found = iso_peek.look(device, facts.disc)
    with reach.target(facts, options.boot or device.path) as target:
        return Seen(found, iso_menu.read(target, judge.target(target)))


def plan(facts: Facts, options: Options, seen: Seen) -> Plan:
    """Return what will be done.

    Raises:
        Mistakes: all that speaks against it.
    """
    found, menu = seen.found, seen.menu
    if mistakes := [*iso_file.judge(facts, found), *menu.trouble]:
        raise Mistakes(mistakes)
    disc, device = facts.disc, found.device
    was = iso_menu.is_default(menu)
    entry = iso_file.entry(facts, device, menu.unrestricted, options.default or was)
    adding = iso_menu.adding(menu, entry)
    title = iso_file.title(disc)
    gets = f"{'gets' if adding else 'has'} the entry “{title}”"
    boot = f" --boot {options.boot}" if options.boot else ""
    steps = (*iso_file.copying(found, disc), *adding)
    return Plan(
        title=f"the disc as a file on {device.path}, started by the GRUB of {menu.called()}",
        words=(
            f"{iso_file.described(device)} keeps all that is on it",
            f"{ISO} is {iso_file.becomes(found, disc)} there",
            f"the GRUB of {menu.called()} {gets}",
            menus.about_default(options.default, was),
        ),
        steps=(iso_file.known(device), iso_file.mount(device), *steps) if steps else (),
        confirm=device.path,
        after=(
            f"restart without the disc, and choose “{title}”",
            f"to take it away: xendemo install --frugal {options.target}{boot} --remove",
        )
        if steps
        else (),
        undo=True,
        log=iso_file.LOG if steps else "",
    )


def removal(facts: Facts, options: Options, seen: Seen) -> Plan:
    """Return what takes the file and the entry away.

    Raises:
        Mistakes: all that speaks against it.
        InputError: there is nothing to take away.
    """
    found, menu = seen.found, seen.menu
    wrong = iso_file.strangers(facts, found)
    if wrong or (menu.configs and menu.trouble):
        raise Mistakes([*wrong, *menu.trouble])
    # The entry goes first: there is never one that leads nowhere.
    steps = (*iso_menu.taking(menu), *iso_file.taking(found))
    if not steps:
        place = f"{found.device.path} has no {ISO}"
        raise InputError(f"{place}, and the GRUB of {menu.called()} no entry for it",
                         "if another Linux's GRUB has it, name that: --boot")  # fmt: skip
    return Plan(
        title=f"take the disc's file from {found.device.path}, and its entry from GRUB",
        words=(
            f"{iso_file.described(found.device)} keeps everything else",
            f"the GRUB of {menu.called()} starts what it started before",
        ),
        steps=(iso_file.known(found.device), iso_file.mount(found.device), *steps),
        confirm=found.device.path,
        after=(),
        undo=True,
    )
