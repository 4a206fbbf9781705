"""OpenPGP, as far as it takes to hand gpgv a keyring and to say who seems to have signed.

Source: RFC 4880, 4.2 (packets), 5.2 (signatures), 6.2 (ASCII armor). Nothing is checked here but
shapes: what a signature is worth only gpgv tells.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

_ARMOR = re.compile(
    rb"^-----BEGIN PGP ([A-Z ]+)-----[ \t]*\r?\n(.*?)^-----END PGP \1-----",
    re.DOTALL | re.MULTILINE,
)
_PUBLIC_KEY = 6
_KEYBOX = b"KBXf"  # at byte 8: what gpg itself keeps keys in; gpgv reads it too
_SIGNATURE, _CREATED, _ISSUER, _FINGERPRINT = 2, 2, 16, 33
_V4 = 4


@dataclass(frozen=True)
class Signature:
    """A signature as it tells of itself.

    Attributes:
        issuer: fingerprint of the key, or its last 16 digits, in hexadecimal; "" if not told.
        created: seconds since 1970, UTC; 0 if not told.
    """

    issuer: str
    created: int


def dearmored(data: bytes) -> bytes:
    """Return packets as they are in binary; what is not armored comes back as it is.

    Raises:
        ValueError: the armor is damaged.
    """
    if not data.lstrip().startswith(b"-----BEGIN PGP "):
        return data
    found = [_unpacked(match[2]) for match in _ARMOR.finditer(data)]
    if not found:
        raise ValueError("its armor has no end")
    return b"".join(found)


def _unpacked(text: bytes) -> bytes:
    """Return what stands between the lines of an armor; headers end with an empty line."""
    lines = [line.strip() for line in text.splitlines()]
    body = lines[lines.index(b"") + 1 :] if b"" in lines else lines
    # The last line may be a checksum, which RFC 9580 no longer has.
    wanted = b"".join(line for line in body if not line.startswith(b"="))
    try:
        return base64.b64decode(wanted, validate=True)
    except binascii.Error as error:
        raise ValueError(f"its armor is damaged: {error}") from error


def is_keyring(data: bytes) -> bool:
    """Return whether something not armored holds public keys, as packets or in gpg's keybox."""
    if data[8:12] == _KEYBOX:
        return True
    try:
        return any(tag == _PUBLIC_KEY for tag, _ in _packets(data))
    except (ValueError, IndexError):
        return False


def signatures(data: bytes) -> list[Signature]:
    """Return the signatures in a file, armored or not.

    Raises:
        ValueError: it holds none, or is damaged.
    """
    try:
        found = [_signature(body) for tag, body in _packets(dearmored(data)) if tag == _SIGNATURE]
    except IndexError as error:
        raise ValueError("it is cut short") from error
    if not found:
        raise ValueError("it is no OpenPGP signature")
    return found


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give (tag, body) of each packet; a length that is told in parts, no signature has."""
    at = 0
    while at < len(data):
        head = data[at]
        if not head & 0x80:
            raise ValueError("it is nothing of OpenPGP")
        at += 1
        if head & 0x40:
            tag = head & 0x3F
            size, at = _length(data, at)
        else:
            tag, width = head >> 2 & 0x0F, 1 << (head & 3)
            size = int.from_bytes(data[at : at + width], "big") if width < 8 else len(data) - at
            at += width if width < 8 else 0
        if at + size > len(data):
            raise ValueError("it is cut short")
        yield tag, data[at : at + size]
        at += size


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Return a length, and where what has it starts (4.2.2; of subpackets 5.2.3.1)."""
    first = data[at]
    if first < 192:
        return first, at + 1
    if first < 255:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5


def _signature(body: bytes) -> Signature:
    """Read a signature of version 4: 4 bytes, then hashed and unhashed subpackets (5.2.3)."""
    if body[0] != _V4:
        return Signature("", 0)
    hashed_end = 6 + int.from_bytes(body[4:6], "big")
    end = hashed_end + 2 + int.from_bytes(body[hashed_end : hashed_end + 2], "big")
    told: dict[int, bytes] = {}
    for area in (body[hashed_end + 2 : end], body[6:hashed_end]):  # what is hashed counts
        at = 0
        while at < len(area):
            size, at = _length(area, at)
            told[area[at] & 0x7F] = area[at + 1 : at + size]
            at += max(size, 1)
    # A fingerprint has the version of the key in front of it.
    issuer = told[_FINGERPRINT][1:] if _FINGERPRINT in told else told.get(_ISSUER, b"")
    return Signature(issuer.hex().upper(), int.from_bytes(told.get(_CREATED, b""), "big"))
