"""Checks of a disc that makes discs."""

from __future__ import annotations

from democd.workspace import file_digest
from tests.boot.checks import PASSWORD
from tests.boot.fleet import Visit


def the_disc_makes_itself(visit: Visit) -> None:
    """From the drive that it was booted from, in memory; as it is the same disc, so is its sum."""
    (disc,) = visit.running.machine.drives
    as_root = "xendemo rebuild /tmp/new && sha256sum /tmp/new/xendemo.iso && ls -A /tmp/new"
    said = visit.console.get(f"echo {PASSWORD} | su -c '{as_root}' 2>&1", timeout=1200)
    assert file_digest(disc.path) in said, said
    assert ".rebuild" not in said.splitlines()
