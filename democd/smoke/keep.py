"""What is kept of a machine: serial log, screen, how to start it by hand, how long it took."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import replace
from pathlib import Path

from democd import boots
from democd.boots import Boot
from democd.host.qemu import OVMF_VARS, VARS, Drive, Machine, argv

LOG = "serial.log"
SCREEN = "screen.png"
SCRIPT = "qemu.sh"
BOOT = "boot.json"


def script(machine: Machine) -> str:
    """Return a shell script that starts a machine for a person, its serial line on the terminal."""
    drives = tuple(Drive(drive.path.resolve(), drive.attachment) for drive in machine.drives)
    by_hand = replace(machine, drives=drives, serial="stdio", log=None)
    words = [shlex.quote(word) for word in argv(by_hand, Path())]
    lines = [
        "#!/bin/sh",
        "# The machine of this smoke boot, to be used by hand: Ctrl-A X leaves QEMU, Ctrl-A C",
        "# gives its monitor and back. QEMU's own options may follow: -s -S lets gdb in.",
        "set -eu",
        "here=$(mktemp -d)",
        "trap 'rm -rf \"$here\"' EXIT",
        'cd "$here"',
    ]
    if machine.firmware == "uefi":
        lines.append(f"cp {shlex.quote(str(OVMF_VARS))} {VARS}")
    return "\n".join([*lines, f'{_broken(words)} "$@"', ""])


def _broken(words: list[str]) -> str:
    """Return a command with each option and its value on a line of their own."""
    text = words[0]
    for word in words[1:]:
        text += (" \\\n    " if word.startswith("-") else " ") + word
    return text


def keep_script(machine: Machine, folder: Path) -> None:
    """Write the script into a folder, executable."""
    path = folder / SCRIPT
    path.write_text(script(machine))
    path.chmod(0o755)


def keep_boot(folder: Path, kept: Path | None, boot: Boot) -> None:
    """Write how long a machine took to boot.

    Args:
        folder: of the machine's artifacts.
        kept: a folder for such files of all discs; one that cannot be written to gets none, for
            what a run is asked for are its verdicts.
        boot: what to write.
    """
    (folder / BOOT).write_text(boots.text(boot), encoding="utf-8")
    if kept:
        with contextlib.suppress(OSError):
            boots.keep(kept, boot)
