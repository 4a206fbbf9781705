"""Strategies of Hypothesis for discs that somebody made in order to do harm, or that are damaged.

Each gives the bytes of an ISO. What a disc's sums cover is right, unless it is the sums' turn.
"""

from __future__ import annotations

import json
import stat
from typing import Any

import zstandard
from hypothesis import strategies as st

from democd import layout
from democd.formats import cpio
from tests.tools import hostile
from tests.tools.hostile import BLOCK, Record

NAMES = st.one_of(
    st.sampled_from(
        [
            b"..", b".", b"/", b"../../escaped", b"/escaped", b"a/b", b"..\\x", b"\0", b"a\0b",
            b"boot", b"BOOT", b"live", b"init", b"bin", b"etc", b"neighbour", b"\xff\xfe",
            b"x" * 200, "ä\u2028".encode(), b"new\nline", b"\x1b[31m", b" -> ", b"", b" ", b"~",
            b"-rf", b"TRAILER!!!",
        ]
    ),
    st.binary(min_size=1, max_size=12),
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, 1, 16, 17, 20, 21, 25, 35, 2**31 - 1, 2**31, 2**32 - 1]),
    st.integers(0, 2**32 - 1),
)
JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.floats(), st.integers(), st.integers(2**62, 2**70),
        st.text(max_size=8),
        st.sampled_from(["../..", "/etc", "\ud800", "\x1b[2J", "base", "xen", "x" * 2000]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip
KEYS = st.sampled_from(
    ["disc.name", "disc.title", "disc.media", "disc.reserve", "disc.readme", "disc.guests",
     "menu.timeout", "menu.entries", "menu.more", "menu.default", "xen.options", "linux.options",
     "layers.level", "kernels.xen", "roles.dom0", "root.mirror", "login.password_hash",
     "disc", "menu", "a\nb.c", "initrd.xen0", "sources.xen"]
)  # fmt: skip
PATHS = st.sampled_from(["../../../x", "/etc/passwd", "..", "xen", "", "a b", "x\ny", "$(id)", "'"])


def plain() -> bytes:
    """A disc that nothing is wrong with."""
    content = hostile.files()
    return hostile.image(hostile.whole(content, hostile.told(hostile.about())))


PLAIN = plain()


@st.composite
def patched(draw: st.DrawFn) -> bytes:
    """Bytes changed anywhere, most of them where it hurts: in descriptors and folders."""
    disc = bytearray(PLAIN)
    places = st.one_of(
        st.integers(16 * BLOCK, 17 * BLOCK), st.integers(20 * BLOCK, 24 * BLOCK),
        st.integers(20 * BLOCK, 20 * BLOCK + 700), st.integers(0, len(disc) - 1),
    )  # fmt: skip
    for _ in range(draw(st.integers(1, 4))):
        at = draw(places)
        new = draw(st.binary(min_size=1, max_size=4))
        disc[at : at + len(new)] = new
    end = draw(st.one_of(st.just(len(disc)), st.integers(0, len(disc))))
    return bytes(disc[:end])


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Directory records that say what they like: names, places, sizes; folders without end."""
    root = hostile.whole(hostile.files(), hostile.told(hostile.about()))
    for _ in range(draw(st.integers(1, 3))):
        folders = [root, *(it.content for it in root if isinstance(it.content, list))]
        where = draw(st.sampled_from(folders))
        what = draw(
            st.sampled_from(
                ["rename", "more", "folder", "place", "size", "loop", "drop", "goes on"]
            )
        )
        at = draw(st.integers(0, max(0, len(where) - 1)))
        if what in ("more", "folder", "loop"):
            inner: bytes | list[Record] = draw(st.binary(max_size=9)) if what == "more" else []
            new = Record(draw(NAMES)[:140], inner)
            if what == "loop":
                new.lba, new.size = draw(NUMBERS), draw(st.sampled_from([BLOCK, 4 * BLOCK]))
            where.append(new)
        elif where and what == "drop":
            del where[at]
        elif where:
            if what == "rename":
                where[at].name = draw(NAMES)[:140]
            elif what == "goes on" and len(where[at].name) < 150:
                where[at].more = hostile.continuation(draw(NUMBERS), draw(NUMBERS), draw(NUMBERS))
            elif what == "place":
                where[at].lba = draw(NUMBERS)
            elif what == "size":
                where[at].size = draw(NUMBERS)
    return hostile.image(root)


@st.composite
def listed(draw: st.DrawFn) -> bytes:
    """Right sums, of files whose paths are wrong; or wrong sums."""
    content = hostile.files()
    manifest = hostile.told(hostile.about())
    if draw(st.booleans()):
        names = draw(st.lists(NAMES, min_size=1, max_size=3))
        lines = b"".join(b"0" * 64 + b"  " + name + b"\n" for name in names)
        right = hostile.sums({**content, layout.MANIFEST: manifest})
        text = draw(st.sampled_from([lines, right + lines, lines + right, right[:-70], right * 2]))
        return hostile.image(hostile.whole(content, manifest, text))
    extra = {
        b"/".join(draw(st.lists(NAMES, min_size=1, max_size=3))).decode("latin-1"): b"data"
        for _ in range(draw(st.integers(1, 2)))
    }
    every = {**content, **{f"/{name.lstrip('/')[:150]}": data for name, data in extra.items()}}
    return hostile.image(hostile.whole(every, manifest))


@st.composite
def manifests(draw: st.DrawFn) -> bytes:
    """A manifest whose values are of any kind; all files are there, and their sums are right."""
    told: dict[str, Any] = hostile.about()
    for _ in range(draw(st.integers(1, 2))):
        how = draw(st.sampled_from([0, 1, 2, 2, 2, 2, 3, 4]))
        if how == 0:
            told[draw(st.sampled_from(sorted(told)))] = draw(JSON)
        elif how == 1:
            del told[draw(st.sampled_from(sorted(told)))]
            if not told:
                break
        elif how == 2 and isinstance(told.get("recipe"), dict):
            section, _, name = draw(KEYS).partition(".")
            value = draw(st.one_of(JSON, PATHS, st.lists(PATHS, max_size=2), st.integers(-5, 22)))
            keys = told["recipe"].setdefault(section, {})
            if name and isinstance(keys, dict):
                keys[name] = value
            else:
                told["recipe"][section] = value
        elif how == 3:
            inner = told.get(draw(st.sampled_from(["sources", "files"])))
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                inner[0][draw(st.sampled_from(sorted(inner[0]) or ["x"]))] = draw(JSON)
        else:
            inner = told.get(draw(st.sampled_from(["medium", "kernels", "packages", "roles"])))
            if isinstance(inner, dict):
                inner[draw(st.sampled_from([*inner, "new"]))] = draw(JSON)
    text = json.dumps(told).encode()
    broken = [
        *[text] * 20, text[:-9], b"[" * 5000, b'{"a":' * 5000, b"\xff" + text, b"null", b"[]", b"",
        text.replace(b"1760000000", b"9" * 5000), text + text,
    ]  # fmt: skip
    content = hostile.files()
    return hostile.image(hostile.whole(content, draw(st.sampled_from(broken))))


KINDS = st.sampled_from(
    [stat.S_IFREG | 0o644, stat.S_IFREG | 0o6755, stat.S_IFDIR | 0o755, stat.S_IFDIR, stat.S_IFCHR,
     stat.S_IFLNK | 0o777, stat.S_IFBLK | 0o600, stat.S_IFIFO | 0o644, stat.S_IFSOCK, 0, 0xFFFFFFFF]
)  # fmt: skip
CPIO_NAMES = st.one_of(
    NAMES.map(lambda name: name[:300]),
    st.sampled_from([b"etc", b"etc/x", b"bin/x", b"usr", b"usr/x", b"a/" * 200 + b"a", b"n" * 256,
                     b"link/../../escaped", b"link/escaped", b"link"]),
)  # fmt: skip


@st.composite
def initrds(draw: st.DrawFn) -> bytes:
    """An initrd with names, links, nodes and sizes that none of ours has."""
    parts = [hostile.initrd()] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        archive = b""
        for _ in range(draw(st.integers(0, 4))):
            mode = draw(KINDS)
            if stat.S_ISLNK(mode):
                data = draw(
                    st.sampled_from([b"..", b"/", b"", b"a\0b", b"../..", b"x" * 5000, b"\xff"])
                )
            else:
                data = draw(st.binary(max_size=9))
            fields = {}
            if draw(st.integers(0, 5)) == 0:
                fields = {draw(st.sampled_from(cpio.FIELDS)): draw(NUMBERS)}
            archive += hostile.entry(draw(CPIO_NAMES), mode, data, fields)
        archive += hostile.TRAILER if draw(st.integers(0, 9)) else b""
        how = draw(st.integers(0, 5))
        if how <= 1:
            archive = zstandard.ZstdCompressor(level=1).compress(archive)
        elif how == 2:
            archive = archive[: draw(st.integers(0, len(archive)))]
        parts += [archive, bytes(draw(st.integers(0, 9)))]
    content = {**hostile.files(), layout.INITRD["xen0"]: b"".join(parts)}
    return hostile.image(hostile.whole(content, hostile.told(hostile.about())))


CHEAP = st.one_of(patched(), records(), listed(), manifests(), initrds())


@st.composite
def layered(draw: st.DrawFn, images: tuple[bytes, ...]) -> bytes:
    """A disc with a squashfs: one made to do harm, or with bytes changed."""
    image = bytearray(draw(st.sampled_from(images)))
    how = draw(st.integers(0, 3))
    if how and len(image) > 100:
        tail = max(96, len(image) - 4096 - 600)
        places = [
            st.integers(0, 95),
            st.integers(tail, len(image) - 1),
            st.integers(96, len(image) - 1),
        ]
        for _ in range(draw(st.integers(1, 3))):
            at = draw(places[how - 1])
            new = draw(st.binary(min_size=1, max_size=8))
            image[at : at + len(new)] = new
    content = hostile.files({"common": bytes(image)})
    return hostile.image(hostile.whole(content, hostile.told(hostile.about(["common"]))))
