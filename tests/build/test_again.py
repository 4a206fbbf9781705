"""A second build, in all that should not matter unlike the first, and killed once on its way.

It is an ordinary user's, on a host of another Debian release, in another folder that no git knows,
30 hours later, with another umask, zone, language and name; from a lock; and, once the first has
fetched what it needs, without a network. So one long build shows that no privilege is needed, that
SIGKILL leaves nothing, that the cache is enough, and that same inputs make the same bytes.
"""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from democd import lockfile, remake
from democd.digests import file_digest
from democd.host.progress import Reporter
from tests.support.building import kept_lock
from tests.support.traces import traces, wait_for
from tests.support.visitor import Visitor, invite

pytestmark = pytest.mark.build


@dataclass
class Killed:
    """A build that was killed while packages were being installed.

    Attributes:
        before, after: its processes and mounts, when it was killed and once they should be gone.
        scratch: what it left in build/tmp.
    """

    before: list[str]
    after: list[str]
    scratch: list[Path]


@pytest.fixture(scope="module")
def visitor(other_host: Path) -> Iterator[Visitor]:
    home = Path(tempfile.mkdtemp(prefix="xendemo-visitor-"))
    visitor = invite(home, other_host)
    visitor.settle()
    yield visitor
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def words(built: Path, visitor: Visitor) -> list[str]:
    """The build of the same disc: version and builder as the first has them from git."""
    manifest = json.loads(built.with_suffix(".manifest.json").read_text())
    same = [f"disc.{name}={manifest[name]}" for name in ("version", "builder")]
    lock = visitor.home / "project/democd.lock"
    lock.write_text(lockfile.text(kept_lock()))
    recipe = ["--recipe", "../project/democd.toml", "--locked"]  # see Visitor
    return ["build", *recipe, *(word for pair in same for word in ("--set", pair))]


@pytest.fixture(scope="module")
def killed(visitor: Visitor, words: list[str]) -> Killed:
    process = visitor.start(*words)
    unpacked = "tmp/mmdebstrap.*/var/lib/dpkg/info/openssh-server.list"
    reached = wait_for(
        lambda: any(visitor.build_dir.glob(unpacked)) or process.poll() is not None, 300
    )
    log = (visitor.home / "log").read_text()
    assert reached, log
    assert process.poll() is None, log
    before = traces(visitor.home)
    process.kill()
    process.wait()
    wait_for(lambda: not traces(visitor.home), 5)
    return Killed(before, traces(visitor.home), list((visitor.build_dir / "tmp").iterdir()))


@pytest.fixture(scope="module")
def second(visitor: Visitor, words: list[str], killed: Killed) -> Path:
    process = visitor.start(*words, "--offline", alone=True)
    code = process.wait(900)
    assert code == 0, (visitor.home / "log").read_text()[-3000:]
    return visitor.dist / "xendemo.iso"


def test_nothing_outlives_a_build_that_is_killed(killed: Killed) -> None:
    assert len(killed.before) > 3  # the build, mmdebstrap and what it runs in the root
    assert any("mount" in trace or "dpkg" in trace for trace in killed.before), killed.before
    assert killed.after == []


def test_the_next_build_goes_on_and_clears_what_is_left(
    visitor: Visitor, killed: Killed, second: Path
) -> None:
    assert killed.scratch  # it was indeed in the middle
    assert list((visitor.build_dir / "tmp").iterdir()) == []
    assert second.is_file()


def test_an_ordinary_user_can_build(visitor: Visitor, second: Path) -> None:
    if visitor.uid == 0:
        pytest.skip("this host lets no ordinary user have namespaces of their own")
    assert second.stat().st_uid == visitor.uid
    assert {path.name for path in visitor.dist.iterdir()} == {
        "xendemo.iso", "xendemo.iso.sha256", "xendemo.manifest.json", "xendemo.spdx.json",
    }  # fmt: skip


def test_it_was_on_another_host(other_host: Path) -> None:
    ours = platform.freedesktop_os_release().get("VERSION_CODENAME")
    theirs = (other_host / "usr/lib/os-release").read_text()
    assert "\nVERSION_CODENAME=" in theirs
    assert f"\nVERSION_CODENAME={ours}\n" not in theirs


def test_same_inputs_same_bytes(built: Path, second: Path) -> None:
    assert second.parent != built.parent
    if file_digest(second) != file_digest(built):
        found = remake.compare(built, second, Reporter(quiet=True))
        pytest.fail(remake.report(found), pytrace=False)
    for suffix in (".manifest.json", ".spdx.json"):
        assert second.with_suffix(suffix).read_bytes() == built.with_suffix(suffix).read_bytes()
