"""Where Debian's packages come from."""

from __future__ import annotations

import pytest

from democd import archives
from democd.archives import Place
from democd.recipe import Root

SNAPSHOTS = "http://localhost/archive/{archive}/{time}/"
THEN = "20261126T081500Z"


def test_the_default_is_the_release_with_its_updates_and_its_security_updates() -> None:
    lines = archives.source_list(archives.places("trixie"), ["main", "contrib"])
    kinds = [line.split() for line in lines.splitlines()]
    assert [(line[0], line[2:]) for line in kinds] == [
        ("deb", ["trixie", "main", "contrib"]),
        ("deb", ["trixie-updates", "main", "contrib"]),
        ("deb", ["trixie-security", "main", "contrib"]),
    ]
    assert kinds[0][1] == kinds[1][1] != kinds[2][1]


def test_a_mirror_of_ones_own_stands_for_all() -> None:
    where = archives.places("trixie", "http://localhost/debian/", SNAPSHOTS)
    assert where == (Place("debian", "http://localhost/debian", "trixie"),)
    security = "debian-security/pool/updates/x.deb"
    assert archives.address_of(security, where) == "http://localhost/debian/pool/updates/x.deb"


def test_a_snapshot_takes_the_place_of_each_archive() -> None:
    where = archives.places("trixie", "http://localhost/debian", SNAPSHOTS, THEN)
    assert [place.base for place in where] == [
        f"http://localhost/archive/debian/{THEN}",
        f"http://localhost/archive/debian/{THEN}",
        f"http://localhost/archive/debian-security/{THEN}",
    ]
    one = archives.places("trixie", "", "http://localhost/{time}/debian", THEN)
    assert one == (Place("debian", f"http://localhost/{THEN}/debian", "trixie"),)


def test_the_recipes_default_has_all_archives_at_all_times() -> None:
    where = archives.places("trixie", "", Root().snapshot, THEN)
    assert len({place.base for place in where}) == 2
    assert all(THEN in place.base for place in where)


@pytest.mark.parametrize(
    "path",
    [
        "debian/pool/main/libz/libzstd/libzstd1_1.5.7+dfsg-1+deb13u1_amd64.deb",
        "debian-security/pool/updates/main/x/xen/xen_4.20~rc1_all.deb",
    ],
)
def test_a_path_and_its_address_are_each_others(path: str) -> None:
    where = archives.places("trixie", "", SNAPSHOTS, THEN)
    address = archives.address_of(path, where)
    assert "+" not in address  # a server may read it as a blank
    assert archives.path_of(address, where) == path


def test_a_password_is_in_no_path() -> None:
    where = archives.places("trixie", "http://ann:secret@localhost/debian")
    assert archives.path_of("http://localhost/debian/pool/x.deb", where) == "debian/pool/x.deb"
    assert archives.path_of("http://elsewhere/debian/pool/x.deb", where) is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("20261126T081500Z", "20261126T081500Z"),
        ("2026-11-26", "20261126T000000Z"),
        ("2026-11-26T08:15", "20261126T081500Z"),
        ("2026-11-26T09:15:00+01:00", "20261126T081500Z"),
        ("yesterday", None),
        ("2026-13-26", None),
        ("", None),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, time: str | None) -> None:
    assert archives.as_time(text) == time
    if time:
        assert archives.named(archives.seconds(time)) == time
