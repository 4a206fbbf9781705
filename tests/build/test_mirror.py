"""Mirrors that lie, lose their files or the thread: told in words, nothing of it kept, and the next
build, which asks an honest one, goes on.
"""

from __future__ import annotations

import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd.artifacts import Root
from democd.errors import BuildError
from democd.host import debs
from tests.support import mirror as mirrors
from tests.support.faults import BEGIN, Place, scratch_of
from tests.support.mirror import Fault, Mirror

pytestmark = pytest.mark.build

CANNOT = "error: Debian trixie cannot be fetched\n"
OTHER = "error: the mirror sent other bytes than it should have\n"
UNSIGNED = "error: the archive is not signed with Debian's keys\n"
INDEX, LIST = r"/InRelease$", r"/main/binary-amd64/(Packages|by-hash)"


@pytest.fixture(scope="module")
def mirror(root: Root) -> Iterator[Mirror]:
    """What the host's builds fetch from, by way of this process."""
    with tarfile.open(root.tar) as tar:
        sources = tar.extractfile("./etc/apt/sources.list")
        assert sources
        _, upstream, *_ = sources.readline().decode().split()
    with mirrors.serving(upstream) as mirror:
        yield mirror


def here(folder: Path, mirror: Mirror) -> Place:
    """A build of what is essential alone; it shall come as far as to the root."""
    keys = ("root.packages=[]", f"root.mirror=http://127.0.0.1:{mirror.port}")
    return Place(folder / "build", folder / "dist", keys)


def gets_all(place: Place) -> bool:
    """Build with all packages there, and end it where the root of them begins."""
    done = place.signalled(BEGIN, scratch_of("root"), signal.SIGKILL)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return "packages" in place.kept()


@pytest.fixture(scope="module")
def fetched(mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A build folder that has the list of packages, and all of them."""
    place = here(tmp_path_factory.mktemp("fetched"), mirror)
    mirror.honest()
    assert gets_all(place)
    return place


def fails(place: Place, told: str) -> str:
    done = place.run()
    assert done.returncode == 1, done.stderr
    assert told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 16, done.stderr
    assert not place.scratch()
    assert not list(place.output.iterdir())
    return done.stderr


@pytest.mark.parametrize(
    ("where", "fault", "told"),
    [
        (INDEX, mirrors.sends_other_bytes, UNSIGNED),
        (r"Release$", mirrors.has_it_not, CANNOT),
        (LIST, mirrors.has_it_not, CANNOT),
        (LIST, mirrors.sends_other_bytes, OTHER),
        (LIST, mirrors.cuts_off, OTHER),
    ],
    ids=lambda it: getattr(it, "__name__", None),
)
def test_of_what_there_is(
    mirror: Mirror, tmp_path: Path, where: str, fault: Fault, told: str
) -> None:
    """Its index, which is signed, and the list of packages, whose sum is in the index."""
    place = here(tmp_path, mirror)
    mirror.lie(where, fault)
    fails(place, told)
    assert not place.kept()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (mirrors.cuts_off, CANNOT),
        (mirrors.sends_less, OTHER),
        (mirrors.sends_more, OTHER),
        (mirrors.sends_other_bytes, OTHER),
        (mirrors.sends_another_file, OTHER),
        (mirrors.has_it_not, "error: the mirror no longer has 1 package\n"),
    ],
    ids=lambda it: getattr(it, "__name__", None),
)
def test_about_a_package(
    mirror: Mirror, fetched: Place, tmp_path: Path, fault: Fault, told: str
) -> None:
    """The others are kept, so the next build asks for that one alone."""
    cache = fetched.build / "cache/packages"
    mirror.honest()
    whole = {path.name for path in cache.glob("*.deb")}
    words = ("--cache", str(tmp_path / "cache"))
    place = Place(tmp_path / "build", tmp_path / "dist", fetched.keys, words)
    place.keep((fetched.build / "steps").iterdir())
    (tmp_path / "cache").mkdir()
    for path in cache.glob("*.deb"):
        (tmp_path / "cache" / path.name).hardlink_to(path)
    largest = max((tmp_path / "cache").glob("*.deb"), key=lambda path: path.stat().st_size)
    largest.unlink()
    before = place.kept()
    mirror.lie(r"\.deb$", fault)
    fails(place, told)
    assert {path.name for path in (tmp_path / "cache").glob("*.deb")} == whole - {largest.name}
    assert set(place.kept()) == set(before)  # the list itself is asked for anew when one is gone
    if fault is not mirrors.cuts_off:
        return
    mirror.honest()
    assert gets_all(place)
    assert len(mirror.asked) == 1
    assert {path.name for path in (tmp_path / "cache").glob("*.deb")} == whole


def test_that_sends_a_byte_now_and_then(mirror: Mirror, tmp_path: Path) -> None:
    """Builds wait for more for two minutes; here it is seconds."""
    mirror.lie(INDEX, mirrors.dribbles)
    source = f"deb http://127.0.0.1:{mirror.port} trixie main\n"
    with pytest.raises(BuildError, match="apt-get got next to nothing in 3 seconds"):
        debs.Debs(tmp_path / "apt", source, patience=3).update()
