"""The host's git, asking and fetching from a repository that is not trusted.

Nothing of it is run: no hook, no submodule, no protocol that is a program. Nobody is asked for a
password, and who does not answer is not waited for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from democd.errors import BuildError
from democd.host.run import run

PATIENCE = 60
"""Seconds that a repository may take to tell its refs, or to send next to nothing."""

HEAD = "HEAD"
_HEADS = "refs/heads/"
_KINDS = ("refs/heads", "refs/tags")
_BESIDE = ("refs/all/heads", "refs/all/tags")  # where they are put meanwhile
_OPTIONS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.autocrlf": "false",  # the files as they are in the repository
    "core.symlinks": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "http.lowSpeedLimit": "1000",  # bytes a second
    "http.lowSpeedTime": str(PATIENCE),
}
_SSH = f"ssh -oBatchMode=yes -oConnectTimeout={PATIENCE // 2} -oServerAliveInterval=15"


def remote_refs(url: str, patterns: Sequence[str] = ()) -> dict[str, str]:
    """Return the refs of a repository and the objects that they name.

    What a tag with a text of its own leads to is under `TAG^{}` (gitrevisions(7)). What HEAD is a
    name for is under `HEAD@`: the ref, not an object.

    Args:
        url: an address that `git_address.mistake` finds nothing wrong with.
        patterns: names of refs, whole; none of them for all.

    Raises:
        BuildError: it cannot be asked; the last line of the hint is git's reason.
    """
    words = ["timeout", "--kill-after=5", str(PATIENCE), *_git(), "ls-remote", "--symref", "--"]
    found = {}
    for line in run([*words, url, *patterns], env=_environment()).stdout.splitlines():
        what, _, name = line.partition("\t")
        if what.startswith("ref: "):
            found[f"{name}@"] = what.removeprefix("ref: ")
        else:
            found[name] = what
    return found


def resolve(refs: dict[str, str], name: str) -> tuple[str, str]:
    """Return the commit that a name stands for, and the branch that it is, if it is one.

    A tag goes before a branch (gitrevisions(7)). ("", "") if there is no such name.

    Args:
        refs: what `remote_refs` returned.
        name: of a branch or tag, whole or not; "" for HEAD.
    """
    if not name:
        branch = refs.get(f"{HEAD}@", "").removeprefix(_HEADS)
        return refs.get(HEAD, ""), branch
    for ref in (name, f"refs/tags/{name}", f"{_HEADS}{name}"):
        if ref.startswith("refs/") and ref in refs:
            branch = ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else ""
            return refs.get(f"{ref}^{{}}", refs[ref]), branch
    return "", ""


def candidates(name: str) -> list[str]:
    """Return the refs that `resolve` looks for."""
    if not name:
        return [HEAD]
    refs = [name] if name.startswith("refs/") else [f"refs/tags/{name}", f"{_HEADS}{name}"]
    return [word for ref in refs for word in (ref, f"{ref}^{{}}")]


def fetch(url: str, commit: str, branch: str, target: Path, *, deep: bool) -> None:
    """Make a work tree at a commit of a repository; the repository's address is not kept in it.

    Args:
        url: as for `remote_refs`.
        commit: a whole id.
        branch: what the work tree's branch is called; at none, if "".
        target: the folder; it must not be there.
        deep: with all that came before the commit.

    Raises:
        BuildError: it cannot be fetched, or has no such commit.
    """
    run([*_git(), "init", "--quiet", "--template=", "--initial-branch=nothing", target])
    inside = [*_git(), "-C", str(target)]
    get = [*inside, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-gc"]
    depth = [] if deep else ["--depth=1"]
    try:
        run([*get, *depth, "--", url, commit], env=_environment())
    except BuildError:
        # Plain files behind a web server, and old servers, give no single commit.
        every = [f"+{ref}/*:{place}/*" for ref, place in zip(_KINDS, _BESIDE, strict=True)]
        run([*get, "--", url, *every], env=_environment())
    where = ["-B", branch] if branch else ["--detach"]
    run([*inside, "checkout", "--quiet", *where, commit, "--"], env=_environment())
    beside = run([*inside, "for-each-ref", "--format=%(refname)", *_BESIDE]).stdout.split()
    for ref in beside:
        run([*inside, "update-ref", "-d", ref])
    (target / ".git/FETCH_HEAD").unlink(missing_ok=True)


def _git() -> list[str]:
    return ["git", *(word for item in _OPTIONS.items() for word in ("-c", "=".join(item)))]


def _environment() -> dict[str, str]:
    env = {
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    # A command of the person's own is taken as it is: it may be another program.
    if not run(["git", "config", "--default", "", "--get", "core.sshCommand"]).stdout.strip():
        env["GIT_SSH_COMMAND"] = _SSH
    if agent := os.environ.get("SSH_AUTH_SOCK"):
        env["SSH_AUTH_SOCK"] = agent
    return env
