"""What went wrong, read from a serial log: panics, oopses and refusals, named and located.

All here is pure. A log is a list of lines as `Transcript` writes them, `[ SECONDS] TEXT`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

AROUND = (12, 28)
"""Lines shown before what went wrong, and after."""

_TIME = re.compile(r"^\[ *([0-9.]+)\] ")
_XEN = re.compile(r"^\(XEN\) ?(?:\[[^\]]*\] ?)?")
_LINUX = re.compile(r"^\[ *\d+\.\d+\] ?")


@dataclass(frozen=True)
class Trouble:
    """What went wrong.

    Attributes:
        what: in one line, who failed first: `Xen panic: ...`, `dom0 kernel panic: ...`.
        where: function and address, or source line; "" if it is not told.
        line: its place in the log.
        fatal: the machine does not go on.
    """

    what: str
    where: str
    line: int
    fatal: bool


def diagnose(log: Sequence[str]) -> Trouble | None:
    """Return the trouble that a log tells of: the gravest, and of several the first."""
    lines = [_TIME.sub("", line, count=1) for line in log]
    begun = next((n for n, text in enumerate(lines) if _XEN.match(text)), len(lines))
    for kinds, part in ((_KINDS, lines), (_GRUB_KINDS, lines[:begun])):
        for pattern, name, fatal in kinds:
            for number, text in enumerate(part):
                if match := pattern.search(text):
                    return Trouble(*name(lines, number, match), number, fatal)
    return _restart(lines)


def excerpt(log: Sequence[str], line: int) -> tuple[str, ...]:
    """Return the lines around one, those with nothing on them left out."""
    before, after = AROUND
    around = log[max(0, line - before) : line + after]
    spoken = (text for text in around if _TIME.sub("", text, count=1).strip())
    return tuple(text[:300] for text in spoken if not _NOISE.search(text))


# --- who says what --------------------------------------------------------------------------------

Namer = Callable[[list[str], int, re.Match[str]], tuple[str, str]]


def _bare(text: str) -> str:
    """Return a line's own words, without the marks of Xen and Linux before them."""
    return _LINUX.sub("", _XEN.sub("", text.strip())).strip()


def _xen_panic(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
    """Xen frames its panics: `Panic on CPU 0:`, the message, a row of stars."""
    said = []
    for text in lines[number + 1 : number + 8]:
        if "*****" in text or not _XEN.match(text.strip()):
            break
        said.append(_bare(text))
    what = " ".join(word for word in said if word) or _bare(lines[number])
    return f"Xen panic: {what}", _rip(lines[:number], _XEN_RIP) or _source(what)


def _dom0_panic(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
    oops = next((t for t in lines[:number] if _OOPS.search(t) and not _XEN.match(t)), "")
    cause = f" ({_bare(oops)})" if oops else ""
    # A panic without an oops has its own trace below: its first entry that is no helper.
    where = _rip(lines[:number], _LINUX_RIP) or _caller(lines[number:])
    # dom0 tells Xen that it has crashed; a guest whose console is open here does not.
    crashed = any("Hardware Dom0" in text for text in lines[number:])
    who = "dom0 kernel panic" if crashed else "kernel panic"
    return f"{who}: {match[1].strip()}{cause}", where


def _crash(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
    """Xen tells on a line before it what the domain did not handle, and below it where."""
    before = [text for text in lines[max(0, number - 5) : number] if "Unhandled" in text]
    what = _bare(before[-1]) if before else _bare(match[0])
    who = "dom0" if match[1] == "0" else "the guest"
    return f"{who} crashed: {what}", _rip(lines[number : number + 6], _XEN_RIP)


def _oops(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
    return f"dom0 kernel oops: {_bare(match[0])}", _rip(
        lines[number : number + 40], _LINUX_RIP
    ) or _source(match[0])


def _as_it_is(who: str) -> Namer:
    def name(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
        return f"{who}: {_bare(match[0])}", _source(match[0])

    return name


def _disc_not_found(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
    devices = [text.split("init:")[1].strip() for text in lines[number + 1 : number + 9]
               if re.search(r"init: +/dev/", text)]  # fmt: skip
    seen = f"it sees {'; '.join(devices)}" if devices else "it sees no block device: no driver"
    return f"dom0's initrd cannot find the disc ({seen})", "rootfs/init"


def _disc_not_yet_found(lines: list[str], number: int, match: re.Match[str]) -> tuple[str, str]:
    return f"dom0's initrd does not find the disc {match[1]}", "rootfs/init"


def _restart(lines: list[str]) -> Trouble | None:
    """Find a second start of the machine that nobody has announced: a triple fault, for one."""
    begun = next((n for n, text in enumerate(lines) if _STARTED.search(text)), len(lines))
    again = next((n for n in range(begun, len(lines)) if "GNU GRUB" in lines[n]), None)
    if again is None:
        return None
    said = [_bare(text) for text in lines[:again] if _bare(text) and not _FIRMWARE.search(text)]
    what = "the machine started anew without a word (a triple fault?)"
    return Trouble(what, f"after: {said[-1]}" if said else "", again, True)


_XEN_RIP = re.compile(r"RIP: +[0-9a-f]{4}:\[<([0-9a-f]+)>\] ?(.*)")
_LINUX_RIP = re.compile(r"RIP: [0-9a-f]{4}:(\S+)()")
_FIRMWARE = re.compile(r"SeaBIOS|iPXE|Booting from|BdsDxe|GNU GRUB|^\s*[/\\|+-]|Press |GRUB")
_NOISE = re.compile(  # GRUB's menu, and what Console.run says to the shell
    r"\+-{20,}|Use the \^ and v|Press enter to boot|before booting or|previous menu\."
    r"|\] <c\d+[:=]|\] <over>$"
)
_STARTED = re.compile(r"\(XEN\) |Loading Xen|Loading Linux")
_OOPS = re.compile(
    r"(?:BUG: (?:unable to handle|kernel NULL)|kernel BUG at|Oops: |general protection fault"
    r"|invalid opcode: )[^\r\n]*"
)


def _rip(lines: Sequence[str], pattern: re.Pattern[str]) -> str:
    """Return the last RIP that a register dump names: symbol and address as far as it has them."""
    for text in reversed(lines):
        if match := pattern.search(text):
            address, symbol = match[1], match[2].strip()
            return f"{symbol} ({address})" if symbol else address
    return ""


def _caller(lines: Sequence[str]) -> str:
    """Return the first function of a call trace that is not one of panic's own."""
    for text in lines[:40]:
        match = re.search(r"\] +(?:\? )?([a-z_]\w*\+0x[0-9a-f]+/0x[0-9a-f]+)", text)
        if match and not re.match(r"(dump_stack|panic|vpanic|show_|__warn)", match[1]):
            return match[1]
    return ""


def _source(text: str) -> str:
    """Return a place like `common/domain.c:123` in a text."""
    match = re.search(r"[\w./-]+\.[chS]:\d+", text)
    return match[0] if match else ""


# The gravest first; a Xen panic comes after what caused it, so it is looked for first.
_KINDS: tuple[tuple[re.Pattern[str], Namer, bool], ...] = (
    (re.compile(r"Panic on CPU \d+:"), _xen_panic, True),
    (re.compile(r"Xen BUG at [^\r\n]*|Assertion '[^\r\n]*|FATAL (?:TRAP|PAGE FAULT)[^\r\n]*"),
     _as_it_is("Xen"), True),
    (re.compile(r"^ERR: [^\r\n]+"), _as_it_is("Xen's first steps"), True),
    (re.compile(r"Kernel panic - not syncing: ?([^\r\n]*)"), _dom0_panic, True),
    (re.compile(r"Domain (0) \(vcpu#\d+\) crashed[^\r\n]*"), _crash, True),
    (re.compile(r"Hardware Dom0 (?:crashed|shutdown|halted)[^\r\n]*"), _as_it_is("Xen"), True),
    (re.compile(r"init: cannot find the disc"), _disc_not_found, True),
    (re.compile(r"smoke: FAILED[^\r\n]*"), _as_it_is("dom0's init"), True),
    (re.compile(r"THIS DISC IS DAMAGED[^\r\n]*"), _as_it_is("dom0's initrd"), True),
    (_OOPS, _oops, False),
    (re.compile(r"Domain ([1-9]\d*) \(vcpu#\d+\) crashed[^\r\n]*"), _crash, False),
    (re.compile(r"init: waiting for the disc (\S+)"), _disc_not_yet_found, False),
    (re.compile(r"libxl: error: [^\r\n]*"), _as_it_is("xl"), False),
)  # fmt: skip

# Only before Xen's first word: what comes later says `error:` as well.
_GRUB_KINDS: tuple[tuple[re.Pattern[str], Namer, bool], ...] = (
    (re.compile(r'BdsDxe: (?:No bootable option|starting Boot\d+ "EFI Internal Shell")[^\r\n]*'
                r"|No bootable device[^\r\n]*"),
     _as_it_is("the firmware"), True),
    (re.compile(r"(?:^|\s)error: [^\r\n]+"), _as_it_is("GRUB"), True),
    (re.compile(r"GRUB runs, but it cannot find the disc[^\r\n]*"), _as_it_is("GRUB"), True),
)  # fmt: skip
