"""Builds discs as a person does, with ./build.py, for the tests that look at one."""

from __future__ import annotations

import sys
from pathlib import Path

from democd import recipe
from democd.artifacts import Root, Supplied
from democd.host.progress import Reporter
from democd.host.run import run
from democd.lockfile import Lock
from democd.stages import packages, root
from democd.supply import Supply
from democd.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[2]
BUILD = PROJECT / "build"
DIST = PROJECT / "dist"
BOOKWORM_ROOT = ("root.suite=bookworm", 'root.packages=["base", "xen", "network", "tools"]')
BOOKWORM = (*BOOKWORM_ROOT, "disc.name=bookworm", "layers.level=1")
"""A disc of Debian 12, packed quickly, without compilers and the builder: that takes long."""
TREE = ("disc.name=tree", "sources.enabled=true", 'sources.packages=["busybox"]')
"""A disc with an install tree, and with sources: one boot looks at both."""


def build(*overrides: str, profile: str = "", output: Path = DIST, folder: Path = BUILD) -> Path:
    """Bring the disc of the checkout's recipe, or of a profile, up to date, and return the ISO.

    Most of it is kept in the build folder from one test session to the next.

    Raises:
        BuildError: with what the build said.
    """
    words = [word for override in overrides for word in ("--set", override)]
    words += ["--profile", profile] if profile else []
    run(
        [
            sys.executable, PROJECT / "build.py", "build",
            "--output-dir", output, "--build-dir", folder, *words,
        ]
    )  # fmt: skip
    wanted = (
        recipe.load_profile(PROJECT, profile, overrides)
        if profile
        else recipe.load(PROJECT / "democd.toml", overrides)
    )
    return output / f"{wanted.disc.name}.iso"


def build_from(
    source: Path, *words: str | Path, output: Path, folder: Path = BUILD, home: Path | None = None
) -> Path:
    """Make a disc from a disc, as a person does, and return the new ISO.

    Args:
        home: of GnuPG, if the disc is to be signed.

    Raises:
        BuildError: with what the build said.
    """
    run(
        [
            sys.executable, PROJECT / "build.py", "build", "--from", source, *words,
            "--output-dir", output, "--build-dir", folder,
        ],
        env={"GNUPGHOME": str(home)} if home else {},
    )  # fmt: skip
    (iso,) = output.glob("*.iso")
    return iso


def kept_lock(*overrides: str) -> Lock:
    """Return which packages a disc that was built is made of, as the build folder keeps it."""
    wanted = recipe.load(PROJECT / "democd.toml", overrides)
    listed = packages.kept(Workspace(BUILD), wanted, Supply())
    assert listed, "no list of packages is kept"
    return listed


def kept_root(*overrides: str) -> Root:
    """Return the Debian root of a disc that was built, as the build folder keeps it."""
    wanted = recipe.load(PROJECT / "democd.toml", overrides)
    supplied = Supplied(kept_lock(*overrides), None)
    with Reporter(quiet=True).step("root", "the kept one") as step:
        return root.build(Workspace(BUILD), wanted, PROJECT, supplied, step)
