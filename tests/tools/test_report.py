"""`build.py report` on a disc of a few MB: what the page has, and what it never has."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as Xml
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from hypothesis import HealthCheck, example, given, settings

from democd import boots, cli, layout, previous
from democd.artifacts import Package
from democd.boots import Boot
from democd.formats.isoread import BLOCK, open_disc
from democd.formats.squashfs_blocks import packed_sizes
from tests.tools import hostile_images, hostile_inputs, small_disc
from tests.tools.test_diff import disc, root

EVIL = "<script>alert(1)</script>"
PACKAGES = (
    *small_disc.PACKAGES,
    Package('a"><b', "1&2", "all", "<i>", 5),
    Package(EVIL, "1", "all", "x", 9),
    Package("turned\u202eabout\x07", "1", "all", "x", 9),
)


def call(*words: str | Path) -> int:
    """The exit code of the verb."""
    return cli.main(["report", "--quiet", *map(str, words)])


def told(iso: Path, *words: str | Path) -> str:
    """The page about a disc."""
    page = iso.with_name("page.html")
    assert call(iso, "--build-dir", iso.parent, "--output", page, *words) == 0
    return page.read_text()


def parsed(page: str) -> Xml.Element:
    """The page as a browser reads it; raises where it is no valid HTML."""
    found: Xml.Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    return found


def rows(page: str, title: str) -> list[list[str]]:
    """The table below a heading."""
    after = page.partition(f">{title}</h")[2]
    table = "<table" + after.partition("<table")[2].partition("</table>")[0] + "</table>"
    found = html5lib.parseFragment(table, namespaceHTMLElements=False)
    return [["".join(cell.itertext()) for cell in row] for row in found.iter("tr")]


def small(
    folder: Path, place: Path, packages: Sequence[Package] = small_disc.PACKAGES, **changes: object
) -> Path:
    """A disc with a root of some packages; its manifest may tell other things."""
    its = small_disc.arguments(folder)
    recipe = its["recipe"]
    title = str(changes.pop("title", "Small"))
    return disc(
        folder, place, "small", root(place),
        root=replace(its["root"], packages=tuple(packages)),
        recipe=replace(recipe, disc=replace(recipe.disc, title=title)), **changes,
    )  # fmt: skip


def boot_of(iso: Path, cases: dict[str, str]) -> Boot:
    with open_disc(iso) as opened:
        fingerprint = previous.of_disc(opened).fingerprint
    marks = {"firmware": 0.0, "GRUB": 1.5, "Xen": 3.0, "dom0's kernel": 8.0, "prompt": 31.5}
    return Boot(boots.booted({}, fingerprint), "bios-cd", "tcg", 999, marks, cases)


@pytest.fixture(scope="module")
def evil(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disc that says what a page might take for its own."""
    place = tmp_path_factory.mktemp("evil")
    iso = small(folder, place, PACKAGES, title=f'"{EVIL}', builder="A & B <i>")
    boots.keep(place / "boots", boot_of(iso, {EVIL: "passed"}))
    return iso


@pytest.fixture(scope="module")
def page(evil: Path) -> str:
    return told(evil)


def test_the_page_is_valid_and_whole_in_itself(evil: Path, page: str) -> None:
    for element in parsed(page).iter():
        assert element.tag not in ("script", "link", "img", "iframe", "object", "base", "form")
        assert not {"src", "href", "action", "srcset", "data"} & {*element.attrib}
    assert "url(" not in page
    assert "@import" not in page
    assert str(evil.parent) not in page
    assert told(evil) == page, "the same each time"
    assert not evil.with_name(".page.html.new").exists()


def test_what_a_disc_says_is_text(page: str) -> None:
    top = parsed(page)
    assert not list(top.iter("i"))
    title = top.find("head/title")
    assert title is not None
    assert (title.text or "").startswith(f'"{EVIL}')
    assert {EVIL, 'a"><b'} <= {row[0] for row in rows(page, "Packages")}
    assert "turned\ufffdabout\ufffd" in page, "neither a bell nor letters from right to left"


def test_it_tells_of_parts_packages_and_boots(evil: Path, page: str) -> None:
    parts = {row[0]: row[1] for row in rows(page, "Parts")}
    assert parts["all"] == f"{evil.stat().st_size:,}"
    assert {"system", "kernels", "boot loader", "ISO 9660"} <= set(parts)
    packages = {row[0]: row for row in rows(page, "Packages")}
    assert packages["bash"][1:3] == ["5.2.37-2", "0 kB"], "it has files there, of few bytes"
    assert packages["xen-utils-4.20"][2] == "–", "and this has none"
    seconds = dict(zip(*rows(page, "How long it boots"), strict=True))
    assert (seconds["Xen"], seconds["all"]) == ("5.0", "31.5")
    assert "Nothing is known of another build" in page


def test_the_build_before(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "small.previous.json"
    first = small(folder, tmp_path)
    assert "No smoke run of this disc is kept" in told(first)
    before = first.read_bytes()
    assert not kept.exists(), "there was nothing before"
    small(folder, tmp_path)
    assert not kept.exists(), "the same disc is not its own predecessor"
    packages = [replace(small_disc.PACKAGES[0], version="5.3"), *small_disc.PACKAGES[1:2]]
    second = small(folder, tmp_path, packages, version="1.3")
    assert second.read_bytes() != before
    page = told(second)
    assert "Since version 1.2" in page
    assert ["bash", "5.2.37-2", "5.3"] in rows(page.partition("What has changed")[2], "Packages")
    assert ["xen-utils-4.20", "4.20.2-1", "removed"] in rows(
        page.partition("What has changed")[2], "Packages"
    )
    files = [row[:2] for row in rows(page, "Files of the disc")]
    assert [layout.SUMS, "changed"] in files
    assert [layout.layer_path("base"), "changed"] not in files
    as_kept = kept.read_bytes()
    small(folder, tmp_path, packages, version="1.3")
    assert kept.read_bytes() == as_kept
    (tmp_path / "small.iso").write_text("no disc")
    small(folder, tmp_path, version="1.4")
    assert kept.read_bytes() == as_kept, "what was no disc of ours was no build before"


@pytest.mark.build  # it takes too long for plain pytest
def test_against_another_disc_each_file_is_told(folder: Path, tmp_path: Path) -> None:
    old = shutil.copy(small(folder, tmp_path), tmp_path / "old.iso")
    tree = root(tmp_path)
    (tree / "etc/profile").write_text("another profile")
    (tree / "etc/<b>").write_text("new")
    os.utime(tree / "etc", (small_disc.DATE, small_disc.DATE))
    new = disc(folder, tmp_path, "new", tree)
    page = told(new, "--against", old)
    parsed(page)
    changed = {row[0]: row for row in rows(page, "In layers and initrds")}
    assert changed["etc/<b>"][1] == "added"
    assert changed["etc/profile"][1] == "changed"
    assert changed["etc/profile"][2].endswith("of bash")
    assert call(new, "--against", tmp_path) == 2, "a folder"


def test_foreign_and_damaged_discs_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    iso = small(folder, tmp_path)
    page = tmp_path / "page.html"
    page.write_text("the page of yesterday")
    foreign = tmp_path / "foreign.iso"
    foreign.write_bytes(bytes(100_000))
    for wrong in (foreign, tmp_path / "no.iso", tmp_path):
        assert call(wrong, "--output", page) == 2, wrong
    with open_disc(iso) as opened:
        start = opened.files()[layout.layer_path("base")].lba * BLOCK
    with iso.open("r+b") as stream:
        stream.seek(start + 200)
        stream.write(b"damage")
    assert call(iso, "--output", page) == 1
    assert "is damaged" in capsys.readouterr().err
    assert page.read_text() == "the page of yesterday"
    size = iso.stat().st_size
    assert call(iso, "--output", iso) == 2
    assert iso.stat().st_size == size
    assert call(iso, "--output", tmp_path / "none/page.html") == 2


# --- bytes of files in a squashfs ----------------------------------------------------------------


@pytest.mark.parametrize("packing", ["zstd", "xz", "gzip", "lz4"])
def test_packed_bytes_of_each_file(packing: str, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "noise").write_bytes(noise(300_000))  # blocks of 128 KiB that no packer makes smaller
    (tree / "zeros").write_bytes(bytes(1 << 20))  # a hole
    (tree / "text").write_bytes(b"text\n" * 100_000)
    (tree / "d/same").write_bytes((tree / "noise").read_bytes())
    (tree / "tail").write_bytes(noise(10_000))
    (tree / "empty").touch()
    (tree / "link").symlink_to("noise")
    image = tmp_path / "image"
    words = ["mksquashfs", tree, image, "-noappend", "-quiet", "-no-progress", "-comp", packing]
    subprocess.run([*words, "-b", "131072"], check=True, stdout=subprocess.DEVNULL)
    found = packed_sizes(image)
    assert set(found) == {"noise", "zeros", "text", "d/same", "tail", "empty"}
    assert found["zeros"] == found["empty"] == 0
    shared = sorted([found["noise"], found["d/same"]])
    assert shared[0] == 0, "it lies there once"
    assert 299_000 < shared[1] < 301_000
    assert 9_900 < found["tail"] < 10_100
    assert 0 < found["text"] < 50_000
    total = image.stat().st_size
    assert total - 8192 < sum(found.values()) < total, "the rest are tables and padding"


@pytest.mark.build
def test_hostile_images_end_in_an_error_or_in_sizes(tmp_path: Path) -> None:
    images = hostile_images.hostile(tmp_path)
    (tmp_path / "more").mkdir()
    whole = hostile_images.harmless(tmp_path / "more")
    draw = random.Random(2)
    for number in range(400):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        images[f"changed {number}"] = bytes(data)
    refused = 0
    for data in images.values():
        path = tmp_path / "image"
        path.write_bytes(data)
        try:
            assert all(size >= 0 for size in packed_sizes(path).values())
        except ValueError:
            refused += 1
    assert refused > 10


@pytest.mark.build
@given(data=hostile_inputs.CHEAP)
@example(data=hostile_inputs.PLAIN)
@settings(
    max_examples=40, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_hostile_discs_are_refused_or_told_as_text(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        iso = Path(folder, "small.iso")
        iso.write_bytes(data)
        code = call(iso)
        assert code in ((0,) if data == hostile_inputs.PLAIN else (0, 1, 2))
        if code == 0:
            assert not list(parsed(iso.with_name("small.report.html").read_text()).iter("script"))
        else:
            assert [path.name for path in Path(folder).iterdir()] == ["small.iso"]
