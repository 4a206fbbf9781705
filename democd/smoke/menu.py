"""GRUB over the serial line: find an entry in the menu, choose it, edit it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from democd import layout
from democd.errors import BuildError, InputError
from democd.formats.isoread import open_disc
from democd.smoke.console import Console, Seen
from democd.smoke.fatal import GRUB_ERROR

# GRUB's keys on a terminal without a keypad (GRUB manual, "The menu interface").
FIRST, DOWN, END, KILL = "\x01", "\x0e", "\x05", "\x0b"
EDIT, COMMAND, BOOT = "e", "c", "\x18"

KERNEL_LINE = r"^\s*(linux|module2?)\s.*vmlinuz"
XEN_LINE = r"^\s*multiboot2?\s"
FIRST_WORDS = r"\(XEN\)|Linux version|\[ +\d+\.\d{6}\]"


@dataclass(frozen=True)
class Entry:
    """A menu entry.

    Attributes:
        title: as the menu shows it.
        name: its `--id`, or "".
        path: its place, from 0, in the menu and then in each submenu.
        body: its lines, those behind the brace first.
    """

    title: str
    name: str
    path: tuple[int, ...]
    body: tuple[str, ...]

    def number(self) -> str:
        """Return the place as a person counts it: `2`, or `5>1` in a submenu."""
        return ">".join(str(place + 1) for place in self.path)


@dataclass(frozen=True)
class Edit:
    """What to change with `e` before an entry is booted.

    Attributes:
        line: a regular expression; the first line of the entry that it fits is meant.
        append: words for the end of the line.
        replace: a whole line in place of it, or "".
    """

    line: str
    append: str = ""
    replace: str = ""

    def keys(self) -> str:
        """Return the keys that do it, the cursor being on the line."""
        if self.replace:
            return FIRST + KILL + self.replace
        return f"{END} {self.append}"


def menu_of(iso: Path) -> tuple[Entry, ...]:
    """Return the menu entries of a disc.

    Raises:
        InputError: the file is no ISO, or has no menu of ours.
    """
    try:
        with open_disc(iso) as disc:
            text = disc.content(disc.files()[layout.GRUB_CFG])
    except ValueError as error:
        raise InputError(f"{iso}: {error}") from error
    except KeyError:
        raise InputError(f"{iso} has no {layout.GRUB_CFG}") from None
    return entries(text.decode(errors="replace"))


def entries(grub_cfg: str) -> tuple[Entry, ...]:
    """Return the menu entries of a grub.cfg, those of submenus included, in order."""
    found: list[Entry] = []
    counts = [0]  # entries so far, in the menu and in each open submenu
    open_blocks: list[str] = []
    head: tuple[str, str] = ("", "")
    body: list[str] = []
    for line in grub_cfg.splitlines():
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        inside = "menuentry" in open_blocks
        if not inside and word in ("menuentry", "submenu") and line.rstrip().endswith("{"):
            open_blocks.append(word)
            head, body = _head(line), [""]
            if word == "submenu":
                counts[-1] += 1
                counts.append(0)
        elif not inside and line.rstrip().endswith("{"):
            open_blocks.append("block")
        elif line.strip() == "}" and open_blocks:
            closed = open_blocks.pop()
            if closed == "menuentry":
                path = (*(count - 1 for count in counts[:-1]), counts[-1])
                found.append(Entry(*head, path, tuple(body)))
                counts[-1] += 1
            elif closed == "submenu":
                counts.pop()
        elif inside:
            body.append(line)
    return tuple(found)


def _head(line: str) -> tuple[str, str]:
    """Return the title and the id on the line that opens an entry."""
    words = shlex.split(line.rstrip().removesuffix("{"))
    name = words[words.index("--id") + 1] if "--id" in words else ""
    return words[1], name


def find(menu: tuple[Entry, ...], wanted: str) -> Entry:
    """Return the entry with this number, name, or part of its title.

    Raises:
        InputError: there is none, or more than one.
    """
    exact = [entry for entry in menu if wanted in (entry.number(), entry.name, entry.title)]
    partly = [entry for entry in menu if wanted.lower() in entry.title.lower()]
    found = exact[:1] or partly
    if len(found) == 1:
        return found[0]
    problem = "fits several menu entries" if found else "is no menu entry"
    listing = "\n".join(f"{e.number():>4}  {e.name:<12} {e.title}" for e in found or menu)
    raise InputError(f"{wanted!r} {problem}", f"choose one by number or name:\n{listing}")


class Grub:
    """GRUB at work on a console."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def wait_for_menu(self, timeout: float = 180) -> Seen:
        """Wait until the menu stands."""
        self.console.expect(r"GNU GRUB +version", timeout, fatal=[GRUB_ERROR])
        return self.console.expect(r"automatically in|command-line|return previous", 60)

    def highlight(self, path: tuple[int, ...]) -> None:
        """Move to an entry; this stops the countdown."""
        for depth, place in enumerate(path):
            self.console.press(FIRST + DOWN * place)
            if depth < len(path) - 1:
                self.console.press("\r")
                self.wait_for_menu(60)

    def choose(self, entry: Entry, edits: Sequence[Edit] = ()) -> None:
        """Start an entry, after editing it as a person does with `e`.

        Raises:
            BuildError: the entry has no such line.
        """
        self.highlight(entry.path)
        if not edits:
            self.console.press("\r")
            return
        self.console.press(EDIT)
        self.console.expect(r"Minimum Emacs-like", 60)
        self.console.press(edit_keys(entry, edits))
        self.console.press(BOOT)

    def command_line(self, *commands: str) -> None:
        """Leave the menu for GRUB's command line and type commands; the last one may boot."""
        self.console.press(COMMAND)
        for command in commands:
            self.console.expect(r"grub> ", 60, fatal=[GRUB_ERROR])
            self.console.press(command + "\r")

    def started(self, timeout: float = 180) -> Seen:
        """Wait for the first words of what GRUB has started."""
        return self.console.expect(FIRST_WORDS, timeout, fatal=[GRUB_ERROR])


def edit_keys(entry: Entry, edits: Sequence[Edit]) -> str:
    """Return the keys that make the edits in GRUB's editor, from its first line on.

    Raises:
        BuildError: the entry has no such line.
    """
    keys, line = "", 0
    for target, typed in sorted((_line_of(entry, edit.line), edit.keys()) for edit in edits):
        keys += DOWN * (target - line) + typed
        line = target
    return keys


def _line_of(entry: Entry, pattern: str) -> int:
    """Return the place in GRUB's editor of an entry's line; line 0 there is `setparams`."""
    for number, line in enumerate(entry.body, 1):
        if re.search(pattern, line):
            return number
    raise BuildError(f"menu entry {entry.title!r} has no line like {pattern}")
