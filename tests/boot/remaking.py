"""Checks of a disc that makes discs."""

from __future__ import annotations

import re

from democd.digests import file_digest
from tests.boot.checks import PASSWORD
from tests.boot.domains import get_in, prepare_ssh, wait_for_ssh
from tests.boot.fleet import Visit
from tests.boot.media import SCRATCH

LAID_OVER = "etc/xendemo/laid-over"
"""A file of the overlay that `remade_iso` has."""
SIGNER, STRANGER = "ann@localhost", "eve@localhost"
KEYRING = "etc/xendemo/{}.asc"
"""Their public keys, in the same overlay: the first has signed that disc, the other has not."""


def what_was_laid_over_is_in_dom0(visit: Visit) -> None:
    assert visit.console.get(f"cat /{LAID_OVER}") == "laid over"
    assert "overlay.squashfs" in visit.console.get("losetup -l")


def the_copy_in_memory_is_whole_and_signed(visit: Visit) -> None:
    """All of it is read; and by sqv, which is Debian 13's, only the right key is believed."""
    done = visit.console.run(f"xendemo check --keyring /{KEYRING.format(SIGNER)}", 300)
    assert done.status == 0, done.text
    assert "the copy of the disc in memory" in done.text
    assert "all as it was made" in done.text
    assert re.search(r"signed by [0-9A-F]{40}", done.text)
    words = f"xendemo check README.CD --keyring /{KEYRING.format(STRANGER)}"
    strange = visit.console.run(words, 60)
    assert strange.status == 1
    assert "NOT TO BE TRUSTED: nobody whose key" in strange.text


def guests_have_it_too(visit: Visit) -> None:
    """With `toram`, after the disc was taken out: they start from the copy."""
    prepare_ssh(visit)
    visit.console.get("xendemo create", 300)
    wait_for_ssh(visit, 1)
    assert get_in(visit, 1, f"cat /{LAID_OVER}") == "laid over"
    visit.console.get("xendemo destroy guest1")


def the_disc_makes_itself(visit: Visit) -> None:
    """From the drive that it was booted from, onto a stick; it is the same disc by its sum.

    The stick was there at boot, and has the file system of most, which knows no links.
    """
    disc, _ = visit.running.machine.drives
    as_root = (
        f"mount LABEL={SCRATCH} /mnt && xendemo rebuild /mnt/new && sha256sum /mnt/new/xendemo.iso "
        "&& ls -A /mnt/new; umount /mnt"
    )
    said = visit.console.get(f"echo {PASSWORD} | su -c '{as_root}' 2>&1", timeout=1200)
    assert file_digest(disc.path) in said, said
    assert ".rebuild" not in said.splitlines()
