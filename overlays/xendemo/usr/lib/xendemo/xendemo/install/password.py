"""Hashes of passwords, as /etc/shadow has them. Python's own module for it is gone since 3.13."""

from __future__ import annotations

import ctypes
import hmac
import secrets

from xendemo import run
from xendemo.errors import Failure

LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2")  # Debian's and SUSE's; Fedora's
ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def hashed(password: str) -> str:
    """Return the SHA-512 hash of a password (crypt(5), prefix $6$), with a salt of its own.

    Raises:
        Failure: this system has neither libcrypt nor openssl.
    """
    salt = "$6$" + "".join(secrets.choice(ALPHABET) for _ in range(16))
    made = _crypt(password, salt)
    if made is not None:
        return made
    out = run.check("openssl", "passwd", "-6", "-salt", salt[3:], "-stdin", given=password + "\n")
    if not out.startswith(salt):
        raise Failure("openssl made no hash of the password", "give --password-hash")
    return out.strip()


def is_hash_of(password: str, text: str) -> bool:
    """Tell whether a hash is that of a password; False where this system cannot find out."""
    made = _crypt(password, text)
    return made is not None and hmac.compare_digest(made, text)


def _crypt(password: str, setting: str) -> str | None:
    for name in LIBRARIES:
        try:
            function = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        function.restype = ctypes.c_char_p
        function.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
        made: bytes | None = function(password.encode(), setting.encode())
        # Where it fails, it returns nothing, or a text that begins with an asterisk.
        if made and not made.startswith(b"*"):
            return made.decode()
    return None
