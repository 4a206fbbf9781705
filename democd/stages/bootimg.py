"""GRUB's boot images: one for BIOS, one for UEFI, both only finding the disc's one grub.cfg."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import jinja2

from democd import layout, recipe
from democd.artifacts import BootImages, Root
from democd.errors import BuildError
from democd.formats import fat
from democd.host.run import run
from democd.host.suite import suite_tool
from democd.workspace import Workspace

TEMPLATES = Path(__file__).parents[2] / "grub"
EMBEDDED = "embedded.cfg.j2"
START = "start.cfg"
ESP_LABEL = "EFI"
FORMAT = 1
"""Counts up when this file makes other images from the same inputs."""

_UNITS = {"com1": 0, "com2": 1, "none": None}


@dataclass(frozen=True)
class Grub:
    """A GRUB to make images with.

    Attributes:
        mkimage: the argv that starts grub-mkimage.
        bios, efi: its folders `i386-pc` and `x86_64-efi`.
    """

    mkimage: Sequence[str | Path]
    bios: Path
    efi: Path


def suite_grub(parts: Path) -> Grub:
    """Return the GRUB of a Debian root."""
    folder = parts / "usr/lib/grub"
    return Grub(
        suite_tool(parts, "usr/bin/grub-mkimage"), folder / "i386-pc", folder / "x86_64-efi"
    )


def build(workspace: Workspace, root: Root, volume_id: str, serial: recipe.Console) -> BootImages:
    """Make the boot images with the root's own GRUB, or take the kept ones.

    Args:
        workspace: where results are kept.
        root: has GRUB's program and modules in its `parts`.
        volume_id: the disc that the images look for.
        serial: where GRUB talks before it has found the menu.

    Raises:
        BuildError: GRUB is not in the root, lacks a module, or fails.
    """
    grub = suite_grub(root.parts)
    embedded = render_embedded(volume_id, serial)
    modules = {target: module_names(target) for target in ("bios", "efi")}
    inputs = {
        "root": root.made,
        "start": TEMPLATES / START,
        "embedded": embedded,
        "modules": modules,
        "format": FORMAT,
    }
    made = workspace.step("bootimg", inputs, lambda folder: make(folder, grub, embedded, root.date))
    return images_in(made.path)


def images_in(folder: Path) -> BootImages:
    """Return the images that `make` put into a folder."""
    return BootImages(
        bios=folder / "bios.img",
        mbr=folder / "boot_hybrid.img",
        esp=folder / "efi.img",
        efi=folder / "BOOTX64.EFI",
    )


def make(folder: Path, grub: Grub, embedded: str, date: int) -> None:
    """Make all images in an empty folder.

    Args:
        folder: gets the files of `images_in`, and nothing else.
        grub: what makes them.
        embedded: the script they start with.
        date: every time in them, seconds since 1970, UTC.

    Raises:
        BuildError: a part of GRUB is missing, or grub-mkimage fails.
    """
    images = images_in(folder)
    memdisk = folder / "memdisk.tar"
    memdisk.write_bytes(pack_memdisk(embedded, date))
    _mkimage(grub, "i386-pc-eltorito", grub.bios, "bios", memdisk, images.bios)
    _mkimage(grub, "x86_64-efi", grub.efi, "efi", memdisk, images.efi)
    memdisk.unlink()
    images.mbr.write_bytes((grub.bios / "boot_hybrid.img").read_bytes())
    loader = images.efi.read_bytes()
    serial = int.from_bytes(hashlib.sha256(loader).digest()[:4], "little")
    files = {layout.EFI_LOADER: loader}
    images.esp.write_bytes(fat.pack(files, label=ESP_LABEL, serial=serial, date=date))


def build_net(workspace: Workspace, root: Root) -> dict[str, Path]:
    """Make the images that are started over a network, or take the kept ones.

    They hold no script: GRUB reads the grub.cfg beside them, on the server they came from.

    Returns:
        Their files by path on the disc.

    Raises:
        BuildError: GRUB is not in the root, lacks a module, or fails.
    """
    grub = suite_grub(root.parts)
    modules = {target: module_names(target) for target in ("netbios", "netuefi")}
    inputs = {"root": root.made, "modules": modules, "format": FORMAT}
    made = workspace.step("netimg", inputs, lambda folder: make_net(folder, grub))
    return net_images_in(made.path)


def net_images_in(folder: Path) -> dict[str, Path]:
    """Return the images that `make_net` put into a folder, by path on the disc."""
    return {path: folder / PurePath(path).name for path in (layout.NET_BIOS, layout.NET_UEFI)}


def make_net(folder: Path, grub: Grub) -> None:
    """Make the images for networks in an empty folder; errors as for `make`."""
    images = net_images_in(folder)
    _mkimage(grub, "i386-pc-pxe", grub.bios, "netbios", None, images[layout.NET_BIOS])
    _mkimage(grub, "x86_64-efi", grub.efi, "netuefi", None, images[layout.NET_UEFI])


def _mkimage(
    grub: Grub, target: str, folder: Path, list_name: str, memdisk: Path | None, output: Path
) -> None:
    modules = module_names(list_name)
    missing = [name for name in modules if not (folder / f"{name}.mod").is_file()]
    if missing:
        raise BuildError(
            f"GRUB in {folder} has no module {', '.join(missing)}",
            "the root needs grub-pc-bin and grub-efi-amd64-bin; or correct grub/modules/*.txt",
        )
    script = (
        [
            "--config", TEMPLATES / START,
            "--memdisk", memdisk,
            "--prefix", layout.GRUB_FOLDER,  # after --memdisk, which sets it as well
        ]
        if memdisk
        else ["--prefix", ""]  # the folder that the firmware read the image from
    )  # fmt: skip
    run(
        [
            *grub.mkimage,
            "--directory", folder,
            "--format", target,
            *script,
            "--output", output,
            *modules,
        ]
    )  # fmt: skip
    output.chmod(0o644)


def module_names(target: str) -> list[str]:
    """Return the names of the modules in an image, each once.

    Args:
        target: `bios` or `efi`; `netbios` or `netuefi` for an image that a network starts.
    """
    common = "net" if target.startswith("net") else "common"
    lines = [
        line.strip()
        for name in (common, target)
        for line in (TEMPLATES / "modules" / f"{name}.txt").read_text().splitlines()
    ]
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def render_embedded(volume_id: str, serial: recipe.Console) -> str:
    """Return the script inside the images."""
    template = jinja2.Template(
        (TEMPLATES / EMBEDDED).read_text(),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    unit = _UNITS[serial.serial]
    text: str = template.render(volume_id=volume_id, serial_unit=unit, serial_speed=serial.speed)
    return text


def pack_memdisk(embedded: str, date: int) -> bytes:
    """Return the tar that GRUB holds as its first disk: a grub.cfg, and its folders.

    GRUB's images hold a script by itself as well (`--config`: start.cfg), but that is read by the
    rescue parser, which knows neither `if` nor comments; what `normal` reads from a disk is not.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("boot", "boot/grub"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, date
            tar.addfile(folder)
        script = tarfile.TarInfo("boot/grub/grub.cfg")
        content = embedded.encode()
        script.size, script.mode, script.mtime = len(content), 0o644, date
        tar.addfile(script, io.BytesIO(content))
    return buffer.getvalue()
