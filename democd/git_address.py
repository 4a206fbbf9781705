"""The address of a git repository as a person gives it: `URL`, or `URL#REF` for what is not HEAD.

It goes to git as an argument, so what git would take for an option, or for a program to run, is
refused here (gitremote-helpers(7): `ext::COMMAND`; git-clone(1), GIT URLS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PROTOCOLS = ("https", "http", "ssh", "git", "file")
EXAMPLE = "https://localhost/xen.git#BRANCH or ann@localhost:xen.git"

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_SSH = re.compile(r"(?:\w[\w.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:-].*", re.ASCII | re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_AUTHORITY = re.compile(
    r"(?:[\w%][\w%.+~-]*(?::[^@/]*)?@)?"  # user:password@
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\])(?::\d+)?",
    re.ASCII,
)
_REF = re.compile(r"[A-Za-z0-9_](?:[\w.+@=,%/-]*[\w+@=,%-])?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PASSWORD = re.compile(r"(?<=://)[^@/]*@")


@dataclass(frozen=True)
class Address:
    """A repository, and the branch, tag or commit of it; "" is its HEAD."""

    url: str
    ref: str = ""

    @property
    def commit(self) -> str:
        """The ref, if it is a whole commit id; else ""."""
        return self.ref if _COMMIT.fullmatch(self.ref) else ""

    def __str__(self) -> str:
        """Return it for people, without a user's name and password."""
        url = self.hide(self.url)
        return f"{url}#{self.ref}" if self.ref else url

    def hide(self, text: str) -> str:
        """Return a text without the user's name and password that the URL may have."""
        return text.replace(self.url, _PASSWORD.sub("", self.url))


def is_meant(text: str) -> bool:
    """Return whether a text is an address rather than a path, be it a good one or not."""
    url = text.partition("#")[0]
    return any(form.match(url) for form in (_URL, _HELPER)) or bool(_SSH.fullmatch(url))


def parse(text: str) -> Address:
    """Return the address in a text that `mistake` finds nothing wrong with."""
    url, _, ref = text.partition("#")
    return Address(url, ref)


def mistake(text: str) -> tuple[str, str] | None:
    """Return what is wrong with an address, and what to write; None if nothing is."""
    url, mark, ref = text.partition("#")
    hint = f"write {EXAMPLE}"
    if not url.isascii() or not url.isprintable() or " " in url:
        return f"{url!r} is no address of a repository", f"{hint}; other characters as %20"
    if _HELPER.match(url):
        return f"{url} would run a program: it is not taken", hint
    if found := _URL.match(url):
        protocol, rest = found[1], found[2]
        if protocol not in PROTOCOLS:
            return f"{protocol}:// is not taken", f"write one of: {', '.join(PROTOCOLS)}"
        host, slash, path = rest.partition("/")
        if not slash or not path or (protocol != "file" and not _AUTHORITY.fullmatch(host)):
            return f"{_PASSWORD.sub('', url)} is no address of a repository", hint
        if protocol == "file" and host:
            return f"{url} has no whole path", f"write file:///{rest}"
    if mark and (not _REF.fullmatch(ref) or ".." in ref or "//" in ref or ref.endswith(".lock")):
        return f"{ref!r} is no branch, tag or commit", "write its name behind #, or leave # out"
    return None
