"""From GRUB's menu to the log-in under Xen: our initrd and services against live-boot's and stock.

Both discs have the same packages, Xen, kernel, GRUB and menu, are written by the same code, and
run in the same emulated machine. They differ in the initrd, in the root's services, and in how
the root is cut into squashfs files: one of live-build's making, or our layers.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

from benchmarks import say
from benchmarks.build import PEER_ISO
from benchmarks.checkout import Checkout
from benchmarks.live_build import extract
from benchmarks.report import FOLDER, Row, ratio_row
from democd import layout
from democd.artifacts import DiscPlan, Initrd, Kernel, Layer
from democd.errors import BuildError
from democd.host.qemu import Drive, Machine
from democd.host.running import started
from democd.smoke.console import Console
from democd.smoke.menu import Grub
from democd.stages import bootimg, disc, kernels
from democd.workspace import Workspace

# With some sizes of memory QEMU's emulator takes 15 s, not 1 s, for Xen to unpack dom0's kernel:
# GRUB's translated code and Xen's buffers happen to share pages. Not with this one.
MEMORY = 960  # MiB
REPEATS = 2
WORDS = "boot=live components"
"""What live-build's own menu says to the kernel; it takes the place of our `role=dom0`."""


def measure() -> tuple[list[Row], list[str]]:
    """Boot both discs and return the row and the notes."""
    if not PEER_ISO.exists():
        raise BuildError("there is no disc of live-build's yet", "first: -m benchmarks build")
    checkout = Checkout()
    checkout.lay()
    say("the discs to boot")
    made = checkout.result()
    ours, theirs = made.iso, FOLDER / "live-boot.iso"
    peer = _plan(checkout, made.plan, extract(PEER_ISO, FOLDER / "live-boot"))
    disc.master(peer, theirs, lambda *_: None)
    times: dict[Path, list[float]] = {ours: [], theirs: []}
    for number in range(REPEATS):
        for iso in times:
            say(f"{iso.name}, boot {number + 1}")
            times[iso].append(_boot(iso, FOLDER / f"{iso.stem}-{number + 1}.log"))
    row = ratio_row(
        "GRUB's menu to the log-in under Xen",
        statistics.mean(times[ours]),
        statistics.mean(times[theirs]),
        "live-boot, stock services",
        0.45,
    )
    shown = "; ".join(" and ".join(f"{s:.1f} s" for s in each) for each in times.values())
    return [row], [
        f"boots: QEMU's emulator (TCG), one processor, {MEMORY} MiB, BIOS, CD; means of {shown}"
    ]


def _plan(checkout: Checkout, ours: DiscPlan, parts: dict[str, Path]) -> DiscPlan:
    """Return the peer's disc: live-build's squashfs, kernel and initrd, with our GRUB and Xen."""
    recipe, root, workspace = checkout.recipe, checkout.root(), Workspace(checkout.work)
    picked = kernels.pick(recipe, root)
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


def _boot(iso: Path, log: Path) -> float:
    """Return the seconds from Enter in the menu to `login:` on Xen's console."""
    machine = Machine((Drive(iso),), memory=MEMORY, accel="tcg")
    with started(machine) as running, Console.at(running.serial, log) as console:
        Grub(console).wait_for_menu()
        begun = console.transcript.seconds()
        console.press("\r")
        return console.expect(r"login: ", 900, silence=600).at - begun


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["boot"])
