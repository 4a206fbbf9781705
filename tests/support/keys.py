"""Keys of GnuPG for tests, in a home of their own that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Keys:
    """A home of GnuPG.

    Attributes:
        home: the folder; short, for an agent's socket lies in it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home

    def gpg(self, *words: str | Path) -> bytes:
        command = ["gpg", "--batch", "--pinentry-mode", "loopback", *words]
        env = {**os.environ, "GNUPGHOME": str(self.home)}
        return subprocess.run(command, env=env, check=True, capture_output=True).stdout

    def make(self, user: str, kind: str = "ed25519", expires: str = "never", word: str = "") -> str:
        """Make a key, and return its fingerprint."""
        self.gpg("--passphrase", word, "--quick-generate-key", user, kind, "sign", expires)
        listed = self.gpg("--with-colons", "--list-keys", user).decode()
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))

    def wait_for_the_end_of(self, user: str) -> None:
        """Wait until a key has expired, by gpg's clock."""
        for _ in range(60):
            if b"\npub:e:" in b"\n" + self.gpg("--with-colons", "--list-keys", user):
                return
            time.sleep(0.5)
        raise AssertionError(f"the key of {user} does not expire")

    def public(self, path: Path, *users: str, armor: bool = True) -> Path:
        path.write_bytes(self.gpg(*(["--armor"] if armor else []), "--export", *users))
        return path

    def revoke(self, fingerprint: str) -> None:
        """Import the revocation that gpg has made with the key."""
        path = self.home / "openpgp-revocs.d" / f"{fingerprint}.rev"
        text = path.read_text()
        path.write_text(text[text.index(":-----BEGIN") :].replace(":-----", "-----"))
        self.gpg("--import", path)

    def forget(self) -> None:
        """End the agent, and with it what it knows of passphrases."""
        env = {**os.environ, "GNUPGHOME": str(self.home)}
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=True)


@contextmanager
def new_keys() -> Iterator[Keys]:
    """Give an empty home, and take it and its agent away again."""
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    keys = Keys(home)
    try:
        yield keys
    finally:
        keys.forget()
        shutil.rmtree(home)
