"""The source of one's own Xen from a git repository, which becomes a folder like any other."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import replace
from pathlib import Path

from democd import git_address, source_tree
from democd.errors import BuildError, InputError
from democd.git_address import Address
from democd.host import git
from democd.host.progress import Step
from democd.recipe import Recipe
from democd.workspace import Workspace

NAME = "clone-xen"
TREE = "xen"
ABOUT = "about.json"
_CODE = [Path(__file__), Path(git.__file__)]


def address(recipe: Recipe) -> Address | None:
    """Return the repository that a recipe names; None if it names a folder, or nothing."""
    named = recipe.sources.xen
    return git_address.parse(named) if named and not (recipe.folder / named).is_dir() else None


def build(workspace: Workspace, recipe: Recipe, step: Step, *, offline: bool = False) -> Recipe:
    """Return the recipe with the folder of a clone in place of the repository's address.

    The repository is asked each time what the branch or tag stands for now. If it does not answer,
    what was fetched for the same address before is taken, and said so. A whole commit id needs no
    answer where it is kept.

    Args:
        workspace: keeps the clone, by address and commit.
        recipe: what `address` finds an address in.
        step: shows what is done, and says what came of it.
        offline: do not ask the repository; take what is kept.

    Raises:
        InputError: the repository has no such branch, tag or commit, or is no Xen tree.
        BuildError: it cannot be asked or fetched, and nothing is kept.
    """
    where = address(recipe)
    if where is None:
        return recipe
    step.now("which commit")
    deep = recipe.sources.history == "bundle"
    commit, branch, note = _resolved(workspace, where, deep=deep, offline=offline)

    def make(folder: Path) -> None:
        step.now(f"fetching {commit[:12]}")
        _fetch(where, commit, branch, folder, deep=deep)

    inputs = _inputs(where, commit, branch, deep=deep)
    if offline and not workspace.keeps(NAME, inputs):
        raise BuildError(*_not_kept(where))
    made = workspace.step(NAME, inputs, make)
    step.says(f"commit {commit[:12]}{note}")
    return replace(recipe, sources=replace(recipe.sources, xen=str(made.path / TREE)))


def _resolved(
    workspace: Workspace, where: Address, *, deep: bool, offline: bool
) -> tuple[str, str, str]:
    """Return commit and branch of an address, and what there is to say about it."""
    if where.commit:
        return where.commit, "", ""
    if offline:
        if kept := _kept(workspace, where, deep=deep):
            return *kept, ", kept from before"
        raise BuildError(*_not_kept(where))
    try:
        refs = git.remote_refs(where.url, git.candidates(where.ref))
    except BuildError as error:
        reason = _reason(where.hide(error.hint))
        kept = _kept(workspace, where, deep=deep)
        if not kept:
            raise BuildError(
                f"sources.xen: cannot ask {where}",
                f"{reason}\nsee that `git ls-remote` can, with no password asked; or name a folder",
            ) from error
        return *kept, f", kept from before, for it does not answer: {reason}"
    commit, branch = git.resolve(refs, where.ref)
    if not commit:
        raise InputError(*_unknown(where))
    return commit, branch, ""


def _not_kept(where: Address) -> tuple[str, str]:
    what = f"offline, and what sources.xen names is not kept: {where}"
    return what, "build once with a network, in this build folder; or name a folder"


def _reason(hint: str) -> str:
    """Return what git or ssh said first, which names the cause, of a failed command's hint."""
    said = [line for line in hint.splitlines()[1:] if line and not line.lower().startswith("warn")]
    return said[0] if said else f"no answer within {git.PATIENCE} s"


def _unknown(where: Address) -> tuple[str, str]:
    kinds = ("refs/heads/", "refs/tags/")
    refs = [name for name in git.remote_refs(where.url) if name.startswith(kinds)]
    names = [name.split("/", 2)[2] for name in refs if not name.endswith("^{}")]
    if not where.ref:
        hint = f"name a branch or tag of it: #{names[0]}" if names else "nothing is in it"
        return f"sources.xen: {where} has no HEAD", hint
    close = difflib.get_close_matches(where.ref, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? " if close else ""
    return (
        f"sources.xen: {where} has no such branch or tag",
        f"{hint}of a commit, write the whole id",
    )


def _fetch(where: Address, commit: str, branch: str, folder: Path, *, deep: bool) -> None:
    try:
        git.fetch(where.url, commit, branch, folder / TREE, deep=deep)
    except BuildError as error:
        raise BuildError(
            f"sources.xen: cannot fetch {commit[:12]} from {where}", where.hide(error.hint)
        ) from error
    try:
        source_tree.xen_version(folder / TREE)
    except InputError as error:
        what = f"sources.xen: {where} is no source of Xen: xen/Makefile tells no version"
        raise InputError(what, "name a repository of Xen itself") from error
    about = {"address": _digest(where), "commit": commit, "branch": branch, "deep": deep}
    (folder / ABOUT).write_text(json.dumps(about))


def _inputs(where: Address, commit: str, branch: str, *, deep: bool) -> dict[str, object]:
    what = {"address": _digest(where), "commit": commit, "branch": branch, "deep": deep}
    return {**what, "code": _CODE}


def _digest(where: Address) -> str:
    """Return what stands for an address: it may hold a password."""
    return hashlib.sha256(f"{where.url}#{where.ref}".encode()).hexdigest()


def _kept(workspace: Workspace, where: Address, *, deep: bool) -> tuple[str, str] | None:
    """Return commit and branch of what was last fetched for an address."""
    notes = sorted(
        workspace.steps.glob(f"{NAME}-*/{ABOUT}"), key=lambda path: -path.parent.stat().st_mtime
    )
    for note in notes:
        try:
            about = json.loads(note.read_text())
        except (OSError, ValueError):
            continue  # damaged: as good as not there
        if about["address"] == _digest(where) and about["deep"] == deep:
            commit, branch = about["commit"], about["branch"]
            if workspace.keeps(NAME, _inputs(where, commit, branch, deep=deep)):
                return commit, branch
    return None
