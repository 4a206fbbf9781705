"""Way 1: Xen onto an existing Linux, beside what it boots today.

The order is that of safety: what is new is there and flushed to the disk before the boot
configuration, which is replaced by a rename, leads to it. At any moment the old system boots.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from xendemo.errors import Mistakes
from xendemo.install import grub2, initrd, iso_file, judge, menus, reach, record
from xendemo.install.facts import Facts
from xendemo.install.menus import Menu
from xendemo.install.options import Options
from xendemo.install.source import Source
from xendemo.install.steps import Copy, Plan, Remove, Run, Step, Tree, Write
from xendemo.install.target import Target


@dataclass(frozen=True)
class Seen:
    """A target, and what the disc has for it."""

    target: Target
    source: Source


def look(facts: Facts, options: Options) -> Seen:
    """Gather what a plan depends on.

    Raises:
        Mistakes: what is named cannot be looked at.
        Failure: a file system cannot be mounted, or the disc is not whole.
    """
    with reach.target(facts, options.target) as target:
        return Seen(target, reach.disc(facts, target))


def plan(facts: Facts, options: Options, seen: Seen) -> Plan:
    """Return what will be done.

    Raises:
        Mistakes: all that speaks against it.
    """
    target, source = seen.target, seen.source
    mistakes = judge.target(target) + judge.installation(facts, target, source)
    if mistakes:
        raise Mistakes(mistakes)
    menu = menus.of(facts, options.default, target, source)
    files = {"initrd": initrd.extend(source.initrd, facts.disc.kernel, source.more)}
    wanted = _record(facts, target, source, menu)
    steps, needs = _steps(target, source, menu, files, wanted)
    if mistakes := judge.room(needs, target):
        raise Mistakes(mistakes)
    return Plan(
        title=f"Xen {facts.disc.xen} beside {target.system} in {target.named}",
        words=_words(facts, options, target, menu, steps),
        steps=tuple(steps),
        confirm=target.named,
        after=_after(target) if steps else (),
        undo=True,
        log=target.at(f"{record.FOLDER}/install.log") if steps else "",
    )


def _record(facts: Facts, target: Target, source: Source, menu: Menu) -> record.Record:
    """Return what will be recorded, with what an earlier installation has done there."""
    before = target.record
    texts = (target.grub2.configs if target.grub2 else {}) | target.legacy
    changed = {entry.path: entry for entry in before.changed} if before else {}
    for path in (*menu.texts, *menu.generated):
        known = changed.get(path)
        # What others have changed since cannot be put back as it was before us.
        untouched = known is None or _untouched(target, known)
        kept = known.before if known else _digest(texts[path])
        after = _digest(menu.texts[path]) if path in menu.texts else ""
        changed[path] = record.Changed(path, kept if untouched else "", after)
    added = (before.added if before else {}) | {
        path: _digest(data) for path, data in menu.scripts.items()
    }
    modules = dict.fromkeys(before.modules if before else ())
    if not (target.has_modules and target.modules not in modules):
        modules[target.modules] = None
    lacking = (target.lacks,) if target.lacks else ()
    return record.Record(
        complete=True,
        version=facts.disc.version,
        kernel=facts.disc.kernel,
        loader="grub2" if target.grub2 else "legacy",
        tool=target.grub2.tool if target.grub2 else "",
        added=added,
        changed=tuple(changed.values()),
        modules=tuple(modules),
        folders=tuple(dict.fromkeys((*(before.folders if before else ()), *lacking))),
    )


def _untouched(target: Target, known: record.Changed) -> bool:
    """Return whether a file is as we left it, or, after a failed try, as it was before us."""
    now = target.present.get(known.path, "")
    return now in (known.before, known.after or target.present.get(record.GENERATED, ""))


def _steps(
    target: Target, source: Source, menu: Menu, files: dict[str, bytes], wanted: record.Record
) -> tuple[list[Step], dict[str, int]]:
    """Return the steps, none if all is there already, and the room that they need."""
    folder = record.FOLDER
    there = {path: target.present.get(f"{folder}/{path}", "") for path in (*source.digests, *files)}
    copies = [name for name, digest in source.digests.items() if there[name] != digest]
    writes = {name: data for name, data in files.items() if there[name] != _digest(data)}
    lacking = not judge.same_modules(target.has_modules, source.files)
    loader = bool(menu.scripts or menu.texts or menu.generated)
    done = target.record == wanted and not target.leftovers
    if done and not (copies or writes or lacking or loader):
        return [], {}
    steps: list[Step] = [*target.mounts, *tidy(target)]
    steps += _promise(target, source, menu, wanted, lacking)
    for name in copies:
        steps.append(Copy(f"copy {name}", f"{source.boot}/{name}", target.at(f"{folder}/{name}")))
    for name, data in writes.items():
        steps.append(Write(f"write {name}", target.at(f"{folder}/{name}"), data))
    if lacking:
        steps += [
            *filter(None, [source.mount]),
            Tree("copy the kernel's modules", source.modules, target.at(target.modules),
                 exclude=("build", "source"), layered=True),
        ]  # fmt: skip
    if copies or writes or lacking:
        flushed = [target.at(folder)] + ([target.at(target.modules)] if lacking else [])
        flush = "have it all on the disk, before a menu leads to it"
        steps.append(Run(flush, ("sync", "-f", *flushed)))
    steps += menus.steps(target, menu)
    steps.append(Write("record that all is done", target.at(record.PATH), record.write(wanted)))
    small = sum(map(len, [*writes.values(), *menu.texts.values()]))
    needs = {
        "/boot": small + sum(source.sizes[name] for name in copies) + (1 << 20),
        "/": sum(max(size, 0) + 4096 for size in source.files.values()) if lacking else 0,
    }
    return steps, needs


def tidy(target: Target) -> list[Step]:
    """Return the steps that take away what a try before, cut short, has left."""
    return [Remove(f"take away {path}, left by a power cut", target.at(path))
            for path in target.leftovers]  # fmt: skip


def _promise(
    target: Target, source: Source, menu: Menu, wanted: record.Record, lacking: bool
) -> list[Step]:
    """Return the steps that keep what will be changed, and tell `--remove` of it beforehand."""
    steps: list[Step] = []
    draft = record.Record(**{**vars(wanted), "complete": False})
    steps.append(Write("record what will be changed", target.at(record.PATH), record.write(draft)))
    if lacking:
        listed = "".join(f"{path}\n" for path in source.files).encode("utf-8", "surrogateescape")
        path = target.at(record.list_of(target.modules))
        steps.append(Write("list the modules", path, listed))
    for path in (*menu.texts, *menu.generated):
        known = target.record.of(path) if target.record else None
        saved = f"{record.ORIGINAL}{path}"
        if known is None or (known.before and saved not in target.present):
            steps.append(
                Copy(
                    f"keep a copy of {path}",
                    target.at(path),
                    target.at(saved),
                    menus.mode(target, path),
                    keep=True,
                )
            )
    return steps


def _words(
    facts: Facts, options: Options, target: Target, menu: Menu, steps: list[Step]
) -> tuple[str, ...]:
    default = menus.about_default(options.default, menu.was_default)
    if not steps:
        return (f"nothing to do: {target.system} in {target.named} has it all already", default)
    paths = [*menu.scripts, *menu.texts, *menu.generated]
    words = [
        f"the Linux in {target.named} is {target.system}",
        f"Xen {facts.disc.xen}, Linux {facts.disc.kernel} and an initrd go to {record.FOLDER}",
        f"modules go to {target.modules}"
        if not target.has_modules
        else f"modules of this kernel are in {target.modules} already",
        f"the boot menu gets one more entry; changed: {', '.join(paths) or 'nothing'}",
        default,
        "xendemo install --remove puts everything back as it was",
    ]
    configs = target.grub2.configs.values() if target.grub2 else ()
    if options.default and any(grub2.sets_default(text, iso_file.ENTRY) for text in configs):
        words.append("the entry of --frugal is to be the default, too: the later in the menu wins")
    if target.grub2 and target.grub2.why:
        words.append(f"the menu is changed by hand: {target.grub2.why}")
    return tuple(words)


def _after(target: Target) -> tuple[str, ...]:
    lines = ["choose the entry that begins with Xen in the boot menu, and log in as ever"]
    if target.selinux:
        lines.append(
            "SELinux is off while the disc's kernel runs: files made then have no labels;"
            " before going back, touch /.autorelabel"
        )
    return tuple(lines)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
