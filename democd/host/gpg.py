"""Signs with the user's own GnuPG.

The private key stays with gpg-agent, which asks for its passphrase itself. gpg gets no file of
options, for some of these would show in the signature. It gets a clock that stands still: the same
text, date and key then give the same bytes. That holds for each kind of key that GnuPG makes, for
its DSA and ECDSA draw no random numbers (RFC 6979); a smartcard may do so.

Source: doc/DETAILS of GnuPG (colons, status lines).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from democd.errors import BuildError, InputError
from democd.host.bounds import Bounds
from democd.host.run import run
from democd.host.tools import find_tool

SIZE_MAX = 2048
"""Bytes of a signature: a block of the disc. An RSA key of 8192 bits makes one of 1600."""
PATIENCE = 300.0
"""Seconds that a passphrase may take."""
TRIAL = b"democd: may this key sign?\n"

_STATUS = "[GNUPG:] "
_PASSED_ON = (
    "GNUPGHOME", "GPG_TTY", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS", "PINENTRY_USER_DATA",
)  # fmt: skip
"""Variables by which gpg finds its keys, and pinentry a place to ask."""
_UNFIT = {"e": "has expired", "r": "is revoked", "d": "is disabled"}


@dataclass(frozen=True)
class Signer:
    """A key that can sign.

    Attributes:
        fingerprint: of the very key that signs, which may be a subkey.
        user: the user id, "Ann <ann@localhost>".
        created: seconds since 1970: no signature of it can be older.
    """

    fingerprint: str
    user: str
    created: int

    def sign(self, content: bytes, date: int) -> bytes:
        """Return a detached signature, armored.

        Args:
            content: what is signed.
            date: of the signature, in seconds since 1970; that of the key, if this is younger.

        Raises:
            BuildError: gpg cannot, or the signature is larger than `SIZE_MAX`.
        """
        made, _ = _sign(content, f"{self.fingerprint}!", max(date, self.created))
        if len(made) > SIZE_MAX:
            raise BuildError(
                f"a signature by {self.fingerprint} has {len(made)} bytes, more than {SIZE_MAX}",
                "sign with another kind of key, such as ed25519",
            )
        return made


def signer(named: str) -> Signer:
    """Return the key that is named, once it has signed something: all is told before any work.

    Args:
        named: key id, fingerprint, address or another part of a user id.

    Raises:
        InputError: there is no gpg, or no such key, or several, or it cannot sign.
    """
    if not named.strip():
        raise InputError("--sign names no key", "see what there is: gpg --list-secret-keys")
    try:
        find_tool("gpg")
    except BuildError as error:
        raise InputError(f"--sign: {error.message}", error.hint) from error
    home = Path(os.environ.get("GNUPGHOME") or Path.home() / ".gnupg")
    hint = "see what there is: gpg --list-secret-keys; or make one: gpg --quick-generate-key"
    if not home.is_dir():
        raise InputError(f"--sign {named}: gpg has no keys: there is no {home}", hint)
    try:
        listed = run(
            ["gpg", "--batch", "--no-auto-check-trustdb", "--with-colons", "--fixed-list-mode",
             "--list-secret-keys", "--", named],
            env=_environment(), bounds=Bounds(seconds=PATIENCE),
        ).stdout  # fmt: skip
    except BuildError as error:
        raise InputError(f"--sign {named}: gpg has no such secret key", hint) from error
    every = read_keys(listed)
    keys = [key for key in every if not key.unfit] or every  # an address outlives keys
    if len(keys) != 1:
        found = ", ".join(f"{key.fingerprint} {key.user}" for key in keys) or "none"
        what = f"--sign {named}: {'several keys are' if keys else 'no key is'} called so: {found}"
        raise InputError(what, "name one by its whole fingerprint")
    key = keys[0]
    if key.unfit:
        raise InputError(f"--sign {named}: the key {key.fingerprint} {key.unfit}", hint)
    try:
        _, used = _sign(TRIAL, named if named.endswith("!") else key.fingerprint, 0)
        created = max(key.created.get(used, 0), key.created[key.fingerprint])
        made = Signer(used, key.user, created)
        made.sign(TRIAL, 0)
    except BuildError as error:
        raise InputError(f"--sign {named}: {error.message}", error.hint) from error
    return made


@dataclass(frozen=True)
class Listed:
    """A secret key, as gpg lists it.

    Attributes:
        fingerprint: of the primary key.
        user: its first user id.
        unfit: why nothing can be signed with it, or "".
        created: of it and its subkeys, by fingerprint, in seconds since 1970.
    """

    fingerprint: str
    user: str
    unfit: str
    created: Mapping[str, int]


def read_keys(listed: str) -> list[Listed]:
    """Return the keys in the output of gpg --with-colons --list-secret-keys."""
    keys: list[Listed] = []
    for block in re.split(r"^(?=sec:)", listed, flags=re.MULTILINE)[1:]:
        unfit, user, created, moment = "", "", dict[str, int](), 0
        for kind, *fields in (line.split(":") for line in block.splitlines()):
            if kind == "sec":
                unfit = _UNFIT.get(fields[0], "")
            if kind in ("sec", "ssb"):
                moment = int(fields[4] or 0)
            elif kind == "fpr":
                created[fields[8]] = moment
            elif kind == "uid":
                user = user or _plain(fields[8])
        keys.append(Listed(next(iter(created), ""), user, unfit, created))
    return keys


def _plain(field: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), field)


def _environment() -> dict[str, str]:
    env = {name: os.environ[name] for name in _PASSED_ON if os.environ.get(name)}
    if "GPG_TTY" not in env and os.isatty(0):
        env["GPG_TTY"] = os.ttyname(0)
    return env


def _sign(content: bytes, key: str, date: int) -> tuple[bytes, str]:
    """Return a signature, and the fingerprint of the key that made it; date 0 is now."""
    said: list[str] = []
    clock = ["--faked-system-time", f"{date}!"] if date else []
    with tempfile.TemporaryDirectory(prefix="democd-sign-") as folder:
        text, made = Path(folder, "text"), Path(folder, "signature")
        text.write_bytes(content)
        try:
            run(
                ["gpg", "--batch", "--no-options", "--no-auto-check-trustdb", "--trust-model",
                 "always", "--no-random-seed-file", "--status-fd", "2", *clock,
                 "--digest-algo", "SHA512", "--armor", "--no-emit-version", "--no-comments",
                 "--local-user", key, "--output", made, "--detach-sign", "--", text],
                env=_environment(), on_line=said.append, bounds=Bounds(seconds=PATIENCE),
            )  # fmt: skip
        except BuildError as error:
            raise BuildError(f"cannot sign with {key}: {_reason(said)}", _remedy(said)) from error
        used = next(words[6] for words in statuses(said) if words[0] == "SIG_CREATED")
        return made.read_bytes(), used


def _reason(said: Sequence[str]) -> str:
    told = [line.removeprefix("gpg: ") for line in said if not line.startswith(_STATUS)]
    return told[-1] if told else "gpg does not say why"


def _remedy(said: Sequence[str]) -> str:
    if any(words[0] == "INV_SGNR" for words in statuses(said)):
        return "see gpg --list-secret-keys: the key must be able to sign, and not have expired"
    return (
        "gpg-agent asks for the passphrase, on a terminal or a screen; where there is neither, "
        "let it know before: gpg --sign on a terminal, or gpg-preset-passphrase"
    )


def statuses(said: Sequence[str]) -> Iterator[list[str]]:
    """Give the words of each status line."""
    for line in said:
        if line.startswith(_STATUS):
            yield line.removeprefix(_STATUS).split()
