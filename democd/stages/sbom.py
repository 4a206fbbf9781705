"""/sbom.spdx.json: what the disc is made of, with licences and sources."""

from __future__ import annotations

import json
import posixpath
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from democd import layout, spdx
from democd.artifacts import Kernels, Layer, Root
from democd.artifacts import Own as Brought
from democd.digests import file_digest, kept_digest
from democd.formats import copyright as copyrights
from democd.formats.copyright import Extracted, Licences
from democd.inputs import tree
from democd.origins import binaries
from democd.recipe import Recipe
from democd.spdx import Head, Own
from democd.workspace import Workspace

DOC = "usr/share/doc"
_NAMES = re.compile(rf"(?:\./)?({DOC}/[^/]+(?:/copyright)?)")
_CODE = [Path(__file__), Path(copyrights.__file__)]


def build(
    workspace: Workspace,
    recipe: Recipe,
    version: str,
    root: Root,
    kernels: Kernels,
    brought: Brought,
    layers: Iterable[Layer],
) -> bytes:
    """Return the document: all packages of the root, as /packages.txt has them, and own parts.

    A disc whose root is in memory has files of some of them alone; it names all the same, rather
    too much than too little.

    Args:
        workspace: keeps the licences, by the root.
        recipe: title, suite, and the person's guests.
        version: the disc's own.
        root: its packages.
        kernels: what boots.
        brought: what of that is the person's own.
        layers: some of which are, too.
    """
    status = (root.parts / "var/lib/dpkg/status").read_text()
    debian = spdx.inventory(binaries(status), _licences(workspace, root), recipe.root.suite)
    own = [*_own_boot(kernels, brought), *_own_layers(layers), *_guests(recipe)]
    head = Head(recipe.disc.title, version, root.date)
    return spdx.document(head, debian, own).encode()


def _own_boot(kernels: Kernels, brought: Brought) -> list[Own]:
    there = [
        (brought.xen, "xen", kernels.xen_version, layout.XEN, kernels.xen),
        (brought.dom0, "linux-xen0", kernels.dom0.release, layout.KERNEL["xen0"],
         kernels.dom0.image),
        (brought.guest, "linux-xenU", kernels.guest.release, layout.KERNEL["xenU"],
         kernels.guest.image),
    ]  # fmt: skip
    return [
        Own(name, version, path, file_digest(source))
        for mine, name, version, path, source in there
        if mine
    ]


def _own_layers(layers: Iterable[Layer]) -> list[Own]:
    return [
        Own(layer.name, "", layout.layer_path(layer.name), kept_digest(layer.path))
        for layer in layers
        if layer.name in layout.OWN_LAYERS
    ]


def _guests(recipe: Recipe) -> list[Own]:
    top = recipe.folder / recipe.disc.guests
    paths = [path for path in tree(top) if path.is_file()] if recipe.disc.guests else []
    return [
        Own(path.name, "", f"{layout.GUESTS}/{path.relative_to(top).as_posix()}", file_digest(path))
        for path in paths
    ]


# --- licences ------------------------------------------------------------------------------------


def _licences(workspace: Workspace, root: Root) -> dict[str, Licences]:
    """Return the licences of each package; the root's tar is read for them once."""

    def make(folder: Path) -> None:
        found = licences_of(_copyrights(root.tar), [it.name for it in root.packages])
        text = json.dumps({name: _as_json(licences) for name, licences in found.items()})
        (folder / "licences.json").write_text(text)

    made = workspace.step("licences", {"root": root.made, "code": _CODE}, make)
    told = json.loads((made.path / "licences.json").read_text())
    return {
        name: Licences(expression, {key: Extracted(*pair) for key, pair in extracted.items()})
        for name, (expression, extracted) in told.items()
    }


def _as_json(licences: Licences) -> list[object]:
    extracted = {key: [it.name, it.text] for key, it in licences.extracted.items()}
    return [licences.expression, extracted]


def licences_of(found: Mapping[str, str | bytes], names: Iterable[str]) -> dict[str, Licences]:
    """Return the licences of packages, by name.

    Args:
        found: by path in the root, a copyright file's content, or the path that a link leads to.
        names: of the packages.
    """
    read: dict[bytes, Licences] = {}
    licences = {}
    for name in names:
        content = _followed(found, f"{DOC}/{name}/copyright")
        if content not in read:
            read[content] = copyrights.read(content.decode(errors="replace"))
        licences[name] = read[content]
    return licences


def _followed(found: Mapping[str, str | bytes], path: str) -> bytes:
    """Return a file, if need be through links to it or to its folder; nothing if there is none."""
    for _ in range(8):
        folder, name = posixpath.split(path)
        if isinstance(target := found.get(folder), str):
            path = f"{target}/{name}"
        elif isinstance(target := found.get(path), str):
            path = target
        else:
            return target or b""
    return b""


def _copyrights(tar: Path) -> dict[str, str | bytes]:
    """Return all copyright files of a root's tar, and links that lead to them, by path."""
    found: dict[str, str | bytes] = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            if not (match := _NAMES.fullmatch(member.name)):
                continue
            name = match[1]
            if member.issym():
                found[name] = link_target(name, member.linkname)
            elif member.islnk():
                found[name] = member.linkname.removeprefix("./")
            elif member.isfile() and (source := archive.extractfile(member)):
                found[name] = source.read()
    return found


def link_target(name: str, link: str) -> str:
    """Return the path in the root that a symlink at a path leads to."""
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(name), link)).lstrip("/")
