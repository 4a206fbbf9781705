"""The read-only layers: base.squashfs from the root, and a small one for each overlay folder."""

from __future__ import annotations

import fnmatch
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from democd import layering, layout
from democd.artifacts import Kernels, Layer, Root
from democd.errors import InputError
from democd.host.progress import Step
from democd.inputs import Made, tree
from democd.layering import Extra, members, squash, writer
from democd.recipe import WELL_KNOWN_HASH, Layers, Recipe
from democd.workspace import Workspace

CODE = [Path(__file__), Path(layering.__file__)]
"""What shapes a layer beside its content."""

SHADOW = "etc/shadow"
PASSWORD_HINT = "etc/issue.d/password.issue"
OWN_PASSWORD = "etc/ssh/sshd_config.d/10-own-password.conf"
UNITS = "etc/systemd/system"
GENERATORS = "etc/systemd/system-generators"

REBUILD = "usr/lib/xendemo/xendemo/rebuild.py"
"""The program that makes a disc of the running one; where it is, the builder must be too."""
BUILDER = Path(__file__).parents[2]
BUILDER_PARTS = ("build.py", "democd.toml", "democd", "docs", "grub", "overlays", "profiles",
                 "rootfs")  # fmt: skip
"""What of the builder makes discs."""

XATTR = "SCHILY.xattr."
"""How a pax archive's extended attributes start."""


def build(
    workspace: Workspace, recipe: Recipe, root: Root, kernels: Kernels, project: Path, step: Step
) -> tuple[Layer, ...]:
    """Return `base` and one layer for each overlay folder that a role names, in that order.

    Xen and the kernels lie on the disc itself, not in base; `common` has links to those that come
    from the root. So another one on the disc leaves base as it is. `project` is the folder with
    rootfs/ and overlays/.
    """
    names = sorted({name for overlays in recipe.roles.values() for name in overlays})
    step.now("base.squashfs")
    layers = [base(workspace, recipe.layers, root, project, step)]
    for name in names:
        step.now(f"{name}.squashfs")
        extra = masks(project / "overlays", name)
        if name == "common":
            extra |= login_files(root, recipe) | boot_links(root, kernels)
        if (project / "overlays" / name / REBUILD).is_file():
            extra |= builder_files()
        layers.append(overlay(workspace, recipe.layers, root, project / "overlays", name, extra))
    return tuple(layers)


def base(workspace: Workspace, settings: Layers, root: Root, project: Path, step: Step) -> Layer:
    """Return base.squashfs: the root without what rootfs/exclude.txt names."""
    exclude = project / "rootfs" / "exclude.txt"
    inputs = {
        "root": root.made,
        "settings": vars(settings),
        "exclude": exclude,
        "code": CODE,
    }

    def make(folder: Path) -> None:
        dropped = re.compile(
            "|".join(fnmatch.translate(line) for line in _lines(exclude)) or r"(?!)"
        ).match

        def feed(stream: IO[bytes]) -> None:
            with tarfile.open(root.tar) as source, writer(stream) as target:
                for member in source:
                    step.at(source.offset, root.tar.stat().st_size)
                    if not dropped(_name(member)):
                        _copy(source, member, target, root.date)

        squash(root, settings, folder / "base.squashfs", feed)

    made = workspace.step("base", inputs, make)
    return Layer("base", made.path / "base.squashfs", made)


def overlay(
    workspace: Workspace,
    settings: Layers,
    root: Root,
    overlays: Path,
    name: str,
    extra: Mapping[str, Extra],
) -> Layer:
    """Return the layer of one overlay folder: its files as themselves, owned by root.

    `overlays` is the folder with all of them and `permissions.txt`; `extra` is what the build
    makes rather than finds there, by path.
    """
    special = permissions(overlays / "permissions.txt").get(name, {})
    inputs = {
        "tree": overlays / name,
        "extra": {
            path: what if isinstance(what, Path) else repr(what) for path, what in extra.items()
        },
        "programs": [path for path, what in extra.items() if is_program(what)],
        "special": special,
        "settings": vars(settings),
        "root": root.made,
        "code": CODE,
    }

    def make(folder: Path) -> None:
        content = members(overlays / name, extra, special, root.date)
        layering.write(root, settings, folder / f"{name}.squashfs", content)

    made: Made = workspace.step(f"layer-{name}", inputs, make)
    return Layer(name, made.path / f"{name}.squashfs", made)


def is_program(what: Extra) -> bool:
    """Return whether a file can be executed."""
    return isinstance(what, Path) and bool(what.stat().st_mode & 0o100)


def boot_links(root: Root, kernels: Kernels) -> dict[str, Extra]:
    """Return the links to what lies on the disc: path in the root -> path on the disc."""
    on_disc = {
        kernels.xen: layout.XEN,
        kernels.guest.image: layout.KERNEL["xenU"],
        kernels.dom0.image: layout.KERNEL["xen0"],
    }
    return {
        path.relative_to(root.parts).as_posix(): f"/cdrom{target}"
        for path, target in on_disc.items()
        if path.is_relative_to(root.parts)
    }


def shadow(root: Root, recipe: Recipe) -> bytes:
    """Return /etc/shadow: the root's own, nobody with a password but `root` and `user`.

    The day of the last change (shadow(5), field 3) is the disc's, so that no clock shows.
    """
    lines = []
    for line in (root.parts / SHADOW).read_text().splitlines():
        fields = line.split(":")
        fields[1] = recipe.login.password_hash if fields[0] in ("root", "user") else "*"
        fields[2] = str(root.date // 86400)
        lines.append(":".join(fields))
    return ("\n".join(lines) + "\n").encode()


def login_files(root: Root, recipe: Recipe) -> dict[str, Extra]:
    """Return the files of the common layer that say who gets in.

    With a password of one's own the hint on the console goes, and sshd takes it from the network.
    """
    files: dict[str, Extra] = {SHADOW: shadow(root, recipe)}
    if recipe.login.password_hash != WELL_KNOWN_HASH:
        files[PASSWORD_HINT] = None
        files[OWN_PASSWORD] = b"PasswordAuthentication yes\n"
    return files


def builder_files() -> dict[str, Extra]:
    """Return the builder's own files, by their paths in the root."""
    tops = [BUILDER / name for name in BUILDER_PARTS]
    found = [path for top in tops for path in ([top] if top.is_file() else tree(top))]
    return {
        f"{layout.BUILDER}/{path.relative_to(BUILDER).as_posix()}": str(path.readlink())
        if path.is_symlink()
        else path
        for path in found
        if path.suffix != ".png" and (path.is_symlink() or path.is_file())
    }


def masks(overlays: Path, name: str) -> dict[str, Extra]:
    """Return the links to /dev/null that switch off what masked.txt names for an overlay."""
    found: dict[str, Extra] = {}
    for line in _lines(overlays / "masked.txt"):
        layer, unit = line.split()
        if layer == name:
            found[f"{UNITS if '.' in unit else GENERATORS}/{unit}"] = "/dev/null"
    return found


def permissions(path: Path) -> dict[str, dict[str, tuple[int, int, int]]]:
    """Return the table of files whose owner or mode is special: overlay -> path -> mode, uid, gid.

    Raises:
        InputError: a line is not `OVERLAY PATH MODE UID GID`.
    """
    table: dict[str, dict[str, tuple[int, int, int]]] = {}
    for line in _lines(path):
        try:
            name, file, mode, uid, gid = line.split()
            table.setdefault(name, {})[file] = (int(mode, 8), int(uid), int(gid))
        except ValueError:
            raise InputError(f"{path}: not `OVERLAY PATH MODE UID GID`: {line}") from None
    return table


def _copy(
    source: tarfile.TarFile, member: tarfile.TarInfo, target: tarfile.TarFile, date: int
) -> None:
    """Copy one member, no younger than `date`."""
    member.mtime = min(int(member.mtime), date)
    # Times, paths and the like stand in the member as well; as headers they would win over it.
    member.pax_headers = {
        key: value for key, value in member.pax_headers.items() if key.startswith(XATTR)
    }
    layering.add(target, member, source.extractfile(member) if member.isreg() else None)


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")


def _lines(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]
