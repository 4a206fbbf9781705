"""Profiles: recipes that come with the project, chosen by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from democd.errors import InputError
from democd.recipe.checks import choice
from democd.recipe.given import Given
from democd.recipe.judge import load
from democd.recipe.keys import Recipe

FOLDER = "profiles"


def names(project: Path) -> list[str]:
    """Return the names of all profiles, sorted: `smoke` is profiles/smoke.toml."""
    return sorted(path.stem for path in (project / FOLDER).glob("*.toml"))


def load_profile(
    project: Path, name: str, overrides: Sequence[str] = (), options: Sequence[Given] = ()
) -> Recipe:
    """Read a profile as a recipe whose relative paths start at the project; see `load`.

    Raises:
        InputError: there is no such profile; the hint names those there are.
        Mistakes: as `load`.
    """
    known = names(project)
    if name not in known:
        hint = choice(name, known) if known else f"{project / FOLDER}/ has none"
        raise InputError(f"there is no profile {name!r}: {FOLDER}/{name}.toml", hint)
    return load(project / FOLDER / f"{name}.toml", overrides, project, options)
