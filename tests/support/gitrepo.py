"""Made-up git repositories of Xen."""

from __future__ import annotations

import subprocess
from pathlib import Path

MAKEFILE = """\
export XEN_VERSION       = 4
export XEN_SUBVERSION    = 21
export XEN_EXTRAVERSION ?= -unstable$(XEN_VENDORVERSION)
export XEN_FULLVERSION   = $(XEN_VERSION).$(XEN_SUBVERSION)$(XEN_EXTRAVERSION)
"""


def git(folder: Path, *words: str) -> str:
    """Run git in a folder as Ann, and return what it printed."""
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
    argv = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def commit(top: Path, name: str, content: str) -> str:
    """Commit a file, and return the commit's id."""
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    git(top, "add", "--", name)
    git(top, "commit", "--quiet", "-m", f"change {name}")
    return git(top, "rev-parse", "HEAD").strip()
