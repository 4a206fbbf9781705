"""A smoke disc that runs in QEMU, at the prompt of its dom0."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from democd.host.qemu import Drive, Machine, accelerator
from democd.host.running import Running, started
from democd.smoke.console import Console
from democd.smoke.transcript import plain
from tests.support.building import BUILD
from tests.support.lanes import LANE

ARTIFACTS = BUILD / "boot-tests"
PROMPT = r"smoke# "
GUESTS = "/etc/xen/guests"
LEAVE = "\x1d"  # Ctrl-]


class Bench:
    """The machine at its prompt; `log` has all that its serial line said."""

    def __init__(self, running: Running, console: Console, log: Path) -> None:
        self.running = running
        self.console = console
        self.log = log

    def ask(self, command: str, timeout: float = 120) -> str:
        """Type a command, and return what it prints."""
        self.console.press(f"{command}\r")
        said = plain(self.console.expect(PROMPT, timeout).before)
        return said.partition("\n")[2].strip()

    def in_guest(self, name: str, command: str, timeout: float = 120) -> str:
        """Type a command in a guest, and return what it prints."""
        prompt = rf"{name}:[~/]# "
        self.console.press(f"xl console {name}\r")
        self.console.expect(f"xl console {name}", 30)
        self.console.press("\r")
        self.console.expect(prompt, timeout)
        # The guest may have shown its prompt already: an answer then comes behind an empty line.
        self.console.press(f"{command}; echo over\r")
        said = plain(self.console.expect(r"\nover\r", timeout).before)
        self.console.press(LEAVE)
        self.console.expect(PROMPT, 30)
        return said


@contextmanager
def at_prompt(iso: Path, name: str) -> Iterator[Bench]:
    """Boot a smoke disc, and wait for its prompt; `name` is that of the log."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    log = ARTIFACTS / f"{name}.log"
    machine = Machine((Drive(iso),), nics=(), accel=accelerator())
    with (
        LANE,
        started(machine) as running,
        Console.at(running.serial, log) as console,
    ):
        console.expect("automatically in", 60)
        console.expect(PROMPT, 300)
        yield Bench(running, console, log)
