"""Source packages from Debian's archive, by apt with a private configuration.

Nothing of the host's apt is read but the program: neither its sources and pins nor its keys, and
nothing is written outside of a folder of ours. apt checks the signature of the archive's index,
the index's sum of each list, and the list's sum of each file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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


class Archive:
    """Debian's archive of sources.

    Args:
        folder: gets apt's configuration and lists; is made.
        lines: a sources.list, such as `source_lines` returns.
    """

    def __init__(self, folder: Path, lines: str) -> None:
        self.config = folder / "apt.conf"
        for name in ("state/lists/partial", "cache/archives/partial", "log"):
            (folder / name).mkdir(parents=True)
        (folder / "sources.list").write_text(lines)
        self.config.write_text(_CONFIGURATION.format(folder=folder))

    def update(self) -> None:
        """Fetch the lists of what there is.

        Raises:
            BuildError: there is no network, or a signature is missing or wrong.
        """
        self._run(["apt-get", "update"], what="the list of Debian's sources")

    def show(self, names: Sequence[str]) -> str:
        """Return the entries of all versions of some source packages, as deb822."""
        # One by one: of a name that is not there apt-cache warns, or fails, as its version goes.
        texts = []
        for name in names:
            try:
                words = ["apt-cache", "showsrc", "--only-source", name]
                texts.append(self._run(words, what="the list of Debian's sources").stdout)
            except BuildError as error:
                if "Unable to locate package" not in error.hint:
                    raise
        return "\n".join(texts)

    def download(self, name: str, version: str, target: Path) -> None:
        """Fetch the files of a source package into a folder; nothing of them is run.

        Raises:
            BuildError: it cannot be fetched, or is not what the signed lists say.
        """
        words = ["apt-get", "source", "--download-only", "--only-source", f"{name}={version}"]
        self._run(words, cwd=target, what=f"the source of {name} {version}")

    def _run(self, words: list[str], *, what: str, cwd: Path | None = None) -> Finished:
        try:
            return run(words, contained=True, cwd=cwd, env={"APT_CONFIG": str(self.config)})
        except BuildError as error:
            _, _, said = error.hint.partition("\n")
            if "is not signed" in said or "signatures" in said:
                advice = "nothing of it was used; see root.mirror, or install a newer "
                raise BuildError(
                    f"{what} is not signed with Debian's keys",
                    f"{advice}debian-archive-keyring\n{said}",
                ) from error
            advice = "see to the network, the proxy (http_proxy), or the recipe's root.mirror"
            raise BuildError(f"{what} cannot be fetched", f"{advice}\n{said}") from error
