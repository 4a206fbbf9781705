"""Binary packages from Debian's archive: what a root needs, and the files of it.

By apt with a private configuration, as in host/apt.py. apt checks the archive's signature, the
lists' sums in the signed index, and each file's sum.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import unquote

from democd.errors import BuildError
from democd.host.apt import KEYRING, configure, not_there
from democd.host.run import PATIENCE, Finished, run

SIGNED = f"signed-by={KEYRING}"
"""The option of a line in sources.list that names whom to trust."""

_HELPER = "/usr/lib/apt/apt-helper"  # of apt itself, as Debian's policy of libexec has it
_OPTIONS = [
    "--yes",
    "--quiet=2",
    "-oAPT::Architecture=amd64",
    "-oAPT::Architectures=amd64",
    "-oAPT::Install-Recommends=false",
    "-oAcquire::ForceHash=SHA256",
]
_FILE = re.compile(r"^'(\S+)' ([^_\s]+)_([^_\s]+)_([^_\s]+)\.deb (\d+) SHA256:(\S+)$", re.MULTILINE)
"""A line of `--print-uris`: address, name for the file, bytes, sum."""

_AT_ONCE = 48  # files that one call fetches


@dataclass(frozen=True)
class Deb:
    """A binary package as the archive has it; `address` is where."""

    name: str
    version: str
    architecture: str
    size: int
    sha256: str
    address: str


@dataclass(frozen=True)
class Release:
    """A suite's signed index: the end of its address, its SHA-256, its date since 1970."""

    name: str
    sha256: str
    date: int


class AptError(BuildError):
    """apt failed; `said` has all lines that it printed as errors and warnings."""

    def __init__(self, error: BuildError, said: Sequence[str]) -> None:
        super().__init__(error.message, error.hint)
        self.said = tuple(said)


class Debs:
    """An archive of binary packages, or several.

    Args:
        folder: gets apt's configuration and lists; is made.
        lines: a sources.list.
        past: it is a snapshot, whose index is out of date.
        patience: seconds to wait for more than next to nothing.
    """

    def __init__(
        self, folder: Path, lines: str, *, past: bool = False, patience: float = PATIENCE
    ) -> None:
        self.folder = folder
        self.patience = patience
        self.config = configure(folder, lines, past=past)

    def update(self) -> tuple[Release, ...]:
        """Fetch the lists of what there is; return the indexes of them, sorted.

        Raises:
            AptError: there is no network, or a signature is missing or wrong.
        """
        self._run(["apt-get", *_OPTIONS, "update"], growing=self.folder)
        found = []
        for path in sorted((self.folder / "state/lists").glob("*Release")):
            data = path.read_bytes()
            match = re.search(rb"^Date: (.+)$", data, re.MULTILINE)
            if not match:
                raise BuildError(f"{path.name} has no date", "choose another root.mirror")
            date = int(parsedate_to_datetime(match[1].decode()).timestamp())
            name = re.sub(r"_(?:In)?Release$", "", path.name)
            found.append(Release(name, hashlib.sha256(data).hexdigest(), date))
        return tuple(found)

    def resolve(self, names: Sequence[str]) -> tuple[Deb, ...]:
        """Return what a root with some packages is made of, without what is only recommended.

        Two steps, as mmdebstrap takes them: what is essential, with apt, which calls itself so;
        then what is asked for, where that is installed.

        Raises:
            AptError: there is no such package, or packages do not go together.
        """
        basis = self._files(["dist-upgrade"])
        installed = self.folder / "status"
        exact = [f"{deb.name}:{deb.architecture}={deb.version}" for deb in basis]
        told = self._run(["apt-cache", *_OPTIONS[2:4], "show", *exact]).stdout
        installed.write_text(
            re.sub(r"(?m)^(Package: .*)$", r"\1\nStatus: install ok installed", told)
        )
        rest = self._files([f"-oDir::State::status={installed}", "install", *names])
        return tuple(sorted([*basis, *rest], key=lambda deb: deb.name))

    def _files(self, words: Sequence[str]) -> list[Deb]:
        said = self._run(["apt-get", *_OPTIONS, "--print-uris", *words]).stdout
        lines = [line for line in said.splitlines() if line.startswith("'")]
        found = [match for line in lines if (match := _FILE.match(line))]
        if len(found) != len(lines):
            raise BuildError(
                "the archive's list has packages without a SHA-256", "choose another root.mirror"
            )
        return [
            Deb(name, unquote(version), architecture, int(size), digest, address)
            for address, name, version, architecture, size, digest in (m.groups() for m in found)
        ]

    def fetch(self, wanted: Sequence[tuple[str, Path, str]]) -> dict[str, str]:
        """Fetch files, each checked by its sum.

        Args:
            wanted: address, path for the file, and SHA-256 of each.

        Returns:
            the addresses of those that the server has not got, with what it said.

        Raises:
            AptError: the network is gone, or a file is not what it should be.
        """
        words = [word for url, path, digest in wanted for word in (url, path, f"SHA256:{digest}")]
        gone: dict[str, str] = {}
        try:
            # Files may go to several folders; all are of one build, whose scratch space is above.
            self._run([_HELPER, "download-file", *words], growing=self.folder.parent)
        except AptError as error:
            failures = [line for line in error.said if line.startswith("E: Failed to fetch ")]
            why = [not_there(line).partition(":")[0] for line in failures]
            if not all(why):
                raise
            # What apt names may be where it was sent on to: what is missing tells.
            gone = {url: ", ".join(sorted({*why})) for url, path, _ in wanted if not path.exists()}
            if not gone:
                raise
        for _, path, _ in wanted:
            if path.is_symlink():  # to a mirror on a disk
                shutil.copyfile(path.resolve(), copy := path.with_name(f"{path.name}.copy"))
                copy.replace(path)
        return gone

    def _run(self, words: Sequence[str | Path], growing: Path | None = None) -> Finished:
        said: list[str] = []
        try:
            return run(
                words,
                contained=True,
                env={"APT_CONFIG": str(self.config), "TMPDIR": str(self.folder)},
                on_line=said.append,
                growing=growing,
                patience=self.patience,
            )
        except BuildError as error:
            raise AptError(error, said) from error


def at_once(wanted: Sequence[tuple[str, Path, str]]) -> Iterable[Sequence[tuple[str, Path, str]]]:
    """Give what is to be fetched in such parts as one call fetches."""
    for start in range(0, len(wanted), _AT_ONCE):
        yield wanted[start : start + _AT_ONCE]


def control(debs: Sequence[Path]) -> list[str]:
    """Return the control data of each package, deb822.

    One program reads all: to start hundreds of them one by one takes seconds.

    Raises:
        BuildError: one is no Debian package.
    """
    each = 'for deb; do dpkg-deb --field "$deb" || exit; echo; done'
    said = run(["sh", "-c", each, "sh", *debs]).stdout
    return [stanza for stanza in said.split("\n\n") if stanza.strip()]


def tool_versions() -> dict[str, str]:
    """Return the versions of the host's programs that make a root."""
    found = {}
    for name, program in (("apt", "apt-get"), ("dpkg", "dpkg"), ("mmdebstrap", "mmdebstrap")):
        first = run([program, "--version"]).stdout.partition("\n")[0]
        match = re.search(r"\d[0-9A-Za-z.+~:-]*\w", first)
        found[name] = match[0] if match else first
    return found
