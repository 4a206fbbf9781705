"""The peer: Debian's live-build, told to make a disc of the same packages.

It needs root and mounts things in its tree. It runs in PID and mount namespaces of its own, so
whatever ends it, no mount and no process is left.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.checkout import NO_NETWORK
from democd.artifacts import Root
from democd.errors import BuildError
from democd.formats.isoread import open_disc
from democd.host.run import run
from democd.recipe import Recipe


class LiveBuild:
    """A tree of live-build's, in an empty folder.

    Args:
        folder: becomes live-build's own; emptied first.
        recipe: names the suite and the archive's components.
        packages: what shall be on the disc, besides live-build's own.
        root: democd's, made before: its mirrors are used here too.
        keep: keep what was downloaded, and the first stage of the root, for the next build.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        packages: Sequence[str],
        root: Root,
        *,
        keep: bool = False,
    ) -> None:
        self.folder = folder
        self._options = options(recipe, mirrors(root), keep=keep)
        self._packages = packages

    def build(self) -> float:
        """Make the disc from nothing and return the seconds that it took."""
        self.remove()
        self.folder.mkdir(parents=True)
        self._lb("config", *self._options)
        chosen = self.folder / "config" / "package-lists" / "democd.list.chroot"
        chosen.write_text("\n".join(self._packages) + "\n")
        return self.build_again()

    def build_again(self) -> float:
        """Let live-build find out what there is to do; return the seconds that it took."""
        begun = time.monotonic()
        self._lb("build")
        return time.monotonic() - begun

    def build_clean(self) -> float:
        """Make the disc of what is kept of downloads; return the seconds that it took."""
        self._clean()
        return self.build_again()

    def build_offline(self) -> float:
        """Do the same where there is no network; return the seconds that it took."""
        self._clean()
        begun = time.monotonic()
        run([*NO_NETWORK, "lb", "build"], contained=True, cwd=self.folder)
        return time.monotonic() - begun

    def rebuild(self) -> float:
        """Make the disc again from the tree that is there; return the seconds that it took."""
        begun = time.monotonic()
        self._lb("clean", "--binary")
        self._lb("binary")
        return time.monotonic() - begun

    @property
    def iso(self) -> Path:
        """The disc.

        Raises:
            BuildError: there is none.
        """
        found = list(self.folder.glob("*.iso"))
        if len(found) != 1:
            raise BuildError(f"live-build left {len(found)} discs in {self.folder}")
        return found[0]

    def remove(self) -> None:
        """Remove the tree."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _clean(self) -> None:
        """Forget what was built; `lb build` then wants to be told once more what to build."""
        self._lb("clean")
        self._lb("config", *self._options)

    def _lb(self, *words: str) -> None:
        run(["lb", *words], contained=True, cwd=self.folder)


def require() -> None:
    """Check that live-build can run here.

    Raises:
        BuildError: it is not installed, or we are not root.
    """
    if not shutil.which("lb"):
        raise BuildError(
            "live-build is not installed, against which democd is measured",
            "apt install live-build (only the benchmarks need it)",
        )
    if os.geteuid() != 0:
        raise BuildError(
            "live-build needs root", "sudo .venv/bin/python -m benchmarks (or: make bench, as root)"
        )


def options(recipe: Recipe, mirror: dict[str, str], *, keep: bool = False) -> list[str]:
    """Return the words for `lb config`: all that shapes what is compared, else its defaults.

    No installer, recommended packages, sources or firmware, since democd's disc has none; nothing
    kept from run to run unless told. `minbase` leaves out the packages that democd's root does not
    have either, which is to live-build's advantage.
    """
    return [
        "--distribution", recipe.root.suite,
        "--architectures", "amd64",
        "--archive-areas", " ".join(recipe.root.components),
        "--linux-flavours", "amd64",
        "--debootstrap-options", "--variant=minbase",
        "--apt-recommends", "false",
        "--apt-source-archives", "false",
        "--firmware-chroot", "false",
        "--firmware-binary", "false",
        "--debian-installer", "none",
        "--memtest", "none",
        "--binary-images", "iso-hybrid",
        "--cache", str(keep).lower(),
        "--cache-packages", str(keep).lower(),
        "--cache-indices", str(keep).lower(),
        "--zsync", "false",
        "--mirror-bootstrap", mirror[""],
        "--mirror-chroot-security", mirror["-security"],
        "--mirror-binary-security", mirror["-security"],
    ]  # fmt: skip


def mirrors(root: Root) -> dict[str, str]:
    """Return the mirrors of a root's sources.list: of the suite itself (""), of "-security"."""
    with tarfile.open(root.tar) as tar:
        stream = tar.extractfile("./etc/apt/sources.list")
        text = stream.read().decode() if stream else ""
    found = {}
    for line in text.splitlines():
        kind, url, suite, *_ = line.split()
        if kind == "deb":
            found["-" + suite.partition("-")[2] if "-" in suite else ""] = url
    return found


def extract(iso: Path, folder: Path) -> dict[str, Path]:
    """Copy what live-boot boots out of a disc of live-build's.

    Returns the paths of `squashfs`, `kernel` and `initrd`; of several kernels those of the one
    with all drivers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open_disc(iso) as disc:
        files = disc.files()
        kernel = _only(files, "/live/vmlinuz-", iso)
        wanted = {
            "squashfs": "/live/filesystem.squashfs",
            "kernel": kernel,
            "initrd": kernel.replace("vmlinuz", "initrd.img"),
        }
        for name, path in wanted.items():
            with (folder / name).open("wb") as copy:
                for piece in disc.chunks(files[path]):
                    copy.write(piece)
    return {name: folder / name for name in wanted}


def _only(files: Iterable[str], start: str, iso: Path) -> str:
    found = [path for path in files if path.startswith(start) and "-cloud-" not in path]
    if len(found) != 1:
        raise BuildError(f"{iso} has not one but {len(found)} kernels: {', '.join(found)}")
    return found[0]
