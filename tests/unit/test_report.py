"""The page about a disc: its picture, its bars, and what it says of the build before."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from democd import boots, layout, previous, sizes
from democd.boots import Boot, Booted
from democd.holdings import Holdings, Piece
from democd.previous import Snapshot
from democd.report import bars, cells, changes, labels
from democd.report.page import FRAMES, slug
from democd.report.treemap import Rect, squarify

CSS = Path(cells.__file__).with_name("report.css").read_text()
BASE = layout.layer_path("base")
SNAPSHOT = Snapshot(
    "f" * 64, "1.2", 1_760_000_000, {"Xen": "4.20"}, 70_000_000,
    {"system": 60_000_000, "kernels": 10_000_000},
    {BASE: (60_000_000, "a"), "/boot/vmlinuz-xen0": (9_000_000, "b"),
     "/boot/vmlinuz-xenU": (900_000, "c"), "/empty": (0, "d")},
    {"bash": "5.2", "libc6": "2.41", "vim": "9.1"},
)  # fmt: skip
DISC = Booted("f" * 64, "r" * 64, "1.2", "4.20", {"xen0": "6.12"})
MILESTONES = {"firmware": 0.0, "GRUB": 1.0, "Xen": 3.5, "dom0's kernel": 9.0, "prompt": 20.0}


def boot(machine: str = "bios-cd", disc: Booted = DISC, **changes: object) -> Boot:
    return replace(Boot(disc, machine, "tcg", 1000, MILESTONES, {"dom0": "passed"}), **changes)  # type: ignore[arg-type]


def holdings(pieces: int = 300) -> Holdings:
    lengths = {path: size for path, (size, _) in SNAPSHOT.files.items()}
    inside = [Piece(f"package-{n}", "package", 60_000_000 // (n + 2) ** 2) for n in range(pieces)]
    return Holdings(
        "small.iso", "0" * 64, {}, SNAPSHOT,
        sizes.of_files(lengths, SNAPSHOT.size, "cd80", 737_280_000), {BASE: tuple(inside)}, (),
    )  # fmt: skip


# --- the picture ----------------------------------------------------------------------------------


@given(
    st.lists(st.floats(1, 1e9), min_size=1, max_size=60),
    st.floats(10, 2000),
    st.floats(10, 2000),
)
@settings(max_examples=40)
def test_rectangles_fill_their_frame_and_are_as_large_as_their_values(
    values: list[float], width: float, height: float
) -> None:
    values.sort(reverse=True)
    frame = Rect(3, 5, width, height)
    rects = squarify(values, frame)
    area = width * height
    for value, rect in zip(values, rects, strict=True):
        assert rect.width * rect.height == pytest.approx(
            area * value / sum(values), rel=1e-3, abs=area * 1e-9
        )
        assert rect.x >= 3 - 1e-6
        assert rect.y >= 5 - 1e-6
        assert rect.x + rect.width <= 3 + width + 1e-6
        assert rect.y + rect.height <= 5 + height + 1e-6
    for at, one in enumerate(rects):
        for other in rects[at + 1 :]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(wide, high) <= 1e-6, "they overlap"


def test_rectangles_are_nearly_square() -> None:
    """The example of the paper: 6 x 4 with these areas."""
    rects = squarify([6, 6, 4, 3, 2, 2, 1], Rect(0, 0, 6, 4))
    assert rects[0] == Rect(0, 0, 3, 2)
    assert rects[1] == Rect(0, 2, 3, 2)
    worst = [max(rect.width / rect.height, rect.height / rect.width) for rect in rects]
    assert max(worst) < 3


def test_every_byte_of_the_disc_is_in_the_picture() -> None:
    top = cells.nodes(holdings())
    assert sum(node.size for node in top) == SNAPSHOT.size
    kernels = next(node for node in top if node.name == "kernels")
    assert [node.name for node in kernels.inside] == ["vmlinuz-xen0", "vmlinuz-xenU"]
    system = next(node for node in top if node.name == "system")
    assert system.inside[0].name == "package-0"


def test_what_is_small_is_gathered_and_nothing_is_lost() -> None:
    inside = next(node for node in cells.nodes(holdings()) if node.name == "system").inside
    shown = cells.gathered(inside, 100_000)
    more = next(node for node in shown if node.name.endswith(" more"))
    assert int(more.name.split()[0]) + len(shown) - 1 == len(inside) == 300
    assert sum(node.size for node in shown) == sum(node.size for node in inside)
    assert cells.gathered(inside[:3], 0) == list(inside[:3]), "one alone is itself"


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.name)
def test_cells_lie_in_the_picture_and_labels_in_their_cells(frame: object) -> None:
    width, height = frame.width, frame.height  # type: ignore[attr-defined]
    drawn = cells.picture(cells.nodes(holdings()), width, height)
    assert len([cell for cell in drawn if cell.labels]) > 10
    for cell in drawn:
        rect = cell.rect
        assert rect.x >= 0
        assert rect.x + rect.width <= width
        assert rect.y >= 0
        assert rect.y + rect.height <= height
        for label in cell.labels:
            assert label.x + labels.width(label.text, label.size) <= rect.x + rect.width
            assert rect.y + 0.7 * label.size <= label.y <= rect.y + rect.height


def test_a_name_is_broken_where_its_words_end_and_cut_where_it_must() -> None:
    assert labels.wrapped("linux-image-6.12.1+deb13-amd64", 120, 12) == [
        "linux-image-6.", "12.1+deb13-", "amd64",
    ]  # fmt: skip
    assert labels.cut("libpython3.13", 60, 10) == "libpyth…"
    assert labels.cut("libpython3.13", 20, 10) == ""
    narrow = labels.block("openssh-server", "1.0 MB", Rect(0, 0, 60, 60))
    assert [label.text for label in narrow] == ["opens…", "1.0 MB"]
    assert labels.block("bash", "1.0 MB", Rect(0, 0, 9, 60)) == ()
    ended = labels.block("grub-wwwwwwww", "1.0 MB", Rect(0, 0, 52, 60))
    assert ended[0].text == "grub…", "not as if that were all of its name"


# --- colours --------------------------------------------------------------------------------------


def colours() -> dict[str, tuple[str, str]]:
    found = re.findall(r"\.p-([a-z0-9-]+) \{ --fill: (#\w{6}); --on: (#\w{6}); \}", CSS)
    return {name: (fill, on) for name, fill, on in found}


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_part_and_stage_has_a_colour_that_text_can_be_read_on() -> None:
    found = colours()
    parts = {slug(name) for name, _ in sizes.PARTS} | {slug(sizes.STRUCTURE)}
    assert parts | set(bars.COLOURS.values()) <= set(found)
    for name, (fill, on) in found.items():
        assert contrast(fill, on) >= 4.5, name


def test_the_text_of_the_page_can_be_read_in_light_and_dark() -> None:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    for block in blocks[:2]:
        of = dict(re.findall(r"--(\w+): (#\w{6});", block))
        for name in ("ink", "soft", "good", "bad", "link"):
            for below in ("paper", "card"):
                assert contrast(of[name], of[below]) >= 4.5, (name, below)


# --- boots ----------------------------------------------------------------------------------------


def test_a_bar_has_a_piece_for_each_stage() -> None:
    bar = bars.bars([boot()], [])[0]
    assert [(stage.name, stage.start, stage.seconds) for stage in bar.stages] == [
        ("firmware", 0.0, 1.0), ("GRUB", 1.0, 2.5), ("Xen", 3.5, 5.5), ("dom0's kernel", 9.0, 11.0)
    ]  # fmt: skip
    assert (bar.seconds, bar.end, bar.bad, bar.cases) == (20.0, "", False, "case: 1 passed")
    assert bar.version == ""
    assert bars.ticks(81.9) == [0, 20, 40, 60, 80]
    assert bars.ticks(0.0) == [0]


def test_a_boot_that_failed_says_where() -> None:
    failed = boot(milestones={"firmware": 0.0, "GRUB": 1.0}, cases={"dom0": "failed", "x": "error"})
    bar = bars.bars([failed], [])[0]
    assert (bar.seconds, bar.end, bar.bad) == (1.0, "GRUB", True)
    assert bar.cases == "cases: 1 failed, 1 error"
    assert bars.bars([boot(milestones={})], [])[0].seconds == 0.0


def test_boots_are_kept_and_found_for_their_disc(tmp_path: Path) -> None:
    other = replace(DISC, fingerprint="e" * 64, version="1.1")
    boots.keep(tmp_path, boot("bios-cd"))
    boots.keep(tmp_path, boot("bios-cd", memory=512))  # a later one
    boots.keep(tmp_path, boot("bios-cd", other))
    boots.keep(tmp_path, boot("uefi-cd", other))
    boots.keep(tmp_path, boot("uefi-usb", other, milestones={"firmware": 0.0}))
    boots.keep(tmp_path, boot("bios-usb", replace(other, xen="4.21")))
    (tmp_path / "0.json").write_text('{"format": 1, "disc": []}')
    (tmp_path / "1.json").write_text("[" * 5000)
    own, others = boots.last_of(boots.kept(tmp_path), DISC)
    assert [(it.machine, it.memory) for it in own] == [("bios-cd", 512)]
    assert [(it.machine, it.disc.version) for it in others] == [("uefi-cd", "1.1")]
    assert boots.last_of(boots.kept(tmp_path), replace(DISC, fingerprint="d", recipe="")) == (
        [], [],
    )  # fmt: skip


def test_the_oldest_boots_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boots, "KEPT", 3)
    for number in range(5):
        boots.keep(tmp_path, boot(f"machine{number}"))
        path = tmp_path / f"{'f' * 16}-machine{number}.json"
        os.utime(path, (1e9 + number, 1e9 + number))
    assert [it.machine for it in boots.kept(tmp_path)] == ["machine4", "machine3", "machine2"]
    assert not boots.kept(tmp_path / "none")


def test_a_version_does_not_make_another_recipe() -> None:
    about = {"recipe": {"disc": {"name": "x", "version": "1", "builder": "a"}, "xen": {}}}
    later = {"recipe": {"disc": {"name": "x", "version": "2", "builder": "b"}, "xen": {}}}
    other = {"recipe": {"disc": {"name": "y", "version": "1", "builder": "a"}, "xen": {}}}
    assert boots.recipe_digest(about) == boots.recipe_digest(later)
    assert boots.recipe_digest(about) != boots.recipe_digest(other)
    assert boots.recipe_digest({}) == ""


# --- the build before -----------------------------------------------------------------------------


def test_what_has_changed_since_the_build_before() -> None:
    new = replace(
        SNAPSHOT, version="1.3", size=71_000_000, facts={"Xen": "4.21"},
        parts={"system": 61_000_000, "kernels": 10_000_000},
        files={**SNAPSHOT.files, BASE: (61_000_000, "z"), "/new": (1, "n")},
        packages={"bash": "5.3", "libc6": "2.41", "nano": "8"},
    )  # fmt: skip
    del new.files["/empty"]  # type: ignore[attr-defined]
    found = changes.between(SNAPSHOT, new)
    assert found.summary == (
        "packages: 1 upgraded or changed, 1 added, 1 removed; 3 files of the disc changed; "
        "1,000,000 bytes more"
    )
    assert [(row.name, row.was, row.now) for row in found.packages] == [
        ("bash", "5.2", "5.3"), ("nano", "", "8"), ("vim", "9.1", ""),
    ]  # fmt: skip
    assert [(row.name, row.how) for row in found.files] == [
        ("/empty", "removed"), (BASE, "changed"), ("/new", "added"),
    ]  # fmt: skip
    assert [(row.name, row.was, row.now) for row in found.parts] == [
        ("system", 60_000_000, 61_000_000)
    ]
    assert [row.name for row in found.facts] == ["version", "Xen"]


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 2}', "[" * 9000, "\udcff"])
def test_what_is_no_kept_disc_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.previous.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert previous.read(path) is None
