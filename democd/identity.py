"""Who made a disc, and which version it is: by hand in the recipe, else by git and the user.

Never by the host: its name on a disc would tell where it was built, and make two discs differ.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from democd import __version__
from democd.errors import BuildError
from democd.formats import iso
from democd.host.run import run
from democd.recipe import Recipe

LONGEST = 60  # characters; both stand in one 128-byte field of the volume descriptor


@dataclass(frozen=True)
class Identity:
    """A disc's version and the name of its builder, each one line of up to 60 characters."""

    version: str
    builder: str


def identify(recipe: Recipe) -> Identity:
    """Return the version and the builder's name that a disc of this recipe bears."""
    return Identity(_version(recipe), _builder(recipe))


def fingerprint(sums: bytes) -> str:
    """Return what stands for a disc among all others, in hexadecimal; no other's is the same.

    Args:
        sums: the content of its SHA256SUMS, which covers every other file.
    """
    return hashlib.sha256(sums).hexdigest()


def _version(recipe: Recipe) -> str:
    if recipe.disc.version:
        return recipe.disc.version
    # Inside another project's checkout git would describe that one.
    if _git(recipe.folder, "rev-parse", "--show-prefix") != "":
        return __version__
    described = _git(recipe.folder, "describe", "--always", "--dirty", "--tags")
    return _one_line(described or "") or __version__


def _builder(recipe: Recipe) -> str:
    if recipe.disc.builder:
        return recipe.disc.builder
    return _one_line(_git(recipe.folder, "config", "user.name") or "") or _login_name()


def _git(folder: Path, *words: str) -> str | None:
    """Return what git says, or None where there is no git or nothing to say."""
    try:
        return run(["git", "-C", folder, *words]).stdout.strip()
    except BuildError:
        return None


def _login_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without an account, as in some containers
        return "unknown"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]


def volume_of(recipe: Recipe, version: str, builder: str, date: int) -> iso.Volume:
    """Return the volume descriptor's fields.

    Args:
        recipe: the volume id, and the title.
        version: of the disc.
        builder: the name of who builds it.
        date: seconds since 1970, UTC: every time in the ISO.
    """
    application = f"{recipe.disc.title} {version}, built by {builder}"
    return iso.Volume(
        recipe.disc.volume_id,
        _descriptor_text(builder),
        _descriptor_text(f"democd {__version__}"),
        _descriptor_text(application),
        date,
    )


def _descriptor_text(text: str) -> str:
    """Return a text as a volume descriptor can hold it: ASCII, accents left off, 128 bytes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(plain.split())[: iso.TEXT_MAX]
