"""What differs between two discs: down to the file, and the package that it belongs to."""

from __future__ import annotations

import difflib
import fnmatch
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from democd import layout
from democd.differing import Difference, Unlike, UnlikePart, Value
from democd.errors import BuildError
from democd.formats import eltorito, fat, isoread
from democd.host.progress import Reporter, Step
from democd.remake import side, squashed
from democd.remake.facts import SHOWN, Facts, unlike
from democd.remake.folder import Part
from democd.remake.owners import Owners
from democd.remake.side import Disc, Side

UNTOLD = ("files", "sizes", "packages", "volume_id")
"""Keys of the manifest that tell what is compared by itself."""
TEXT_MAX = 1 << 20
"""Bytes of a file whose lines are compared."""
CHUNK = 1 << 20
BOOT_CODE = 440
"""Bytes of code in a disk's first sector; behind it stand signature and partitions."""


def compare(one: Path, other: Path, reporter: Reporter) -> Difference:
    """Compare two discs.

    Args:
        one: an ISO, a drive, where one is mounted, or a folder that `unpack` made.
        other: likewise.
        reporter: shows the steps.

    Raises:
        InputError: one of them is no disc of ours.
        BuildError: one of them is damaged, or there is no room to unpack their layers.
    """
    with tempfile.TemporaryDirectory(prefix="democd-diff-") as scratch:
        first, second = Path(scratch, "1"), Path(scratch, "2")
        with side.opened(one, first) as left, side.opened(other, second) as right:
            names = (str(one), str(other))
            if isinstance(left, Disc) and isinstance(right, Disc):
                with reporter.step("bytes", "all of both discs") as step:
                    if _same_bytes(left, right, step):
                        return Difference(names, same_bytes=True)
            return _difference(names, left, right, reporter)


def _same_bytes(left: Disc, right: Disc, step: Step) -> bool:
    """Return whether both volumes are the same; a drive may give more behind its volume."""
    length = left.original.disc.primary.blocks * isoread.BLOCK
    if length != right.original.disc.primary.blocks * isoread.BLOCK:
        return False
    for start in range(0, length, CHUNK):
        size = min(CHUNK, length - start)
        try:
            if left.original.disc.read(start, size) != right.original.disc.read(start, size):
                return False
        except ValueError as error:
            raise BuildError(f"a disc is cut short: {error}", "copy it again") from error
        step.at(start + size, length)
    return True


def _difference(names: tuple[str, str], left: Side, right: Side, reporter: Reporter) -> Difference:
    packages = tuple(_values(_versions(left), _versions(right)))
    explained = {value.name for value in packages}
    paths = [path for path in {*left.sums, *right.sums} if path != layout.PACKAGES]
    wrong = sorted(path for path in paths if left.sums.get(path) != right.sums.get(path))
    with reporter.step("files", "what of the disc itself differs") as step:
        files = tuple(_file(path, left, right, explained) for path in wrong)
        texts = {path: lines for path in wrong if (lines := _lines(path, left, right))}
        step.says(f"{len(wrong)} of {len(paths)}")
    volume = tuple(_values(_fields(left), _fields(right)))
    manifest = tuple(_values(*_manifests(left.about, right.about)))
    nothing = not (volume or manifest or packages or files)
    return Difference(
        names,
        volume=volume,
        manifest=manifest,
        packages=packages,
        files=files,
        parts=tuple(_parts(wrong, left, right, reporter)),
        texts=texts,
        places=tuple(_places(left, right)) if nothing else (),
    )


# --- what the disc tells -------------------------------------------------------------------------


def _values(left: Mapping[str, str], right: Mapping[str, str]) -> Iterator[Value]:
    for name in sorted({*left, *right}):
        was, now = left.get(name, ""), right.get(name, "")
        if was != now:
            yield Value(name, was, now)


def _versions(of: Side) -> dict[str, str]:
    if layout.PACKAGES not in of.sums:
        return {}
    text = of.content(layout.PACKAGES).decode(errors="replace")
    lines = [line.split(" ") for line in text.splitlines()]
    return {words[0]: " ".join(words[1:2]) for words in lines}


def _fields(of: Side) -> dict[str, str]:
    return {name: str(value) for name, value in vars(of.volume).items()}


def _manifests(
    left: Mapping[str, Any], right: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what two manifests tell; one of a time when they had no recipe is told as such."""
    if ("recipe" in left) != ("recipe" in right):
        left, right = (
            {**about, "recipe": "is kept"} if "recipe" in about else about
            for about in (left, right)
        )
    return _told(left), _told(right)


def _told(about: Mapping[str, Any]) -> dict[str, str]:
    """Return what a manifest tells, by keys with dots."""
    found: dict[str, str] = {}

    def walk(path: str, value: object) -> None:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                walk(f"{path}.{name}", inner)
        elif isinstance(value, list):
            found[path] = ", ".join(_named(item) for item in value)
        else:
            found[path] = str(value)

    for name, value in about.items():
        if name not in UNTOLD:
            walk(name, value)
    return found


def _named(item: object) -> str:
    """Return an item of a list; a source as its name and version."""
    if isinstance(item, Mapping):
        return " ".join(str(item.get(key, "")) for key in ("name", "version"))
    return str(item)


# --- files of the disc ---------------------------------------------------------------------------


def _file(path: str, left: Side, right: Side, explained: set[str]) -> Unlike:
    if path not in left.sums or path not in right.sums:
        return Unlike(path, "added" if path in right.sums else "removed")
    package = next((name for name in sorted(explained) if _is_of(path, name, right)), "")
    return Unlike(path, "changed", tuple(_what(path, left, right)), package)


def _is_of(path: str, package: str, of: Side) -> bool:
    """Return whether a file of the disc is one that a package has, or was made by one."""
    patterns = {
        layout.XEN: "xen-hypervisor-*",
        layout.BIOS_IMAGE: "grub-pc-bin",
        layout.ESP_IMAGE: "grub-efi-amd64-bin",
        layout.EFI_LOADER: "grub-efi-amd64-bin",
        **{
            path: f"linux-image-{of.about['kernels'].get(name, '')}*"
            for name, path in layout.KERNEL.items()
        },
    }
    return path in patterns and fnmatch.fnmatchcase(package, patterns[path])


def _what(path: str, left: Side, right: Side) -> Iterator[str]:
    yield f"content {left.sums[path][:SHOWN]} -> {right.sums[path][:SHOWN]}"
    if path == layout.BIOS_IMAGE:
        try:
            was, now = (eltorito.patched(of.content(path), 0) for of in (left, right))
        except ValueError:
            return
        if was == now:
            yield "only the place that it has on the disc"
    if path == layout.ESP_IMAGE:
        try:
            inner, new = (fat.read(of.content(path)) for of in (left, right))
        except ValueError:
            return
        names = sorted(name for name in {*inner, *new} if inner.get(name) != new.get(name))
        yield f"in it: {', '.join(names)}" if names else "the files in it are the same"


def _lines(path: str, left: Side, right: Side) -> tuple[str, ...]:
    """Return the lines of a text that differ, if it is one on both discs."""
    unfit = path == layout.SBOM or path in _parts_of(left, right)
    if unfit or path not in left.sums or path not in right.sums:
        return ()
    both = left.content(path), right.content(path)
    try:
        was, now = (data.decode().splitlines() for data in both if len(data) <= TEXT_MAX)
    except ValueError:  # not UTF-8, or too large
        return ()
    if b"\0" in both[0] + both[1]:
        return ()
    return tuple(list(difflib.unified_diff(was, now, n=1, lineterm=""))[2:])


def _places(left: Side, right: Side) -> Iterator[str]:
    """Name what of the bytes of two discs with the same files differs."""
    if not isinstance(left, Disc) or not isinstance(right, Disc):
        return
    for path in left.sums:  # the sums are those that the discs tell
        left.original.compare(path)
        right.original.compare(path)
    for path in side.MADE_LAST:
        if left.content(path) != right.content(path):
            yield f"{path}: it tells the same in other bytes"
    signed = [layout.SIGNATURE in of.original.files for of in (left, right)]
    if any(signed) and not all(signed):
        yield f"{layout.SIGNATURE}: only the {'first' if signed[0] else 'second'} is signed"
    elif all(signed) and left.content(layout.SIGNATURE) != right.content(layout.SIGNATURE):
        yield f"{layout.SIGNATURE}: another signature"
    one, other = left.original.system_area(), right.original.system_area()
    if one[:BOOT_CODE] != other[:BOOT_CODE]:
        yield "the boot code for disks, in the first sector"
    if one[BOOT_CODE:] != other[BOOT_CODE:]:
        yield "the partition table"
    if dict(left.original.files) != dict(right.original.files):
        yield "where the files lie"
    yield "what is between the files: descriptors, folders, padding"


# --- layers and initrds --------------------------------------------------------------------------


def _parts_of(left: Side, right: Side) -> dict[str, Part]:
    """Return the layers and initrds that both discs have, by path."""
    there = {part.path for part in right.parts()}
    return {part.path: part for part in left.parts() if part.path in there}


def _parts(wrong: list[str], left: Side, right: Side, reporter: Reporter) -> Iterator[UnlikePart]:
    parts = [part for path, part in _parts_of(left, right).items() if path in wrong]
    if not parts:
        return
    with reporter.step("parts", "what in layers and initrds differs") as step:
        step.now("packages of files")
        rooted = any(map(_is_of_root, parts))
        was_of, now_of = (of.owners() if rooted else Owners() for of in (left, right))
        for number, part in enumerate(parts):
            step.at(number, len(parts))
            step.now(part.path)
            was, now = (_undated(of.facts(part), of.about["date"]) for of in (left, right))
            owned = (was_of, now_of) if _is_of_root(part) else (Owners(), Owners())
            files = tuple(_unlike_files(was, now, *owned))
            yield UnlikePart(part.path, files, tuple(_packing(part, left, right)))
        step.says(", ".join(part.path for part in parts))


def _is_of_root(part: Part) -> bool:
    """Return whether a part has files of Debian's packages."""
    return part.initrd or part.path == layout.layer_path("base")


def _undated(facts: Facts, date: int) -> Facts:
    """Return facts in which the disc's own date is no time: what is made with a disc has that."""
    return {
        name: replace(fact, time=0) if fact.time == date else fact for name, fact in facts.items()
    }


def _unlike_files(was: Facts, now: Facts, was_of: Owners, now_of: Owners) -> Iterator[Unlike]:
    for name in sorted({*was, *now}):
        if name not in now:
            yield Unlike(name, "removed", package=was_of.of(name))
        elif name not in was:
            yield Unlike(name, "added", package=now_of.of(name))
        elif what := unlike(was[name], now[name]):
            yield Unlike(name, "changed", what, now_of.of(name) or was_of.of(name))


def _packing(part: Part, left: Side, right: Side) -> Iterator[str]:
    """Name how the packing of a part differs."""
    one, other = left.image(part), right.image(part)
    if one is None or other is None:
        return
    yield f"{one.stat().st_size} -> {other.stat().st_size} bytes"
    if left.about["date"] != right.about["date"]:
        yield "the date of the disc"
    if part.initrd:
        return
    was, now = squashed.superblock(one), squashed.superblock(other)
    for word, old, new in (
        ("compression", was.packing, now.packing),
        ("level", was.level or "default", now.level or "default"),
        ("block", was.block, now.block),
    ):
        if old != new:
            yield f"{word} {old} -> {new}"
