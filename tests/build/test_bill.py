"""The bill of materials of the real discs: valid, complete, and with licences where it can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from democd import layout
from democd.formats.isoread import open_disc
from tests.support.bills import faults

pytestmark = pytest.mark.build


@pytest.mark.parametrize("disc", ["built", "smoke_iso", "bookworm_iso"])
def test_each_package_is_in_a_valid_document(disc: str, request: pytest.FixtureRequest) -> None:
    iso: Path = request.getfixturevalue(disc)
    beside = iso.with_suffix(".spdx.json")
    with open_disc(iso) as opened:
        files = opened.files()
        listed = opened.content(files[layout.PACKAGES]).decode().splitlines()
        assert opened.content(files[layout.SBOM]) == beside.read_bytes()
    assert faults(beside) == []
    told: dict[str, Any] = json.loads(beside.read_text())
    packages = {it["SPDXID"]: it for it in told["packages"]}
    binaries = [it for name, it in packages.items() if name.startswith("SPDXRef-deb-")]
    assert [(it["name"], it["versionInfo"]) for it in binaries] == [
        tuple(line.split()[:2]) for line in listed
    ]
    for it, line in zip(binaries, listed, strict=True):
        assert it["sourceInfo"].split()[0] == line.split()[3]
    known = [it for it in binaries if it["licenseDeclared"] != "NOASSERTION"]
    assert len(known) > 0.7 * len(binaries)
    assert packages["SPDXRef-deb-zlib1g"]["licenseDeclared"] == "Zlib"
    assert beside.stat().st_size < 500_000
