"""A mirror of Debian's archive on this host, which can be told to lie."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from tests.support.answering import served

Fault = Callable[["Answer"], None]


class Answer(BaseHTTPRequestHandler):
    """Gives what the archive behind it has, unless a fault has another idea."""

    mirror: ClassVar[Mirror]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.mirror.asked.append(self.path)
        if self.mirror.fault and re.search(self.mirror.where, self.path):
            self.mirror.fault(self)
        else:
            self.give()

    def content(self) -> bytes | None:
        return self.mirror.content(self.path)

    def give(self, content: bytes | None = None, length: int | None = None) -> None:
        """Answer with the true content, or another; its length may be a lie."""
        content = self.content() if content is None else content
        if content is None:
            self.refuse()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = length is not None

    def refuse(self) -> None:
        self.send_error(404)

    def log_message(self, *args: object) -> None:
        """Say nothing: what was asked is in `asked`."""


@dataclass
class Mirror:
    """The archive at an address, by way of a port of this host.

    Attributes:
        upstream: the address of the archive.
        where: a regular expression of the paths that are answered by `fault`.
        asked: all paths that were asked for.
    """

    upstream: str
    port: int = 0
    where: str = ""
    fault: Fault | None = None
    asked: list[str] = field(default_factory=list)
    _had: dict[str, bytes | None] = field(default_factory=dict)

    def content(self, path: str) -> bytes | None:
        """Return a file of the archive; None if it has none of that name."""
        if path not in self._had:
            try:
                with urllib.request.urlopen(f"{self.upstream}{path}", timeout=60) as answer:
                    self._had[path] = answer.read()
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                self._had[path] = None
        return self._had[path]

    def honest(self) -> None:
        self.where, self.fault = "", None
        self.asked.clear()

    def lie(self, where: str, fault: Fault) -> None:
        self.where, self.fault = where, fault
        self.asked.clear()


@contextmanager
def serving(upstream: str) -> Iterator[Mirror]:
    """Serve a mirror of the archive at an address."""
    mirror = Mirror(upstream)
    handler = type("Handler", (Answer,), {"mirror": mirror})
    with served(handler) as mirror.port:
        yield mirror


def cuts_off(answer: Answer) -> None:
    content = answer.content() or b""
    answer.give(content[: len(content) // 2], len(content))


def sends_less(answer: Answer) -> None:
    answer.give((answer.content() or b"")[:-100])


def sends_more(answer: Answer) -> None:
    answer.give((answer.content() or b"") + bytes(100))


def sends_other_bytes(answer: Answer) -> None:
    content = bytearray(answer.content() or b"")
    content[len(content) // 2] ^= 1
    answer.give(bytes(content))


def has_it_not(answer: Answer) -> None:
    answer.refuse()


def sends_another_file(answer: Answer) -> None:
    """A page for logging in, as a hotel's network sends it."""
    answer.give(b"<html><title>Welcome</title>Please log in</html>\n")


def dribbles(answer: Answer) -> None:
    """Send a byte now and then, for ever."""
    answer.send_response(200)
    answer.send_header("Content-Length", "1000000")
    answer.end_headers()
    with suppress(OSError):  # until the other side has had enough
        while True:
            answer.wfile.write(b"-")
            time.sleep(0.3)
