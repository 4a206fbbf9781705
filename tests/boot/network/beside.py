"""Servers beside QEMU: what a machine reaches at 10.0.2.2, the host's loopback."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.answering import answering

ANSWER = "203.0.113.77"
"""What the name server says of every name (an address for documentation, RFC 5737)."""


@contextmanager
def web_server(text: str) -> Iterator[int]:
    """Serve one text at every path; yield the port."""
    with answering(lambda path: text.encode()) as port:
        yield port


@contextmanager
def name_server() -> Iterator[int]:
    """Answer every question for an IPv4 address (A) with ANSWER, by UDP; yield the port."""
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=_answer_all, args=(link,), daemon=True)
    thread.start()
    try:
        yield link.getsockname()[1]
    finally:
        link.close()


def _answer_all(link: socket.socket) -> None:
    while True:
        try:
            question, sender = link.recvfrom(4096)
            link.sendto(answer(question), sender)
        except OSError:  # closed
            return


def answer(query: bytes) -> bytes:
    """Return the answer to a DNS query with one question (RFC 1035, 4.1).

    ::

        offset  size  what
        0       2     id, as asked
        2       2     flags: 0x8180, an answer, recursion available
        4       8     counts: questions, answers, authorities, additional
        12      …     the question: name, type, class
        …       16    the answer: 0xc00c (the question's name), type, class, TTL, 4, address
    """
    end = query.index(b"\0", 12) + 5
    kind = struct.unpack_from(">H", query, end - 4)[0]
    found = kind == 1  # A; of other kinds there are none
    head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, found, 0, 0)
    record = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(ANSWER)
    return head + query[12:end] + (record if found else b"")
