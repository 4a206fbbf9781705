"""Fetches Debian source packages as the archive has them, in the very versions of the root.

What was fetched is kept by name and version, with the archive's entry, so a run that was cut
short is gone on with, and one that lacks nothing needs no network.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from democd import origins
from democd.artifacts import Missing, Packed
from democd.errors import BuildError, Mistakes
from democd.formats import deb822
from democd.host import apt
from democd.host.progress import Step
from democd.origins import Offered, Origin
from democd.supply import Supply
from democd.workspace import KEPT_PER_STEP, Workspace

DO_WITHOUT = "--allow-missing"
FORMAT = 1  # of a kept result
ENTRY = ".entry"
"""Beside the files of a source: its fields in the archive's signed list."""


@dataclass(frozen=True)
class Stock:
    """What of the wanted sources is kept, can be fetched, and is in no list.

    Attributes:
        kept: what is there.
        to_fetch: what the archive's lists have.
        absent: what they lack.
        archive: to fetch from; None where all is kept.
    """

    kept: dict[Origin, Packed]
    to_fetch: dict[Origin, Offered]
    absent: tuple[Missing, ...]
    archive: apt.Archive | None

    def sizes(self) -> dict[str, int]:
        """Return the bytes of all sources that there will be, by name and version."""
        every = [*(item.about for item in self.kept.values()), *self.to_fetch.values()]
        return {f"{item.name} {item.version}": item.size() for item in every}


def look(
    workspace: Workspace,
    wanted: Sequence[Origin],
    lines: str,
    step: Step,
    supply: Supply = Supply(),  # noqa: B008 - it is frozen
) -> Stock:
    """Return where each source is to come from; fetches nothing but the archive's lists.

    Args:
        workspace: has what was fetched before.
        wanted: the sources.
        lines: the sources.list of their archive.
        step: shows that lists are fetched.
        supply: whether a network may be asked, and whether these are archives of now.

    Raises:
        BuildError: there is no network, or a signature is wrong.
    """
    names = _step_names(wanted)
    kept = {
        origin: _read(workspace.step(names[origin], _inputs(origin), _nothing).path)
        for origin in wanted
        if workspace.keeps(names[origin], _inputs(origin))
    }
    rest = [origin for origin in wanted if origin not in kept]
    if not rest:
        return Stock(kept, {}, (), None)
    supply.refuse_network(f"the source of {named(origin)}" for origin in rest)
    step.now("what the archive has")
    archive = apt.Archive(workspace.tmp / "apt", lines, past=bool(supply.snapshot))
    archive.update()
    offered = origins.offered(archive.show(sorted({origin.name for origin in rest})))
    lacking = origins.lacking(rest, offered)
    there = origins.matched([origin for origin in rest if origin not in lacking], offered)
    absent = [
        Missing(origin, f"the archive's lists have another version: {has}")
        for origin, has in lacking.items()
    ]
    to_fetch = {o: found for o in rest if (found := there.get((o.name, o.version)))}
    return Stock(kept, to_fetch, tuple(absent), archive)


def refuse_absent(stock: Stock) -> None:
    """Check that the archive's lists have all sources.

    Raises:
        Mistakes: one for each that they lack.
    """
    if stock.absent:
        advice = f"{origins.MOVED_ON}; or do without it: {DO_WITHOUT}"
        raise Mistakes([(f"{named(item.origin)}: {item.why}", advice) for item in stock.absent])


def refuse_unfetched(missing: Sequence[Missing], wanted: int) -> None:
    """Check that all sources were fetched.

    Args:
        missing: those that were not.
        wanted: how many there should be.

    Raises:
        BuildError: it names all of them.
    """
    if missing:
        told = "\n".join(f"{named(item.origin)}: {item.why}" for item in missing)
        raise BuildError(
            f"{len(missing)} of {wanted} sources cannot be fetched, though the archive's lists "
            "have them",
            f"{told}\nwhat was fetched is kept: try again later, or set root.mirror to a mirror "
            f"that has them; or do without them: {DO_WITHOUT}",
        )


def fetch(
    workspace: Workspace, wanted: Sequence[Origin], stock: Stock, step: Step
) -> tuple[tuple[Packed, ...], tuple[Missing, ...]]:
    """Return all sources that can be had, and those that the server has not got.

    Raises:
        BuildError: the network is gone, or a file is not what the signed lists say.
    """
    names = _step_names(wanted)
    total = sum(item.size() for item in stock.to_fetch.values())
    done, had, missing = 0, dict(stock.kept), []
    for number, (origin, about) in enumerate(stock.to_fetch.items(), start=1):
        step.at(done, total)
        mega = f"{about.size() / 1e6:.1f} of {total / 1e6:.0f} MB"
        step.now(f"{number} of {len(stock.to_fetch)}: {origin.name} {origin.version}, {mega}")
        try:
            made = workspace.step(names[origin], _inputs(origin), _making(stock, about))
            had[origin] = _read(made.path)
        except apt.NotThereError as error:
            missing.append(Missing(origin, error.message))
        done += about.size()
    return tuple(had[origin] for origin in wanted if origin in had), tuple(missing)


def named(origin: Origin) -> str:
    """Return a source as a person is told of it, with what was built from it."""
    packages = ", ".join(origin.packages[:4]) + (", …" if len(origin.packages) > 4 else "")
    return f"{origin.name} {origin.version} (for {packages})"


def _making(stock: Stock, about: Offered) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        if stock.archive is None:
            raise AssertionError("something is to be fetched, and no archive was asked")
        try:
            stock.archive.download(about.name, about.version, folder)
        except apt.NotThereError:
            for path in folder.iterdir():
                path.unlink()  # some are there, and take room until the end
            raise
        for path in folder.iterdir():
            if path.is_symlink():  # to a mirror on a disk, where it would not be kept
                shutil.copyfile(path.resolve(), copy := path.with_name(f"{path.name}.copy"))
                copy.replace(path)
        there = {path.name: path.stat().st_size for path in folder.iterdir()}
        if there != dict(about.files):
            raise BuildError(
                f"the source of {about.name} {about.version} is not what the archive's list says",
                f"it has {sorted(there.items())}, and should have {sorted(about.files.items())}",
            )
        (folder / ENTRY).write_text(deb822.text(about.entry))

    return make


def _read(folder: Path) -> Packed:
    (about,) = origins.offered((folder / ENTRY).read_text())
    return Packed(about, folder)


def _nothing(folder: Path) -> None:
    raise AssertionError(f"{folder}: it is kept")


def _inputs(origin: Origin) -> dict[str, object]:
    return {"name": origin.name, "version": origin.version, "format": FORMAT}


def _step_names(wanted: Sequence[Origin]) -> dict[Origin, str]:
    """Return the step of each; of a name with very many versions each is kept on its own."""
    versions = Counter(origin.name for origin in wanted)
    return {
        origin: f"packed-{origin.name}"
        + (f"_{origin.version}" if versions[origin.name] > KEPT_PER_STEP else "")
        for origin in wanted
    }
