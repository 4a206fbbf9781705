"""A place to unpack discs of strangers in, which tells if anything happened outside of the target.

::

    neighbour       a file beside all
    inside/         disc.iso, and tree/, which appears or not
    build/ out/     what `build --from` works in
"""

from __future__ import annotations

import os
import resource
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from democd import remake
from democd.errors import BuildError
from democd.host.progress import Reporter
from democd.remake import Wanted, apart
from democd.workspace import Workspace

QUIET = Reporter(quiet=True)
NOBODY = 65534
SECONDS_MAX = 30
MEMORY_MAX = 2 << 30
"""Bytes that the process may ever have taken."""
BESIDE = ("iso", "iso.sha256", "manifest.json", "spdx.json", "previous.json")
"""How the files end that a build leaves."""
ESCAPES = ("/tmp/escaped", "/escaped", "/tmp/inside")


class Sandbox:
    """Tries discs; counts those that were unpacked, made again, and refused."""

    def __init__(self) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="xendemo-hostile-"))
        self.inside = self.top / "inside"
        self.unpacked = self.made = self.refused = 0

    @property
    def tried(self) -> int:
        """Discs so far."""
        return self.unpacked + self.refused

    def __enter__(self) -> Sandbox:
        self.top.chmod(0o755)
        self.inside.mkdir()
        (self.top / "neighbour").write_text("untouched\n")
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.top, ignore_errors=True)

    def attempt(self, disc: bytes, *, build: bool = True, unprivileged: bool = False) -> None:
        """Unpack a disc, and make one of it if that went well; fails where harm is done."""
        iso, tree = self.inside / "disc.iso", self.inside / "tree"
        shutil.rmtree(tree, ignore_errors=True)  # of a disc that failed
        iso.write_bytes(disc)
        iso.chmod(0o644)
        begun = time.monotonic()
        with nobody(self.inside) if unprivileged else nullcontext():
            went_well = _goes_well(lambda: remake.unpack(iso, tree, QUIET))
        assert tree.exists() == went_well
        if went_well:
            self.unpacked += 1
            self._look_into(tree)
            if build:
                self.build(tree)
        else:
            self.refused += 1
        took = time.monotonic() - begun
        assert took < SECONDS_MAX, f"{took:.0f} s"
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 < MEMORY_MAX
        self._look_around({"disc.iso", "tree"})

    def build(self, tree: Path) -> None:
        """Make a disc of a folder, with one key changed so that menus are made, too."""
        for overrides in ((), ("menu.timeout=8",)):
            wanted = Wanted(tree, overrides=overrides)
            self.made += _goes_well(
                lambda wanted=wanted: remake.build(
                    wanted,
                    workspace=Workspace(self.top / "build"),
                    output=self.top / "out",
                    reporter=QUIET,
                )
            )
            self._look_around({"disc.iso", "tree"})

    def _look_around(self, known: set[str]) -> None:
        """Nothing is outside of the target, and no scratch folder is left."""
        assert {path.name for path in self.inside.iterdir()} <= known
        assert {path.name for path in self.top.iterdir()} <= {"neighbour", "inside", "build", "out"}
        assert (self.top / "neighbour").read_text() == "untouched\n"
        for path in (self.top / "out").glob("*"):
            assert path.name.partition(".")[2] in BESIDE, path
        for name in ESCAPES:
            assert not os.path.lexists(name), name

    @staticmethod
    def _look_into(tree: Path) -> None:
        for above, folders, files in os.walk(tree):
            for name in [*folders, *files]:
                kind = stat.S_IFMT(os.lstat(Path(above, name)).st_mode)
                assert kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK), Path(above, name)


def _goes_well(act: Callable[[], object]) -> bool:
    """Whether something is done; if not, it must be refused with a message, and in no other way."""
    try:
        act()
    except BuildError as error:
        if not error.message.strip():
            raise AssertionError("refused without a word") from error
        return False
    return True


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be an ordinary user who owns a folder, for a while."""
    os.chown(folder, NOBODY, NOBODY)
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def may_be_nobody() -> bool:
    """Whether these tests run as root, in a checkout that is not closed to others."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder, nobody(Path(folder)):
        return os.access(apart.TEXT, os.R_OK, effective_ids=True)
