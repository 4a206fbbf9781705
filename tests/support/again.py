"""A second build, in all that should not matter unlike the first, and killed once on its way.

It is an ordinary user's, on a host of another Debian release, in another folder that no git knows,
30 hours later, with another umask, zone, language and name; from a lock; and, once the first has
fetched what it needs, without a network. So one long build shows that no privilege is needed, that
SIGKILL leaves nothing, that the cache is enough, and that same inputs make the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.traces import traces, wait_for
from tests.support.visitor import Visitor, invite

UNPACKED = "tmp/mmdebstrap.*/var/lib/dpkg/info/openssh-server.list"
PATIENCE = 1500
"""Seconds that a build may take beside others."""


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


@dataclass
class Again:
    """What came of it.

    Attributes:
        host: the userland that it was on.
        killed: the first try.
        iso: what the second made.
        scratch: what that left in build/tmp.
    """

    host: Path
    visitor: Visitor
    killed: Killed
    iso: Path
    scratch: list[Path]


def build_again(home: Path, host: Path, lock: str, said: tuple[str, ...]) -> Again:
    """Build so.

    Args:
        home: an empty folder, to be the user's.
        host: the userland of the host that it is on.
        lock: the lock that the build is from, as text.
        said: keys of the recipe that the first has from git.
    """
    visitor = invite(home, host)
    visitor.settle()
    (home / "project/democd.lock").write_text(lock)
    recipe = ["--recipe", "../project/democd.toml", "--locked"]  # see Visitor
    words = ["build", *recipe, *(word for pair in said for word in ("--set", pair))]
    killed = _killed(visitor, words)
    code = visitor.start(*words, "--offline", alone=True).wait(PATIENCE)
    assert code == 0, (home / "log").read_text()[-3000:]
    left = list((visitor.build_dir / "tmp").iterdir())
    return Again(host, visitor, killed, visitor.dist / "xendemo.iso", left)


def _killed(visitor: Visitor, words: list[str]) -> Killed:
    process = visitor.start(*words)
    reached = wait_for(
        lambda: any(visitor.build_dir.glob(UNPACKED)) or process.poll() is not None, PATIENCE
    )
    log = (visitor.home / "log").read_text()
    assert reached, log
    assert process.poll() is None, log
    before = traces(visitor.home)
    process.kill()
    process.wait()
    wait_for(lambda: not traces(visitor.home), 20)
    return Killed(before, traces(visitor.home), list((visitor.build_dir / "tmp").iterdir()))
