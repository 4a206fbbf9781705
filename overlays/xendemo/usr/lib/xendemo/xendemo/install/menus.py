"""What becomes of the boot menu of an existing Linux, and the steps that make it so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xendemo.install import cmdline, grub2, legacy, record
from xendemo.install.facts import Facts
from xendemo.install.source import Source
from xendemo.install.steps import Copy, Mount, Run, Step, Write
from xendemo.install.target import Target

BELOW = ("/dev", "/proc", "/sys")  # what the target's generator looks at


@dataclass(frozen=True)
class Menu:
    """What becomes of the boot loader's files.

    Args:
        scripts: files that are new or replaced: path as the target calls it, to content.
        texts: configurations, changed by hand: likewise.
        generated: configurations that the target's generator makes instead.
        entry: what the entry is, for the generator's result to be searched for.
        was_default: a run before has made it the default, which it stays.
    """

    scripts: dict[str, bytes]
    texts: dict[str, bytes]
    generated: tuple[str, ...]
    entry: str
    was_default: bool = False


def of(facts: Facts, default: bool, target: Target, source: Source) -> Menu:
    """Return what the boot loader's files shall be."""
    assert target.top is not None
    assert target.boot is not None
    linux = (*_root_words(target), "ro", *source.words.linux, *cmdline.taken(target.options))
    words = cmdline.Words(source.words.xen, tuple(dict.fromkeys(linux)))
    title = f"Xen {facts.disc.xen} / Linux {facts.disc.kernel}"
    device = target.boot.device
    if target.grub2 is None:
        number = device.number if device else 1
        texts: dict[str, bytes] = {}
        entry = ""
        for path, text in target.legacy.items():
            where = legacy.root_line(target.reference[path], number)
            entry = legacy.stanza(title, where, target.boot.prefix, words)
            ours = default or legacy.ours_is_default(text)
            same = legacy.has(text, entry) and ours == legacy.ours_is_default(text)
            texts |= {} if same else {path: legacy.inserted(text, entry, ours)}
        was = any(map(legacy.ours_is_default, target.legacy.values()))
        return Menu({}, texts, (), entry, was)
    configs = target.grub2.configs
    was = grub2_default(target.grub2.script, configs.values())
    entry = grub2.entry(grub2.Entry(
        title=title, xen=facts.disc.xen, linux=facts.disc.kernel, folder=target.boot.prefix,
        uuid=device.uuid if device else "", fstype=target.boot.fstype,
        pttype=device.pttype if device else "", words=words,
        unrestricted=any(
            grub2.asks_for_password(text) and grub2.lets_all_boot(text)
            for text in configs.values()
        ),
        absolute=any(b"btrfs_relative_path" in text for text in configs.values()),
        default=default or was,
    ))  # fmt: skip
    name = grub2.script_name(target.grub2.programs)
    old = [path for path, text in configs.items() if not grub2.has(text, entry)]
    scripts = {}
    if target.grub2.scripts is not None and target.grub2.script != grub2.script(entry):
        scripts[f"{grub2.GENERATOR}/{name}"] = grub2.script(entry)
    if target.grub2.tool and target.grub2.scripts is not None:
        return Menu(scripts, {}, tuple(old), entry, was)
    changed = {path: grub2.inserted(configs[path], entry, name) for path in old}
    return Menu(scripts, changed, (), entry, was)


def grub2_default(script: bytes | None, configs: Iterable[bytes], id: str = grub2.ID) -> bool:
    """Return whether a run before has made our entry the default: its script tells, if any."""
    return any(grub2.sets_default(text, id) for text in ([script] if script else configs))


def about_default(asked: bool, was: bool) -> str:
    """Return what becomes of what is booted by default, for the person who decides."""
    if was:
        return "that entry is the default since an earlier run, and stays it until --remove"
    return "that entry becomes the default" if asked else "what is booted by default stays as it is"


def _root_words(target: Target) -> list[str]:
    assert target.top is not None
    assert target.top.device is not None
    words = [f"root=UUID={target.top.device.uuid}"]
    if not target.top.fstype.startswith("ext"):
        words.append(f"rootfstype={target.top.fstype}")
    for entry in target.entries:
        subvol = entry.option("subvol") or entry.option("subvolid")
        if entry.folder == "/" and subvol:
            words.append(f"rootflags={'subvol' if entry.option('subvol') else 'subvolid'}={subvol}")
    return words


def steps(target: Target, menu: Menu) -> list[Step]:
    """Return the steps that make it so; the last one is the one that counts, and is a rename."""
    steps: list[Step] = []
    for path, data in menu.scripts.items():
        words = "write the entry for the generator of GRUB's menu"
        steps.append(Write(words, target.at(path), data, 0o755))
    if menu.generated and target.grub2:
        steps += generate(target, record.GENERATED)
        made = target.at(record.GENERATED)
        check = ("grep", "-q", "-F", "-e", f"--id {grub2.ID} ", made)
        steps.append(Run("see that the entry is in the new menu", check))
        steps += [placed(target, path) for path in menu.generated]
    for path, data in menu.texts.items():
        steps.append(
            Write(f"add the entry to {path}", target.at(path), data, mode(target, path), menu=True)
        )
    return steps


def placed(target: Target, path: str) -> Copy:
    """Return the step that puts what the generator wrote into a menu's place."""
    words = f"put the new menu in its place, {path}"
    made = target.at(record.GENERATED)
    return Copy(words, made, target.at(path), mode(target, path), menu=True)


def generate(target: Target, path: str) -> list[Step]:
    """Return the steps by which the target's own generator writes a menu to a file.

    Not to its place: it writes bit by bit, and the power may go.
    """
    assert target.grub2 is not None
    argv = (target.grub2.tool, *target.grub2.flags, "-o", path)
    words = f"make {target.system}'s own {target.grub2.tool.rpartition('/')[2]} write a menu"
    # Titles are in the target's language, and a default may be a title.
    language = ("env", "-u", "LC_ALL", f"LANG={target.language or 'C'}")
    changes = (target.at(path),)
    if target.root == "/":
        return [Run(words, (*language, *argv), changes=changes)]
    binds = [
        Mount(f"show it {folder}", folder, target.at(folder), options="bind") for folder in BELOW
    ]
    return [*binds, Run(words, ("chroot", target.root, *language, *argv), changes=changes)]


def mode(target: Target, path: str) -> int:
    """Return the permissions of a file of the target."""
    return target.modes[path]
