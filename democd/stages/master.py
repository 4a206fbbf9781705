"""The ISO, made of a plan; beside it its checksum and its manifest."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from democd import layout, previous, sizes
from democd.artifacts import DiscFile, DiscPlan, Sign, Sources
from democd.digests import file_digest
from democd.errors import BuildError
from democd.formats import eltorito, gpt, iso
from democd.host import room
from democd.identity import fingerprint

_SECTORS_A_BLOCK = iso.BLOCK // gpt.SECTOR


@dataclass(frozen=True)
class Published:
    """The files that a person gets; `sbom` and `signature` (of the sum) if the disc has one."""

    iso: Path
    sums: Path
    manifest: Path
    sbom: Path | None = None
    signature: Path | None = None


@dataclass(frozen=True)
class Result:
    """What a build made.

    Attributes:
        files: disc, sum, manifest and bill of materials in the output folder.
        plan: all that is on the disc.
        sources: what of it is source.
    """

    files: Published
    version: str
    plan: DiscPlan
    sources: Sources


def publish(
    plan: DiscPlan,
    output: Path,
    name: str,
    at: Callable[[int, int], None],
    sign: Sign | None = None,
) -> Published:
    """Write the disc and what tells of it; the old ones are replaced when all are whole.

    Args:
        plan: what `disc.plan` returned.
        output: the folder that gets NAME.iso, NAME.iso.sha256, NAME.manifest.json and, if the disc
            has one, NAME.spdx.json; and NAME.previous.json of a disc with other bytes that lay
            there.
        name: what they are called.
        at: told (bytes done, bytes in all) now and then.
        sign: signs the checksum, which gives NAME.iso.sha256.gpg.

    Raises:
        BuildError: as `master` does.
        FullError: there is no room in `output`.
    """
    sbom = next((file.content() for file in plan.files if file.path == layout.SBOM), b"")
    sums = next(file.content() for file in plan.files if file.path == layout.SUMS)
    signed = (lambda text: sign(text, plan.date)) if sign else None
    need = f"the disc takes {sizes.mb(plan.sizes.total)}, beside the old one until it is whole"
    with room.watched(output, f"{name}.iso", need, "--output-dir"):
        return publish_whole(
            output,
            name,
            lambda target: master(plan, target, at),
            manifest_text(plan),
            sbom,
            signed,
            previous.of_replaced(output / f"{name}.iso", fingerprint(sums)),
        )


def publish_whole(
    output: Path,
    name: str,
    write: Callable[[Path], None],
    manifest: str,
    sbom: bytes = b"",
    sign: Callable[[bytes], bytes] | None = None,
    replaced: str = "",
) -> Published:
    """Write the files beside the old ones, which they replace when all are whole.

    Args:
        output: the folder that gets them.
        name: what they are called.
        write: writes the ISO at the path that it is given.
        manifest: the text of the manifest.
        sbom: the bill of materials; nothing for a disc without, and an old one goes.
        sign: signs the checksum; None for a disc that is not signed, and an old signature goes.
        replaced: what is kept of the disc that lies there; nothing leaves alone what is kept.
    """
    beside, signature = output / f"{name}.spdx.json", output / f"{name}.iso.sha256.gpg"
    made = Published(
        output / f"{name}.iso",
        output / f"{name}.iso.sha256",
        output / f"{name}.manifest.json",
        beside if sbom else None,
        signature if sign else None,
    )
    # First: whoever is killed between the renames has the kept one's disc still, and sees it.
    kept = previous.path_beside(made.iso) if replaced else None
    all_ = (kept, made.iso, made.sums, made.manifest, made.sbom, made.signature)
    paths = [path for path in all_ if path]
    new = {path: path.with_name(f".{path.name}.new") for path in paths}
    try:
        write(new[made.iso])
        new[made.sums].write_text(f"{file_digest(new[made.iso])}  {made.iso.name}\n")
        new[made.manifest].write_text(manifest, encoding="utf-8")
        if kept:
            new[kept].write_text(replaced, encoding="utf-8")
        if made.sbom:
            new[made.sbom].write_bytes(sbom)
        if made.signature and sign:
            new[made.signature].write_bytes(sign(new[made.sums].read_bytes()))
        for path, whole in new.items():
            whole.replace(path)
        for old in (beside, signature):
            if old not in new:
                old.unlink(missing_ok=True)
    finally:
        for left in new.values():
            left.unlink(missing_ok=True)
    return made


def manifest_text(plan: DiscPlan) -> str:
    """Return the manifest as it stands on the disc."""
    return next(file for file in plan.files if file.path == layout.MANIFEST).content().decode()


def master(plan: DiscPlan, target: Path, at: Callable[[int, int], None]) -> None:
    """Write the ISO; it appears under its name when it is whole.

    Args:
        plan: what `plan` returned.
        target: the ISO's path; a file that lies there is replaced.
        at: told (bytes done, bytes in all) now and then.

    Raises:
        BuildError: a source cannot be read or changed meanwhile, or the output is full.
    """
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb+") as stream:
            _write(plan, stream, at)
        part.replace(target)
    except OSError as error:
        raise BuildError(f"cannot write {target}: {error.strerror}", "see what df says") from error
    finally:
        part.unlink(missing_ok=True)


def _write(plan: DiscPlan, stream: BinaryIO, at: Callable[[int, int], None]) -> None:
    volume = iso.Volume(plan.volume_id, plan.publisher, plan.preparer, plan.application, plan.date)
    files = {file.path: file for file in plan.files}
    boot = iso.BootFiles(plan.bios, plan.esp, layout.BOOT_CATALOG)
    contents = {path: file.source for path, file in files.items()}
    placed = iso.write(stream, volume, contents, boot, at)
    wrong = eltorito.patch_mistakes(files[plan.bios].content(), placed.lba[plan.bios])
    if wrong:
        raise AssertionError(f"the disc was not laid out as planned: {wrong}")
    sectors = placed.blocks * _SECTORS_A_BLOCK
    seed = hashlib.sha256(files[layout.SUMS].content()).digest()
    esp = _esp_partition(placed.lba[plan.esp], files[plan.esp], seed)
    primary, backup = gpt.labels(sectors, _guid(seed, "disk"), [esp])
    core = placed.lba[plan.bios] * _SECTORS_A_BLOCK + eltorito.BIOS_LOAD_SECTORS
    signature = int.from_bytes(seed[:4], "little")
    stream.seek(0)
    stream.write(gpt.mbr(plan.mbr.read_bytes(), core, signature, sectors) + primary)
    stream.seek((sectors - gpt.LABEL_SECTORS) * gpt.SECTOR)
    stream.write(backup)


def _esp_partition(lba: int, esp: DiscFile, seed: bytes) -> gpt.Partition:
    first = lba * _SECTORS_A_BLOCK
    last = first + esp.size() // gpt.SECTOR - 1
    return gpt.Partition(gpt.ESP_TYPE, _guid(seed, "esp"), first, last, "EFI system partition")


def _guid(seed: bytes, name: str) -> uuid.UUID:
    """Return a GUID that is the same for the same disc, and for no other."""
    return uuid.UUID(bytes=hashlib.sha256(seed + name.encode()).digest()[:16], version=4)
