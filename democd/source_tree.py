"""A source tree of somebody's own: which of its files count, its git history, its Xen version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from democd.errors import BuildError, InputError
from democd.host.run import run
from democd.inputs import tree

BRANCH = "main"
"""What a branch is called if the tree is at none."""

# What an export of the builder, which no git knows, has beside its sources.
_NOT_SOURCE = {".git", ".venv", "build", "dist"}


def is_checkout(folder: Path) -> bool:
    """Return whether a folder is the top of a git work tree."""
    return (folder / ".git").exists()


def files(folder: Path, *, untracked: bool, apart: Path | None = None) -> dict[str, Path]:
    """Return the files and links of a tree by path, sorted, as they lie there now.

    Of a git work tree these are the files that git tracks, with changes not yet committed; of
    another folder all, but for what builds leave in ours.

    Args:
        folder: the tree.
        untracked: also files that git neither tracks nor ignores.
        apart: a folder in it whose files do not count.

    Raises:
        BuildError: git cannot tell.
    """
    if is_checkout(folder):
        others = ["--others", "--exclude-standard"] if untracked else []
        listed = _git(folder, "ls-files", "-z", "--cached", *others)
        paths = [folder / name for name in listed.split("\0") if name]
    else:
        paths = [
            path
            for path in tree(folder)
            if (top := path.relative_to(folder).parts[0]) not in _NOT_SOURCE
            and not top.endswith("_cache")
        ]
    if apart and folder.resolve().is_relative_to(apart):
        apart = None  # a clone lies in there as a whole
    # A file that was deleted and not yet committed is still listed, and a submodule as a folder.
    there = {
        path
        for path in paths
        if (path.is_symlink() or path.is_file()) and not (apart and path.is_relative_to(apart))
    }
    return {path.relative_to(folder).as_posix(): path for path in sorted(there)}


def contents(files: Mapping[str, Path]) -> dict[str, object]:
    """Return what files are for a step's key; a link by its target, which need not be there."""
    return {
        name: ["link", str(path.readlink())]
        if path.is_symlink()
        else [bool(path.stat().st_mode & 0o100), "folder" if path.is_dir() else path]
        for name, path in files.items()
    }


def size(files: Mapping[str, Path]) -> int:
    """Return the bytes of all files."""
    return sum(path.lstat().st_size for path in files.values() if path.is_file())


def commit(folder: Path) -> str:
    """Return the id of the commit that a git work tree is at; "" if it is none."""
    return _git(folder, "rev-parse", "HEAD").strip() if is_checkout(folder) else ""


def keep_history(folder: Path, kind: str, target: Path, name: str) -> None:
    """Write the history of a git work tree into a folder.

    Args:
        folder: the work tree.
        kind: `shallow` for NAME.git, a bare repository with the last commit; `bundle` for
            NAME.bundle, with all before it. `git clone` takes both.
        target: the folder.
        name: NAME.

    Raises:
        BuildError: git cannot do it.
        InputError: it is a shallow clone itself, and a bundle is wanted.
    """
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD").strip()
    if kind == "bundle":
        if _git(folder, "rev-parse", "--is-shallow-repository").strip() == "true":
            raise InputError(
                f"sources.history: {folder} is a shallow clone, so there is no whole history",
                "fetch it: git fetch --unshallow; or write shallow",
            )
        heads = ["HEAD"] if branch == "HEAD" else ["HEAD", branch]
        _git(folder, "bundle", "create", "--quiet", target / f"{name}.bundle", *heads)
        return
    branch = BRANCH if branch == "HEAD" else branch
    bare = target / f"{name}.git"
    _git(target, "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", bare)
    place = folder.resolve()
    _git(bare, "fetch", "--quiet", "--no-tags", "--depth=1", place, f"HEAD:refs/heads/{branch}")
    (bare / "FETCH_HEAD").unlink()  # names the folder on this machine


def xen_version(folder: Path) -> str:
    """Return the version that a Xen tree has in its Makefile, such as `4.20.2`.

    Raises:
        InputError: this is no Xen tree.
    """
    makefile = folder / "xen/Makefile"
    text = makefile.read_text(errors="replace") if makefile.is_file() else ""
    # export XEN_VERSION = 4, export XEN_SUBVERSION = 20,
    # export XEN_EXTRAVERSION ?= .2$(XEN_VENDORVERSION)
    found = dict(re.findall(r"^(?:export )?XEN_(\w+)\s*[?:]?=\s*([^\s$]*)", text, re.MULTILINE))
    if not {"VERSION", "SUBVERSION"} <= found.keys():
        raise InputError(
            f"sources.xen: {folder} is no source of Xen: xen/Makefile tells no version",
            "name the top of a Xen tree, as `git clone` makes it",
        )
    return f"{found['VERSION']}.{found['SUBVERSION']}{found.get('EXTRAVERSION', '')}"


def same_xen(source: str, hypervisor: str) -> bool:
    """Return whether a tree's version and a hypervisor's can be of one source.

    The series must be the same, and the release in it where both tell one. What follows is for
    those who build Xen to choose.
    """
    ours, theirs = (re.match(r"(\d+\.\d+)(?:\.(\d+))?", text) for text in (source, hypervisor))
    if not ours or not theirs:
        return False
    return ours[1] == theirs[1] and (None in (ours[2], theirs[2]) or ours[2] == theirs[2])


def refuse_other_xen(name: str, source: str, hypervisor: str) -> None:
    """Check that a tree is that of the hypervisor on the disc.

    Args:
        name: the tree as the recipe names it.
        source: its version.
        hypervisor: the version of what boots.

    Raises:
        InputError: it is another.
    """
    if not same_xen(source, hypervisor):
        raise InputError(
            f"sources.xen: {name} is Xen {source}, and the hypervisor on the disc is {hypervisor}",
            "name the tree that it was built from, or the hypervisor of that tree: --xen FILE",
        )


def _git(folder: Path, *words: str | Path) -> str:
    try:
        return run(["git", "-C", folder, "-c", "pack.threads=1", *words]).stdout
    except BuildError as error:
        raise BuildError(f"git cannot read {folder}", error.hint) from error
