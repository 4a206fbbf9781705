"""Who has signed the sums of a disc: sqv tells, as Debian 13 has it, or gpgv, as Debian 12 has."""

from __future__ import annotations

import base64
import os
import re
import shutil
import tempfile

from xendemo import run
from xendemo.errors import Failure
from xendemo.media import SIGNATURE, SUMS

STATUS = "[GNUPG:] "
WORTHLESS = ("BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "ERRSIG")
# Lines that are not empty, an empty one, and the keys; they may end with a checksum.
ARMOR = re.compile(
    rb"^-----BEGIN [A-Z ]+-----\s*?\n(?:.*\S.*\n)*\s*?\n([^=-]*=*)\s*(?:=.*\s*)?-----END", re.M
)
FINGERPRINT = re.compile(r"[0-9A-F]{40,64}")


def signed_by(folder: str, keyring: str) -> str:
    """Return who has signed the disc at a folder.

    Args:
        folder: where it is mounted.
        keyring: a file of public keys, armored or not.

    Raises:
        Failure: nobody of the keyring has, or nothing here can tell.
    """
    if not os.path.isfile(f"{folder}/{SIGNATURE}"):
        raise Failure(f"there is no {SIGNATURE} on the disc: nobody has signed it")
    where = run.environment()["PATH"]
    if shutil.which("sqv", path=where):
        return _by_sqv(folder, keyring)
    if shutil.which("gpgv", path=where):
        return _by_gpgv(folder, keyring)
    raise Failure("there is neither sqv nor gpgv here", "apt install gpgv; or check elsewhere")


def _by_sqv(folder: str, keyring: str) -> str:
    done = run.run("sqv", "--verbose", "--keyring", keyring, "--signature-file",
                   f"{folder}/{SIGNATURE}", f"{folder}/{SUMS}")  # fmt: skip
    keys = [line for line in done.out.splitlines() if FINGERPRINT.fullmatch(line.strip())]
    if done.status or not keys:
        raise Failure("nobody whose key is in the keyring has signed the disc", done.last())
    return ", ".join(keys)


def _by_gpgv(folder: str, keyring: str) -> str:
    with tempfile.TemporaryDirectory(prefix="xendemo-check-") as scratch:
        ring = f"{scratch}/keyring"
        with open(keyring, "rb") as given, open(ring, "wb") as file:
            file.write(dearmored(given.read()))
        done = run.run("gpgv", "--homedir", scratch, "--status-fd", "1", "--keyring", ring,
                       f"{folder}/{SIGNATURE}", f"{folder}/{SUMS}")  # fmt: skip
    good = judge(done.out)
    if not good:
        raise Failure("nobody whose key is in the keyring has signed the disc", done.last())
    return good


def judge(text: str) -> str:
    """Return who has signed by the status lines of gpgv; "" if that is worth nothing.

    gpgv ends with 0 for a key that has expired, too.
    """
    user = ""
    for line in text.splitlines():
        words = line.removeprefix(STATUS).split() if line.startswith(STATUS) else [""]
        if words[0] in WORTHLESS:
            return ""
        if words[0] == "GOODSIG":
            user = " ".join(words[2:])
        elif words[0] == "VALIDSIG" and user:
            return f"{user}, {words[-1]}"
    return ""


def dearmored(data: bytes) -> bytes:
    """Return keys as gpgv wants them, without what makes text of them (RFC 4880, 6.2)."""
    pieces = [base64.b64decode(match[1]) for match in ARMOR.finditer(data)]
    return b"".join(pieces) if pieces else data
