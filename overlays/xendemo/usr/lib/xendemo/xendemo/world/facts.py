"""What there is to build from and with. The functions named `read_…` are pure."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

from xendemo import run
from xendemo.files import content
from xendemo.world.options import Options

TARBALL = re.compile(r"linux[-_](?:source-)?(\d+(?:\.\d+)*).*\.tar(?:\.(?:gz|bz2|xz|zst))?")
IN_MEMORY = {"tmpfs", "ramfs", "overlay", "rootfs"}
"""File systems whose free room is memory; the disc's / is an overlay with a tmpfs above."""

DISKS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"}
"""What can hold a source tree: links, modes, names that differ in case alone."""

HYPERVISOR = ("make", "gcc", "ld", "bison", "flex", "python3")
TOOLS = (*HYPERVISOR, "pkg-config", "python3-config", "iasl", "perl")
LINUX = ("make", "gcc", "ld", "bison", "flex", "perl", "bc", "tar", "depmod")
PROGRAMS = {"xen": HYPERVISOR, "tools": TOOLS, "xen0": LINUX, "xenU": LINUX}


@dataclass(frozen=True)
class Place:
    """A folder to build in, and what has been built there.

    Args:
        trouble: why nothing can be written there, or "".
        free: bytes.
        in_memory: whether what is written takes memory.
        xen: there is a copy of Xen's source.
        configured: that copy has been through ./configure.
        linux: there is a kernel's source.
    """

    trouble: str = ""
    free: int = 0
    in_memory: bool = False
    xen: bool = False
    configured: bool = False
    linux: bool = False


@dataclass(frozen=True)
class Facts:
    """All that the plan depends on, besides the options.

    Args:
        processors: how many.
        available: bytes of memory that programs could still have.
        version: of Xen's source; "" if there is none.
        bare: that source has no ./configure, which Debian takes out.
        tarballs: kernels that were found, the newest first.
        config: of the kernel that runs, or is on the disc; "" if there is none.
        missing: programs that are not there.
        place: where it is to be built.
        elsewhere: mounted disks with their free bytes, the roomiest first.
    """

    processors: int
    available: int
    version: str
    bare: bool
    tarballs: tuple[str, ...]
    config: str
    missing: tuple[str, ...]
    place: Place
    elsewhere: tuple[tuple[str, int], ...]


def gather(options: Options) -> Facts:
    """Look at this machine."""
    mounts = content("/proc/self/mounts")
    copy = f"{options.folder}/xen"
    place = look_at(options.folder, mounts)
    tree = copy if place.xen else options.source
    where = run.environment()["PATH"]
    wanted = dict.fromkeys(name for target in options.targets for name in PROGRAMS[target])
    return Facts(
        processors=len(os.sched_getaffinity(0)),
        available=read_available(content("/proc/meminfo")),
        version=read_version(content(f"{tree}/xen/Makefile")),
        bare=not os.path.exists(f"{tree}/configure"),
        tarballs=find_tarballs(options) if options.kernels and not place.linux else (),
        config=find_config(os.uname().release),
        missing=tuple(name for name in wanted if not shutil.which(name, path=where)),
        place=place,
        elsewhere=find_room(mounts),
    )


def look_at(folder: str, mounts: str) -> Place:
    """Return what a folder is like, which need not be there yet."""
    there = folder
    while not os.path.exists(there):
        there = os.path.dirname(there) or "/"
    if not os.path.isdir(there):
        return Place(trouble=f"{there} is no folder")
    if not os.access(there, os.W_OK):
        return Place(trouble=f"nothing can be written to {there}")
    free = os.statvfs(there)
    return Place(
        free=free.f_bavail * free.f_frsize,
        in_memory=read_type(mounts, os.path.realpath(there)) in IN_MEMORY,
        xen=os.path.exists(f"{folder}/xen/xen/Makefile"),
        configured=os.path.exists(f"{folder}/xen/config/Tools.mk"),
        linux=os.path.exists(f"{folder}/linux/Makefile"),
    )


def find_tarballs(options: Options) -> tuple[str, ...]:
    """Return the kernels' tarballs that there are, the newest first."""
    if options.tarball:
        return (options.tarball,) if os.path.isfile(options.tarball) else ()
    found = []
    for folder in options.searched.split(":"):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        found += [os.path.join(folder or ".", name) for name in names]
    return tuple(read_newest(found))


def read_newest(paths: Iterable[str]) -> list[str]:
    """Return those paths that are tarballs of kernels, the newest version first."""
    found = [(match, path) for path in paths
             if (match := TARBALL.fullmatch(os.path.basename(path)))]  # fmt: skip
    numbers = {path: tuple(map(int, match[1].split("."))) for match, path in found}
    return sorted(numbers, key=lambda path: numbers[path], reverse=True)


def find_config(release: str) -> str:
    """Return the configuration that a xen0 kernel starts from.

    It is that of the kernel that runs; where that is a guest's or another machine's, the first in
    /boot that is not for clouds.
    """
    names = sorted(name for name in _names("/boot") if name.startswith("config-"))
    own = [name for name in names if name == f"config-{release}"]
    fit = [name for name in [*own, *names] if "cloud" not in name]
    return f"/boot/{fit[0]}" if fit else ""


def find_room(mounts: str) -> tuple[tuple[str, int], ...]:
    """Return mounted disks that can be written to, with their free bytes, the roomiest first."""
    found = []
    for line in mounts.splitlines():
        device, where, kind, words, *_ = line.split()
        if device.startswith("/dev/") and kind in DISKS and "rw" in words.split(","):
            free = os.statvfs(where)
            found.append((where, free.f_bavail * free.f_frsize))
    return tuple(sorted(dict(found).items(), key=lambda item: -item[1]))


def read_available(text: str) -> int:
    """Return MemAvailable of /proc/meminfo in bytes."""
    match = re.search(r"^MemAvailable: +(\d+) kB", text, re.MULTILINE)
    return int(match[1]) << 10 if match else 0


def read_version(text: str) -> str:
    """Return the version that Xen's xen/Makefile names, as `4.20.1`; "" if it is none."""
    found = {}
    for name in ("VERSION", "SUBVERSION", "EXTRAVERSION"):
        match = re.search(rf"^(?:export )?XEN_{name}\s*\??=\s*([^\s$]*)", text, re.MULTILINE)
        found[name] = match[1] if match else ""
    if not found["VERSION"]:
        return ""
    return f"{found['VERSION']}.{found['SUBVERSION']}{found['EXTRAVERSION']}"


def read_type(mounts: str, path: str) -> str:
    """Return the type of the file system that a path is on, from /proc/mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        where, this = (field.replace("\\040", " ") for field in line.split()[1:3])
        inside = path == where or path.startswith(where.rstrip("/") + "/")
        if inside and len(where) >= len(best):
            best, kind = where, this
    return kind


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
