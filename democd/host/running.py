"""A QEMU machine that runs: started, looked at, and ended with us."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from democd.errors import BuildError, InputError
from democd.host import qmp
from democd.host.qemu import OVMF_CODE, OVMF_VARS, QMP, SERIAL, VARS, Machine, argv
from democd.host.run import UMASK, dying_with_us, environment
from democd.host.tools import find_tool


class Running:
    """A machine that runs."""

    def __init__(self, machine: Machine, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.machine = machine
        self.folder = folder
        self.process = process

    @property
    def serial(self) -> Path:
        """The socket of the serial port."""
        return self.folder / SERIAL

    def qmp(self, name: str, **arguments: Any) -> Any:
        """Send a QMP command; see `qmp.command`."""
        return qmp.command(self.folder / QMP, name, **arguments)

    def screenshot(self, path: Path) -> Path:
        """Save the screen as a PNG file (QEMU 7.1 and later)."""
        self.qmp("screendump", filename=str(path.resolve()), format="png")
        return path

    def press(self, *keys: str) -> None:
        """Press keys together on the keyboard, by QEMU's names: `ret`, `down`, `ctrl`, `x`."""
        self.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in keys])

    def eject(self, number: int) -> None:
        """Take the medium out of drive `number`, even where the machine locked its door."""
        self.qmp("blockdev-open-tray", id=f"medium{number}", force=True)
        self.qmp("blockdev-remove-medium", id=f"medium{number}")

    def port(self, of_machine: int) -> int:
        """Return the port of 127.0.0.1 that leads to a forwarded port of the machine.

        Raises:
            BuildError: that port is not forwarded.
        """
        table = self.qmp("human-monitor-command", command_line="info usernet")
        for line in table.splitlines():
            words = line.split()
            if words and words[0].startswith("TCP[HOST_FORWARD") and int(words[5]) == of_machine:
                return int(words[3])
        raise BuildError(f"port {of_machine} of the machine is not forwarded")

    def ended(self, seconds: float) -> bool:
        """Wait until QEMU has ended, at most so many seconds; say whether it has."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def complaint(self) -> str:
        """Return what QEMU itself said on standard error."""
        said = self.folder / "stderr"
        return said.read_text(errors="replace").strip() if said.exists() else ""

    def stop(self) -> None:
        """End QEMU, at once: nothing in the machine is worth saving."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def started(machine: Machine) -> Iterator[Running]:
    """Start a machine, and end it when the block is left.

    It also dies with the thread that started it: keep that thread alive.

    Raises:
        InputError: a drive's file is missing.
        BuildError: QEMU or the firmware is not installed, or QEMU refused; its words are in the
            hint.
    """
    for drive in machine.drives:
        if not drive.path.is_file():
            raise InputError(f"{drive.path}: no such file")
    # Short and in /tmp: the path of a Unix socket holds 107 bytes at most (unix(7)).
    folder = Path(tempfile.mkdtemp(prefix="democd-", dir="/tmp"))
    try:
        if machine.firmware == "uefi":
            _copy_variables(folder / VARS)
        running = Running(machine, folder, _start(machine, folder))
        try:
            _await_control(running)
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_variables(target: Path) -> None:
    """Give the machine UEFI variables of its own, as a new board has them."""
    if not (OVMF_CODE.is_file() and OVMF_VARS.is_file()):
        raise BuildError("the UEFI firmware for QEMU is not installed", "apt install ovmf")
    shutil.copyfile(OVMF_VARS, target)


def _start(machine: Machine, folder: Path) -> subprocess.Popen[bytes]:
    words = argv(machine, folder)
    words[0] = find_tool(words[0])
    interactive = machine.serial == "stdio"
    window = {} if machine.display == "none" else _window_environment()
    with (folder / "stderr").open("wb") as errors:
        return subprocess.Popen(
            [*dying_with_us(), *words],
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=None if interactive or machine.display == "curses" else subprocess.DEVNULL,
            stderr=errors,
            env=environment(window),
            umask=UMASK,
        )


def _window_environment() -> dict[str, str]:
    names = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR")
    return {name: os.environ[name] for name in names if name in os.environ}


def _await_control(running: Running, patience: float = 60.0) -> None:
    """Wait until QEMU answers: then the whole machine is made; or until it has said why not."""
    deadline = time.monotonic() + patience
    while True:
        try:
            running.qmp("query-status")
            return
        except BuildError:
            if running.ended(0.05):
                raise BuildError("QEMU does not start this machine", running.complaint()) from None
            if time.monotonic() > deadline:
                raise
