"""A snapshot service: archives at addresses with a time in them, and nothing at others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.support.answering import answering, fetched


@dataclass
class Snapshots:
    """The service; `template` is the recipe's root.snapshot for it, `asked` what it had to send."""

    template: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def snapshots(time: str, archives: Mapping[str, str]) -> Iterator[Snapshots]:
    """Serve archives, each by its name and the address where it is, as they were at a time."""
    made = Snapshots("")

    def answer(asked: str) -> bytes | int:
        _, service, archive, when, *path = asked.split("/")
        if service != "archive" or when != time or archive not in archives:
            return HTTPStatus.NOT_FOUND
        content = fetched(f"{archives[archive]}/{'/'.join(path)}")
        if isinstance(content, bytes):
            made.asked.append(asked)
        return content

    with answering(answer) as port:
        made.template = f"http://127.0.0.1:{port}/archive/{{archive}}/{{time}}"
        yield made
