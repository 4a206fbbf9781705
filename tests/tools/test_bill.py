"""The bill of materials of a disc: on it and beside it, and true on a disc made from it too."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from democd import layout, origins, remake, spdx
from democd.artifacts import Layer
from democd.errors import InputError
from democd.formats import copyright
from democd.formats.isoread import open_disc
from democd.host.progress import Reporter
from democd.inputs import Made
from democd.recipe import Recipe
from democd.remake import Wanted
from democd.stages import master
from democd.verify import verify
from democd.workspace import Workspace
from tests.support.bills import faults
from tests.tools import small_disc
from tests.tools.test_diff import squash
from tests.tools.test_remake import publish
from tests.unit.test_copyright import files

QUIET = Reporter(quiet=True)
STATUS = """\
Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2.37-2
"""


@pytest.fixture(scope="module")
def iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disc with a bill of materials, and what it was made from in its base."""
    place = tmp_path_factory.mktemp("bill")
    tree = place / "tree"
    for name, text in (
        ("var/lib/dpkg/status", STATUS),
        ("usr/share/doc/bash/copyright", files("GPL-3+")),
    ):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text(text)
    squash(tree, place / "base.squashfs")
    licences = {"bash": copyright.read(files("GPL-3+"))}
    debian = spdx.inventory(origins.binaries(STATUS), licences, "trixie")
    head = spdx.Head(Recipe(place).disc.title, "1.2", small_disc.DATE)
    layers = [
        Layer("base", place / "base.squashfs", Made(place, "bill")) if it.name == "base" else it
        for it in small_disc.arguments(place)["layers"]
    ]
    sbom = spdx.document(head, debian, ()).encode()
    root = small_disc.arguments(place)["root"]
    alone = replace(root, packages=tuple(it for it in root.packages if it.name == "bash"))
    return publish(place, layers=layers, sbom=sbom, root=alone)


def again(source: Path, folder: Path, *overrides: str) -> Path:
    wanted = Wanted(source, overrides=overrides)
    made = remake.build(
        wanted, workspace=Workspace(folder / "build"), output=folder / "out", reporter=QUIET
    )
    return made.files.iso


def bill(iso: Path) -> dict[str, Any]:
    with open_disc(iso) as disc:
        text = disc.content(disc.files()[layout.SBOM])
    assert text == iso.with_suffix(".spdx.json").read_bytes()
    assert not faults(iso.with_suffix(".spdx.json"))
    told: dict[str, Any] = json.loads(text)
    return told


def packages(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {it["SPDXID"]: it for it in told["packages"]}


def test_it_is_on_the_disc_and_beside_it(iso: Path) -> None:
    assert packages(bill(iso))["SPDXRef-deb-bash"]["licenseDeclared"] == "GPL-3.0-or-later"
    assert verify(iso).ok


def spoilt(iso: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """What `verify` says of that disc with another bill of materials."""
    told = bill(iso)
    change(told)
    remake.unpack(iso, folder / "disc", QUIET)
    (folder / "disc/disc/sbom.spdx.json").write_text(json.dumps(told))
    found = {
        it.name: it.detail for it in verify(again(folder / "disc", folder)).checks if not it.ok
    }
    assert set(found) == {"SBOM"}
    return found["SBOM"]


def _bash(told: dict[str, Any]) -> dict[str, Any]:
    return next(it for it in told["packages"] if it["SPDXID"] == "SPDXRef-deb-bash")


def test_verify_compares_it_with_the_list_of_packages(iso: Path, tmp_path: Path) -> None:
    def other(told: dict[str, Any]) -> None:
        text = json.dumps(_bash(told))
        told["packages"][told["packages"].index(_bash(told))] = json.loads(
            text.replace("5.2.37-2", "5.3-1")
        )
        told["packages"].append(json.loads(text.replace("bash", "dash")))

    said = spoilt(iso, tmp_path, other)
    assert "dash is not in /packages.txt" in said
    assert "bash has version 5.3-1, in /packages.txt 5.2.37-2" in said


def test_a_disc_that_has_none_any_more_has_none_beside_it(
    iso: Path, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.spdx.json").write_text("of another disc")
    made = master.publish(small_disc.plan(folder), tmp_path, "small", lambda done, total: None)
    assert made.sbom is None
    assert not (tmp_path / "small.spdx.json").exists()


def test_an_unchanged_disc_keeps_it(iso: Path, tmp_path: Path) -> None:
    assert again(iso, tmp_path).read_bytes() == iso.read_bytes()


def test_another_version_is_told(iso: Path, tmp_path: Path) -> None:
    told = bill(again(iso, tmp_path, "disc.version=2.0"))
    assert packages(told)["SPDXRef-Disc"]["versionInfo"] == "2.0"
    assert "SPDXRef-deb-bash" in packages(told)
    assert told["documentNamespace"] != bill(iso)["documentNamespace"]


def test_what_was_put_in_by_hand_is_told(iso: Path, tmp_path: Path) -> None:
    remake.unpack(iso, tmp_path / "disc", QUIET)
    xen = tmp_path / "disc/disc/boot/xen.gz"
    xen.write_bytes(xen.read_bytes() + bytes(4))
    (tmp_path / "disc/disc/guests").mkdir()
    (tmp_path / "disc/disc/guests/mine").write_text("mine")
    (tmp_path / "disc/root/usr/share/doc/bash/copyright").write_text(files("ISC"))
    status = tmp_path / "disc/root/var/lib/dpkg/status"
    status.write_text(STATUS.replace("5.2.37-2", "5.3-1"))
    new = again(tmp_path / "disc", tmp_path)
    told = packages(bill(new))
    assert {it["packageFileName"] for it in told.values() if "checksums" in it} == {
        layout.XEN, f"{layout.GUESTS}/mine",
    }  # fmt: skip
    bash = told["SPDXRef-deb-bash"]
    assert (bash["versionInfo"], bash["licenseDeclared"]) == ("5.3-1", "ISC")
    assert again(new, tmp_path / "second").read_bytes() == new.read_bytes()


def test_one_that_was_edited_by_hand_stays(iso: Path, tmp_path: Path) -> None:
    remake.unpack(iso, tmp_path / "disc", QUIET)
    (tmp_path / "disc/disc/sbom.spdx.json").write_text("mine\n")
    new = again(tmp_path / "disc", tmp_path, "disc.version=2.0")
    assert new.with_suffix(".spdx.json").read_text() == "mine\n"


def test_one_that_is_none_is_refused(folder: Path, tmp_path: Path) -> None:
    plan = small_disc.plan(folder, sbom=b"nonsense")
    made = master.publish(plan, tmp_path, "small", lambda done, total: None)
    with pytest.raises(InputError, match=r"sbom\.spdx\.json"):
        again(made.iso, tmp_path)
