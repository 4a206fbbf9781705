"""Debian's archive by apt with a private configuration, and source packages from there.

Nothing of the host's apt is read but the program: neither its sources and pins nor its keys, and
nothing is written outside of a folder of ours. apt checks the signature of the archive's index,
the index's sum of each list, and the list's sum of each file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from democd.errors import BuildError
from democd.host.run import Finished, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys that the archive must be signed with; the root is checked against the same."""

_CONFIGURATION = """\
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::trusted "/dev/null";
Dir::Etc::trustedparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::netrc "/dev/null";
Dir::Etc::netrcparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::status "/dev/null";
Dir::Cache "{folder}/cache";
Dir::Log "{folder}/log";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
"""
_PAST = 'Acquire::Check-Valid-Until "false";\n'
# Sandbox: apt would change to a user of its own, who may not write here. Error-Mode: without it
# apt goes on with no lists when a server cannot be reached.


def source_lines(binary_lines: str) -> str:
    """Return a sources.list of source packages, from the same places as one of binary packages.

    Options in brackets are dropped: whom to trust is ours to say.
    """
    lines = []
    for line in binary_lines.splitlines():
        words = line.split()
        if words[:1] != ["deb"]:
            continue
        while words[1].startswith("["):
            del words[1 : next(n for n, word in enumerate(words) if word.endswith("]")) + 1]
        line = f"deb-src [signed-by={KEYRING}] {' '.join(words[1:])}"
        lines += [] if line in lines else [line]
    return "".join(f"{line}\n" for line in lines)


class NotThereError(BuildError):
    """The server has not got files that its own signed lists name; its message is `not_there`."""


_NOT_THERE = re.compile(
    r"^E: Failed to fetch \S*/(\S+)\s+"
    r"((?:40[34]|410) .*?|File not found.*?|Failed to stat - stat \(2:.*?)(?: \[|$)",
    re.MULTILINE,
)
"""What apt says of a file that a server refuses for good: HTTP's 403, 404 and 410; or that is not
on the disk, by its methods `file` and `copy`."""


def not_there(said: str) -> str:
    """Return which files a server has not got, by what apt said; "" if that is not the trouble."""
    found: dict[str, list[str]] = {}
    for name, why in _NOT_THERE.findall(said):
        found.setdefault(" ".join(why.split()), []).append(unquote(name))
    return "; ".join(f"{why}: {', '.join(names)}" for why, names in found.items())


def configure(folder: Path, lines: str, *, past: bool = False) -> Path:
    """Return the file of a configuration of apt (APT_CONFIG), with its folders around it.

    Args:
        folder: gets all of it; is made.
        lines: a sources.list.
        past: take an index of which the date has passed, as that of a snapshot has.
    """
    for name in ("state/lists/partial", "cache/archives/partial", "log"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(lines)
    config = folder / "apt.conf"
    config.write_text(_CONFIGURATION.format(folder=folder) + (_PAST if past else ""))
    return config


class Archive:
    """Debian's archive of sources.

    Args:
        folder: gets apt's configuration and lists; is made.
        lines: a sources.list, such as `source_lines` returns.
        past: it is a snapshot.
    """

    def __init__(self, folder: Path, lines: str, *, past: bool = False) -> None:
        self.config = configure(folder, lines, past=past)

    def update(self) -> None:
        """Fetch the lists of what there is.

        Raises:
            BuildError: there is no network, or a signature is missing or wrong.
        """
        growing = self.config.parent
        self._run(["apt-get", "update"], what="the list of Debian's sources", growing=growing)

    def show(self, names: Sequence[str]) -> str:
        """Return the entries of all versions of some source packages, as deb822."""
        try:
            return self._show(names)
        except BuildError as error:
            if "Unable to locate package" not in error.hint:
                raise
        # Of a name that is not there apt-cache warns, or fails for all, as its version goes.
        texts = []
        for name in names:
            try:
                texts.append(self._show([name]))
            except BuildError as error:
                if "Unable to locate package" not in error.hint:
                    raise
        return "\n".join(texts)

    def _show(self, names: Sequence[str]) -> str:
        words = ["apt-cache", "showsrc", "--only-source", *names]
        return self._run(words, what="the list of Debian's sources").stdout if names else ""

    def download(self, name: str, version: str, target: Path) -> None:
        """Fetch the files of a source package into a folder; nothing of them is run.

        Raises:
            NotThereError: the server has no such files, though its lists say so.
            BuildError: it cannot be fetched, or is not what the signed lists say.
        """
        words = ["apt-get", "source", "--download-only", "--only-source", f"{name}={version}"]
        self._run(words, cwd=target, what=f"the source of {name} {version}", growing=target)

    def _run(
        self, words: list[str], *, what: str, cwd: Path | None = None, growing: Path | None = None
    ) -> Finished:
        try:
            # TMPDIR: it asks gpgv by files there, and takes a full /tmp for a wrong signature.
            env = {"APT_CONFIG": str(self.config), "TMPDIR": str(self.config.parent)}
            return run(words, contained=True, cwd=cwd, env=env, growing=growing)
        except BuildError as error:
            _, _, said = error.hint.partition("\n")
            if "is not signed" in said or "signatures" in said:
                advice = "nothing of it was used; see root.mirror, or install a newer "
                raise BuildError(
                    f"{what} is not signed with Debian's keys",
                    f"{advice}debian-archive-keyring\n{said}",
                ) from error
            if gone := not_there(said):
                raise NotThereError(gone, said) from error
            advice = "see to the network, the proxy (http_proxy), or the recipe's root.mirror"
            raise BuildError(f"{what} cannot be fetched", f"{advice}\n{said}") from error
