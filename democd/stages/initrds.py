"""Initrds: our init, a static busybox and the modules that find the disc, as one small cpio."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import zstandard

from democd import drivers
from democd.artifacts import Initrd, Kernel, Kernels, RamRoot, Root
from democd.errors import BuildError, Mistakes
from democd.formats import cpio, modules
from democd.recipe import Recipe
from democd.workspace import Workspace

Name = Literal["xen0", "xenU"]
FORMAT = 1
"""Counts up when this file makes another initrd from the same inputs."""

CODE = [Path(str(module.__file__)) for module in (drivers, modules)]
"""What chooses modules."""

ZSTD_LEVEL = 19
FOLDERS = ("dev", "mnt", "proc", "run", "sys", "tmp")
PROGRAMS = {
    "init": "rootfs/init",
    "bin/find-disc": "rootfs/find-disc",
    "bin/find-root": "rootfs/find-root",
    "bin/check-disc": "rootfs/check-disc",
    "micro": "rootfs/micro",
    "bin/poweroff": "rootfs/poweroff",
    # One script gives micro guests and full guests their network.
    "bin/guest-network": "overlays/guest/usr/lib/xendemo/guest-network",
}
"""Path in the initrd, to our program in the project."""
NET_PROGRAMS = {
    "bin/fetch-disc": "rootfs/fetch-disc",
    "bin/dhcp-lease": "rootfs/dhcp-lease",
}
LINKS = {
    "bin/sh": "busybox",
    "bin/reboot": "poweroff",
    "sbin": "bin",
    "usr/bin": "../bin",
    "usr/sbin": "../bin",
    # The kernel itself starts /sbin/modprobe, for a file system it meets at a mount.
    "bin/modprobe": "busybox",
}
DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3)}


@dataclass(frozen=True)
class ModulePlan:
    """The modules of an initrd.

    Attributes:
        files: path in lib/modules/RELEASE of the initrd, to the file it comes from.
        indexes: name of an index in the same folder, to its text.
    """

    files: Mapping[str, Path]
    indexes: Mapping[str, str]


NO_RAM_ROOT = RamRoot({}, {})


def build(
    workspace: Workspace,
    recipe: Recipe,
    root: Root,
    kernels: Kernels,
    project: Path,
    name: Name,
    ram: RamRoot = NO_RAM_ROOT,
    below: Sequence[str] = (),
) -> Initrd:
    """Return the initrd of the xen0 or the xenU kernel.

    Args:
        workspace: keeps the result.
        recipe: names the volume and the module lists.
        root: has busybox, and the date of every file in the initrd.
        kernels: the kernels and their modules.
        project: the folder with rootfs/.
        name: `xen0` or `xenU`.
        ram: more files of it; they win over ours, as an /init of its own does.
        below: layers that this kernel has between base and those of every role.

    Raises:
        Mistakes: module lists that are missing, or name modules that the kernel does not have.
        BuildError: the root has no static busybox, or no modules for the kernel.
    """
    kernel = kernels.dom0 if name == "xen0" else kernels.guest
    lists = recipe.initrd.xen0 if name == "xen0" else recipe.initrd.xenU
    words = drivers.read_lists(project / "rootfs/modules", lists)
    programs = {"bin/busybox": root.parts / "usr/bin/busybox"}
    programs |= {path: project / source for path, source in PROGRAMS.items()}
    for path in programs.values():
        if not path.is_file():
            raise BuildError(f"the initrd lacks {path}", "busybox is of the package busybox-static")
    programs = {path: source for path, source in programs.items() if path not in ram.files}
    ram = RamRoot(ram.files, {**LINKS, **ram.links})
    texts = {
        "etc/roles": "".join(
            f"{role} {' '.join([*below, *of])}\n" for role, of in recipe.roles.items()
        ),
        "etc/volume_id": f"{recipe.disc.volume_id}\n",
    }
    inputs = {
        "format": FORMAT,
        "level": ZSTD_LEVEL,
        "date": root.date,
        "texts": texts,
        "release": kernel.release,
        "programs": programs,
        "modules": _modules_inputs(kernel, root, words),
        "links": ram.links,
        "ram": ram.files,
        "modes": {path: _mode(source) for path, source in ram.files.items()},
    }

    def make(folder: Path) -> None:
        plan = plan_modules(kernel, words)
        entries = contents(kernel.release, programs, ram, texts, plan)
        archive = cpio.pack(entries, root.date)
        (folder / f"initrd-{name}").write_bytes(compress(archive))

    made = workspace.step(f"initrd-{name}", inputs, make)
    return Initrd(name, made.path / f"initrd-{name}")


def build_net(
    workspace: Workspace, recipe: Recipe, root: Root, kernels: Kernels, project: Path
) -> Path:
    """Return what goes behind xen0's initrd where the disc comes over a network.

    That is what fetches it, and network drivers. The modules' indexes take the place of xen0's:
    they know the modules of both.

    Args:
        workspace: keeps the result.
        recipe: names the module lists.
        root: has the date of every file in it.
        kernels: xen0 and its modules.
        project: the folder with rootfs/.

    Raises:
        Mistakes, BuildError: as for `build`.
    """
    folder = project / "rootfs/modules"
    below = drivers.read_lists(folder, recipe.initrd.xen0)
    words = {**below, **drivers.read_lists(folder, recipe.initrd.net)}
    programs = {path: project / source for path, source in NET_PROGRAMS.items()}
    inputs = {
        "format": FORMAT,
        "level": ZSTD_LEVEL,
        "date": root.date,
        "release": kernels.dom0.release,
        "programs": programs,
        "modules": _modules_inputs(kernels.dom0, root, words),
        "below": below,
    }

    def make(target: Path) -> None:
        there = plan_modules(kernels.dom0, below).files
        plan = plan_modules(kernels.dom0, words)
        more = {path: file for path, file in plan.files.items() if path not in there}
        top = f"lib/modules/{kernels.dom0.release}"
        entries = [
            *(cpio.file(name, path.read_bytes(), 0o755) for name, path in programs.items()),
            *_of_modules(top, ModulePlan(more, plan.indexes)),
        ]
        (target / "initrd-net").write_bytes(compress(cpio.pack(entries, root.date)))

    return workspace.step("initrd-net", inputs, make).path / "initrd-net"


def _modules_inputs(
    kernel: Kernel, root: Root, words: Mapping[str, Sequence[str]]
) -> dict[str, object]:
    """Return what the modules in an initrd depend on.

    Those of the root follow it; to read their indexes only to find nothing changed takes longer
    than the rest of the step.
    """
    if kernel.modules.is_relative_to(root.parts):
        return {"root": root.made, "words": words, "code": CODE}
    plan = plan_modules(kernel, words)
    return {"files": plan.files, "indexes": plan.indexes}


def plan_modules(kernel: Kernel, lists: Mapping[str, Sequence[str]]) -> ModulePlan:
    """Return the modules that the lists name, and all that these need.

    Raises:
        Mistakes: one for each name that the kernel does not know, with the nearest it does.
        BuildError: the kernel's modules have no index.
    """
    index = drivers.read_index(kernel.modules, kernel.release)
    mistakes = []
    for name, wanted in lists.items():
        for module in modules.unknown(index, drivers.needed(wanted)):
            near = index.nearest(module)
            hint = f"did you mean {near}?" if near else "see modules.dep for what there is"
            mistakes.append(
                (f"rootfs/modules/{name}: Linux {kernel.release} has no {module}", hint)
            )
    if mistakes:
        raise Mistakes(mistakes)
    wanted = [modules.normal(word.removesuffix("?")) for words in lists.values() for word in words]
    names = modules.closure(index, wanted)
    paths = {name: plain_path(index.paths[name]) for name in names}
    builtin = sorted({index.builtin[name] for name in wanted if name in index.builtin})
    return ModulePlan(
        files={paths[name]: kernel.modules / index.paths[name] for name in names},
        indexes={
            "modules.alias": modules.alias_text(index, names),
            "modules.builtin": "".join(f"{path}\n" for path in builtin),
            "modules.dep": modules.dep_text(index, names, paths),
        },
    )


def contents(
    release: str,
    programs: Mapping[str, Path],
    ram: RamRoot,
    texts: Mapping[str, str],
    plan: ModulePlan,
) -> list[cpio.Entry]:
    """Return all files of an initrd.

    Args:
        release: of the kernel.
        programs: path in the initrd to the file it comes from; executable.
        ram: further files, and all links.
        texts: path in the initrd to content.
        plan: its modules.
    """
    top = f"lib/modules/{release}"
    return [
        *(cpio.folder(name) for name in FOLDERS),
        *(cpio.symlink(name, target) for name, target in ram.links.items()),
        *(cpio.character_device(name, *numbers) for name, numbers in DEVICES.items()),
        *(cpio.file(name, path.read_bytes(), 0o755) for name, path in programs.items()),
        *(cpio.file(name, path.read_bytes(), _mode(path)) for name, path in ram.files.items()),
        *(cpio.file(name, text.encode()) for name, text in texts.items()),
        *_of_modules(top, plan),
    ]


def _of_modules(top: str, plan: ModulePlan) -> list[cpio.Entry]:
    """Return the files of a kernel's modules, below lib/modules/RELEASE."""
    return [
        *(cpio.file(f"{top}/{name}", text.encode()) for name, text in plan.indexes.items()),
        *(cpio.file(f"{top}/{name}", plain(path)) for name, path in plan.files.items()),
    ]


def plain_path(path: str) -> str:
    """Return the path that a module has when it is not compressed."""
    return path[: path.rindex(".ko") + 3]


def plain(path: Path) -> bytes:
    """Return a module uncompressed: the archive as a whole packs better, and loads sooner.

    Raises:
        BuildError: the file is missing or damaged.
    """
    try:
        data = path.read_bytes()
        match path.suffix:
            case ".xz":
                return lzma.decompress(data)
            case ".gz":
                return gzip.decompress(data)
            case ".zst":
                return zstandard.ZstdDecompressor().decompressobj().decompress(data)
            case _:
                return data
    except (OSError, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
        raise BuildError(f"cannot read the module {path}: {error}", "build the root anew") from None


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644


def compress(archive: bytes) -> bytes:
    """Return the archive as one zstd frame, which the kernel unpacks; one thread, no chance."""
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compress(archive)
