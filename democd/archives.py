"""Where Debian's packages come from: the archives, as they are now or as they were at a time.

The default is Debian's own three: the suite, its updates, and its security updates. A mirror of
one's own is one archive, with the suite alone. Debian's snapshot service keeps every state of its
archives, each at an address that has its time in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

MAIN = "debian"
SECURITY = "debian-security"
ADDRESSES = {
    MAIN: "http://deb.debian.org/debian",
    SECURITY: "http://security.debian.org/debian-security",
}
"""Each of Debian's archives, by the name that it has at the snapshot service too."""

SUITES = ((MAIN, "{suite}"), (MAIN, "{suite}-updates"), (SECURITY, "{suite}-security"))
"""What of which archive a release is made of."""

INDEX = "Packages"
"""The file of an archive with the control data of each package."""

TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Place:
    """A suite in an archive, and the address of that archive."""

    archive: str
    base: str
    suite: str


def places(suite: str, mirror: str = "", snapshots: str = "", time: str = "") -> tuple[Place, ...]:
    """Return where packages of a Debian release come from.

    Args:
        suite: the release, such as trixie.
        mirror: one archive in place of Debian's own; "" is those.
        snapshots: the address of an archive as it was, with `{time}` in it, and `{archive}` if
            it has several.
        time: as in that address; "" is now, where `snapshots` does not count.
    """
    template = snapshots if time else mirror
    if template and "{archive}" not in template:
        return (Place(MAIN, template.replace("{time}", time).rstrip("/"), suite),)
    return tuple(
        Place(
            archive,
            template.replace("{time}", time).replace("{archive}", archive).rstrip("/")
            or ADDRESSES[archive],
            name.format(suite=suite),
        )
        for archive, name in SUITES
    )


def source_list(where: Iterable[Place], components: Iterable[str], options: str = "") -> str:
    """Return a sources.list of places; `options` are apt's, as `[…]` holds them."""
    told = f"[{options}] " if options else ""
    named = " ".join(components)
    return "".join(f"deb {told}{place.base} {place.suite} {named}\n" for place in where)


def path_of(address: str, where: Sequence[Place]) -> str | None:
    """Return the archive's name and the path in it of a file's address; None if it is of none."""
    for place in where:
        start = f"{_public(place.base)}/"
        if _public(address).startswith(start):
            return f"{place.archive}/{unquote(_public(address)[len(start) :])}"
    return None


def address_of(path: str, where: Sequence[Place]) -> str:
    """Return the address of a file, whose path begins with the name of its archive.

    One archive that stands for all has the files of all, or has them not.
    """
    archive, _, rest = path.partition("/")
    bases = {place.archive: place.base for place in where}
    return f"{bases.get(archive, where[0].base)}/{quote(rest, safe='/~')}"


def _public(address: str) -> str:
    """Return an address without the name and password that it may have."""
    return re.sub(r"//[^/@]*@", "//", address)


def as_time(text: str) -> str | None:
    """Return a point in time as snapshots are named by it, in UTC; None if the text is none.

    It may be such a name, or a date, with a time of day or without, of ISO 8601.
    """
    try:
        point = datetime.fromisoformat(text)
    except ValueError:
        return None
    point = point if point.tzinfo else point.replace(tzinfo=UTC)
    return point.astimezone(UTC).strftime(TIME)


def seconds(time: str) -> int:
    """Return the seconds since 1970 of a time as snapshots are named by it."""
    return int(datetime.strptime(time, TIME).replace(tzinfo=UTC).timestamp())


def named(stamp: int) -> str:
    """Return the name of a time in seconds since 1970."""
    return datetime.fromtimestamp(stamp, UTC).strftime(TIME)
