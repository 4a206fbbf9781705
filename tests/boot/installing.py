"""What the boot tests of the installer share: a machine with disks, and `xendemo install` in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from democd.host.qemu import Drive, Machine, accelerator
from democd.host.running import Running, started
from democd.smoke.console import Console, Output
from democd.smoke.transcript import plain
from tests.boot import disks
from tests.support.building import BUILD

FOLDER = BUILD / "boot-tests" / "installer"
# All that a person could miss: content, kind, mode, owner and name of each file; not times.
_TREE = (
    "find . -xdev -type f -exec sha256sum {} + | sort -k 2;"
    " find . -xdev -printf '%y %m %U:%G %l %p\\n' | sort"
)
LONG = 1200  # seconds that an emulated machine may take for an installation


@dataclass
class Bench:
    """A machine that runs the disc, with root logged in; `log` has what it said."""

    running: Running
    console: Console
    log: Path

    def attach(
        self, path: Path, name: str, fault: disks.Fault | None = None, log: Path | None = None
    ) -> str:
        """Plug a disk in, and return the machine's path of it."""
        disks.attach(self.running, path, name, fault, log)
        return disks.device(self.console, name)

    def install(self, words: str, typed: str = "") -> Output:
        """Run `xendemo install` where nobody can be asked; `typed` is what would be typed."""
        confirm = f" --confirm {typed}" if typed else ""
        return self.console.run(f"xendemo install {words}{confirm}", LONG)

    def follow(self, command: str, typed: str, password: str) -> Output:
        """Type a command as it is written, and answer what it asks.

        Args:
            command: what is typed.
            typed: the answer to whether it may go on.
            password: for a new system.
        """
        answers = (
            (r"type the name \S+: ", f"{typed}\r"),
            (r"New password of root: ", f"{password}\r"),
            (r"The same once more: ", f"{password}\r"),
            (r"Number: ", "\x04"),  # nobody is there
        )
        self.console.press(f'{command}; echo "<ov"er:$?">"\r')
        said = ""
        while True:
            seen = self.console.expect([*(ask for ask, _ in answers), r"<over:\d+>"], LONG)
            said += seen.before + seen.text
            if seen.index == len(answers):
                return Output(int(seen.text[6:-1]), plain(said))
            self.console.press(answers[seen.index][1])

    def look(self, partition: str, command: str) -> str:
        """Run a command in a partition's top folder; nothing is written there."""
        return self.console.get(
            f"mkdir -p /run/look && mount -o ro,noload {partition} /run/look && cd /run/look"
            f" && {{ {command}; }}; cd /; umount /run/look",
            600,
        )

    def tree(self, partition: str) -> str:
        """Return a digest of all that is on a partition with an ext file system.

        What differs from the one before, of whichever partition, is in the machine's log.
        """
        self.keep_tree(partition, "/run/tree-new")
        self.console.run(
            "touch /run/tree; diff /run/tree /run/tree-new | head -20; mv /run/tree-new /run/tree"
        )
        return self.console.get("sha256sum </run/tree").split()[0]

    def keep_tree(self, partition: str, path: str) -> None:
        """Keep the same in a file of the machine, where it is too long for a serial line."""
        self.look(partition, f"{{ {_TREE}; }} >{path}")


@contextlib.contextmanager
def running_disc(
    iso: Path, name: str, *drives: Drive, firmware: Literal["bios", "uefi"] = "bios"
) -> Iterator[Bench]:
    """Start the disc; further disks can be plugged in."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Never written to: it only brings the controller that the others hang on.
    first = drives or (Drive(disks.blank(FOLDER / "nothing.img", 1 << 20), "virtio-scsi"),)
    log = FOLDER / f"{name}.log"
    machine = Machine(
        (Drive(iso), *first), firmware=firmware, nics=(), accel=accelerator(), memory=900
    )
    with started(machine) as running, Console.at(running.serial, log) as console:
        console.login()
        yield Bench(running, console, log)
