"""Checks signatures with gpgv, which trusts the keys of the keyring that it is given, no others.

Source: doc/DETAILS of GnuPG (status lines).
"""

from __future__ import annotations

import calendar
import contextlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from democd.errors import BuildError
from democd.host.bounds import Bounds
from democd.host.gpg import statuses
from democd.host.run import run
from democd.host.tools import find_tool

PATIENCE = 60.0
"""Seconds that it may take."""
_WEAK = {"1": "MD5", "2": "SHA-1", "3": "RIPEMD-160"}
"""Digests, by OpenPGP's number, that no signature is worth anything with."""


@dataclass(frozen=True)
class Signed:
    """What gpgv says of one signature.

    Attributes:
        fault: why it is worth nothing, or "".
        key: fingerprint of the key, or the part of it that is known.
        user: the user id; "" if the key is unknown.
        date: when it was made, in seconds since 1970; 0 if that is not known.
    """

    fault: str
    key: str
    user: str = ""
    date: int = 0


def check(content: bytes, signature: bytes, keyring: bytes) -> list[Signed]:
    """Return what gpgv says of each signature in a file.

    Args:
        content: what was signed.
        signature: detached, armored or not.
        keyring: public keys, not armored.

    Raises:
        BuildError: there is no gpgv.
    """
    find_tool("gpgv")
    said: list[str] = []
    with tempfile.TemporaryDirectory(prefix="democd-check-") as folder:
        paths = [Path(folder, name) for name in ("keyring", "signature", "text")]
        for path, data in zip(paths, (keyring, signature, content), strict=True):
            path.write_bytes(data)
        words: list[str | Path] = [
            "gpgv",
            "--homedir",
            folder,
            "--status-fd",
            "2",
            "--keyring",
            *paths,
        ]
        with contextlib.suppress(BuildError):  # the status lines say more than an exit code
            run(words, on_line=said.append, bounds=Bounds(seconds=PATIENCE))
    return judge(said)


FORGED = "the signature is not of this text: one of the two was changed"
_VERDICTS = {
    "GOODSIG": "",
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "the key has expired",
    "REVKEYSIG": "the key is revoked",
    "BADSIG": FORGED,
    "ERRSIG": "the key is not in the keyring",
}


def judge(said: Sequence[str]) -> list[Signed]:
    """Return what gpgv's lines say of each signature; all is pure but where they come from."""
    found: list[Signed] = []
    for words in statuses(said):
        if words[0] in _VERDICTS:
            fault = _VERDICTS[words[0]]
            if words[0] == "ERRSIG" and words[6] != "9":  # NO_PUBKEY
                fault = "the signature cannot be checked by gpgv"
            user = "" if words[0] == "ERRSIG" else " ".join(words[2:])
            date = int(words[5]) if words[0] == "ERRSIG" and words[5].isdigit() else 0
            found.append(Signed(fault, words[1], user, date))
        elif words[0] == "VALIDSIG" and found:
            last = found[-1]
            weak = _WEAK.get(words[8], "")
            fault = last.fault or (f"it was made with {weak}, which can be forged" if weak else "")
            key = words[10] if len(words) > 10 else words[1]
            found[-1] = Signed(fault, key, last.user, _seconds(words[3]))
    # What was good, but for a VALIDSIG, is not known to be.
    return [
        it if it.fault or it.date else Signed("gpgv does not say that it is valid", it.key, it.user)
        for it in found
    ]


def _seconds(text: str) -> int:
    """Return a time of a status line, which is ISO 8601 where seconds would not do."""
    if text.isdigit():
        return int(text)
    return calendar.timegm(time.strptime(text, "%Y%m%dT%H%M%S"))
