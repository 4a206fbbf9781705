"""The Debian root: mmdebstrap makes it, and it is kept as a tar by the hash of its inputs."""

from __future__ import annotations

import fnmatch
import re
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

from democd.artifacts import Package, Root
from democd.errors import BuildError
from democd.host.progress import Step
from democd.host.run import run
from democd.recipe import Recipe
from democd.workspace import Made, Workspace

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PHASES = (
    "running apt-get update",
    "downloading packages",
    "extracting archives",
    "installing essential packages",
    "installing remaining packages",
    "cleaning package lists",
    "creating tarball",
)
"""What mmdebstrap says at the start of each phase (`I: …`), for the bar."""

TROUBLE = (
    (
        r"^E: (?:Unable to locate package|Package) '?([^\s']+)(?:$|' has no installation cand)",
        "Debian {suite} has no package {names}",
        "correct rootfs/packages/ or the recipe's root.extra; a package may also be of a component "
        "that root.components lacks",
    ),
    (
        r"^(?:E:.*is not signed|W:.*signatures (?:were invalid|couldn't be verified).*)",
        "the archive is not signed with Debian's keys",
        "nothing of it was used; see root.mirror, or install a newer debian-archive-keyring",
    ),
    (
        r"^E:.*Release file .*is (?:not valid yet|expired).*",
        "the archive's date and this machine's clock do not go together",
        "set the clock, or choose a mirror that is up to date",
    ),
    (
        r"^E: (?:Failed to fetch .*|The repository .* does not have a Release file.*)",
        "Debian {suite} cannot be fetched",
        "see to the network, the proxy (http_proxy), or the recipe's root.mirror",
    ),
    (
        r"^unshare: .*",
        "this user may not work in namespaces of their own",
        "build as root, or see that /etc/subuid and /etc/subgid have a line for the user (adduser "
        "makes them) and that the kernel allows user namespaces",
    ),
)
"""What apt or unshare prints when it fails, what to call it, and what to do; the first counts."""


def build(
    workspace: Workspace, recipe: Recipe, project: Path, step: Step, *, refresh: bool
) -> Root:
    """Return the root for the recipe's suite, mirror and packages.

    `project` is the folder with rootfs/; `refresh` makes the root anew, with the packages that
    the mirror has today.

    Raises:
        BuildError: mmdebstrap failed: no network, a wrong signature, a package that is not there.
    """
    rootfs = project / "rootfs"
    packages = package_names(recipe, rootfs)

    def make(folder: Path) -> None:
        tar = folder / "root.tar"
        watch = _Watch(step)
        try:
            run(
                command(recipe, packages, rootfs / "hooks", tar),
                contained=True,
                # mmdebstrap works in here; on a crash the workspace clears it.
                env={"TMPDIR": str(workspace.tmp)},
                on_line=watch.line,
                log=folder / "mmdebstrap.log",
            )
        except BuildError as error:
            raise explain(error, watch.said, recipe.root.suite) from error
        step.now("unpacking what later steps read")
        unpack_parts(tar, folder / "parts", patterns(rootfs / "parts.txt"))

    made = workspace.step("root", _inputs(recipe, rootfs), make, anew=refresh)
    return _read(made)


def is_kept(workspace: Workspace, recipe: Recipe, project: Path) -> bool:
    """Return whether `build` has nothing to do, unless told to refresh."""
    return workspace.keeps("root", _inputs(recipe, project / "rootfs"))


def _inputs(recipe: Recipe, rootfs: Path) -> dict[str, object]:
    return {
        "suite": recipe.root.suite,
        "mirror": recipe.root.mirror,
        "components": recipe.root.components,
        "packages": package_names(recipe, rootfs),
        "hooks": rootfs / "hooks",
        "parts": rootfs / "parts.txt",
        "code": Path(__file__),
    }


def package_names(recipe: Recipe, rootfs: Path) -> list[str]:
    """Return the names in the recipe's package lists and its `extra`, sorted, once each."""
    names = set(recipe.root.extra)
    for name in recipe.root.packages:
        names |= set(patterns(rootfs / "packages" / name))
    return sorted(names)


def patterns(path: Path) -> list[str]:
    """Return the first word of each line of a list file, without comments."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def command(recipe: Recipe, packages: Iterable[str], hooks: Path, tar: Path) -> list[str | Path]:
    """Return mmdebstrap's argv.

    We are root, or root of a user namespace (`run(contained=True)`): mode root either way.
    """
    hook_options = [f"--{path.name.split('-')[0]}-hook={path}" for path in sorted(hooks.iterdir())]
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=apt",
        "--format=tar",
        "--architectures=amd64",
        f"--components={','.join(recipe.root.components)}",
        f"--keyring={KEYRING}",
        '--aptopt=Apt::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io",
        f"--include={','.join(packages)}",
        *hook_options,
        recipe.root.suite,
        tar,
        *([recipe.root.mirror] if recipe.root.mirror else []),
    ]


def explain(error: BuildError, said: Iterable[str], suite: str) -> BuildError:
    """Return mmdebstrap's failure in the words of `TROUBLE`, or as it is if they have none.

    Args:
        error: what `run` raised.
        said: all lines that mmdebstrap has printed.
        suite: the Debian release.
    """
    lines = list(dict.fromkeys(line.strip() for line in said))
    for pattern, message, advice in TROUBLE:
        hits = [(line, hit) for line in lines if (hit := re.search(pattern, line))]
        if hits:
            names = ", ".join(hit[1] for _, hit in hits if hit.re.groups)
            told = "\n".join(line for line, _ in hits)
            return BuildError(message.format(suite=suite, names=names), f"{advice}\n{told}")
    return error


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
