"""Runs of `./build.py smoke`, started two at a time ahead of the tests that look at them.

XENDEMO_BOOTS_AT_ONCE says how many (2), XENDEMO_PACE how patient they are (2). What they keep lies
in build/smoke-tests/.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smoke.fleet import KEPT, Fleet, Parts
from tests.support.building import kept_root
from tests.support.testkernels import assemble


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "runs(name, ...): the smoke runs that a test looks at")


@pytest.fixture(scope="session")
def parts(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder = tmp_path_factory.mktemp("tree")
    boot = kept_root().parts / "boot"
    xen = folder / "xen/xen.gz"
    xen.parent.mkdir()
    shutil.copy(next(boot.glob("xen-*-amd64.gz")), xen)
    data = bytearray(gzip.decompress(xen.read_bytes()))
    data[0x60000:0x80000] = b"\xcc" * 0x20000
    damaged, short = folder / "damaged.gz", folder / "short.gz"
    damaged.write_bytes(gzip.compress(bytes(data)))
    short.write_bytes(xen.read_bytes()[:-1000])
    images = folder / "images"
    images.mkdir()
    assemble(images, "success", "skip", "failure", "crash", "hang")
    return Parts(xen, damaged, short, next(boot.glob("vmlinuz-*-cloud-amd64")), images)


@pytest.fixture(scope="session")
def runs(parts: Parts, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The runs of all selected tests, started ahead of them."""
    KEPT.mkdir(parents=True, exist_ok=True)
    fleet = Fleet()
    names = [
        name
        for item in request.session.items
        for mark in item.iter_markers("runs")
        for name in mark.args
    ]
    for name in dict.fromkeys(names):
        fleet.start(name, parts)
    yield fleet
    fleet.close()
