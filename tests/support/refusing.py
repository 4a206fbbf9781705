"""An HTTP proxy that has not got some files: what a mirror that lags behind looks like to apt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from tests.support.answering import answering, fetched


@contextmanager
def refusing(word: str) -> Iterator[str]:
    """Give the address of a proxy that answers 404 for each address with a word in it."""

    def answer(address: str) -> bytes | int:
        return HTTPStatus.NOT_FOUND if word in address else fetched(address)

    with answering(answer) as port:
        yield f"http://127.0.0.1:{port}"
