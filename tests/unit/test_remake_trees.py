"""Trees of files to pack: in which order, and as what."""

from __future__ import annotations

import stat
from pathlib import Path

from democd.remake import trees
from democd.remake.table import Special


def test_what_is_in_a_folder_follows_it_at_once(tmp_path: Path) -> None:
    """Also where a name has what sorts before a slash."""
    for name in ("a", "a/b", "a/b-", "a/b/c", "a!", "a-b", "a\x01", "b", "\udcff"):
        (tmp_path / name).mkdir(exist_ok=True)
    names = [item.name for item in trees.read(tmp_path, {})]
    assert names == ["a", "a/b", "a/b/c", "a/b-", "a\x01", "a!", "a-b", "b", "\udcff"]


def test_device_nodes_of_the_table_are_in_their_places(tmp_path: Path) -> None:
    for name in ("dev", "dev/pts", "etc"):
        (tmp_path / name).mkdir()
    (tmp_path / "etc/motd").write_text("hello\n")
    (tmp_path / "etc/link").symlink_to("motd")
    console = Special(stat.S_IFCHR, 0o600, 0, 0, (5, 1))
    items = trees.with_nodes(trees.read(tmp_path, {}), {"dev/console": console})
    assert [item.name for item in items] == [
        "dev", "dev/console", "dev/pts", "etc", "etc/link", "etc/motd",
    ]  # fmt: skip
    by_name = {item.name: item for item in items}
    assert by_name["dev/console"].path is None
    assert by_name["etc/motd"].content == tmp_path / "etc/motd"
    assert by_name["etc/link"].path == tmp_path / "etc/link"
    assert by_name["etc/link"].link == "motd"
    assert {item.name for item in items if item.content} == {"etc/motd"}
