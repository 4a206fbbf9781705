"""How long discs took to boot: what smoke runs keep of each machine, and reports tell.

A file for each disc and machine: a later boot of the same takes its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from democd import records
from democd.host.whole import write_whole

FORMAT = 1
KEPT = 100
"""Files that stay; the oldest go first."""
FILE_MAX = 1 << 16
"""Bytes of one."""
PROMPT = "prompt"
"""The last milestone: dom0's prompt, or its log-in's."""


@dataclass(frozen=True)
class Booted:
    """What a boot was of.

    Attributes:
        fingerprint: of the disc, as `identity.fingerprint` has it.
        recipe: what stands for its recipe, as `recipe_digest` has it.
        version: the disc's.
        xen: its hypervisor's version.
        kernels: its kernels' releases by name.
    """

    fingerprint: str
    recipe: str
    version: str
    xen: str
    kernels: Mapping[str, str]


@dataclass(frozen=True)
class Boot:
    """A boot of a machine, and what was tried on it.

    Attributes:
        disc: what was booted.
        machine: its name, as `build.py smoke --list` has it.
        accel: `kvm`, or `tcg`: emulated.
        memory: MiB of it.
        milestones: stages by name and the second at which each began, in their order; the last
            one is dom0's prompt if the boot came so far.
        cases: the verdict of each, by name.
    """

    disc: Booted
    machine: str
    accel: str
    memory: int
    milestones: Mapping[str, float]
    cases: Mapping[str, str]


def recipe_digest(about: Mapping[str, Any]) -> str:
    """Return what stands for the recipe that a manifest tells, whichever version was built of it.

    "" if it tells of none.
    """
    recipe = about.get("recipe")
    if not isinstance(recipe, dict) or not isinstance(recipe.get("disc"), dict):
        return ""
    disc = {key: it for key, it in recipe["disc"].items() if key not in ("version", "builder")}
    text = json.dumps({**recipe, "disc": disc}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def booted(about: Mapping[str, Any], fingerprint: str) -> Booted:
    """Return the disc of a manifest, as boots tell of it."""
    kernels = about.get("kernels")
    return Booted(
        fingerprint,
        recipe_digest(about),
        str(about.get("version", "")),
        str(about.get("xen", "")),
        {str(key): str(it) for key, it in kernels.items()} if isinstance(kernels, dict) else {},
    )


def text(boot: Boot) -> str:
    """Return a boot as it is kept."""
    return records.text(FORMAT, boot)


def keep(folder: Path, boot: Boot) -> None:
    """Write a boot into a folder, which is made if need be; it appears whole.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{boot.disc.fingerprint[:16]}-{boot.machine}.json"
    write_whole(path, text(boot))
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)


def kept(folder: Path) -> list[Boot]:
    """Return the boots of a folder, the last one first; what is no such file is left out."""
    found = (records.read(path, FORMAT, FILE_MAX, _told) for path in _newest_first(folder))
    return [boot for boot in found if boot]


def last_of(boots: list[Boot], disc: Booted) -> tuple[list[Boot], list[Boot]]:
    """Return the last boots of a disc, one for each machine, and those of others of its recipe.

    Args:
        boots: the last one first.
        disc: the one that is asked for.

    Another disc counts only with the same Xen and kernels, on a machine that this one was not
    booted on, and if it came to its prompt: what failed there says nothing of this one.
    """
    own = {boot.machine: boot for boot in reversed(boots) if _is_of(boot, disc)}
    others = {
        boot.machine: boot
        for boot in reversed(boots)
        if boot.machine not in own and _is_like(boot.disc, disc) and PROMPT in boot.milestones
    }
    return [own[name] for name in sorted(own)], [others[name] for name in sorted(others)]


def _is_of(boot: Boot, disc: Booted) -> bool:
    return boot.disc.fingerprint == disc.fingerprint


def _is_like(one: Booted, other: Booted) -> bool:
    same = (one.recipe, one.xen, dict(one.kernels)) == (
        other.recipe, other.xen, dict(other.kernels)
    )  # fmt: skip
    return same and bool(one.recipe)


def _newest_first(folder: Path) -> list[Path]:
    dated = []
    for path in folder.glob("[0-9a-f]*.json"):
        try:
            dated.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:  # another run has thrown it away
            continue
    return [path for _, path in sorted(dated, reverse=True)]


def _told(boot: Any) -> Boot:
    disc = boot["disc"]
    return Boot(
        Booted(
            str(disc["fingerprint"]), str(disc["recipe"]), str(disc["version"]),
            str(disc["xen"]), {str(key): str(it) for key, it in disc["kernels"].items()},
        ),
        str(boot["machine"]), str(boot["accel"]), int(boot["memory"]),
        {str(key): float(it) for key, it in boot["milestones"].items()},
        {str(key): str(it) for key, it in boot["cases"].items()},
    )  # fmt: skip
