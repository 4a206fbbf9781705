"""The recipe as a disc keeps it, so that the disc can be changed without the recipe's file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from democd.recipe.keys import WELL_KNOWN_HASH, Recipe, known_keys

UNTOLD = (
    "root.mirror",  # may hold a password
    "root.snapshot",  # likewise
    "disc.guests",
    "kernels.xen",
    "kernels.install_tree",
    "kernels.dom0",
    "kernels.dom0_modules",
    "kernels.guest",
    "kernels.guest_modules",
    "sources.xen",
)
"""Keys that no disc tells: secrets, and paths of the builder, by which two discs would differ."""

OWN_PASSWORD = "own"
"""In place of the hash of a password that is not the one everybody knows: the disc itself shows
that to root alone."""

OF_THE_PROJECT = (
    "disc.readme",
    "root.packages",
    "login.password_hash",
    "initrd.xen0",
    "initrd.xenU",
    "initrd.net",
    "ramroot.programs",
    "ramroot.overlays",
    "menu.entries",
    "menu.more",
)
"""Keys, beside the roles, that name parts of a project, which need not be here to change a disc."""


def recorded(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return every key of a recipe but those of `UNTOLD`, by section and name, as JSON has it."""
    keys = [key for key in known_keys().values() if key.section != "roles"]
    told: dict[str, dict[str, Any]] = {}
    for key in keys:
        if key.path not in UNTOLD:
            value = getattr(getattr(recipe, key.section), key.name)
            told.setdefault(key.section, {})[key.name] = _plain(value)
    if recipe.login.password_hash != WELL_KNOWN_HASH:
        told["login"]["password_hash"] = OWN_PASSWORD
    told["roles"] = {name: list(of) for name, of in sorted(recipe.roles.items())}
    return told


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def as_toml(told: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a recorded recipe as TOML; its strings are JSON's, which TOML reads alike."""
    lines = []
    for section, keys in told.items():
        lines += [f"[{section}]", *(f"{name} = {_toml(value)}" for name, value in keys.items()), ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
