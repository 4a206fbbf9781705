"""The packages of the root: which, by name, version and SHA-256, and the files of them.

Which they are is a lock's to say, or what was kept of an earlier build; else the archive's of
today. The files come from the cache, or by their sum from the mirror. What comes of it is an
archive of just these on the disk, from which the root is made: however they came there, it is one
way from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from democd import archives, lockfile, package_lists
from democd.apt_trouble import explain
from democd.archives import Place
from democd.artifacts import Supplied
from democd.digests import file_digest
from democd.errors import BuildError
from democd.formats import deb822
from democd.host import debs, room
from democd.host.progress import Reporter, Step
from democd.lockfile import Lock, Locked
from democd.package_cache import MODE, Cache
from democd.recipe import Recipe
from democd.supply import Supply
from democd.workspace import Workspace

LIST = "packages.lock"
HOURS = 6
"""Between two states of Debian's archive. A lock's time is that of an index, which reaches the
snapshot service some time later; what a new state no longer names stays there for a day."""

Say = Callable[[str], None]


def build(
    workspace: Workspace,
    recipe: Recipe,
    supply: Supply,
    is_kept: Callable[[Lock], bool],
    step: Step,
    say: Say,
) -> Supplied:
    """Return what the root is to be made of, and an archive of it where it must be made.

    Args:
        workspace: keeps the list.
        recipe: its [root].
        supply: where all that may come from.
        is_kept: whether the root of these packages is there, so that no files are needed.
        step: shows what is fetched.
        say: told of what the person should know.

    Raises:
        InputError: there is no such lock, or it was made for another recipe.
        BuildError: no network, a wrong signature, packages that cannot be had.
    """
    listed = choose(workspace, recipe, supply, step)
    if supply.lock:
        for sentence in lockfile.other_tools(listed, debs.tool_versions()):
            say(f"warning: {sentence}")
    if is_kept(listed):
        return Supplied(listed, None)
    with (cache := supply.cache_in(workspace)).in_use():
        try:
            files = gather(workspace, recipe, supply, listed, cache, step, say)
        except GoneError:
            if supply.lock or supply.offline or supply.snapshot or supply.refresh:
                raise
            say("the mirror no longer has the packages of the kept list: it is asked for today's")
            listed = choose(workspace, recipe, Supply(refresh=True), step)
            files = gather(workspace, recipe, supply, listed, cache, step, say)
        repository = lay_out(workspace.tmp / "archive", listed, files)
    cache.prune(supply.bound, {package.sha256 for package in listed.packages})
    return Supplied(listed, repository)


def kept(workspace: Workspace, recipe: Recipe, supply: Supply) -> Lock | None:
    """Return which packages the root is to be made of, if no archive need be asked for it."""
    names = package_lists.package_names(recipe, recipe.folder / "rootfs")
    if supply.lock or (
        not supply.refresh and workspace.keeps("packages", _inputs(recipe, supply, names))
    ):
        with Reporter(quiet=True).step("packages", "the kept list") as step:
            return choose(workspace, recipe, supply, step)
    return None


def choose(workspace: Workspace, recipe: Recipe, supply: Supply, step: Step) -> Lock:
    """Return which packages the root is to be made of.

    Raises:
        InputError: there is no such lock, or it was made for another recipe.
        BuildError: no network, a wrong signature, a package that is not there.
    """
    names = package_lists.package_names(recipe, recipe.folder / "rootfs")
    if supply.lock:
        lock = lockfile.read(supply.lock)
        lockfile.refuse_other(lock, recipe, names, str(supply.lock))
        return lock
    inputs = _inputs(recipe, supply, names)
    if supply.offline and not workspace.keeps("packages", inputs):
        raise BuildError(
            f"offline, and no list of the recipe's packages is kept in {workspace.folder}",
            "build once with a network; or from a lock: --locked",
        )

    def make(folder: Path) -> None:
        found = _resolve(workspace, recipe, supply, names, step)
        (folder / LIST).write_text(lockfile.text(found))

    made = workspace.step("packages", inputs, make, anew=supply.refresh)
    return lockfile.read(made.path / LIST)


def _inputs(recipe: Recipe, supply: Supply, names: Sequence[str]) -> dict[str, object]:
    return {
        "suite": recipe.root.suite,
        "components": recipe.root.components,
        "places": [[place.archive, place.base, place.suite] for place in supply.places(recipe)],
        "names": list(names),
        "code": [Path(debs.__file__), Path(lockfile.__file__)],
    }


def _resolve(
    workspace: Workspace, recipe: Recipe, supply: Supply, names: Sequence[str], step: Step
) -> Lock:
    where = supply.places(recipe)
    step.now("what the archive has")
    lines = archives.source_list(where, recipe.root.components, debs.SIGNED)
    with TemporaryDirectory(dir=workspace.tmp) as folder:
        archive = debs.Debs(Path(folder), lines, past=bool(supply.snapshot))
        try:
            releases = archive.update()
            step.now("what the recipe's packages need")
            found = archive.resolve(names)
        except debs.AptError as error:
            raise explain(error, error.said, recipe.root.suite) from error
    return Lock(
        suite=recipe.root.suite,
        components=recipe.root.components,
        names=tuple(names),
        time=archives.named(max(release.date for release in releases)),
        packages=tuple(_locked(deb, where) for deb in found),
        releases={_title(release.name): release.sha256 for release in releases},
        tools=debs.tool_versions(),
    )


def _locked(deb: debs.Deb, where: Sequence[Place]) -> Locked:
    path = archives.path_of(deb.address, where)
    if path is None:
        raise BuildError(f"{deb.name} comes from nowhere that was asked", "see root.mirror")
    return Locked(deb.name, deb.version, deb.architecture, deb.size, deb.sha256, path)


def _title(name: str) -> str:
    """Return the suite that apt's name of an index ends in; the mirror's is nobody's matter."""
    return name.rpartition("_dists_")[2]


class GoneError(BuildError):
    """Neither the cache nor the mirror has some of the packages."""


def gather(
    workspace: Workspace,
    recipe: Recipe,
    supply: Supply,
    listed: Lock,
    cache: Cache,
    step: Step,
    say: Say,
) -> Mapping[Locked, Path]:
    """Return the file of each package, from the cache or else the mirror; all are hashed here.

    Raises:
        GoneError: some are in neither.
        BuildError: no network, or a file is not what it should be.
    """
    folder = workspace.tmp / "debs"
    folder.mkdir(exist_ok=True)
    files = {package: folder / _file_name(package) for package in listed.packages}
    lacking = []
    for package, path in files.items():
        path.unlink(missing_ok=True)

        def told(what: str, package: Locked = package) -> None:
            say(f"{package}: {what}")

        if not cache.take(package.sha256, package.size, path, told):
            lacking.append(package)
    if lacking and supply.offline:
        raise GoneError(
            f"offline, and {_many(lacking)} in the cache {cache.folder}",
            f"{_names(lacking)}\nbuild once with a network, or name the cache that has them: "
            "--cache DIR",
        )
    if lacking:
        _fetch(workspace, recipe, supply, listed, files, lacking, cache, step)
    return files


def _fetch(
    workspace: Workspace,
    recipe: Recipe,
    supply: Supply,
    listed: Lock,
    files: Mapping[Locked, Path],
    lacking: Sequence[Locked],
    cache: Cache,
    step: Step,
) -> None:
    """Fetch packages; what was fetched is in the cache, though others fail."""
    where = supply.places(recipe)
    of = {archives.address_of(package.path, where): package for package in lacking}
    wanted = [(address, files[package], package.sha256) for address, package in of.items()]
    total = sum(package.size for package in lacking)
    archive = debs.Debs(Path(mkdtemp(dir=workspace.tmp)), "")
    done = 0
    gone: dict[str, str] = {}
    for part in debs.at_once(wanted):
        step.at(done, total)
        step.now(f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
        try:
            gone |= archive.fetch(part)
        except debs.AptError as error:
            raise explain(error, error.said, recipe.root.suite) from error
        for address, path, digest in part:
            if address not in gone:
                _refuse_wrong(of[address], path)
                with room.watched(cache.folder, "the cache of packages", option="--cache"):
                    cache.put(digest, path)
                done += of[address].size
    if gone:
        packages = [of[address] for address in gone]
        raise GoneError(f"the mirror no longer has {_count(packages)}", _advice(listed, gone, of))


def _refuse_wrong(package: Locked, path: Path) -> None:
    if not path.is_file() or path.stat().st_size != package.size:
        size = path.stat().st_size if path.is_file() else 0
        raise BuildError(
            f"{package} should have {package.size} bytes, and the mirror sent {size}",
            "it was not kept; see root.mirror, or write the lock anew: ./build.py lock",
        )
    if file_digest(path) != package.sha256:
        raise BuildError(
            f"{package} is not what the list has: other bytes", "nothing of it was kept"
        )


def _advice(listed: Lock, gone: Mapping[str, str], of: Mapping[str, Locked]) -> str:
    time = archives.named(listed.date + HOURS * 3600)
    return (
        f"{_names([of[address] for address in gone])}\n"
        f"{', '.join(sorted(set(gone.values())))}\n"
        f"Debian's snapshots should have them: --snapshot {time}; or take today's packages: "
        "./build.py lock, or --refresh without a lock"
    )


def _count(packages: Sequence[Locked]) -> str:
    return f"{len(packages)} package{'s' if len(packages) != 1 else ''}"


def _many(packages: Sequence[Locked]) -> str:
    return f"{_count(packages)} {'are' if len(packages) != 1 else 'is'} not"


def _names(packages: Sequence[Locked]) -> str:
    return ", ".join(sorted(map(str, packages)))


def _file_name(package: Locked) -> str:
    """Return a name without the version's epoch, as in Debian's pool: apt would read its %3a."""
    version = package.version.partition(":")[2] or package.version
    return f"{package.name}_{version}_{package.architecture}.deb"


def lay_out(folder: Path, listed: Lock, files: Mapping[Locked, Path]) -> Path:
    """Return the folder of an archive of just these packages, as apt reads one without suites.

    Its index is made of the packages' own control data, in the order of their names; its date is
    the lock's.

    Raises:
        BuildError: a file is another package than the list calls it.
    """
    folder.mkdir()
    texts = debs.control(list(files.values()))
    listing = folder / archives.INDEX
    with listing.open("w") as index:
        for (package, path), text in zip(files.items(), texts, strict=True):
            (fields,) = deb822.stanzas(text)
            is_in = tuple(fields.get(key) for key in ("Package", "Version", "Architecture"))
            if is_in != (package.name, package.version, package.architecture):
                raise BuildError(
                    f"the list calls a package {package} that is {' '.join(map(str, is_in))}",
                    lockfile.AGAIN,
                )
            path.rename(folder / path.name)
            where = {
                "Filename": f"./{path.name}",
                "Size": str(package.size),
                "SHA256": package.sha256,
            }
            index.write(deb822.text({**fields, **where}))
    date = format_datetime(datetime.fromtimestamp(listed.date, UTC))
    about = {
        "Suite": listed.suite,
        "Codename": listed.suite,
        "Date": date,
        "Architectures": lockfile.ARCHITECTURE,
        "SHA256": f"\n{file_digest(listing)} {listing.stat().st_size} {archives.INDEX}",
    }
    (folder / "Release").write_text(deb822.text(about).rstrip("\n") + "\n")
    folder.chmod(0o755)
    for name in (archives.INDEX, "Release"):
        (folder / name).chmod(MODE)
    return folder
