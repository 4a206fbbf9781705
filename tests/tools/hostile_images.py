"""Squashfs images as no layer has them, by the real mksquashfs, and by changing bytes of its own.

Inodes and names are not compressed in most of them, so that a changed byte is a changed name, size
or kind, not only a broken stream.
"""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

SPARSE = 3_141_593  # a size that is found in the inode table

_PLAIN = ("-noI", "-noD", "-noF", "-noX")


def squash(tree: Path, *words: str, packed: bool = False) -> bytes:
    """The image of a folder."""
    image = tree.with_suffix(".squashfs")
    image.unlink(missing_ok=True)
    subprocess.run(
        ["mksquashfs", tree, image, "-noappend", "-quiet", "-no-progress", "-no-exports",
         "-no-xattrs", "-processors", "1", "-mkfs-time", "0", "-all-time", "0",
         *(() if packed else _PLAIN), *words],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return image.read_bytes()


def _tree(folder: Path, name: str, **files: bytes) -> Path:
    tree = folder / name
    tree.mkdir()
    for path, data in files.items():
        (tree / path).write_bytes(data)
    return tree


def harmless(folder: Path) -> bytes:
    """Files of several kinds, owners and modes."""
    tree = _tree(folder, "harmless", plain=b"plain\n" * 99, program=b"#!/bin/sh\n", empty=b"")
    (tree / "program").chmod(0o755)
    (tree / "folder/inner").mkdir(parents=True)
    (tree / "folder/inner/file").write_bytes(b"x")
    (tree / "link").symlink_to("folder/inner")
    os.link(tree / "plain", tree / "second")
    suid = ["-p", "suid f 4755 0 0 echo suid", "-p", "mail d 2775 0 8"]
    return squash(tree, "-all-root", *suid)


def hostile(folder: Path) -> dict[str, bytes]:
    """Images that must be refused, by what is wrong with them."""
    found = {
        "character device": squash(_tree(folder, "c"), "-p", "null c 666 0 0 1 3"),
        "block device": squash(_tree(folder, "b"), "-p", "disk b 666 0 0 8 0"),
        "pipe": squash(_with_pipe(folder)),
        "new line": squash(_tree(folder, "n", **{"a\nb": b""})),
        "line of a listing": squash(_tree(folder, "s", **{_LINE: b""})),
        "name like a link": squash(_with_arrows(folder)),
        "no end": squash(_deep(folder, 300)),
        "long path": squash(_long(folder)),
    }
    odd = squash(_tree(folder, "o", QQ=b"escaped", QQQQ=b"", Q=b""))
    found |= {
        "above": odd.replace(b"QQQQ", b"../Q").replace(b"QQ", b".."),
        "slash": odd.replace(b"QQQQ", b"/tmp"),
        "dot": odd.replace(b"\0\0\0Q", b"\0\0\0."),
        "through a link": squash(_with_link(folder)).replace(b"Zq9b", b"Zq9a"),
    }
    sized = squash(_sparse(folder))
    size = struct.pack("<Q", SPARSE)
    assert size in sized
    for name, wrong in (("terabytes", 1 << 42), ("negative", (1 << 64) - 4096)):
        found[name] = sized.replace(size, struct.pack("<Q", wrong))
    head = harmless(folder)
    found |= {
        "inodes": head[:4] + struct.pack("<I", 0xFFFFFFF0) + head[8:],
        "fragments": head[:16] + struct.pack("<I", 0xFFFFFFF0) + head[20:],
        "ids": head[:26] + struct.pack("<H", 0xFFFF) + head[28:],
        "longer than it is": head[:40] + struct.pack("<Q", 1 << 50) + head[48:],
        "root": head[:32] + struct.pack("<Q", 0x7FFF) + head[40:],
        "cut": head[:200],
        "empty": b"",
    }
    return found


_LINE = "x\n-rwsr-xr-x 0 0 2026-01-01 00:00 squashfs-root y"


def _with_pipe(folder: Path) -> Path:
    tree = _tree(folder, "p")
    os.mkfifo(tree / "pipe")
    return tree


def _with_arrows(folder: Path) -> Path:
    tree = _tree(folder, "arrows")
    (tree / "a -> b").symlink_to("/etc")
    (tree / "a").symlink_to("..")
    return tree


def _deep(folder: Path, levels: int) -> Path:
    tree = _tree(folder, "deep")
    (tree / "/".join(["d"] * levels)).mkdir(parents=True)
    return tree


def _long(folder: Path) -> Path:
    tree = _tree(folder, "long")
    (tree / "/".join(["d" * 250] * 10)).mkdir(parents=True)
    return tree


def _with_link(folder: Path) -> Path:
    """A link out of the tree, and a folder that gets its name when bytes are changed."""
    tree = _tree(folder, "through")
    (tree / "Zq9a").symlink_to("../..")
    (tree / "Zq9b").mkdir()
    (tree / "Zq9b/escaped").write_bytes(b"out")
    return tree


def _sparse(folder: Path) -> Path:
    """A file of zeros with two names: its inode has 64 bits for the size."""
    tree = _tree(folder, "sparse")
    with (tree / "zeros").open("wb") as stream:
        stream.truncate(SPARSE)
    os.link(tree / "zeros", tree / "more")
    return tree
