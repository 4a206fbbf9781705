"""Checks everything about an ISO, read cold: no build folder, no recipe, no other program."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from democd.errors import BuildError, InputError
from democd.formats import isoread
from democd.verify import bill, boot, content, signature, sources
from democd.verify.subject import REBUILD, Subject, examine
from democd.verify.verdict import Check, FaultError, Verdict, as_json, report

__all__ = ["CHECKS", "Check", "Verdict", "as_json", "report", "verify"]

CHECKS: tuple[tuple[str, Callable[[Subject], str]], ...] = (
    ("volume", boot.check_volume),
    ("files", boot.check_tree),
    ("El Torito", boot.check_eltorito),
    ("BIOS image", boot.check_bios_image),
    ("MBR", boot.check_mbr),
    ("GPT", boot.check_gpt),
    ("ESP", boot.check_esp),
    ("menus", content.check_menus),
    ("kernels", content.check_kernels),
    ("layers", content.check_layers),
    ("initrds", content.check_initrds),
    ("checksums", content.check_sums),
    ("signature", signature.check_signature),
    ("manifest", content.check_manifest),
    ("SBOM", bill.check_bill),
    ("medium", content.check_medium),
)
"""Each check by its name, in the order they are shown."""

SOURCE_CHECKS: tuple[tuple[str, Callable[[Subject], str]], ...] = (
    ("volume", boot.check_volume),
    ("places", boot.check_places),
    ("files", sources.check_needed),
    ("checksums", content.check_sums),
    ("signature", signature.check_signature),
    ("manifest", sources.check_manifest),
    ("sources", sources.check_packages),
    ("medium", sources.check_medium),
)
"""The checks of a disc of sources."""


def verify(
    path: Path, at: Callable[[int, int], None] | None = None, keyring: bytes | None = None
) -> Verdict:
    """Check all of an ISO.

    Args:
        path: the ISO; a drive such as /dev/sr0 will do.
        at: told (bytes read, bytes in all) now and then.
        keyring: public keys, not armored, one of which must have signed it; None not to ask.

    Raises:
        InputError: it cannot be read, or is no ISO 9660 volume at all.
    """
    try:
        disc = isoread.open_disc(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}", "name an .iso file") from error
    with disc:
        subject = examine(disc, path, at or (lambda done, total: None), keyring)
        table = SOURCE_CHECKS if sources.is_source_disc(subject) else CHECKS
        checks = tuple(_run(name, check, subject) for name, check in table)
        return Verdict(path, disc.size, checks, disc.primary.blocks * isoread.BLOCK)


def _run(name: str, check: Callable[[Subject], str], subject: Subject) -> Check:
    try:
        return Check(name, True, check(subject))
    except FaultError as fault:
        return Check(name, False, fault.what, fault.remedy)
    except BuildError as error:
        return Check(name, False, error.message, error.hint or REBUILD)
    except (
        ValueError,
        LookupError,
        TypeError,
        OverflowError,
        OSError,
        struct.error,
        zlib.error,
    ) as error:
        # What the readers of damaged bytes raise.
        return Check(name, False, str(error) or type(error).__name__, REBUILD)
