"""What differs between two discs, as people read it: the sum of it first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from democd.differing import Difference, Unlike, UnlikePart, Value

LINES = 24
"""Lines of a part or a text that are shown; --json has all."""
NAMED = 6
"""Packages that the first line names."""
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def report(found: Difference) -> str:
    """Return what a person reads."""
    if found.same:
        return _same(found)
    lines = [f"A  {found.names[0]}", f"B  {found.names[1]}", "", summary(found)]
    lines += _values("volume", found.volume)
    lines += _values("manifest", found.manifest)
    lines += _packages(found)
    lines += _block("files of the disc", map(_line, _on_disc(found)))
    for part in found.parts:
        lines += _part(part, {value.name for value in found.packages})
    for path, text in found.texts.items():
        lines += _block(path, text)
    lines += _block("beside all files", found.places)
    return "\n".join(lines)


def summary(found: Difference) -> str:
    """Return the one line that tells how far two discs are from each other."""
    if found.places:
        return "they differ in their bytes, but in no file"
    beside = found.beside()
    others = f"{len(beside)} {'file' if len(beside) == 1 else 'files'}"
    only = {part.path for part in found.parts if not part.files}
    if not found.packages:
        if beside and all(file.name in only for file in beside):
            return f"they have the same files, {_parts_word(len(beside))} packed in another way"
        differ = "differs" if len(beside) == 1 else "differ"
        return (
            f"they have the same packages; {others} {differ}"
            if beside
            else "only what they tell of themselves differs"
        )
    names = [value.name for value in found.packages]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    told = f"{_counted(found.packages)}: {', '.join(names[:NAMED])}{more}"
    return f"{told}; {f'and {others} beside' if beside else 'and what follows from that'}"


def _same(found: Difference) -> str:
    names = " and ".join(found.names)
    if found.same_bytes:
        return f"{names}: the same bytes"
    return f"{names}: the same disc; `build --from` makes the same bytes of either"


def _parts_word(count: int) -> str:
    return "one part" if count == 1 else f"{count} parts"


def _counted(packages: Sequence[Value]) -> str:
    counts = Counter(
        "added" if not value.was else "removed" if not value.now else "changed"
        for value in packages
    )
    told = [f"{counts[how]} {how}" for how in ("changed", "added", "removed") if counts[how]]
    word = "1 package" if len(packages) == 1 else f"{len(packages)} packages"
    return f"{word} {told[0].split()[1]}" if len(told) == 1 else f"{word} ({', '.join(told)})"


def _values(title: str, values: Iterable[Value]) -> list[str]:
    return _block(title, [f"{v.name}: {v.was or 'none'} -> {v.now or 'none'}" for v in values])


def _packages(found: Difference) -> list[str]:
    files = Counter(file.package for file in found.every_file())
    lines = []
    for value in found.packages:
        if value.was and value.now:
            versions = f"{value.was} -> {value.now}"
        else:
            versions = f"{value.was or value.now}, {'removed' if value.was else 'added'}"
        count = files[value.name]
        lines.append(f"{value.name} {versions}  ({count} {'file' if count == 1 else 'files'})")
    return _block("packages", lines, most=len(lines))


def _on_disc(found: Difference) -> Iterator[Unlike]:
    parts = {part.path for part in found.parts}
    yield from (file for file in found.files if file.name not in parts)


def _part(part: UnlikePart, changed: set[str]) -> list[str]:
    if not part.files:
        how = "; ".join(part.packing)
        settings = "" if len(part.packing) > 1 else "; with the same settings"
        return _block(f"{part.path}: the same files, packed in another way", [f"{how}{settings}"])
    explained = [file for file in part.files if file.package in changed]
    others = [file for file in part.files if file.package not in changed]
    older = [file for file in others if _is_only_time(file)]
    lines = list(_lines([file for file in others if not _is_only_time(file)]))
    if older:
        lines.append(f"~ {len(older)} more, their times alone: {_some(older)}")
    if explained:
        lines.append(f"  {len(explained)} of the packages above")
    return _block(f"{part.path}: {len(part.files)} differ", lines)


def _lines(files: Sequence[Unlike]) -> Iterator[str]:
    """Give a line for each file; what came or went with its folder is counted with that."""
    gone = {(file.how, file.name): file for file in files if file.how != "changed"}
    inside: Counter[str] = Counter()
    shown = []
    for file in files:
        above = [str(path) for path in PurePosixPath(file.name).parents]
        whole = [path for path in above if (file.how, path) in gone]
        if whole:
            inside[whole[-1]] += 1
        else:
            shown.append(file)
    for file in shown:
        count = f", with {inside[file.name]} in it" if inside[file.name] else ""
        yield f"{_line(file)}{count}"


def _is_only_time(file: Unlike) -> bool:
    return len(file.what) == 1 and file.what[0].startswith("time ")


def _some(files: Sequence[Unlike]) -> str:
    return ", ".join(file.name for file in files[:3]) + (", …" if len(files) > 3 else "")


def _line(file: Unlike) -> str:
    what = f": {', '.join(file.what)}" if file.what else ""
    package = f"  ({file.package})" if file.package else ""
    return f"{_SIGNS[file.how]} {file.name}{package}{what}"


def _block(title: str, lines: Iterable[str], most: int = LINES) -> list[str]:
    """Return a title and what is below it; nothing if there is nothing."""
    lines = list(lines)
    if not lines:
        return []
    more = [f"… and {len(lines) - most} more (--json has all)"] if len(lines) > most else []
    return ["", _plain(title), *(f"  {_plain(line)}" for line in [*lines[:most], *more])]


def _plain(line: str) -> str:
    """Return a line that does no harm to a terminal, whatever a disc has in it."""
    return "".join(letter if letter.isprintable() else "?" for letter in line.expandtabs())
