"""The disc: every path on it and where its bytes come from."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from democd import layout, manifest
from democd.artifacts import (
    BootImages,
    DiscFile,
    DiscPlan,
    Initrd,
    Kernels,
    Layer,
    Package,
    Root,
    Sources,
)
from democd.errors import BuildError
from democd.formats import eltorito, iso
from democd.identity import volume_of
from democd.recipe import MEDIA, Recipe
from democd.workspace import file_digest, kept_digest, tree

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
    sources: Sources = NO_SOURCES,
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
        sources: their squashfs, which no role stacks, and what is in it.

    Raises:
        BuildError: two things of one name, or more than the medium holds.
    """
    layers = [*layers, *([sources.layer] if sources.layer else [])]
    files = _sources(recipe, kernels, layers, initrds, menus, boot)
    files[layout.README] = readme.encode()
    if installer:
        files[layout.INSTALLER] = installer
    files[layout.PACKAGES] = packages_text(root).encode()
    volume = volume_of(recipe, version, builder, root.date)
    about = manifest.about(recipe, version, builder, root, kernels, layers, sources)
    kept = [layer.path for layer in layers]
    return arrange(volume, files, about, recipe.disc.media, root.packages, boot.mbr, kept)


def arrange(
    volume: iso.Volume,
    sources: Mapping[str, Path | bytes],
    about: Mapping[str, object],
    media: str,
    packages: Sequence[Package],
    mbr: Path,
    kept: Collection[Path | bytes] = (),
) -> DiscPlan:
    """Return the plan of a disc with these files, its manifest and its sums.

    Args:
        volume: the volume descriptor's fields.
        sources: files by path, GRUB's images among them, not yet patched.
        about: what the manifest says beside the files.
        media: what the disc must fit.
        packages: the largest are named where it does not.
        mbr: the boot code for a disk.
        kept: sources that are kept results.

    Raises:
        BuildError: more than the medium holds.
    """
    draft = _with_lists(sources, dict.fromkeys([*sources, layout.BOOT_CATALOG], _NO_DIGEST), about)
    placed = iso.layout(volume, draft, _BOOT)
    _refuse_too_big(placed.blocks * iso.BLOCK, media, packages, draft)
    files = _complete(sources, placed, about, kept)
    return DiscPlan(
        volume.volume_id,
        volume.publisher,
        volume.preparer,
        volume.application,
        volume.date,
        MEDIA[media],
        layout.BIOS_IMAGE,
        layout.ESP_IMAGE,
        mbr,
        tuple(DiscFile(path, source) for path, source in sorted(files.items())),
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


def packages_text(root: Root) -> str:
    """Return /packages.txt: a line a package, `NAME VERSION ARCHITECTURE SOURCE`."""
    return "".join(
        f"{package.name} {package.version} {package.architecture} {package.source}\n"
        for package in root.packages
    )


def _complete(
    sources: Mapping[str, Path | bytes],
    placed: iso.Layout,
    about: Mapping[str, object],
    kept: Collection[Path | bytes],
) -> dict[str, Path | bytes]:
    """Return all files of the disc: with the BIOS image patched, the manifest and the sums.

    GRUB's BIOS image holds its own place on the disc, which depends on the sizes of the files
    before it; not on their contents, and digests have one length, whatever they say. So `placed`
    is the layout of a draft with empty digests, and now all can be filled in.
    """
    raw = _content(sources[layout.BIOS_IMAGE])
    bios = eltorito.patched(raw, placed.lba[layout.BIOS_IMAGE])
    patched = {**sources, layout.BIOS_IMAGE: bios}
    digests = {
        path: kept_digest(source)
        if isinstance(source, Path) and source in kept
        else _digest(source)
        for path, source in patched.items()
    }
    digests[layout.BOOT_CATALOG] = _digest(placed.catalog)
    return _with_lists(patched, digests, about)


def _with_lists(
    sources: Mapping[str, Path | bytes], digests: Mapping[str, str], about: Mapping[str, object]
) -> dict[str, Path | bytes]:
    files = [
        {"path": path, "size": _size(source), "sha256": digests[path]}
        for path, source in sorted(sources.items())
    ]
    text = json.dumps({**about, "files": files}, indent=1, ensure_ascii=False) + "\n"
    every = {**digests, layout.MANIFEST: _digest(text.encode())}
    sums = "".join(f"{every[path]}  {path[1:]}\n" for path in sorted(every))
    return {**sources, layout.MANIFEST: text.encode(), layout.SUMS: sums.encode()}


def _refuse_too_big(
    size: int, media: str, packages: Sequence[Package], files: Mapping[str, Path | bytes]
) -> None:
    over = size - MEDIA[media]
    if over <= 0:
        return
    packages = sorted(packages, key=lambda package: -package.size)[:LARGEST]
    largest = sorted(files.items(), key=lambda item: -_size(item[1]))[:LARGEST]
    lines = [
        "leave packages out, compress harder (layers.compression, layers.level), "
        "or choose a larger medium (disc.media)",
        "largest packages (installed): "
        + ", ".join(f"{package.name} {_mb(package.size)}" for package in packages),
        "largest files on the disc: "
        + ", ".join(f"{path} {_mb(_size(source))}" for path, source in largest),
    ]
    raise BuildError(
        f"the disc has {_mb(size)}, {_mb(over)} more than {media} holds ({_mb(MEDIA[media])})",
        "\n".join(lines),
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _content(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _size(source: Path | bytes) -> int:
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def _digest(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    status = source.stat()
    return _file_digest(source, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _file_digest(path: Path, _size: int, _changed: int) -> str:
    """Return a file's SHA-256, read once as long as its size and time stay."""
    return file_digest(path)
