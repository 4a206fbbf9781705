"""Xen's tools from an install tree, laid out as they shall lie in the running root."""

from __future__ import annotations

import shutil
from pathlib import Path

from democd import install_tree
from democd.artifacts import Tools
from democd.install_tree import InstallTree
from democd.workspace import Workspace


def build(workspace: Workspace, tree: InstallTree) -> Tools:
    """Return a folder with what of the tree goes onto the disc, each file at its place.

    With links in it by which the tree's programs and libraries take the place of Debian's; see
    `install_tree.links`. All links are relative, but for those of the tree itself.
    """
    links = install_tree.links(tree)

    def make(folder: Path) -> None:
        for name, source in tree.files.items():
            target = folder / "root" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(source.readlink())
            elif source.is_dir():
                target.mkdir(exist_ok=True)
            else:
                shutil.copyfile(source, target)
                target.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)
        for name, to in links.items():
            path = folder / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(to)

    contents = {name: _content(path) for name, path in tree.files.items()}
    made = workspace.step(
        "tools", {"files": contents, "links": links, "code": Path(__file__)}, make
    )
    return Tools(made.path / "root", made)


def _content(path: Path) -> Path | str | list[bool | Path]:
    if path.is_symlink():
        return str(path.readlink())
    return "folder" if path.is_dir() else [bool(path.stat().st_mode & 0o100), path]
