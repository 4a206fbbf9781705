"""The Debian root: mmdebstrap makes it, and it is kept as a tar by the hash of its inputs."""

from __future__ import annotations

import fnmatch
import re
import shlex
import shutil
import tarfile
from pathlib import Path

from democd import archives, basis
from democd.apt_trouble import explain
from democd.artifacts import Package, Root, Supplied
from democd.errors import BuildError
from democd.formats import deb822
from democd.host.progress import Step
from democd.host.run import run
from democd.inputs import Made
from democd.lockfile import ARCHITECTURE, Lock
from democd.package_lists import patterns
from democd.recipe import Recipe
from democd.workspace import Workspace

LATER = ("root.tar", "parts/usr/lib/modules/")
"""What of the result only makes further results: it takes seconds to compare with its sums."""
PHASES = (
    "unpacking essential packages",
    "installing essential packages",
    "installing remaining packages",
    "creating tarball",
)
"""What rootfs/hooks/ and mmdebstrap say at the start of each phase (`I: …`), for the bar."""

INSIDE = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
}
"""All that the root's own programs have as environment while it is made."""


def build(
    workspace: Workspace, recipe: Recipe, project: Path, supplied: Supplied, step: Step
) -> Root:
    """Return the root made of some packages.

    Args:
        workspace: keeps it.
        recipe: the suite, and the packages that are asked for.
        project: the folder with rootfs/.
        supplied: the packages; with an archive of them, unless the root is kept.
        step: shows what is done.

    Raises:
        BuildError: mmdebstrap failed.
    """
    rootfs = project / "rootfs"

    def make(folder: Path) -> None:
        if (archive := supplied.archive) is None:
            raise AssertionError("the root must be made, and its packages were not gathered")
        tar = folder / "root.tar"
        sources = folder / "sources.list"
        sources.write_text(_sources_list(recipe))
        watch = _Watch(step)
        try:
            run(
                command(recipe, rootfs / "hooks", sources, tar),
                contained=True,
                # mmdebstrap works in here; on a crash the workspace clears it.
                env={"TMPDIR": str(workspace.tmp), **hook_variables(supplied.lock, archive)},
                on_line=watch.line,
                log=folder / "mmdebstrap.log",
            )
        except BuildError as error:
            starting = [line for line in watch.said if line.startswith("unshare: ")]
            raise explain(error, starting, recipe.root.suite) from error
        sources.unlink()
        step.now("unpacking what later steps read")
        unpack_parts(tar, folder / "parts", patterns(rootfs / "parts.txt"))

    made = workspace.step("root", _inputs(recipe, rootfs, supplied.lock), make, later=LATER)
    return _read(made)


def is_kept(workspace: Workspace, recipe: Recipe, project: Path, lock: Lock) -> bool:
    """Return whether the root of these packages is there."""
    return workspace.keeps("root", _inputs(recipe, project / "rootfs", lock))


def _inputs(recipe: Recipe, rootfs: Path, lock: Lock) -> dict[str, object]:
    """Return what the root depends on; not where its packages were got from."""
    return {
        "suite": lock.suite,
        "date": lock.time,
        "names": lock.names,
        "packages": [[item.name, item.version, item.sha256] for item in lock.packages],
        "sources": _sources_list(recipe),
        "hooks": rootfs / "hooks",
        "parts": rootfs / "parts.txt",
        "code": [Path(__file__), Path(basis.__file__)],
    }


def _sources_list(recipe: Recipe) -> str:
    """Return the list of archives that a running disc asks for packages."""
    where = archives.places(recipe.root.suite, recipe.root.mirror)
    return archives.source_list(where, recipe.root.components)


def hook_variables(lock: Lock, archive: Path) -> dict[str, str]:
    """Return what the hooks read.

    Args:
        lock: which packages are asked for.
        archive: the folder of an archive of all packages.

    Raises:
        BuildError: a package that the basis needs is not among them.
    """
    packages = deb822.stanzas((archive / archives.INDEX).read_text())
    return {
        "DEMOCD_ARCHIVE": str(archive),
        "DEMOCD_BASIS": " ".join(package["Filename"] for package in basis.choose(packages)),
        "DEMOCD_PACKAGES": " ".join(lock.names),
        "DEMOCD_INSIDE": " ".join(f"{name}={value}" for name, value in INSIDE.items()),
    }


def command(recipe: Recipe, hooks: Path, sources: Path, tar: Path) -> list[str | Path]:
    """Return mmdebstrap's argv.

    It makes the folders, mounts and the tar; packages are installed by the hooks, with the suite's
    own dpkg and apt, so that the host's versions of these do not show in the root. We are root, or
    root of a user namespace (`run(contained=True)`): mode root either way. The archive is one of
    our own making, whose files have all just been compared with the signed list or the lock: hence
    `trusted`, and no signature. Its line in the root gives way to `sources`.
    """
    hook_options = [f"--{path.name.split('-')[0]}-hook={path}" for path in sorted(hooks.iterdir())]
    options = "trusted=yes check-date=no check-valid-until=no"
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=custom",
        "--format=tar",
        f"--architectures={ARCHITECTURE}",
        "--skip=update,cleanup/apt,check/signed-by",
        '--aptopt=Apt::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        *hook_options,
        f"--customize-hook=upload {shlex.quote(str(sources))} /etc/apt/sources.list",
        recipe.root.suite,
        tar,
        f"deb [{options}] file:/archive ./",
    ]


class _Watch:
    """Turns mmdebstrap's `I: …` lines into progress, and keeps all lines."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.said: list[str] = []

    def line(self, line: str) -> None:
        self.said.append(line)
        text = line.removeprefix("I: ")
        for index, phase in enumerate(PHASES):
            if text.startswith(phase):
                self.step.at(index, len(PHASES))
                self.step.now(text.rstrip("."))


def unpack_parts(tar: Path, target: Path, wanted: list[str]) -> None:
    """Unpack the files of a root's tar that match a pattern; files and relative links only.

    Device nodes are left out and owners are not kept, so this needs no privilege. (tarfile's own
    `data` filter, PEP 706, is not in Debian 12's Python.)

    Raises:
        BuildError: a path or a link leads out of `target`.
    """
    target.mkdir()
    match = re.compile("|".join(fnmatch.translate(pattern) for pattern in wanted)).match
    with tarfile.open(tar) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if not match(name) or not (member.isfile() or member.issym()):
                continue
            if member.issym() and member.linkname.startswith("/"):
                continue
            _unpack(archive, member, target, name)


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path, name: str) -> None:
    path = target / name
    link = member.linkname if member.issym() else ""
    # resolve() follows the links unpacked so far: nothing is written through one that leads out.
    if not (path.parent / link).resolve().is_relative_to(target.resolve()):
        raise BuildError(f"{archive.name!s}: {name} leads out of its folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    if link:
        path.symlink_to(link)
        return
    source = archive.extractfile(member)
    with path.open("wb") as stream:
        if source:
            shutil.copyfileobj(source, stream, 1 << 20)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _read(made: Made) -> Root:
    parts = made.path / "parts"
    status = (parts / "var/lib/dpkg/status").read_text()
    return Root(
        made=made,
        tar=made.path / "root.tar",
        parts=parts,
        packages=parse_status(status),
        date=int((parts / "ARCHIVE-DATE").read_text()),
    )


def parse_status(text: str) -> tuple[Package, ...]:
    """Return the installed packages of a dpkg status file (deb822), sorted by name.

    Raises:
        BuildError: a package is half-installed.
    """
    packages = []
    for stanza in text.strip().split("\n\n"):
        fields: dict[str, str] = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.MULTILINE))
        if fields["Status"] != "install ok installed":
            raise BuildError(f"package {fields['Package']} is in state: {fields['Status']}")
        packages.append(
            Package(
                name=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                source=fields.get("Source", fields["Package"]).split()[0],
                size=int(fields.get("Installed-Size", "0")) * 1024,
            )
        )
    return tuple(sorted(packages, key=lambda package: package.name))
