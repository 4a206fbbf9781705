"""From scratch, after an edit, and the disc's size: democd against live-build."""

from __future__ import annotations

import gzip
import shutil
import statistics
from collections.abc import Sequence

from benchmarks import live_build, say
from benchmarks.checkout import Checkout
from benchmarks.live_build import LiveBuild
from benchmarks.report import FOLDER, Row, limit_row, ratio_row
from democd.errors import BuildError

EDITS = {
    "an overlay file": ("overlays/dom0/etc/motd", "    xl vcpu-list      edit {}"),
    "a menu": ("grub/grub.cfg.j2", "# edit {}"),
}
REPEATS = 3
PEER_ISO = FOLDER / "live-build.iso"


def measure() -> tuple[list[Row], list[str]]:
    """Build both discs and return the rows and the notes."""
    live_build.require()
    checkout = Checkout()
    checkout.lay()
    checkout.forget()
    say("democd from scratch")
    ours = checkout.build()
    packages = checkout.root().packages
    size = next(checkout.output.glob("*.iso")).stat().st_size

    peer = LiveBuild(FOLDER / "live-build", checkout.recipe, checkout.packages(), checkout.root())
    say("live-build from scratch")
    try:
        theirs = peer.build()
        shutil.copyfile(peer.iso, PEER_ISO)
        peer_size = peer.iso.stat().st_size
        extra = _surplus(peer, {package.name for package in packages})
        say("live-build after an edit")
        again = peer.rebuild()
    finally:
        peer.remove()
    rows = [ratio_row("From scratch, downloads included", ours, theirs, "live-build", 0.45)]
    for what, (name, line) in EDITS.items():
        say(f"democd after an edit of {what}")
        seconds = _rebuild(checkout, name, line)
        rows.append(
            limit_row(
                f"After an edit of {what}", "s", seconds, again, "`lb clean --binary; lb binary`", 5
            )
        )
    say("democd with another xen.gz")
    rows.append(
        limit_row(
            "With another xen.gz, `--xen FILE`", "s", _with_xen(checkout), again,
            "`lb clean --binary; lb binary`", 1.5,
        )
    )  # fmt: skip
    rows.append(limit_row("The ISO", "MB", size / 1e6, peer_size / 1e6, "live-build", 300))
    notes = [
        f"{len(packages)} packages on democd's disc; {len(extra)} more on live-build's, "
        f"its own: {', '.join(extra)}",
        f"democd after an edit: the median of {REPEATS} builds; all else once",
    ]
    return rows, notes


def _rebuild(checkout: Checkout, name: str, line: str) -> float:
    """Return the seconds of a build after an edit: the median of a few, each with its own edit."""
    seconds = []
    for number in range(REPEATS):
        checkout.append(name, line.format(number))
        seconds.append(checkout.build())
    return statistics.median(seconds)


def _with_xen(checkout: Checkout) -> float:
    """Return the seconds of a build with a hypervisor that no build has seen: the median."""
    boot = checkout.root().parts / "boot"
    xen = gzip.decompress(next(boot.glob("xen-*.gz")).read_bytes())
    seconds = []
    for number in range(REPEATS):
        own = checkout.work / f"xen-{number}.gz"
        own.write_bytes(gzip.compress(xen, number + 1))  # the same Xen, other bytes
        seconds.append(checkout.build("--xen", own))
    return statistics.median(seconds)


def _surplus(peer: LiveBuild, ours: set[str]) -> Sequence[str]:
    """Return the packages that only live-build's disc has; refuse a disc that lacks one of ours.

    Raises:
        BuildError: the two are not comparable.
    """
    listed = next(peer.folder.glob("*.packages"))
    theirs = {line.split()[0].partition(":")[0] for line in listed.read_text().splitlines()}
    missing = ours - theirs
    if missing:
        raise BuildError("live-build's disc lacks packages: " + ", ".join(sorted(missing)))
    return sorted(theirs - ours)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["build"])
