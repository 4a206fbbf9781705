"""The disc: every path on it and where its bytes come from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from democd import layout, manifest, sizes
from democd.artifacts import (
    BootImages,
    DiscFile,
    DiscPlan,
    Initrd,
    Kernels,
    Layer,
    Package,
    Root,
    Sign,
    Sources,
)
from democd.digests import kept_digest
from democd.errors import BuildError
from democd.formats import eltorito, iso
from democd.identity import volume_of
from democd.inputs import tree
from democd.recipe import MEDIA, Recipe
from democd.sizes import Sizes, mb

LARGEST = 8
NO_SOURCES = Sources()
_NO_DIGEST = "0" * 64


def plan(
    *,
    recipe: Recipe,
    version: str,
    builder: str,
    root: Root,
    kernels: Kernels,
    layers: Iterable[Layer],
    initrds: Iterable[Initrd],
    menus: Mapping[str, str],
    boot: BootImages,
    readme: str,
    installer: bytes = b"",
    sbom: bytes = b"",
    sources: Sources = NO_SOURCES,
    sign: Sign | None = None,
    network: Mapping[str, Path] | None = None,
) -> DiscPlan:
    """Decide every path on the disc; writes nothing, but reads each file once for its digest.

    Args:
        recipe: title, volume id, medium and roles.
        version: the disc's own version.
        builder: the name of who builds it.
        root: its packages are listed, its date is the disc's.
        kernels: Xen and both kernels.
        layers: the squashfs files.
        initrds: `xen0` and `xenU`.
        menus: text by path on the disc, grub.cfg and what it reads.
        boot: GRUB's images, not yet patched.
        readme: text of /README.CD.
        installer: /install.pyz; nothing for a disc without it.
        sbom: /sbom.spdx.json; likewise.
        sources: their squashfs, which no role stacks, and what is in it.
        sign: signs the sums; None for a disc without a signature.
        network: by path on the disc, what starts machines over a network.

    Raises:
        BuildError: two things of one name, or more than the medium holds.
    """
    layers = [*layers, *([sources.layer] if sources.layer else [])]
    files = _sources(recipe, kernels, layers, initrds, menus, boot)
    files |= network or {}
    files[layout.README] = readme.encode()
    if installer:
        files[layout.INSTALLER] = installer
    if sbom:
        files[layout.SBOM] = sbom
    files[layout.PACKAGES] = packages_text(root.packages).encode()
    volume = volume_of(recipe, version, builder, root.date)
    about = manifest.about(recipe, version, builder, root, kernels, layers, sources)
    reserve = recipe.disc.reserve * 1_000_000
    media = recipe.disc.media
    return arrange(volume, files, about, media, root.packages, boot.mbr, reserve, sign)


def arrange(
    volume: iso.Volume,
    sources: Mapping[str, Path | bytes],
    about: Mapping[str, object],
    media: str,
    packages: Sequence[Package],
    mbr: Path,
    reserve: int = 0,
    sign: Sign | None = None,
) -> DiscPlan:
    """Return the plan of a disc with these files, its manifest and its sums.

    Args:
        volume: the volume descriptor's fields.
        sources: files by path, GRUB's images among them, not yet patched.
        about: what the manifest says beside the files.
        media: what the disc must fit.
        packages: the largest are named where it does not.
        mbr: the boot code for a disk.
        reserve: bytes of the medium that must be left.
        sign: signs the sums; None for a disc without a signature.

    Raises:
        BuildError: more than the medium holds, or less left.
    """
    blank = dict.fromkeys([*sources, layout.BOOT_CATALOG], _NO_DIGEST)
    paths = [*blank, layout.MANIFEST, layout.SUMS]
    longest = sizes.longest(dict.fromkeys(paths), media, MEDIA[media])
    draft = _with_lists(sources, blank, about, longest)
    if sign:
        # Its size is not known yet, but it fits a block, and only blocks decide places.
        draft[layout.SIGNATURE] = bytes(iso.BLOCK)
    placed = iso.layout(volume, draft, _BOOT)
    lengths = {path: _size(source) for path, source in draft.items()}
    lengths[layout.BOOT_CATALOG] = len(placed.catalog)
    taken = sizes.of_files(lengths, placed.blocks * iso.BLOCK, media, MEDIA[media])
    _refuse_too_big(taken, reserve, packages)
    files = _complete(sources, placed, about, taken, lengths[layout.MANIFEST])
    if sign:
        files[layout.SIGNATURE] = sign(_content(files[layout.SUMS]), volume.date)
    return DiscPlan(
        volume.volume_id,
        volume.publisher,
        volume.preparer,
        volume.application,
        volume.date,
        layout.BIOS_IMAGE,
        layout.ESP_IMAGE,
        mbr,
        tuple(DiscFile(path, source) for path, source in sorted(files.items())),
        taken,
    )


_BOOT = iso.BootFiles(layout.BIOS_IMAGE, layout.ESP_IMAGE, layout.BOOT_CATALOG)


def _sources(
    recipe: Recipe,
    kernels: Kernels,
    layers: Iterable[Layer],
    initrds: Iterable[Initrd],
    menus: Mapping[str, str],
    boot: BootImages,
) -> dict[str, Path | bytes]:
    pairs: list[tuple[str, Path | bytes]] = [
        (layout.XEN, kernels.xen),
        (layout.KERNEL["xen0"], kernels.dom0.image),
        (layout.KERNEL["xenU"], kernels.guest.image),
        *((layout.INITRD[initrd.name], initrd.path) for initrd in initrds),
        *((layout.layer_path(layer.name), layer.path) for layer in layers),
        *((path, text.encode()) for path, text in menus.items()),
        (layout.BIOS_IMAGE, boot.bios),
        (layout.ESP_IMAGE, boot.esp),
        (layout.EFI_LOADER, boot.efi),
        *_guests(recipe),
    ]
    sources: dict[str, Path | bytes] = {}
    for path, source in pairs:
        if path in sources:
            raise BuildError(f"two files want to be {path} on the disc", "rename one")
        sources[path] = source
    return sources


def _guests(recipe: Recipe) -> Iterator[tuple[str, Path]]:
    """Give the files of the person's own guests, kernels and xl files, by path on the disc."""
    folder = recipe.folder / recipe.disc.guests
    for path in tree(folder) if recipe.disc.guests else ():
        if path.is_file():
            yield f"{layout.GUESTS}/{path.relative_to(folder).as_posix()}", path


def packages_text(packages: Iterable[Package]) -> str:
    """Return /packages.txt: a line a package, `NAME VERSION ARCHITECTURE SOURCE`."""
    return "".join(
        f"{package.name} {package.version} {package.architecture} {package.source}\n"
        for package in packages
    )


def _complete(
    sources: Mapping[str, Path | bytes],
    placed: iso.Layout,
    about: Mapping[str, object],
    taken: Sizes,
    length: int,
) -> dict[str, Path | bytes]:
    """Return all files of the disc: with the BIOS image patched, the manifest and the sums.

    GRUB's BIOS image holds its own place on the disc, which depends on the sizes of the files
    before it; not on their contents, and digests have one length, whatever they say. So `placed`
    is the layout of a draft with empty digests, and now all can be filled in. The manifest tells
    sizes, its own among them: the draft's had the longest that could be, `length` bytes in all,
    and what is shorter gets blanks at its end.
    """
    raw = _content(sources[layout.BIOS_IMAGE])
    bios = eltorito.patched(raw, placed.lba[layout.BIOS_IMAGE])
    patched = {**sources, layout.BIOS_IMAGE: bios}
    digests = {path: _digest(source) for path, source in patched.items()}
    digests[layout.BOOT_CATALOG] = _digest(placed.catalog)
    return _with_lists(patched, digests, about, taken, length)


def _with_lists(
    sources: Mapping[str, Path | bytes],
    digests: Mapping[str, str],
    about: Mapping[str, object],
    taken: Sizes,
    length: int = 0,
) -> dict[str, Path | bytes]:
    """Return the files with the manifest, filled up to `length` bytes, and the sums."""
    files = [
        {"path": path, "size": _size(source), "sha256": digests[path]}
        for path, source in sorted(sources.items())
    ]
    told = {**about, "sizes": taken.as_json(), "files": files}
    text = json.dumps(told, indent=1, ensure_ascii=False).encode().ljust(length - 1) + b"\n"
    every = {**digests, layout.MANIFEST: _digest(text)}
    sums = "".join(f"{every[path]}  {path[1:]}\n" for path in sorted(every))
    return {**sources, layout.MANIFEST: text, layout.SUMS: sums.encode()}


def _refuse_too_big(taken: Sizes, reserve: int, packages: Sequence[Package]) -> None:
    """Refuse a disc that leaves less of its medium than it must, with the table by part."""
    lacking = reserve - taken.left
    if lacking <= 0:
        return
    packages = sorted(packages, key=lambda package: -package.size)[:LARGEST]
    advice = (
        "leave packages out, compress harder (layers.compression, layers.level), "
        "or choose a larger medium (disc.media)"
    )
    size, holds = mb(taken.total), f"{taken.medium} holds ({mb(taken.capacity)})"
    what = f"the disc has {size}, {mb(-taken.left)} more than {holds}"
    if taken.left >= 0:
        what = (
            f"the disc has {size} and leaves {mb(taken.left)} of what {holds}, "
            f"{mb(lacking)} less than disc.reserve keeps free ({mb(reserve)})"
        )
        advice += "; --set disc.reserve=0 fills the medium"
    largest = ", ".join(f"{package.name} {mb(package.size)}" for package in packages)
    lines = [advice, f"largest packages (installed): {largest}", *sizes.lines(taken)]
    raise BuildError(what, "\n".join(lines))


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _size(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _digest(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    return kept_digest(source)
