"""`--remove`: takes an installation away, and leaves every file as it was before.

The boot menu comes first, while all that it leads to is still there. The record goes last: until
then a second try finds what is left to do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from xendemo.errors import InputError, Mistakes
from xendemo.install import grub2, into, judge, legacy, menus, reach, record, tree
from xendemo.install.facts import Facts
from xendemo.install.options import Options
from xendemo.install.steps import Copy, Plan, Remove, Run, Step, Write, aside
from xendemo.install.target import Target


@dataclass(frozen=True)
class Seen:
    """A target, and what is left there of an installation.

    Args:
        ours: folders of modules to the files of ours that are still there.
        others: likewise, to files that somebody else has put there.
        folder: all files in /boot/xendemo.
        saved: what is kept of files as they were, as the target calls them, to content.
        now: what they are now, likewise.
    """

    target: Target
    ours: dict[str, tuple[str, ...]]
    others: dict[str, tuple[str, ...]]
    folder: tuple[str, ...]
    saved: dict[str, bytes]
    now: dict[str, bytes]


def look(facts: Facts, options: Options) -> Seen:
    """Gather what a plan depends on.

    Raises:
        Mistakes: what is named cannot be looked at.
        Failure: a file system cannot be mounted.
    """
    with reach.target(facts, options.target) as target:
        return survey(target)


def survey(target: Target) -> Seen:
    """Read what an installation has left."""
    ours: dict[str, tuple[str, ...]] = {}
    others: dict[str, tuple[str, ...]] = {}
    saved, now = {}, {}
    for folder in target.record.modules if target.record else ():
        listed = set(tree.text(target.root, record.list_of(folder)).splitlines())
        listed |= {name for path in listed for name in aside(path)}
        there = tree.files(target.at(folder))
        ours[folder] = tuple(path for path in there if path in listed)
        others[folder] = tuple(path for path in there if path not in listed)
    for entry in target.record.changed if target.record else ():
        data = tree.read(target.root, f"{record.ORIGINAL}{entry.path}")
        if data is not None:
            saved[entry.path] = data
        data = tree.read(target.root, entry.path)
        if data is not None:
            now[entry.path] = data
    return Seen(target, ours, others, tuple(tree.files(target.at(record.FOLDER))), saved, now)


def plan(facts: Facts, options: Options, seen: Seen) -> Plan:
    """Return what will be done.

    Raises:
        Mistakes: all that speaks against it.
    """
    target = seen.target
    if mistakes := judge.target(target):
        raise Mistakes(mistakes)
    if target.record is None:
        if not seen.folder:
            words = (f"nothing to do: {target.named} has no {record.FOLDER}",)
            return Plan(f"nothing of ours is in {target.named}", words, (), target.named, ())
        raise InputError(
            f"{target.named} has a {record.FOLDER}, but no {record.PATH}",
            "nobody can tell what was there before; look at it by hand",
        )
    notes: list[str] = []
    steps = [*target.mounts, *into.tidy(target), *_menu(seen, notes), *_files(seen, notes)]
    return Plan(
        title=f"Xen away from {target.system} in {target.named}",
        words=(f"the boot menu, and all else in {target.named}, will be as it was before", *notes),
        steps=tuple(steps),
        confirm=target.named,
        after=(f"{target.system} boots as before",),
        ruin=f"the boot menu is whole, old or new, and {record.FOLDER} tells what is left:"
        " the same command once more goes on",
    )


def _menu(seen: Seen, notes: list[str]) -> list[Step]:
    """Return the steps that put back the boot loader's files."""
    target, steps = seen.target, list[Step]()
    assert target.record is not None
    for path, digest in target.record.added.items():
        if path not in target.present:
            continue
        if target.present[path] != digest:
            notes.append(f"{path} has been changed by somebody; it goes all the same")
        steps.append(Remove(f"take away {path}", target.at(path)))
    generate = False
    for entry in target.record.changed:
        now = seen.now.get(entry.path)
        if now is None:
            notes.append(f"{entry.path} is no longer there, and stays away")
            continue
        way = _way(seen, entry, now)
        if way == "back":
            saved = target.at(f"{record.ORIGINAL}{entry.path}")
            words = f"put back {entry.path}"
            steps.append(Copy(words, saved, target.at(entry.path), keep=True, menu=True))
        elif way == "generate":
            if not generate:
                steps += menus.generate(target, record.GENERATED)
            generate = True
            steps.append(menus.placed(target, entry.path))
            notes.append(f"{entry.path} has been changed since by others; it is generated anew")
        elif way == "cut":
            place = target.at(entry.path)
            data = _without_us(target, entry.path, now, seen.saved.get(entry.path, b""))
            words = f"take our entry out of {entry.path}"
            steps.append(Write(words, place, data, target.modes[entry.path], menu=True))
            notes.append(f"{entry.path} has been changed since by others; only our entry goes")
    return steps


def _way(seen: Seen, entry: record.Changed, now: bytes) -> str:
    """Return what becomes of a file that we have changed: back, generate, cut or nothing."""
    target = seen.target
    digest = hashlib.sha256(now).hexdigest()
    left = entry.after or target.present.get(record.GENERATED, "")
    if digest == entry.before:
        return "nothing"  # nothing has come of it, or it is put back already
    plain = grub2.cut(now) if target.grub2 else legacy.cut(now)
    if entry.before and entry.path in seen.saved and digest == left:
        return "back"
    if hashlib.sha256(plain).hexdigest() == entry.before and entry.path in seen.saved:
        return "back"
    if plain == now:
        return "nothing"  # somebody has taken our entry out
    generated = target.grub2 and target.grub2.tool and not entry.after
    return "generate" if generated else "cut"


def _without_us(target: Target, path: str, now: bytes, before: bytes) -> bytes:
    return grub2.cut(now) if target.grub2 else legacy.restored(now, before)


def _files(seen: Seen, notes: list[str]) -> list[Step]:
    """Return the steps that take away what nothing leads to any more."""
    target = seen.target
    flush = ("sync", "-f", target.at("/boot"))
    steps: list[Step] = [Run("have the old menu on the disk, before the files go", flush)]
    for folder, ours in seen.ours.items():
        place = target.at(folder)
        if seen.others[folder]:
            named = ", ".join(seen.others[folder][:3])
            notes.append(f"files that others have put into {folder} stay: {named}")
            given = "".join(f"{place}/{path}\0" for path in ours)
            steps.append(Run(f"remove our modules from {folder}", ("xargs", "-0", "rm", "-f", "--"), given))  # fmt: skip  # noqa: E501
        elif ours:
            steps.append(Run(f"remove our modules, {folder}", ("rm", "-rf", "--", place)))
    for folder in target.record.folders if target.record else ():
        gone = ("rmdir", "--ignore-fail-on-non-empty", target.at(folder))
        steps.append(Run(f"remove {folder}, if nothing else is in it", gone, harmless=True))
    inner = target.at(record.FOLDER)
    parts = sorted({path.split("/")[0] for path in seen.folder} - {"installed.json"})
    if parts:
        argv = ("rm", "-rf", "--", *(f"{inner}/{name}" for name in parts))
        steps.append(Run(f"remove what is in {record.FOLDER}", argv))
    steps.append(Run(f"remove {record.FOLDER}", ("rm", "-rf", "--", inner)))
    return steps
