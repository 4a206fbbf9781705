"""Who has signed a disc: the sums on it, and so all its files, and the checksum of the ISO."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from democd import layout
from democd.digests import file_digest
from democd.formats import openpgp
from democd.host import gpgv
from democd.host.gpgv import Signed
from democd.verify.subject import Subject
from democd.verify.verdict import FaultError

SIZE_MAX = 64 << 10
"""Bytes of a signature, and of a checksum's file, that are looked at."""
ASK = "ask who made it for their public key, by a way that you trust, and for their disc"


def check_signature(subject: Subject) -> str:
    """Check who signed the disc, if there is a keyring to judge by; else tell who seems to have."""
    there = layout.SIGNATURE in subject.files
    if subject.keyring is None:
        return _unchecked(subject) if there else "none"
    if not there:
        raise FaultError(f"{layout.SIGNATURE} is missing: nobody has signed this disc", ASK)
    told = _judged(layout.SIGNATURE, _read(subject), subject.content(layout.SUMS), subject.keyring)
    return f"{layout.SUMS[1:]} {told}\n{_beside(subject.path, subject.keyring)}"


def _unchecked(subject: Subject) -> str:
    try:
        found = openpgp.signatures(_read(subject))
    except ValueError as error:
        raise FaultError(f"{layout.SIGNATURE}: {error}", ASK) from error
    keys = ", ".join(it.issuer or "a key that is not named" for it in found)
    return f"signed by {keys}; not checked: --keyring FILE"


def _read(subject: Subject) -> bytes:
    if subject.files[layout.SIGNATURE].size > SIZE_MAX:
        raise FaultError(f"{layout.SIGNATURE} is too large for a signature", ASK)
    return subject.content(layout.SIGNATURE)


def _beside(path: Path, keyring: bytes) -> str:
    """Check the checksum beside the ISO, which stands for each of its bytes; return what is so."""
    sums = path.with_name(f"{path.name}.sha256")
    made = sums.with_name(f"{sums.name}.gpg")
    if not path.is_file() or not made.exists():
        return (
            f"no {made.name} beside it: what is no file on the disc is not signed, "
            "such as the boot code of a stick"
        )
    try:
        if max(made.stat().st_size, sums.stat().st_size) > SIZE_MAX:
            raise FaultError(f"{made} or {sums} is too large", ASK)
        text, signature = sums.read_bytes(), made.read_bytes()
    except OSError as error:
        raise FaultError(f"{error.filename}: {error.strerror}", ASK) from error
    told = _judged(str(made), signature, text, keyring)
    match = re.fullmatch(rb"([0-9a-f]{64}) [ *].+\n", text)
    if not match or match[1].decode() != file_digest(path):
        raise FaultError(f"{path} has not the sum that {sums.name} tells", ASK)
    return f"{sums.name} {told}"


def _judged(name: str, signature: bytes, text: bytes, keyring: bytes) -> str:
    """Return who signed a text.

    Raises:
        FaultError: nobody of the keyring did, or one signature is of another text.
    """
    found = gpgv.check(text, signature, keyring)
    good = [it for it in found if not it.fault]
    forged = [it for it in found if it.fault == gpgv.FORGED]
    if not good or forged:
        raise FaultError(f"{name}: {_faults(forged or found)}", ASK)
    return f"is signed by {'; '.join(map(_who, good))}"


def _faults(found: Sequence[Signed]) -> str:
    if not found:
        return "it is no OpenPGP signature"
    return "; ".join(f"{it.fault} ({_who(it)})" for it in found)


def _who(it: Signed) -> str:
    when = f", {datetime.fromtimestamp(it.date, UTC):%Y-%m-%d %H:%M} UTC" if it.date else ""
    user = "".join(letter if letter.isprintable() else "?" for letter in it.user)
    return f"{user + ', ' if user else ''}{it.key}{when}"
