"""Questions, as plain numbered lines: they work on a screen and on a serial line alike."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping, Sequence

from xendemo.errors import InputError
from xendemo.install import iso_file, safety
from xendemo.install.devices import Device, walk
from xendemo.install.facts import Facts
from xendemo.install.options import (
    WAYS,
    Options,
    hostname_mistake,
    parse_size,
    password_mistake,
    say_size,
)

TRIES = 5  # wrong answers to one question
Judge = Callable[[str], str]  # an answer to why it is wrong, or ""
LINUX = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs")


def ask(facts: Facts) -> Options:
    """Ask for everything that is needed.

    Raises:
        InputError: nobody is there to answer, or there is nothing to install to.
    """
    if not sys.stdin.isatty():
        raise InputError("there is no terminal to ask on",
                         "say what is wanted: xendemo install --help")  # fmt: skip
    disc = facts.disc
    print(f"Install from {disc.volume} {disc.version}: Xen {disc.xen}, Linux {disc.kernel}.")
    print("Ctrl-C ends this at any time.")
    ways = list(WAYS)
    way = ways[choose("Where to?", [WAYS[name] for name in ways])]
    options = Options(way, _target(facts, way))
    if way == "disk":
        return _about_the_disk(facts, options)
    print("What boots by itself now stays so, unless you want otherwise.")
    return Options(way, options.target, default=yes("Shall Xen boot by itself?"))


def _about_the_disk(facts: Facts, options: Options) -> Options:
    device = facts.find(options.target)
    there = safety.content(device) if device else ""
    if there:
        print(f"\n{options.target} IS NOT EMPTY: {there}")
        if not yes("Is nothing of that wanted any more?"):
            raise InputError("nothing has been done", "choose another disk, or save what is on it")
    name = question("Host name of the new system", hostname_mistake, "xendemo")
    swap = question("Swap partition: a size such as 2G, or 0 for none", _size_mistake, "0")
    return Options(
        "disk",
        options.target,
        wipe=options.target if there else "",
        hostname=name,
        swap=parse_size(swap),
        password_hash=password(),
    )


def _target(facts: Facts, way: str) -> str:
    found = disks(facts) if way == "disk" else partitions(facts, way)
    thing = "disk" if way == "disk" else "partition with a file system"
    if not found:
        raise InputError(f"there is no {thing} that could be used", "see what there is: lsblk")
    device = found[choose("Which one?", [line(device) for device in found])]
    return (safety.place_of(device) if way == "into" else "") or device.path


def disks(facts: Facts) -> list[Device]:
    """Return the disks that may be installed to, if need be after emptying them."""
    return [
        device
        for device in facts.devices
        if device.type == "disk"
        and not safety.no_disk(facts, device)
        and not list(safety.in_the_way(facts, device))
        and not device.readonly
    ]


def partitions(facts: Facts, way: str) -> list[Device]:
    """Return the partitions that a Linux may be on; for `into`, mounted ones as well."""
    found = {}
    for device in walk(facts.devices):
        if device.fstype not in LINUX:
            continue
        wrong = safety.mistakes(facts, Options("into", device.path))
        if way == "frugal":
            wrong = iso_file.choose(facts, device.path)[1]
        elif safety.place_of(device) and len(wrong) == 1:
            wrong = []  # its folder is named in its place
        if not wrong:
            found[device.path] = device
    return list(found.values())


def line(device: Device) -> str:
    """Return what a person knows a device by: name, size, model, and what is on it."""
    about = " ".join(word for word in (device.transport, device.model, device.serial) if word)
    if device.type == "part":
        there = f"{device.fstype} {device.label}".strip()
        mounted = f", mounted at {device.mountpoints[0]}" if device.mountpoints else ""
        return f"{device.path}  {say_size(device.size)}  {there}{mounted}"
    there = safety.content(device) or "empty"
    return f"{device.path}  {say_size(device.size)}  {about or 'unknown model'}\n       {there}"


# --- asking ---------------------------------------------------------------------------------------


def choose(words: str, choices: Sequence[str]) -> int:
    """Have one of several chosen by its number; return its index."""
    print(f"\n{words}")
    for number, text in enumerate(choices, 1):
        print(f"  {number}  {text}")

    def wrong(answer: str) -> str:
        known = answer.isdecimal() and 1 <= int(answer) <= len(choices)
        return "" if known else f"type a number from 1 to {len(choices)}"

    return int(question("Number", wrong)) - 1


def yes(words: str) -> bool:
    """Ask something that is not so unless one says so."""
    return question(f"{words} (yes or no)", _yes_mistake, "no") == "yes"


def question(words: str, wrong: Judge, default: str = "") -> str:
    """Ask until the answer is possible.

    Raises:
        InputError: nobody answers, or never rightly.
    """
    for _ in range(TRIES):
        try:
            typed = input(f"{words}{f' [{default}]' if default else ''}: ").strip() or default
        except EOFError:
            raise InputError("nobody answers", "nothing has been done") from None
        reason = wrong(typed)
        if not reason:
            return typed
        print(f"  {reason}")
    raise InputError(f"no answer that is possible after {TRIES} tries", "nothing has been done")


def password() -> str:
    """Ask twice for root's new password, without showing it; return its hash.

    Raises:
        InputError: nobody answers, or never rightly.
    """
    from xendemo.install.password import hashed

    for _ in range(TRIES):
        try:
            first = getpass.getpass("New password of root: ")
            reason = password_mistake(first)
            if not reason and getpass.getpass("The same once more: ") != first:
                reason = "the two are not the same"
        except EOFError:
            raise InputError("nobody answers", "nothing has been done") from None
        if not reason:
            return hashed(first)
        print(f"  {reason}")
    raise InputError("no password that is possible", "nothing has been done")


def confirm(name: str, options: Options, names: Mapping[str, str]) -> None:
    """Have the target's name typed.

    Args:
        name: what is to be typed.
        options: may have it already.
        names: other names of devices.

    Raises:
        InputError: something else was typed.
    """
    if options.unattended:
        return
    typed = options.confirm
    if not typed:
        try:
            typed = input(f"To go on, type the name {name}: ").strip()
        except EOFError:
            typed = ""
    if typed not in (name, options.target) and names.get(typed, typed) != name:
        raise InputError(f"'{typed}' is not {name}", "nothing has been done")


def _yes_mistake(answer: str) -> str:
    return "" if answer in ("yes", "no") else "type yes or no"


def _size_mistake(answer: str) -> str:
    try:
        parse_size(answer)
    except ValueError as error:
        return str(error)
    return ""
