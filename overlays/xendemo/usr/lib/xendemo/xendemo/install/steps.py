"""What a plan is made of. A step says what it does in words and as a command; `doing` does it.

All times, identifiers and contents are settled when the plan is made, so the plan that is shown is
the one that is carried out.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

NEW_FILE = 0o644
QUEUE = "16"  # MiB that unsquashfs may use for each; by default 256, more than a small dom0 has


def aside(path: str) -> tuple[str, str]:
    """Return where a file's new content, and its old one, lie while a plan is carried out.

    After a power cut such files may be left; they can be removed at any other time.
    """
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.{name}.xendemo-new", f"{folder}{slash}.{name}.xendemo-old"


@dataclass(frozen=True)
class Run:
    """A program that must succeed.

    Args:
        words: what it does, as one would say it: "make the file system of the root".
        argv: the program and its arguments.
        given: what it reads on its standard input.
        secret: `given` is neither shown nor logged.
        harmless: a failure is told as a warning, and the installation goes on.
        undo: the command that takes it back, if rolling back needs one.
        changes: files that the program writes anew; rolling back puts them back as they were.
    """

    words: str
    argv: tuple[str, ...]
    given: str = ""
    secret: bool = False
    harmless: bool = False
    undo: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    def command(self) -> str:
        """Return it as a person would type it."""
        line = shlex.join(self.argv)
        if not self.given:
            return line
        return f"{line} < …" if self.secret else f"{line} <<< {shlex.quote(self.given)}"


@dataclass(frozen=True)
class Write:
    """A small file, written aside, flushed, and renamed to its place: there whole or not at all.

    What was there before is kept until the plan has ended, so that it can be put back.

    Args:
        menu: a boot loader reads it, which replays no journal and so may find a name of now and a
            file of then: the file system is flushed before and after the renaming.
    """

    words: str
    path: str
    data: bytes = field(repr=False)
    mode: int = NEW_FILE
    menu: bool = False

    def command(self) -> str:
        """Return it as a person would type it."""
        return f"write {shlex.quote(self.path)} ({len(self.data)} bytes)"


@dataclass(frozen=True)
class Copy:
    """A file or block device copied to a file, likewise whole or not at all.

    Args:
        size: bytes to copy, from the start; -1 for all of a file.
        keep: the file's owner, mode, times and extended attributes are the source's.
        menu: as of `Write`.
    """

    words: str
    source: str
    path: str
    mode: int = NEW_FILE
    size: int = -1
    keep: bool = False
    menu: bool = False

    def command(self) -> str:
        """Return it as a person would type it."""
        if self.keep:
            return shlex.join(("cp", "-a", self.source, self.path))
        if self.size < 0:
            return shlex.join(("cp", self.source, self.path))
        return f"head -c {self.size} {shlex.quote(self.source)} > {shlex.quote(self.path)}"


@dataclass(frozen=True)
class Tree:
    """A folder's files copied into another folder, owners, modes, links and times kept.

    Args:
        exclude: patterns (fnmatch, `*` crosses slashes) of paths below `source` that are left out.
        layered: a file may be in the target already, and is replaced: one layer over another.
    """

    words: str
    source: str
    path: str
    exclude: tuple[str, ...] = ()
    layered: bool = False

    def command(self) -> str:
        """Return it as a person would type it."""
        left_out = f"   # without {' '.join(self.exclude)}" if self.exclude else ""
        return shlex.join(("cp", "-a", f"{self.source}/.", self.path)) + left_out


@dataclass(frozen=True)
class Unpack:
    """A squashfs unpacked into a folder, with owners, modes, links, times and attributes.

    unsquashfs reads it from its start to its end, as discs like it, and with all processors.

    Args:
        exclude: patterns (`*` crosses no slash) of paths in it that are left out.
        size: what it grows to, bytes; for the progress.
    """

    words: str
    archive: str
    path: str
    exclude: tuple[str, ...] = ()
    size: int = 0

    def argv(self) -> tuple[str, ...]:
        """Return the command that does it; a file that cannot be written ends it."""
        left_out = ("-excludes",) if self.exclude else ()
        return ("unsquashfs", "-quiet", "-no-progress", "-strict-errors", "-force",
                "-data-queue", QUEUE, "-frag-queue", QUEUE,
                "-dest", self.path, *left_out, self.archive, *self.exclude)  # fmt: skip

    def command(self) -> str:
        """Return it as a person would type it."""
        return shlex.join(self.argv())


@dataclass(frozen=True)
class Remove:
    """A file, link or empty folder that is taken away; kept aside until the plan has ended."""

    words: str
    path: str

    def command(self) -> str:
        """Return it as a person would type it."""
        return shlex.join(("rm", self.path))


@dataclass(frozen=True)
class Mount:
    """A file system mounted while the plan is carried out; unmounted at its end, however it ends.

    Args:
        what: device, or folder for a bind mount.
        options: as in fstab; "" for the defaults.
        type: of the file system; "" lets mount find out.
    """

    words: str
    what: str
    path: str
    type: str = ""
    options: str = ""

    def command(self) -> str:
        """Return it as a person would type it."""
        return shlex.join(("mount", *self.flags(), self.what, self.path))

    def flags(self) -> tuple[str, ...]:
        """Return what is given to mount beside device and folder."""
        return (*(("-t", self.type) if self.type else ()),
                *(("-o", self.options) if self.options else ()))  # fmt: skip


Step = Run | Write | Copy | Tree | Unpack | Remove | Mount


def programs(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the programs of this machine that steps cannot do without."""
    needed: dict[str, None] = {}
    for step in steps:
        if isinstance(step, Unpack):
            needed[step.argv()[0]] = None
        elif isinstance(step, Mount):
            needed["mount"] = None
        elif isinstance(step, Run) and not step.harmless:
            needed[step.argv[0]] = None
    return tuple(needed)


@dataclass(frozen=True)
class Plan:
    """All that an installation will do.

    Args:
        title: one line: what goes where.
        words: what will be so afterwards, a line each; for the person who decides.
        steps: in order.
        confirm: what the person must type, a device's name or a folder's path.
        after: what to do next, a line each.
        undo: a failure is rolled back: all files are put back as they were.
        ruin: what to say of the target if the plan fails in the middle and is not rolled back.
        log: where the log is kept on the target, "" for nowhere.
    """

    title: str
    words: tuple[str, ...]
    steps: tuple[Step, ...]
    confirm: str
    after: tuple[str, ...]
    undo: bool = False
    ruin: str = ""
    log: str = ""
