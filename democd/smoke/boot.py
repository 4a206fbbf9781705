"""`build.py boot`: start a disc in QEMU, for a person to use or as a scripted check."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from democd.errors import BuildError, InputError, Mistakes
from democd.host.devices import attachment, nic_model
from democd.host.qemu import DEFAULT_MEMORY, Drive, Machine, Nic, accelerator
from democd.host.running import Running, started
from democd.smoke.console import Console
from democd.smoke.menu import Entry, Grub, find, menu_of

MEMORY_LEAST = 128  # MiB; below, GRUB itself has no room for Xen, kernel and initrd


@dataclass(frozen=True)
class BootOptions:
    """What to boot, and how.

    Attributes:
        iso: the disc.
        uefi: UEFI firmware (OVMF) in place of BIOS.
        attach: how the disc hangs in the machine, a name of `devices.ATTACHMENTS`.
        chipset: `pc` or `q35`.
        nic: the network card, a name of `devices.NICS`.
        entry: a menu entry: its number (1 is the first, `5>2` the second of the fifth's
            submenu), its name as in the recipe, or a part of its title; "" is the default entry.
        memory: MiB.
        show: a window or the serial console; "" takes a window where there is a display.
        check: boot by script to a login, check dom0, print a verdict.
        accel: "" takes KVM where it works.
        screenshot: PNG file of the screen at the login (with `check`).
        log: file that gets all that the serial console said.
    """

    iso: Path
    uefi: bool = False
    attach: str = "cdrom"
    chipset: Literal["pc", "q35"] = "pc"
    nic: str = "e1000"
    entry: str = ""
    memory: int = DEFAULT_MEMORY
    show: Literal["", "screen", "serial"] = ""
    check: bool = False
    accel: Literal["", "kvm", "tcg"] = ""
    screenshot: Path | None = None
    log: Path | None = None


def boot(options: BootOptions) -> int:
    """Boot a disc and return the exit code: of a check 0 or 1, else 0.

    Raises:
        InputError: the options do not fit together, or the ISO is not there.
        BuildError: QEMU is missing or does not start.
    """
    _refuse_mistakes(options)
    entry = find(menu_of(options.iso), options.entry) if options.entry else None
    machine = machine_for(options)
    if options.check:
        return _check(options, machine, entry)
    return _use(options, machine, entry)


def machine_for(options: BootOptions) -> Machine:
    """Return the machine that the options describe, with no window and a serial socket."""
    return Machine(
        (Drive(options.iso, options.attach),),
        firmware="uefi" if options.uefi else "bios",
        chipset=options.chipset,
        memory=options.memory,
        nics=(Nic(options.nic),),
        accel=accelerator(options.accel),
    )


def _refuse_mistakes(options: BootOptions) -> None:
    mistakes = []
    if not options.iso.is_file():
        mistakes.append((f"{options.iso}: no such file", "build it first: ./build.py"))
    for known, name in ((attachment, options.attach), (nic_model, options.nic)):
        try:
            known(name)
        except InputError as error:
            mistakes.append((error.message, error.hint))
    if options.memory < MEMORY_LEAST:
        mistakes.append((f"--memory {options.memory} is too little", f"{MEMORY_LEAST} at least"))
    if options.screenshot and not options.check:
        mistakes.append(("--screenshot goes with --check only", "add --check"))
    if options.show == "screen" and not _has_display():
        mistakes.append(("there is no display for a window", "use --serial"))
    if mistakes:
        raise Mistakes(mistakes)


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _use(options: BootOptions, machine: Machine, entry: Entry | None) -> int:
    """Give the machine to a person, in a window or on this terminal."""
    window = options.show == "screen" or (options.show == "" and _has_display())
    with tempfile.TemporaryDirectory(prefix="democd-") as folder:
        machine = replace(
            machine,
            display="gtk" if window else "none",
            serial="none" if window else "stdio",
            log=options.log or Path(folder) / "serial.log",
        )
        if not window:
            _say("serial console: Ctrl-A X leaves QEMU, Ctrl-A C gives its monitor and back")
        with started(machine) as running:
            if entry:
                chooser = threading.Thread(target=_press_entry, args=(running, entry), daemon=True)
                chooser.start()
            code = running.process.wait()
            if code != 0:
                raise BuildError(f"QEMU ended with code {code}", running.complaint())
    return 0


def _press_entry(running: Running, entry: Entry) -> None:
    """Choose a menu entry on the machine's keyboard, once its menu stands on the serial line."""
    log = running.machine.log
    for depth, place in enumerate(entry.path, 1):
        while log and _menus_in(log) < depth:
            if running.ended(0.2):
                return
        time.sleep(0.5)
        try:
            for key in ("home", *["down"] * place, "ret"):
                running.press(key)
                time.sleep(0.05)
        except BuildError as error:
            _say(f"the menu entry could not be chosen: {error.message}")
            return


def _menus_in(log: Path) -> int:
    return log.read_bytes().count(b"GNU GRUB") if log.exists() else 0


def _check(options: BootOptions, machine: Machine, entry: Entry | None) -> int:
    """Boot by script to a login, look for dom0, and print the verdict."""
    kind = f"{machine.firmware.upper()}, {machine.drives[0].attachment}, {machine.memory} MiB"
    _say(f"booting {options.iso.name} ({kind}, {machine.accel}); a login takes up to some minutes")
    try:
        with started(machine) as running, Console.at(running.serial, options.log) as console:
            try:
                facts = _log_in(console, entry)
            finally:
                if options.screenshot and not running.ended(0):
                    running.screenshot(options.screenshot)
    except InputError:
        raise
    except BuildError as error:
        _say(error.hint)
        _say(f"FAILED: {error.message}")
        return 1
    _say(f"passed: {facts}")
    return 0


def _log_in(console: Console, entry: Entry | None) -> str:
    """Bring a machine from its firmware to a working shell; return what to tell."""
    grub = Grub(console)
    grub.wait_for_menu()
    _tell(console, "GRUB's menu")
    if entry:
        grub.choose(entry)
    first = grub.started()
    under_xen = "XEN" in first.text
    _tell(console, "Xen" if under_xen else "Linux")
    console.login()
    at = console.transcript.seconds()
    _tell(console, "logged in")
    if not under_xen:
        return f"Linux {console.get('uname -r')} without Xen, logged in after {at:.0f} s"
    domains = console.get("xl list")
    if "Domain-0" not in domains:
        raise BuildError("`xl list` shows no Domain-0", domains)
    return f"Xen with Domain-0, logged in after {at:.0f} s"


def _tell(console: Console, what: str) -> None:
    _say(f"  {console.transcript.seconds():6.1f} s  {what}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
