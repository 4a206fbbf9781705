"""A new disc from an old one, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from democd import layout
from democd.artifacts import DiscPlan, Package, Sign, Source, Sources
from democd.errors import InputError
from democd.formats.iso import Volume
from democd.host.progress import Reporter
from democd.identity import volume_of
from democd.recipe import MEDIA, Given
from democd.remake import apart, bill, changes, folder, mounted, repack
from democd.remake.changes import PACKING, SOURCES, TEXTUAL, Change
from democd.remake.folder import Folder
from democd.remake.original import opened
from democd.remake.repack import Laid, Started
from democd.stages import disc, installer, master
from democd.stages.master import Result
from democd.workspace import Workspace, mended

NAMED = ("disc.title", "disc.version", "disc.builder")
"""Keys that the volume descriptor tells."""
MADE = ("sizes", "files")
"""What of the manifest is made with the disc."""


@dataclass(frozen=True)
class Wanted:
    """What somebody wants changed.

    Attributes:
        source: the old disc: an ISO, a drive, where one is mounted, or the folder that one was
            unpacked into.
        overlays: folders to be laid over the root of every role, the last on top.
        overrides: of `--set`.
        options: keys that were given by options of their own.
        sign: signs the sums on the new disc and beside it.
    """

    source: Path
    overlays: Sequence[Path] = ()
    overrides: Sequence[str] = ()
    options: Sequence[Given] = ()
    sign: Sign | None = None


@mended
def build(wanted: Wanted, *, workspace: Workspace, output: Path, reporter: Reporter) -> Result:
    """Make a disc from a disc.

    Args:
        wanted: the old one, and what to change.
        workspace: kept results and scratch space; locked while this works.
        output: the folder that gets NAME.iso, its .sha256, .manifest.json and .spdx.json.
        reporter: shows the steps.

    Raises:
        InputError: the source is no disc of ours, or something wanted is wrong.
        BuildError: the source is damaged, or a step failed.
    """
    laid_over = [repack.overlay(path) for path in wanted.overlays]
    with workspace.locked(), _unpacked(wanted.source, workspace, reporter) as old:
        change = changes.decide(old, wanted.overrides, wanted.options)
        output.mkdir(parents=True, exist_ok=True)
        if change.touches(PACKING):
            _open_all(old, reporter)
        packages, listed = changes.packages(old)
        brought = changes.hypervisor(workspace, old, change, packages)
        xen, version = brought or (old.files()[layout.XEN], old.about["xen"])
        files: dict[str, Path | bytes] = {**old.files(), layout.XEN: xen}
        if change.touches((*TEXTUAL, SOURCES)):
            with reporter.step("menus", "menus and README.CD"):
                files |= changes.texts(old, change, xen, version)
        with reporter.step("layers", change.recipe.layers.compression) as step:
            laid = repack.layers(workspace, old, change.recipe, laid_over, step)
        with reporter.step("initrds", "init and modules") as step:
            started = repack.initrds(workspace, old, laid, laid_over, step)
        files |= {**laid.files, **started.files}
        files |= _installer(old, change, laid)
        about = _about(old, change, laid, started, version)
        if laid.base_changed:
            about["packages"] = {**about["packages"], **_count(packages)}
        files[layout.PACKAGES] = listed
        files |= bill.anew(old, about, files, base_changed=laid.base_changed)
        with reporter.step("plan", "all paths on the disc, and their digests"):
            plan = _plan(old, change, files, about, packages, wanted.sign)
        if old.was_signed() and not wanted.sign:
            reporter.say("the old disc is signed, the new one is not: --sign KEY signs it anew")
        return _write(old, change, plan, about, output, reporter, wanted.sign)


@contextmanager
def _unpacked(source: Path, workspace: Workspace, reporter: Reporter) -> Iterator[Folder]:
    """Give the old disc as a folder: the person's, or one in scratch space, packed as it is."""
    there = mounted.at(source) if source.is_dir() else None
    if source.is_dir() and not there:
        yield folder.read(source)
        return
    with opened(there.device if there else source) as original:
        top = workspace.tmp / "from"
        apart.lay(original, top, reporter, there.folder if there else None)
        yield folder.read(top, linked=there is not None)


def _open_all(old: Folder, reporter: Reporter) -> None:
    """Unpack what still is packed alone: it is to be packed in another way."""
    closed = [part for part in old.parts() if not part.initrd and old.items(part) is None]
    if closed:
        with reporter.step("trees", "to pack anew") as step:
            for part in closed:
                step.now(part.tree)
                apart.open_tree(old.top, part, own=old.own)


def _installer(old: Folder, change: Change, laid: Laid) -> dict[str, bytes]:
    """Return /install.pyz anew, if the overlay that it is made of was changed."""
    if not laid.changed:
        return {}
    for name in {name for of in old.about["roles"].values() for name in of}:
        home = f"{folder.layer(name).tree}/{installer.PACKAGE}"
        found = [path.relative_to(old.top).as_posix() for path in (old.top / home).rglob("*.py")]
        if not all(folder.is_plain(old.top, path) for path in (home, *found)):
            raise InputError(f"{old.top / home} has links", "put the files themselves there")
    made = installer.build(replace(change.recipe, roles=old.about["roles"]), old.top)
    return {layout.INSTALLER: made} if made else {}


def _about(
    old: Folder,
    change: Change,
    laid: Laid,
    started: Started,
    xen_version: str,
) -> dict[str, Any]:
    """Return the new manifest, but for what is made with the disc."""
    about = {key: value for key, value in old.about.items() if key not in MADE}
    about |= {"xen": xen_version, "layers": laid.names, "roles": started.roles}
    about["sources"] = changes.sources_of(old)
    if change.keys:
        given = change.recipe.disc
        about |= {"title": given.title, "version": given.version, "builder": given.builder}
        about["medium"] = {"name": given.media, "bytes": MEDIA[given.media]}
        about["recipe"] = change.told
    if "recipe" in about:
        about["recipe"] = {**about["recipe"], "roles": started.roles}
    return about


def _count(packages: Sequence[Package]) -> dict[str, int]:
    size = sum(package.size for package in packages)
    return {"count": len(packages), "installed_bytes": size}


def _plan(
    old: Folder,
    change: Change,
    files: Mapping[str, Path | bytes],
    about: Mapping[str, Any],
    packages: Sequence[Package],
    sign: Sign | None,
) -> DiscPlan:
    media = about["medium"]["name"]
    if media not in MEDIA:
        raise InputError(f"the disc was made for {media!r}, a medium that is not known here")
    boot_code = old.top / folder.BOOT_CODE
    reserve = change.recipe.disc.reserve * 1_000_000
    volume = _volume(old, change)
    try:
        return disc.arrange(volume, files, about, media, packages, boot_code, reserve, sign)
    except ValueError as error:  # of GRUB's image
        what = f"{old.top / folder.DISC}{layout.BIOS_IMAGE}: {error}"
        raise InputError(what, "unpack the disc again") from error


def _volume(old: Folder, change: Change) -> Volume:
    was = old.volume()
    if not change.touches(NAMED):
        return was
    given = change.recipe.disc
    now = volume_of(change.recipe, given.version, given.builder, was.date)
    return replace(now, volume_id=was.volume_id, preparer=was.preparer)


def _write(
    old: Folder,
    change: Change,
    plan: DiscPlan,
    about: Mapping[str, Any],
    output: Path,
    reporter: Reporter,
    sign: Sign | None,
) -> Result:
    name = change.recipe.disc.name
    with reporter.step("disc", f"{name}.iso") as step:
        made = master.publish(plan, output, name, step.at, sign)
    told = tuple(
        Source(tree["name"], tree["version"], tuple(tree["packages"]), tree["bytes"])
        for tree in about["sources"]
    )
    return Result(made, about["version"], plan, Sources(None, told))
