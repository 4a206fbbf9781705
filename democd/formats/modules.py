"""Linux's module indexes, read as text, and the closure of a list of modules.

Sources: modules.dep(5), depmod.d(5), modprobe.d(5). Names are compared with `_` for `-`, as the
kernel does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase

SUFFIXES = (".ko", ".ko.gz", ".ko.xz", ".ko.zst")


def module_name(path: str) -> str:
    """Return a module's name for its path: `kernel/fs/nls/nls_utf8.ko.xz` is `nls_utf8`."""
    name = path.rpartition("/")[2]
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return normal(name)


def normal(name: str) -> str:
    """Return a module's name as the kernel spells it."""
    return name.replace("-", "_")


@dataclass(frozen=True)
class Soft:
    """Soft dependencies: names or aliases, to be loaded before and after a module."""

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Index:
    """What a folder `lib/modules/RELEASE` says about its modules.

    Attributes:
        paths: name to path below the folder.
        needs: name to names of all it needs, in the order of modules.dep: the last loads first.
        builtin: names of what is in the kernel itself, to the paths it had as modules.
        aliases: (pattern, name) pairs; the pattern as it is, for `-` has a meaning in `[0-9]`.
        soft: name to its soft dependencies.
    """

    paths: Mapping[str, str]
    needs: Mapping[str, tuple[str, ...]]
    builtin: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[tuple[str, str], ...] = ()
    soft: Mapping[str, Soft] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Return whether there is a module of this name, be it in the kernel itself."""
        return name in self.paths or name in self.builtin

    def nearest(self, name: str) -> str:
        """Return the known name that looks most like this one, or ""."""
        known = [*self.paths, *self.builtin]
        return next(iter(get_close_matches(normal(name), known, n=1, cutoff=0.6)), "")

    def behind(self, wanted: str) -> tuple[str, ...]:
        """Return the names of the modules that a name or an alias stands for; often none."""
        name = normal(wanted)
        if name in self.builtin:
            return ()
        if name in self.paths:
            return (name,)
        found = {
            module
            for pattern, module in self.aliases
            # Some 27,000 patterns: compile none that cannot match.
            if normal(pattern) == name
            or (pattern[0] in ("*", "?", "[", wanted[0]) and fnmatchcase(wanted, pattern))
        }
        return tuple(sorted(found & self.paths.keys()))


def parse(dep: str, builtin: str = "", alias: str = "", softdep: str = "") -> Index:
    """Read the texts of modules.dep, modules.builtin, modules.alias and modules.softdep."""
    paths: dict[str, str] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for line in dep.splitlines():
        path, colon, rest = line.partition(":")
        if colon:
            name = module_name(path)
            paths[name] = path
            needs[name] = tuple(module_name(need) for need in rest.split())
    aliases = []
    for line in alias.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "alias":
            aliases.append((words[1], normal(words[2])))
    inside = {module_name(path): path for path in builtin.split()}
    return Index(paths, needs, inside, tuple(aliases), _parse_soft(softdep))


def _parse_soft(text: str) -> dict[str, Soft]:
    """Read `softdep NAME [pre: A …] [post: B …]` lines; one name may have several."""
    soft: dict[str, Soft] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[0] != "softdep":
            continue
        lists: dict[str, list[str]] = {"pre:": [], "post:": []}
        current = lists["pre:"]
        for word in words[2:]:
            if word in lists:
                current = lists[word]
            else:
                current.append(word)
        old = soft.get(normal(words[1]), Soft())
        soft[normal(words[1])] = Soft(
            old.before + tuple(lists["pre:"]), old.after + tuple(lists["post:"])
        )
    return soft


def unknown(index: Index, wanted: Iterable[str]) -> list[str]:
    """Return the names that are neither a module nor in the kernel itself."""
    return [name for name in wanted if not index.knows(normal(name))]


def load_order(index: Index, name: str) -> tuple[str, ...]:
    """Return all that must be loaded for a module, itself last.

    A soft dependency that comes before it counts where it is a module's name: busybox's modprobe
    reads no modules.softdep, and uhci_hcd loaded before ehci_pci takes a stick that is not its.
    One that is an alias does not count: crc32c_intel refuses on old processors, which must not
    keep ext4 away. The kernel asks for such a one itself.
    """
    order: dict[str, None] = {}
    _visit(index, name, order, frozenset())
    return tuple(order)


def _visit(index: Index, name: str, order: dict[str, None], above: frozenset[str]) -> None:
    if name in order or name in above or name not in index.paths:
        return
    before = [normal(wanted) for wanted in index.soft.get(name, Soft()).before]
    for need in [*reversed(index.needs.get(name, ())), *before]:
        _visit(index, need, order, above | {name})
    order[name] = None


def closure(index: Index, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted names of the modules wanted and of all they need, soft or hard.

    Built-in ones and unknown ones (see `unknown`) are left out.
    """
    found: set[str] = set()
    queue = [normal(name) for name in wanted]
    while queue:
        name = queue.pop()
        if name in found or name not in index.paths:
            continue
        found.add(name)
        soft = index.soft.get(name, Soft())
        queue.extend(index.needs.get(name, ()))
        queue.extend(module for word in soft.before + soft.after for module in index.behind(word))
    return tuple(sorted(found))


def dep_text(index: Index, names: Iterable[str], paths: Mapping[str, str]) -> str:
    """Return a modules.dep of these modules only.

    Args:
        index: of the whole folder.
        names: a closure.
        paths: name to path, as in the folder that the text is for.
    """
    lines = []
    for name in sorted(names):
        needs = load_order(index, name)[-2::-1]  # without itself; what loads first stands last
        lines.append(f"{paths[name]}:" + "".join(f" {paths[need]}" for need in needs))
    return "".join(f"{line}\n" for line in lines)


def alias_text(index: Index, names: Iterable[str]) -> str:
    """Return a modules.alias of these modules only, in the order of the whole one."""
    kept = set(names)
    lines = (f"alias {pattern} {name}" for pattern, name in index.aliases if name in kept)
    return "".join(f"{line}\n" for line in lines)
