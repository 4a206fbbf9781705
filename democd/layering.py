"""How a layer is written: as a tar stream first, then by the suite's own mksquashfs.

In the stream owners, modes and times are set by us. So neither privilege nor the umask, owner or
clock of a checkout shapes a byte.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from democd.artifacts import Root
from democd.errors import BuildError
from democd.host.run import run
from democd.host.suite import suite_tool
from democd.inputs import tree
from democd.recipe import Layers

COMPRESSION = {
    "zstd": lambda layers: ["-comp", "zstd", "-Xcompression-level", str(layers.level)],
    "xz": lambda layers: ["-comp", "xz", "-Xbcj", "x86"],
    "lz4": lambda layers: ["-comp", "lz4", "-Xhc"],
}

Extra = Path | bytes | str | None
"""A file, or its content; a symlink's target; or None for a file of the folder that is left out."""

Source = Path | bytes | str | None
"""What becomes of a path: a file or link as it is, a content, a symlink's target, or a folder."""


def squash(root: Root, settings: Layers, target: Path, feed: Callable[[IO[bytes]], None]) -> None:
    """Make a squashfs of a tar stream with the suite's mksquashfs."""
    squash_with(suite_tool(root.parts, "usr/bin/mksquashfs"), settings, root.date, target, feed)


def squash_with(
    program: Sequence[str | Path],
    settings: Layers,
    date: int,
    target: Path,
    feed: Callable[[IO[bytes]], None],
) -> None:
    """Make a squashfs of a tar stream.

    Args:
        program: the argv that starts a mksquashfs.
        settings: how to compress.
        date: of the image itself, seconds since 1970, UTC.
        target: the image.
        feed: writes the stream; called once more if the image cannot be read.

    Raises:
        BuildError: mksquashfs failed, or twice made what cannot be read.
    """
    _squash(program, settings, date, target, feed)
    try:
        _read_all(target)
    # mksquashfs 4.5.1 (Debian 12) now and then writes a block that does not unpack, and ends well.
    except BuildError:
        _squash(program, settings, date, target, feed)
        _read_all(target)


def _read_all(image: Path) -> None:
    """Unpack every block of an image to nowhere."""
    run(["unsquashfs", "-quiet", "-no-progress", "-pf", "/dev/null", image])


def _squash(
    program: Sequence[str | Path],
    settings: Layers,
    date: int,
    target: Path,
    feed: Callable[[IO[bytes]], None],
) -> None:
    run(
        [
            *([] if os.geteuid() == 0 else ["unshare", "--map-root-user"]),
            *program,
            "-", target, "-tar", "-noappend", "-no-progress", "-quiet",
            *COMPRESSION[settings.compression](settings),
            "-b", f"{settings.block}K",
            "-root-mode", "0755", "-root-uid", "0", "-root-gid", "0",
        ],
        feed=feed,
        # mksquashfs 4.5 (Debian 12) hears neither -root-time nor -root-uid where it reads a tar.
        env={"SOURCE_DATE_EPOCH": str(date)},
    )  # fmt: skip


def write(
    root: Root,
    settings: Layers,
    target: Path,
    entries: Iterable[tuple[tarfile.TarInfo, bytes]],
) -> None:
    """Make a squashfs of tar members and their contents."""
    entries = list(entries)  # they may be asked for twice

    def feed(stream: IO[bytes]) -> None:
        with writer(stream) as archive:
            for member, content in entries:
                add(archive, member, io.BytesIO(content))

    squash(root, settings, target, feed)


def members(
    top: Path,
    extra: Mapping[str, Extra],
    special: Mapping[str, tuple[int, int, int]],
    date: int,
) -> Iterable[tuple[tarfile.TarInfo, bytes]]:
    """Yield the tar members of an overlay folder and their contents, folders first.

    Args:
        top: the folder.
        extra: what the build makes rather than finds there, by path.
        special: mode, uid and gid by path; see `placed` for all others.
        date: seconds since 1970 of all of them.
    """
    # A symlink to a folder is a link, not a folder: rglob does not follow it.
    sources: dict[str, Source] = {path.relative_to(top).as_posix(): path for path in tree(top)}
    for name, what in extra.items():
        sources.pop(name, None)
        if what is not None:
            sources[name] = what
    return placed(sources, special, date)


def placed(
    sources: Mapping[str, Source], special: Mapping[str, tuple[int, int, int]], date: int
) -> Iterable[tuple[tarfile.TarInfo, bytes]]:
    """Yield tar members and their contents by path, with all folders on the way, those first.

    Modes are 0755 for folders and what is executable, else 0644, unless `special` says otherwise:
    git keeps no more than that, and a checkout's umask must not show.
    """
    folders = {parent.as_posix() for name in sources for parent in Path(name).parents} - {"."}
    for name in sorted({*sources, *folders}):
        source = sources.get(name)
        member = tarfile.TarInfo(name)
        content = b""
        if isinstance(source, Path) and source.is_symlink():
            source = str(source.readlink())
        if isinstance(source, bytes):
            content, member.mode = source, 0o644
        elif isinstance(source, str):
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, source, 0o777
        elif source is None or source.is_dir():
            member.type, member.mode = tarfile.DIRTYPE, 0o755
        else:
            content = source.read_bytes()
            member.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
        if name in special:
            member.mode, member.uid, member.gid = special[name]
        member.size, member.mtime = len(content), date
        yield member, content


def add(archive: tarfile.TarFile, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
    """Add a member to the stream of a `writer`.

    In a pax header for it, mksquashfs 4.5 takes the first slash from a link's target; so there is
    one for extended attributes only.
    """
    archive.format = tarfile.PAX_FORMAT if member.pax_headers else tarfile.GNU_FORMAT
    archive.addfile(member, content)


def writer(stream: IO[bytes]) -> tarfile.TarFile:
    """Return the tar stream that `squash` reads."""
    return tarfile.open(fileobj=stream, mode="w|", bufsize=1 << 20)
