"""The read-only layers: base.squashfs from the root, and a small squashfs for each overlay folder.

Every layer is written as a tar stream first, in which owners, modes and times are set by us, and
turned into a squashfs by the suite's own mksquashfs. So neither privilege nor the checkout's
umask, owner or clock shapes a byte.
"""

from __future__ import annotations

import fnmatch
import io
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

from democd import layout
from democd.artifacts import Kernels, Layer, Root
from democd.errors import InputError
from democd.host.progress import Step
from democd.host.run import run
from democd.host.suite import suite_tool
from democd.recipe import WELL_KNOWN_HASH, Layers, Recipe
from democd.workspace import Made, Workspace, tree

COMPRESSION = {
    "zstd": lambda layers: ["-comp", "zstd", "-Xcompression-level", str(layers.level)],
    "xz": lambda layers: ["-comp", "xz", "-Xbcj", "x86"],
    "lz4": lambda layers: ["-comp", "lz4", "-Xhc"],
}
SHADOW = "etc/shadow"
PASSWORD_HINT = "etc/issue.d/password.issue"
OWN_PASSWORD = "etc/ssh/sshd_config.d/10-own-password.conf"
UNITS = "etc/systemd/system"
GENERATORS = "etc/systemd/system-generators"

PAX_TIMES = ("mtime", "atime", "ctime")
"""Where a pax archive has times of its own beside a member's; they would win over ours."""

Extra = bytes | str | None
"""A file's content, a symlink's target, or None for a file of the folder that is left out."""


def build(
    workspace: Workspace, recipe: Recipe, root: Root, kernels: Kernels, project: Path, step: Step
) -> tuple[Layer, ...]:
    """Return `base` and one layer for each overlay folder that a role names, in that order.

    Kernels that come from the root lie on the disc itself: base has links to them. `project` is
    the folder with rootfs/ and overlays/.
    """
    names = sorted({name for overlays in recipe.roles.values() for name in overlays})
    step.now("base.squashfs")
    layers = [base(workspace, recipe.layers, root, boot_links(root, kernels), project, step)]
    for name in names:
        step.now(f"{name}.squashfs")
        extra = masks(project / "overlays", name)
        if name == "common":
            extra |= login_files(root, recipe)
        layers.append(overlay(workspace, recipe.layers, root, project / "overlays", name, extra))
    return tuple(layers)


def base(
    workspace: Workspace,
    settings: Layers,
    root: Root,
    links: Mapping[str, str],
    project: Path,
    step: Step,
) -> Layer:
    """Return base.squashfs: the root without what rootfs/exclude.txt names.

    `links` maps paths in the root to the target of the symlink that takes their place.
    """
    exclude = project / "rootfs" / "exclude.txt"
    inputs = {
        "root": root.made,
        "settings": vars(settings),
        "links": links,
        "exclude": exclude,
        "code": Path(__file__),
    }

    def make(folder: Path) -> None:
        dropped = re.compile(
            "|".join(fnmatch.translate(line) for line in _lines(exclude)) or r"(?!)"
        ).match

        def feed(stream: IO[bytes]) -> None:
            with tarfile.open(root.tar) as source, _writer(stream) as target:
                for member in source:
                    step.at(source.offset, root.tar.stat().st_size)
                    if not dropped(_name(member)):
                        _copy(source, member, target, links, root.date)

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
        "extra": {path: repr(what) for path, what in extra.items()},
        "special": special,
        "settings": vars(settings),
        "root": root.made,
        "code": Path(__file__),
    }

    def make(folder: Path) -> None:
        def feed(stream: IO[bytes]) -> None:
            with _writer(stream) as target:
                for member, content in members(overlays / name, extra, special, root.date):
                    target.addfile(member, io.BytesIO(content))

        squash(root, settings, folder / f"{name}.squashfs", feed)

    made: Made = workspace.step(f"layer-{name}", inputs, make)
    return Layer(name, made.path / f"{name}.squashfs", made)


def squash(root: Root, settings: Layers, target: Path, feed: Callable[[IO[bytes]], None]) -> None:
    """Make a squashfs of a tar stream with the suite's mksquashfs."""
    run(
        [
            *suite_tool(root.parts, "usr/bin/mksquashfs"),
            "-", target, "-tar", "-noappend", "-no-progress", "-quiet",
            *COMPRESSION[settings.compression](settings),
            "-b", f"{settings.block}K",
            "-mkfs-time", str(root.date),
            "-root-mode", "0755", "-root-uid", "0", "-root-gid", "0",
            "-root-time", str(root.date),
        ],
        feed=feed,
    )  # fmt: skip


def boot_links(root: Root, kernels: Kernels) -> dict[str, str]:
    """Return what base links to instead of holding it twice: path in it -> path on the disc."""
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


def members(
    top: Path,
    extra: Mapping[str, Extra],
    special: Mapping[str, tuple[int, int, int]],
    date: int,
) -> Iterable[tuple[tarfile.TarInfo, bytes]]:
    """Yield the tar members of an overlay folder and their contents, folders first.

    Modes are 0755 for folders and what is executable, else 0644, unless `special` says otherwise:
    git keeps no more than that, and a checkout's umask must not show.
    """
    # A symlink to a folder is a link, not a folder: rglob does not follow it.
    known = {path.relative_to(top).as_posix(): path for path in tree(top)}
    made = {parent.as_posix() for name in extra for parent in Path(name).parents} - {"."}
    for name in sorted({*known, *extra, *made}):
        path, made_here = known.get(name), extra.get(name)
        member = tarfile.TarInfo(name)
        content = b""
        if name in extra and made_here is None:
            continue
        if isinstance(made_here, bytes):
            content, member.mode = made_here, 0o644
        elif isinstance(made_here, str):
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, made_here, 0o777
        elif path is None or (path.is_dir() and not path.is_symlink()):
            member.type, member.mode = tarfile.DIRTYPE, 0o755
        elif path.is_symlink():
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        else:
            content = path.read_bytes()
            member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
        if name in special:
            member.mode, member.uid, member.gid = special[name]
        member.size, member.mtime = len(content), date
        yield member, content


def _copy(
    source: tarfile.TarFile,
    member: tarfile.TarInfo,
    target: tarfile.TarFile,
    links: Mapping[str, str],
    date: int,
) -> None:
    """Copy one member, no younger than `date`, as a link if `links` has it."""
    member.mtime = min(int(member.mtime), date)
    member.pax_headers = {
        key: value for key, value in member.pax_headers.items() if key not in PAX_TIMES
    }
    if _name(member) in links:
        member.type, member.linkname, member.size = tarfile.SYMTYPE, links[_name(member)], 0
        member.mode = 0o777
    target.addfile(member, source.extractfile(member) if member.isreg() else None)


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")


def _writer(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20)


def _lines(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]
