"""Writes an ISO 9660 volume with pycdlib, after checking what pycdlib does not guard against.

Interchange level 4 (ISO 9660:1999), Rock Ridge and Joliet; El Torito for BIOS and UEFI, unless
the disc shall not boot. The same contents give the same bytes: they are added in sorted order, and
pycdlib is given a clock that stands still (it asks for the time while it writes).
"""

from __future__ import annotations

import hashlib
import io
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

import pycdlib
import pycdlib.dates
import pycdlib.headervd
import pycdlib.pycdlib
import pycdlib.utils

from democd.errors import BuildError
from democd.formats import eltorito
from democd.formats.latefile import LateFile

BLOCK = 2048
COPY_SIZE = 1 << 20
NAME_MAX = 180  # Rock Ridge has 255, pycdlib fails at 194
JOLIET_NAME_MAX = 64  # what is longer is cut there, with a digest that tells it from others
JOLIET_FORBIDDEN = '*/:;?\\"'
TEXT_MAX = 128  # publisher, preparer, application
VOLUME_ID_MAX = 32
# Joliet's texts have two bytes a character: what is longer is cut in its descriptor only.
JOLIET_TEXT_MAX = TEXT_MAX // 2
JOLIET_ID_MAX = VOLUME_ID_MAX // 2

PADDING = 150
"""Blocks of nothing before the end: at the end of a track that was written at once, drives read
ahead into the run-out and report errors for good sectors (mkisofs pads by the same amount)."""

GPT_BLOCKS = 9
"""Blocks at the very end of what boots, kept free for the backup GPT: 33 sectors of 512 bytes."""

Contents = Mapping[str, Path | bytes]


@dataclass(frozen=True)
class Volume:
    """The volume's descriptors: who, what and when; `date` in seconds since 1970, UTC."""

    volume_id: str
    publisher: str
    preparer: str
    application: str
    date: int


@dataclass(frozen=True)
class BootFiles:
    """Paths on the disc of the El Torito images, and of the boot catalog that names them."""

    bios: str
    esp: str
    catalog: str


@dataclass(frozen=True)
class Layout:
    """Where everything will lie, known before a byte is written.

    Attributes:
        blocks: length of the volume, padding and backup GPT included.
        lba: first block of each file.
        catalog: content of the boot catalog, one block.
    """

    blocks: int
    lba: Mapping[str, int]
    catalog: bytes


def mistakes(volume: Volume, contents: Contents) -> list[tuple[str, str]]:
    """Return (message, hint) for everything that would make a bad ISO without a word."""
    found = []
    texts = (volume.publisher, volume.preparer, volume.application)
    if not 0 < len(volume.volume_id) <= VOLUME_ID_MAX or not volume.volume_id.isascii():
        found.append((f"volume id {volume.volume_id!r} is too long or empty", "1-32 of A-Z 0-9 _"))
    for text in texts:
        if len(text) > TEXT_MAX or not text.isascii():
            found.append((f"not for a volume descriptor: {text!r}", f"{TEXT_MAX} of ASCII"))
    taken: dict[str, str] = {}
    for path, source in sorted(contents.items()):
        found += _path_mistakes(path, source)
        for parent in _parents(path):
            if parent in contents:
                found.append((f"{parent} is both a file and a folder", "rename one"))
        other = taken.setdefault(path.casefold(), path)
        if other != path:
            found.append((f"{other} and {path} are one name on Windows", "rename one"))
    return found


def _path_mistakes(path: str, source: Path | bytes) -> list[tuple[str, str]]:
    found = []
    if not path.startswith("/") or path != "/" + "/".join(path.split("/")[1:]) or "//" in path:
        found.append((f"not an absolute path: {path}", ""))
    for name in path.strip("/").split("/"):
        if len(name) > NAME_MAX:
            found.append((f"name too long for the disc: {name}", f"at most {NAME_MAX} characters"))
        if any(c in JOLIET_FORBIDDEN or not c.isprintable() for c in name) or name in (
            "",
            ".",
            "..",
        ):
            found.append((f"not a name for a disc: {name!r} in {path}", "rename it"))
    if isinstance(source, Path):
        try:
            regular = stat.S_ISREG(source.stat().st_mode)
        except OSError as error:
            found.append((f"{path}: cannot read {source}: {error.strerror}", ""))
        else:
            if not regular:
                found.append((f"{path}: {source} is not a plain file", "a disc holds files only"))
    return found


def _parents(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:end]) for end in range(2, len(names))]


def layout(volume: Volume, contents: Contents, boot: BootFiles | None) -> Layout:
    """Return where everything will lie; sizes count, contents do not.

    Without `boot` it is a disc that does not boot.

    Raises:
        BuildError: one of `mistakes`.
    """
    with _session(volume, contents, boot) as (iso, _):
        return _layout_of(iso, contents)


def write(
    target: BinaryIO,
    volume: Volume,
    contents: Contents,
    boot: BootFiles | None,
    at: Callable[[int, int], None],
) -> Layout:
    """Write the volume; the system area (32 KiB) and the last blocks stay empty.

    Args:
        target: an empty file, open for reading and writing.
        volume: its descriptors.
        contents: files by absolute path.
        boot: which of them are the boot images; None for a disc that does not boot.
        at: told (bytes done, bytes in all) now and then.

    Raises:
        BuildError: one of `mistakes`, or a source file changed meanwhile.
    """
    with _session(volume, contents, boot) as (iso, sources):
        iso.write_fp(target, blocksize=COPY_SIZE, progress_cb=lambda done, all_, _: at(done, all_))
        for source in sources:
            source.check()
        return _layout_of(iso, contents)


def _layout_of(iso: pycdlib.PyCdlib, contents: Contents) -> Layout:
    lba = {path: iso.get_record(iso_path=path).extent_location() for path in contents}
    catalog = iso.eltorito_boot_catalog
    raw = catalog.record() if catalog else b""
    return Layout(iso.pvd.space_size, lba, raw.ljust(BLOCK, b"\0"))


@contextmanager
def _session(
    volume: Volume, contents: Contents, boot: BootFiles | None
) -> Iterator[tuple[pycdlib.PyCdlib, list[LateFile]]]:
    """Hold a pycdlib image with everything in its place, its clock stopped."""
    for message, hint in mistakes(volume, contents):
        raise BuildError(message, hint)
    with _stopped_clock(volume.date), ExitStack() as stack:
        iso = _new(volume)
        stack.callback(iso.close)
        for folder in sorted({parent for path in contents for parent in _parents(path)}):
            joliet = _joliet(folder)
            iso.add_directory(folder, _name(folder), joliet, file_mode=0o040555)
        sources = []
        for path, content in sorted(contents.items()):
            if isinstance(content, bytes):
                stream: BinaryIO = io.BytesIO(content)
                size = len(content)
            else:
                late = LateFile(path, content)
                stack.callback(late.close_file)
                sources.append(late)
                stream, size = cast(BinaryIO, late), late.length
            iso.add_fp(stream, size, path, _name(path), _joliet(path), file_mode=0o100444)
        if boot:
            _add_boot(iso, boot, esp_size=iso.get_record(iso_path=boot.esp).get_data_length())
        for descriptor in [*iso.pvds, *iso.svds]:
            descriptor.add_to_space_size((PADDING + (GPT_BLOCKS if boot else 0)) * BLOCK)
        iso.force_consistency()
        yield iso, sources


def _add_boot(iso: pycdlib.PyCdlib, boot: BootFiles, esp_size: int) -> None:
    """Add the boot catalog; the image's own patches are in its bytes already."""
    sectors = -(-esp_size // BLOCK) * 4
    load = sectors if sectors < 0x10000 else 0  # 0 is "to its end", where 16 bits do not do
    iso.add_eltorito(
        boot.bios,
        bootcatfile=boot.catalog,
        rr_bootcatname=_name(boot.catalog),
        joliet_bootcatfile=boot.catalog,
        boot_load_size=eltorito.BIOS_LOAD_SECTORS,
    )
    iso.add_eltorito(boot.esp, boot_load_size=load, efi=True)


def _new(volume: Volume) -> pycdlib.PyCdlib:
    iso = pycdlib.PyCdlib()
    iso.new(
        interchange_level=4,  # level 3 moves deep folders elsewhere, and Linux loses some
        joliet=3,
        rock_ridge="1.09",
        sys_ident="LINUX",
        vol_ident=volume.volume_id[:JOLIET_ID_MAX],
        pub_ident_str=volume.publisher[:JOLIET_TEXT_MAX],
        preparer_ident_str=volume.preparer[:JOLIET_TEXT_MAX],
        app_ident_str=volume.application[:JOLIET_TEXT_MAX],
    )
    full: list[Any] = [iso.pvd, iso.enhanced_vd]
    for descriptor in full:
        descriptor.volume_identifier = volume.volume_id.encode().ljust(VOLUME_ID_MAX)
        descriptor.publisher_identifier.text = volume.publisher.encode().ljust(TEXT_MAX)
        descriptor.preparer_identifier.text = volume.preparer.encode().ljust(TEXT_MAX)
        descriptor.application_identifier.text = volume.application.encode().ljust(TEXT_MAX)
    return iso


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _joliet(path: str) -> str:
    return "/".join(_joliet_name(name) for name in path.split("/"))


def _joliet_name(name: str) -> str:
    if len(name) <= JOLIET_NAME_MAX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: JOLIET_NAME_MAX - len(digest) - 1]}~{digest}"


@contextmanager
def _stopped_clock(date: int) -> Iterator[None]:
    """Give pycdlib's modules a `time` that always says `date`, in UTC."""
    clock = SimpleNamespace(
        time=lambda: float(date),
        gmtime=time.gmtime,
        localtime=time.gmtime,
        strftime=time.strftime,
        struct_time=time.struct_time,
    )
    modules: list[Any] = [pycdlib.pycdlib, pycdlib.headervd, pycdlib.dates, pycdlib.utils]
    for module in modules:
        module.time = clock
    try:
        yield
    finally:
        for module in modules:
            module.time = time
