"""From GRUB's menu to the log-in under Xen: our initrd and services against live-boot's and stock.

Both discs have the same packages, Xen, kernel, GRUB and menu, are written by the same code, and
run in the same emulated machine. They differ in the initrd, in the root's services, and in how
the root is cut into squashfs files: one of live-build's making, or our layers.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import say
from benchmarks.build import PEER_ISO
from benchmarks.checkout import Checkout
from benchmarks.live_build import extract
from benchmarks.report import FOLDER, Row, ratio_row
from democd import layout
from democd.artifacts import DiscPlan, Initrd, Kernel, Layer, Own
from democd.errors import BuildError
from democd.host.qemu import Drive, Machine
from democd.host.running import started
from democd.smoke.console import Console
from democd.smoke.menu import Grub
from democd.stages import bootimg, disc, kernels, master
from democd.workspace import Workspace

# With 768, 832 or 1024 MiB QEMU's emulator takes 10 to 30 s, not 1 s, for Xen to unpack dom0's
# kernel: GRUB's translated code and Xen's buffers happen to share pages. From 896 to 1000 MiB they
# do not; a note says how long it took.
MEMORY = 960  # MiB
REPEATS = 2
WORDS = "boot=live components"
"""What live-build's own menu says to the kernel; it takes the place of our `role=dom0`."""


@dataclass(frozen=True)
class Boot:
    """Seconds from Enter in the menu to the log-in, and of them Xen's unpacking of the kernel."""

    login: float
    unpacking: float

    def __str__(self) -> str:
        return f"{self.login:.1f} s ({self.unpacking:.1f} s)"


def measure() -> tuple[list[Row], list[str]]:
    """Boot both discs and return the row and the notes."""
    if not PEER_ISO.exists():
        raise BuildError("there is no disc of live-build's yet", "first: -m benchmarks build")
    checkout = Checkout()
    checkout.lay()
    say("the discs to boot")
    made = checkout.result()
    ours, theirs = made.files.iso, FOLDER / "live-boot.iso"
    peer = _plan(checkout, made.plan, extract(PEER_ISO, FOLDER / "live-boot"))
    master.master(peer, theirs, lambda *_: None)
    boots: dict[Path, list[Boot]] = {ours: [], theirs: []}
    for number in range(REPEATS):
        for iso in boots:
            say(f"{iso.name}, boot {number + 1}")
            boots[iso].append(_boot(iso, FOLDER / f"{iso.stem}-{number + 1}.log"))
    row = ratio_row(
        "GRUB's menu to the log-in under Xen",
        statistics.mean(boot.login for boot in boots[ours]),
        statistics.mean(boot.login for boot in boots[theirs]),
        "live-boot, stock services",
        0.45,
    )
    shown = "; ".join(f"{iso.name}: {', '.join(map(str, each))}" for iso, each in boots.items())
    return [row], [
        f"boots: QEMU's emulator (TCG), one processor, {MEMORY} MiB, BIOS, CD; the mean of each "
        f"(in brackets what Xen took to unpack dom0's kernel): {shown}"
    ]


def _plan(checkout: Checkout, ours: DiscPlan, parts: dict[str, Path]) -> DiscPlan:
    """Return the peer's disc: live-build's squashfs, kernel and initrd, with our GRUB and Xen."""
    recipe, root, workspace = checkout.recipe, checkout.root(), Workspace(checkout.work)
    picked = kernels.pick(recipe, root, Own())
    with workspace.locked():
        boot = bootimg.build(workspace, root, recipe.disc.volume_id, recipe.console)
    kernel = Kernel(parts["kernel"], picked.dom0.release, picked.dom0.modules)
    return disc.plan(
        recipe=replace(recipe, disc=replace(recipe.disc, media="dvd")),
        version="peer",
        builder="benchmarks",
        root=root,
        kernels=replace(picked, dom0=kernel),
        layers=[Layer("filesystem", parts["squashfs"], root.made)],
        initrds=[Initrd("xen0", parts["initrd"])],
        menus={layout.GRUB_CFG: _menu(ours)},
        boot=boot,
        readme="",
    )


def _menu(plan: DiscPlan) -> str:
    """Return our menu with live-boot's words in it."""
    ours = next(file.source for file in plan.files if file.path == layout.GRUB_CFG)
    assert isinstance(ours, bytes)
    theirs = ours.decode().replace("role=dom0", WORDS)
    if theirs == ours.decode():
        raise BuildError("the menu no longer says role=dom0: boot.py must follow it")
    return theirs


def _boot(iso: Path, log: Path) -> Boot:
    """Boot the menu's default entry until `login:` stands on Xen's console."""
    machine = Machine((Drive(iso),), memory=MEMORY, accel="tcg")
    with started(machine) as running, Console.at(running.serial, log) as console:
        Grub(console).wait_for_menu()
        begun = console.transcript.seconds()
        console.press("\r")
        building = console.expect(r"Building a PV Dom0", 300).at
        unpacked = console.expect(r"Dom0 kernel: ", 300).at
        login = console.expect(r"login: ", 900, silence=600).at
        return Boot(login - begun, unpacked - building)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["boot"])
