"""The lists in rootfs/ and overlays/: each line still stands for something in Debian 13 or 12.

A line that nothing answers to any more would look like a promise and be none.
"""

from __future__ import annotations

import fnmatch
import re
import tarfile
from functools import cache
from pathlib import Path

import pytest

from democd.artifacts import Root
from democd.stages.root import patterns
from tests.support.building import PROJECT
from tests.support.trees import Trees, listing

pytestmark = pytest.mark.build

UNITS = ("usr/lib/systemd/system", "lib/systemd/system")
GENERATORS = ("usr/lib/systemd/system-generators", "lib/systemd/system-generators")


@cache
def names(tar: Path) -> frozenset[str]:
    with tarfile.open(tar) as archive:
        return frozenset(member.name.removeprefix("./") for member in archive)


@pytest.fixture(scope="session")
def of_either(root: Root, bookworm_root: Root) -> frozenset[str]:
    """Paths of all files that Debian 13 or 12 has in the root."""
    return names(root.tar) | names(bookworm_root.tar)


@pytest.mark.parametrize("file", ["rootfs/exclude.txt", "rootfs/parts.txt"])
def test_every_pattern_matches_a_file(file: str, of_either: frozenset[str]) -> None:
    wanted = patterns(PROJECT / file)
    assert len(wanted) > 10
    assert [line for line in wanted if not fnmatch.filter(of_either, line)] == []


def test_everything_masked_is_there_to_be_masked(of_either: frozenset[str]) -> None:
    lines = [line.split()[1] for line in patterns(PROJECT / "overlays/masked.txt")]
    assert len(lines) > 30
    missing = []
    for name in lines:
        template = re.sub(r"@[^.]+\.", "@.", name)
        folders = UNITS if "." in name else GENERATORS
        if not any(f"{folder}/{template}" in of_either for folder in folders):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("suite", ["root", "bookworm_root"])
@pytest.mark.parametrize("role", ["dom0", "guest", "plain"])
def test_what_is_wanted_is_there(
    role: str, suite: str, trees: Trees, request: pytest.FixtureRequest
) -> None:
    """Links in *.wants and drop-ins name units that exist, or systemd ignores them silently."""
    known = names(request.getfixturevalue(suite).tar)
    laid = {*trees.listings["common"], *trees.listings[role]}
    units = {
        name.rpartition("/")[2]
        for name in {*known, *laid}
        if name.startswith((*UNITS, "etc/systemd/system/")) and not name.endswith((".wants", ".d"))
    }
    seen = 0
    for name in laid:
        match = re.match(
            r"etc/systemd/system/(?:[^/]+\.(?:wants|requires)/([^/]+)|([^/]+)\.d/.*)$", name
        )
        if match:
            seen += 1
            unit = match[1] or match[2]
            assert unit in units or re.sub(r"@[^.]*\.", "@.", unit) in units, name
    assert seen > 8


@pytest.mark.parametrize("role", ["dom0", "guest", "plain"])
def test_no_link_of_an_overlay_leads_nowhere(role: str, trees: Trees) -> None:
    links = [
        name
        for layer in ("common", role)
        for name, entry in trees.listings[layer].items()
        if entry.target and not entry.target.startswith(("/run/", "/cdrom/", "../run/"))
    ]
    assert links
    words = " ".join(f"'/{name}'" for name in links)
    assert (
        trees.in_root(role, f'for link in {words}; do [ -e "$link" ] || echo "$link"; done') == ""
    )


def test_special_permissions_are_of_files_that_are_there(trees: Trees) -> None:
    for line in patterns(PROJECT / "overlays/permissions.txt"):
        layer, path, *_ = line.split()
        assert path in trees.listings[layer], line


def test_bookworms_layers_are_whole(bookworm_iso: Path) -> None:
    """Its Debian is older, and so is the mksquashfs that made them."""
    base = listing(bookworm_iso, "base")
    assert base["usr/lib/systemd/systemd"].mode == "-rwxr-xr-x"
    assert "boot/xen-4.17-amd64.gz" not in base
    common = listing(bookworm_iso, "common")
    assert common["boot/xen-4.17-amd64.gz"].target == "/cdrom/boot/xen.gz"
    assert base["etc/gshadow"].gid == 42
    assert "etc/shadow" not in base
