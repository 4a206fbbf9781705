"""A disc as it is built, taken apart and made again: by an ordinary user, and as we are.

Owners and modes are those of the disc, whoever unpacked it, and nothing that was not changed is
another byte. On another day, with another umask and language: see tests/support/visitor.py.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd import layout, remake
from democd.digests import file_digest
from democd.formats.isoread import open_disc
from democd.host.progress import Reporter
from democd.verify import verify
from tests.support.building import build_from
from tests.support.trees import layers_of, listing
from tests.support.visitor import Visitor, invite

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="xendemo-remake-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def disc(bookworm_iso: Path) -> Path:
    """Debian 12's, soon packed; but no user can unpack its programs with capabilities."""
    return bookworm_iso


@pytest.fixture(scope="module")
def visitor(folder: Path) -> Visitor:
    (folder / "home").mkdir()
    folder.chmod(0o755)
    return invite(folder / "home")


@pytest.fixture(scope="module")
def visitors(visitor: Visitor, built: Path) -> Path:
    """What the visitor has unpacked."""
    shutil.copyfile(built, visitor.home / "old.iso")
    does(visitor, "unpack", str(visitor.home / "old.iso"), str(visitor.home / "disc"))
    return visitor.home / "disc"


@pytest.fixture(scope="module")
def ours(folder: Path, disc: Path) -> Path:
    """What we have unpacked, who may be root."""
    remake.unpack(disc, folder / "disc", Reporter(quiet=True))
    return folder / "disc"


def does(visitor: Visitor, *words: str) -> None:
    assert visitor.start(*words).wait(600) == 0, (visitor.home / "log").read_text()[-3000:]


def initrds_of(iso: Path) -> list[bytes]:
    with open_disc(iso) as opened:
        return [opened.content(opened.files()[path]) for path in layout.INITRD.values()]


def test_an_ordinary_user_makes_the_same_disc(
    visitor: Visitor, visitors: Path, built: Path
) -> None:
    assert visitors.stat().st_uid == visitor.uid
    does(visitor, "build", "--from", str(visitors))
    assert file_digest(visitor.dist / built.name) == file_digest(built)


def test_what_an_ordinary_user_packs_anew_keeps_owners_and_modes(
    visitor: Visitor, visitors: Path, built: Path
) -> None:
    shutil.rmtree(visitors / ".democd/packed")
    does(visitor, "build", "--from", str(visitors))
    new = visitor.dist / built.name
    assert initrds_of(new) == initrds_of(built)
    for layer in layers_of(built):
        was = listing(built, layer)
        assert listing(new, layer) == was, layer
    assert any(entry.mode[3] == "s" for entry in listing(new, "base").values())
    assert any(entry.gid != 0 for entry in listing(new, "base").values())
    assert verify(new).ok


def test_we_make_the_same_disc(ours: Path, disc: Path, folder: Path) -> None:
    same = build_from(ours, output=folder / "same", folder=folder / "build")
    assert file_digest(same) == file_digest(disc)
    for path in (ours / ".democd/packed").glob("*"):
        if path.name != "base.squashfs":  # that one took long enough above
            path.unlink()
    anew = build_from(ours, output=folder / "anew", folder=folder / "build")
    assert initrds_of(anew) == initrds_of(disc)
    for layer in layers_of(disc):
        assert listing(anew, layer) == listing(disc, layer), layer


def test_root_can_be_edited_and_all_of_it_be_packed_in_another_way(
    ours: Path, disc: Path, folder: Path
) -> None:
    (ours / "root/etc/edited").write_text("by hand\n")
    (ours / "root/etc/edited").chmod(0o640)
    words = ("--set", "layers.level=2", "--set", "disc.reserve=0")
    new = build_from(ours, *words, output=folder / "edited", folder=folder / "build")
    found, was = listing(new, "base"), listing(disc, "base")
    edited = found.pop("etc/edited")
    assert (edited.uid, edited.gid) == (0, 0)
    assert edited.mode == ("-rw-r-----" if os.geteuid() == 0 else "-rw-r--r--")
    changed = {name for name in found if found[name] != was.get(name)}
    assert changed <= {"etc"}  # whose time may be another
    assert found.keys() == was.keys()
    assert verify(new).ok


def test_files_can_be_laid_over_the_disc_and_keys_be_set(disc: Path, folder: Path) -> None:
    over = folder / "over/etc/xendemo"
    over.mkdir(parents=True)
    (over / "mine").write_text("mine\n")
    words = ("--overlay", folder / "over", "--set", "disc.title=Mine", "--set", "menu.timeout=4")
    new = build_from(disc, *words, output=folder / "laid", folder=folder / "build")
    assert listing(new, "overlay").keys() == {"", "etc", "etc/xendemo", "etc/xendemo/mine"}
    told = json.loads(new.with_suffix(".manifest.json").read_text())
    assert (told["title"], told["roles"]["guest"][-1]) == ("Mine", "overlay")
    with open_disc(new) as opened:
        assert b"set timeout=4" in opened.content(opened.files()[layout.GRUB_CFG])
    assert verify(new).ok
