"""The recipe: democd.toml as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MEDIA = {"cd74": 650 * 1024 * 1024, "cd80": 737_280_000, "dvd": 4_700_000_000}
"""Bytes that each medium holds."""


@dataclass(frozen=True)
class Disc:
    name: str = "xendemo"
    volume_id: str = "XENDEMO"
    title: str = "Xen Demo CD"
    version: str = ""
    builder: str = ""
    media: str = "cd80"


@dataclass(frozen=True)
class Root:
    suite: str = "trixie"
    mirror: str = ""
    components: tuple[str, ...] = ("main",)
    packages: tuple[str, ...] = ("base", "xen", "network", "tools")
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernels:
    xen: str = ""
    dom0: str = ""
    guest: str = ""


@dataclass(frozen=True)
class Layers:
    compression: str = "zstd"
    level: int = 15
    block: int = 256


@dataclass(frozen=True)
class Initrd:
    xen0: tuple[str, ...] = ("disc", "hardware")
    xenU: tuple[str, ...] = ("disc", "frontends")


@dataclass(frozen=True)
class Console:
    serial: str = "com1"
    speed: int = 115200


@dataclass(frozen=True)
class Xen:
    dom0_mem: str = "512M"
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Linux:
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Menu:
    timeout: int = 10
    default: str = "xen"
    entries: tuple[str, ...] = ("xen", "xen-ip", "xen-safe", "linux")
    more: tuple[str, ...] = ("toram", "checkmedia", "graphics", "harddisk")


@dataclass(frozen=True)
class Recipe:
    """A whole recipe; `folder` is where its relative paths start."""

    folder: Path
    disc: Disc = Disc()
    root: Root = Root()
    kernels: Kernels = Kernels()
    layers: Layers = Layers()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    initrd: Initrd = Initrd()
    console: Console = Console()
    xen: Xen = Xen()
    linux: Linux = Linux()
    menu: Menu = Menu()
