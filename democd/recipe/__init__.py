"""The recipe: democd.toml as frozen dataclasses, with every mistake reported at once."""

from democd.recipe.given import Given
from democd.recipe.judge import load, recall
from democd.recipe.keys import (
    MEDIA,
    SUITES,
    WELL_KNOWN_HASH,
    Console,
    Disc,
    Initrd,
    Kernels,
    Key,
    Layers,
    Linux,
    Login,
    Menu,
    RamRoot,
    Recipe,
    Root,
    Sources,
    Xen,
    known_keys,
)
from democd.recipe.profiles import load_profile
from democd.recipe.record import as_toml, recorded

__all__ = [
    "MEDIA",
    "SUITES",
    "WELL_KNOWN_HASH",
    "Console",
    "Disc",
    "Given",
    "Initrd",
    "Kernels",
    "Key",
    "Layers",
    "Linux",
    "Login",
    "Menu",
    "RamRoot",
    "Recipe",
    "Root",
    "Sources",
    "Xen",
    "as_toml",
    "known_keys",
    "load",
    "load_profile",
    "recall",
    "recorded",
]
