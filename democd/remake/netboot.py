"""What a TFTP and a web server need to start machines from a disc, as a folder for both.

::

    README               how to serve it
    bios.0  uefi.efi     GRUB, which PXE or UEFI fetches by TFTP; and by TFTP that fetches
    grub.cfg             what a server's keeper may change; it reads
    menu.cfg             the menu
    boot/  README.CD     Xen, xen0 and its initrd; a text
    live/                the disc in pieces, which the initrd fetches by HTTP

The pieces one behind the other are the ISO. Their sums are in the initrd. So all entries start the
whole disc, and whoever vouches for what TFTP delivers vouches for all of it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import jinja2

from democd import layout
from democd.errors import BuildError, InputError
from democd.formats import cpio, initramfs
from democd.formats.isoread import BLOCK, CHUNK, Extent
from democd.host.progress import Reporter
from democd.remake import apart
from democd.remake.original import DAMAGED, Original, opened

TEXT = Path(__file__).parents[2] / "docs/README.netboot.j2"
README = "README"
GRUB_CFG = "grub.cfg"
SUMS = "etc/netboot"
"""In the initrd; rootfs/fetch-disc reads it."""
SPARE = 424
"""MiB of memory that a machine has, beside those of the disc itself, in the boot tests: for Xen,
Linux, the initrd, the system and a guest. With 256, fetch-disc finds too little."""
WEB_PORT = 80

_SERVED = {
    layout.NET_BIOS: "bios.0",
    layout.NET_UEFI: "uefi.efi",
    layout.NET_MENU: "menu.cfg",
    layout.README: layout.README[1:],
    layout.XEN: layout.XEN[1:],
    layout.KERNEL["xen0"]: layout.KERNEL["xen0"][1:],
}
"""Files of the disc that are served as they are: path on it, to path in the folder."""

_URL = re.compile(r"http://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/+-]*)?")


@dataclass(frozen=True)
class Piece:
    """A part of the ISO that is a file on the web server.

    Attributes:
        name: of the file.
        start: its first byte in the ISO.
        size: in bytes.
    """

    name: str
    start: int
    size: int


@dataclass(frozen=True)
class Served:
    """A folder that was made.

    Attributes:
        pieces: of the disc.
        memory: MiB that a machine needs.
    """

    pieces: tuple[Piece, ...]
    memory: int


def lay_out(
    source: Path, target: Path, reporter: Reporter, *, url: str = "", port: int = WEB_PORT
) -> Served:
    """Lay a disc out for servers, in a new folder, which appears when it is whole.

    Args:
        source: the ISO, or a drive.
        target: the folder; must not be there yet, or be empty.
        reporter: shows the steps.
        url: where the folder is on a web server; "" is the TFTP server's address.
        port: of the web server there, if there is no `url`.

    Raises:
        InputError: `source` is no disc of ours or too old for that, `target` is taken, or the
            address is none.
        BuildError: the disc is damaged, or there is no room.
    """
    refuse_address(url, port)
    apart.refuse_taken(target)
    with opened(source) as original:
        _refuse_old(original)
        target.parent.mkdir(parents=True, exist_ok=True)
        apart.refuse_no_room(target.parent, original.disc.size, "what is served")
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            made = scratch / "netboot"
            served = _lay(original, made, reporter, url.rstrip("/"), port)
            _let_servers_read(made)
            made.replace(target)  # an empty folder gives way
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return served


def refuse_address(url: str, port: int) -> None:
    """Raise InputError for what the initrd could not fetch from."""
    if url and not _URL.fullmatch(url):
        raise InputError(
            f"--url {url}: not an address that the initrd can fetch from",
            "write http://SERVER/FOLDER, with :PORT behind the server if need be; HTTPS is not "
            "needed, since the initrd has the checksum of all that it fetches",
        )
    if not 0 < port < 65536:
        raise InputError(f"--port {port}: there is no such port", "1 to 65535")


def _refuse_old(original: Original) -> None:
    needed = (layout.NET_BIOS, layout.NET_UEFI, layout.NET_MENU, layout.NET_INITRD)
    if missing := [path for path in needed if path not in original.files]:
        raise InputError(
            f"{original.path} has no {missing[0]}: it is of a democd that knew no network boot",
            "build the disc again",
        )


def _lay(original: Original, top: Path, reporter: Reporter, url: str, port: int) -> Served:
    volume = original.disc.primary.blocks * BLOCK
    layers = {p: e for p, e in original.files.items() if p.startswith(f"{layout.LAYERS}/")}
    cut = cut_up(layers, volume)
    memory = -(-volume // (1 << 20)) + SPARE
    with reporter.step("read", original.path.name) as step:
        whole = sum(extent.size for extent in original.files.values()) + volume
        done = 0

        def at(count: int) -> None:
            nonlocal done
            done += count
            step.at(done, whole)

        for path in original.files:
            if path in _SERVED:
                original.copy(path, _place(top, _SERVED[path]), at)
            else:
                original.compare(path, at)
        sums = [(_write_piece(original, piece, top, at), piece) for piece in cut]
        step.says(f"{len(cut)} piece{'s' if len(cut) != 1 else ''}")
    initrd = initrd_for_network(
        original.disc.content(original.files[layout.INITRD["xen0"]]),
        original.disc.content(original.files[layout.NET_INITRD]),
        sums,
        original.volume.date,
    )
    _place(top, layout.INITRD["xen0"][1:]).write_bytes(initrd)
    _place(top, GRUB_CFG).write_text(grub_cfg(url, port))
    _place(top, README).write_text(readme(original.about, url, port, memory))
    return Served(tuple(cut), memory)


def _place(top: Path, name: str) -> Path:
    """Return where a file goes, in a folder that is there."""
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _let_servers_read(top: Path) -> None:
    """Let any server read what is in the folder, whatever the umask."""
    for path in (top, *top.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def cut_up(layers: Mapping[str, Extent], size: int) -> list[Piece]:
    """Return the pieces of an ISO, in order: its layers, and what lies around them.

    Args:
        layers: their places, by path.
        size: bytes of the volume.

    Raises:
        BuildError: they overlap, or reach beyond the end.
    """
    found: list[Piece] = []
    end = others = 0

    def fill(until: int) -> None:
        nonlocal others
        if until > end:
            others += 1
            found.append(Piece(f"part-{others}.iso", end, until - end))

    for path, extent in sorted(layers.items(), key=lambda item: item[1].lba):
        start = extent.lba * BLOCK
        if start < end or start + extent.size > size:
            raise BuildError(f"{path} does not lie where a layer can", DAMAGED)
        fill(start)
        found.append(Piece(PurePosixPath(path).name, start, extent.size))
        end = start + extent.size
    fill(size)
    return found


def _write_piece(original: Original, piece: Piece, top: Path, at: Callable[[int], None]) -> str:
    """Write a piece, and return its SHA-256."""
    digest = hashlib.sha256()
    end = piece.start + piece.size
    with _place(top, f"{layout.LAYERS[1:]}/{piece.name}").open("xb") as stream:
        for start in range(piece.start, end, CHUNK):
            try:
                chunk = original.disc.read(start, min(CHUNK, end - start))
            except ValueError as error:
                raise BuildError(f"{original.path}: {error}", DAMAGED) from error
            digest.update(chunk)
            stream.write(chunk)
            at(len(chunk))
    return digest.hexdigest()


def initrd_for_network(
    xen0: bytes, network: bytes, sums: Sequence[tuple[str, Piece]], date: int
) -> bytes:
    """Return the initrd that fetches the disc.

    Args:
        xen0: the disc's own.
        network: what goes behind it.
        sums: SHA-256 of each piece, in the order in which they make the ISO.
        date: of the list of them, seconds since 1970, UTC.
    """
    lines = "".join(f"{digest} {piece.size} {piece.name}\n" for digest, piece in sums)
    both = xen0 + bytes(-len(xen0) % 4) + network
    return initramfs.appended(both, [cpio.file(SUMS, lines.encode())], date)


def grub_cfg(url: str, port: int) -> str:
    """Return the grub.cfg that lies beside GRUB's images; arguments as for `lay_out`."""
    here = f'set fetch="{url}{layout.LAYERS}"' if url else f'set web_port="{_colon(port)}"'
    return (
        "# GRUB reads this from the TFTP server. What comes by HTTP has the same address, but\n"
        "# where `fetch` is set: to the URL of what is in live/.\n"
        f"{here}\n"
        'source "$prefix/menu.cfg"\n'
    )


def _colon(port: int) -> str:
    return "" if port == WEB_PORT else f":{port}"


def readme(about: Mapping[str, object], url: str, port: int, memory: int) -> str:
    """Return the README of the folder; `about` is the manifest, `memory` in MiB."""
    template = jinja2.Template(
        TEXT.read_text(), undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    text: str = template.render(about=about, url=url, port=port, memory=memory)
    return text
