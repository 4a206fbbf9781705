"""The disc makes itself: in the root of its own layers, its own builder, without a network.

Where the host's kernel cannot mount an ISO, the disc is a file; a boot test has it at /cdrom.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.digests import file_digest
from democd.errors import BuildError
from democd.host.run import run
from democd.verify import verify
from tests.support.trees import Trees

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def scratch(built: Path) -> Iterator[Path]:
    """A scratch disk with the disc as a file."""
    folder = Path(tempfile.mkdtemp(prefix="xendemo-rebuild-"))
    shutil.copyfile(built, folder / "old.iso")
    yield folder
    shutil.rmtree(folder)


def on_the_disc(trees: Trees, scratch: Path, script: str) -> str:
    """Run a script in dom0's root with a scratch disk at /mnt."""
    return trees.in_root("dom0", script, layers=("xendemo",), scratch=scratch)


def test_an_unchanged_disc_is_the_same_disc(trees: Trees, built: Path, scratch: Path) -> None:
    script = """
        ! ip route | grep .
        xendemo rebuild /mnt/new --from /mnt/old.iso 2>&1
        ls -A /mnt/new
    """
    said = on_the_disc(trees, scratch, script)
    assert file_digest(scratch / "new/xendemo.iso") == file_digest(built), said
    made = [f"xendemo.{end}" for end in ("iso", "iso.sha256", "manifest.json", "spdx.json")]
    assert said.split()[-4:] == made


def test_all_of_it_packed_anew_is_the_same_disc(trees: Trees, built: Path, scratch: Path) -> None:
    """By the disc's own mksquashfs; so whoever takes a change back has the disc they had."""
    script = """
        xendemo unpack /mnt/disc --from /mnt/old.iso
        rm /mnt/disc/.democd/packed/*
        xendemo rebuild /mnt/anew --from /mnt/disc
        rm -r /mnt/disc
    """
    said = on_the_disc(trees, scratch, script)
    assert file_digest(scratch / "anew/xendemo.iso") == file_digest(built), said


def test_changes_are_on_the_new_disc(trees: Trees, scratch: Path) -> None:
    script = """
        mkdir -p /root/mine/etc
        echo mine >/root/mine/etc/mine
        cd /root
        xendemo rebuild /mnt --from /mnt/old.iso --overlay mine \\
            --set disc.version=mine --set disc.name=mine
    """
    on_the_disc(trees, scratch, script)
    new = scratch / "mine.iso"
    verdict = verify(new)
    assert verdict.ok, verdict
    layer = scratch / "overlay"
    run(["xorriso", "-osirrox", "on", "-indev", new, "-extract", "/live/overlay.squashfs", layer])
    assert run(["unsquashfs", "-cat", layer, "etc/mine"]).stdout == "mine\n"


def test_no_room_is_told(trees: Trees, scratch: Path) -> None:
    script = """
        mount -t tmpfs -o size=64M tmpfs /srv
        ! xendemo rebuild /srv --from /mnt/old.iso 2>/srv/said
        cat /srv/said
        ls -A /srv
    """
    said = on_the_disc(trees, scratch, script)
    assert "/srv has 64 MiB of room" in said
    assert said.split()[-1] == "said"


def test_what_is_no_disc_is_refused(trees: Trees, scratch: Path) -> None:
    with pytest.raises(BuildError) as failed:
        on_the_disc(trees, scratch, "xendemo rebuild /mnt --from /etc/passwd")
    assert "not an ISO 9660 volume" in failed.value.hint
