"""The page about the disc in a real browser: whole without a network, and it fits its window."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from democd import boots, cli, previous
from democd.boots import Boot
from democd.formats.isoread import open_disc

pytestmark = pytest.mark.build

BROWSER = "/usr/bin/chromium-headless-shell"
WIDTHS = (400, 800, 1400)
OUTSIDE = """
() => [...document.querySelectorAll('.map text')].filter(text => {
  const cell = text.parentElement.querySelector('rect');
  if (!cell.getBoundingClientRect().width) return false;  // a picture for other screens
  const inner = text.getBoundingClientRect(), outer = cell.getBoundingClientRect();
  return inner.left < outer.left || inner.right > outer.right + 0.5
      || inner.top < outer.top - 2 || inner.bottom > outer.bottom + 2;
}).map(text => text.textContent)
"""
"""Labels that are not within their cells."""

AREAS = """
() => [...document.querySelectorAll('.map')].filter(map => map.offsetWidth).map(map =>
  [...map.querySelectorAll('g')].map(cell => {
    const rect = cell.querySelector('rect').getBBox();
    return [cell.querySelector('title').textContent, rect.width * rect.height];
  }))
"""
"""Of each picture that is shown: titles of cells, and their areas."""


@pytest.fixture(scope="module")
def written(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about the disc, with a boot and with a build before it."""
    place = tmp_path_factory.mktemp("report")
    here = place / iso.name
    here.symlink_to(iso.resolve())
    with open_disc(here) as disc:
        now = previous.of_disc(disc)
    marks = {"firmware": 0.0, "GRUB": 1.5, "Xen": 2, "dom0's kernel": 7, "dom0's init": 19}
    of = boots.booted({}, now.fingerprint)
    for machine, end in (("bios-cd", 52.0), ("uefi-usb", 61.3)):
        boots.keep(
            place / "boots",
            Boot(of, machine, "tcg", 1000, {**marks, "prompt": end}, {"dom0": "passed"}),
        )
    old = {**vars(now), "format": previous.FORMAT, "fingerprint": "0" * 64, "version": "0"}
    old["packages"] = {**now.packages, "bash": "1", "long-" * 30: "1" * 90}
    old["files"] = {**now.files, "/" + "long" * 40: [1, ""]}
    previous.path_beside(here).write_text(json.dumps(old))
    page = place / "page.html"
    words = ["report", str(here), "--output", str(page), "--build-dir", str(place), "--quiet"]
    assert cli.main(words) == 0
    return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # As root Chromium has no sandbox; and no name is ever looked up.
    words = ["--host-resolver-rules=MAP * ~NOTFOUND", *(["--no-sandbox"] * (os.geteuid() == 0))]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=words)
        yield opened
        opened.close()


@pytest.fixture(params=WIDTHS)
def shown(request: pytest.FixtureRequest, browser: Any, written: Path) -> Iterator[Page]:
    """The page in a window of a width; what it asked for and complained of must be nothing."""
    context = browser.new_context(viewport={"width": request.param, "height": 900})
    page: Page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda it: asked.append(it.url))
    page.on("console", lambda it: said.append(it.text))
    page.on("pageerror", lambda it: said.append(str(it)))
    page.goto(written.as_uri())
    yield page
    assert asked == [written.as_uri()]
    assert said == []
    context.close()


def test_it_fits_its_window_folded_or_not(shown: Page) -> None:
    for unfold in ("", "for (const it of document.querySelectorAll('details')) it.open = true"):
        shown.evaluate(unfold)
        width = shown.evaluate("document.documentElement.scrollWidth")
        assert width == shown.viewport_size["width"]  # type: ignore[index]


def test_labels_lie_in_their_cells_and_one_picture_is_shown(shown: Page) -> None:
    assert shown.evaluate(OUTSIDE) == []
    pictures = shown.evaluate(AREAS)
    assert len(pictures) == 1
    areas = dict(pictures[0])
    largest = max(areas, key=lambda title: areas[title])
    assert largest.startswith("linux-image-"), "Debian's modules are a third of the disc"
    shares = [float(title.split(", ")[1].split(" ")[0]) for title in areas]
    ratios = [area / share for area, share in zip(areas.values(), shares, strict=True) if share > 2]
    assert max(ratios) < 1.15 * min(ratios), "areas are as large as what they stand for"


def test_bars_are_as_long_as_their_boots(shown: Page) -> None:
    ends = shown.evaluate(
        "() => [...document.querySelectorAll('.boot svg')].map(svg => { const all ="
        " [...svg.querySelectorAll('rect')].map(it => it.getBoundingClientRect().right);"
        " return (Math.max(...all) - svg.getBoundingClientRect().left) / svg.clientWidth; })"
    )
    assert ends == pytest.approx([52.0 / 61.3, 1.0], abs=0.01)


def test_dark_and_light_are_two(browser: Any, written: Path) -> None:
    colours = {}
    for scheme in ("dark", "light"):
        context = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 900})
        page = context.new_page()
        page.goto(written.as_uri())
        colours[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
        context.close()
    assert colours == {"dark": "rgb(20, 23, 27)", "light": "rgb(251, 250, 248)"}
