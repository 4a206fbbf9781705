"""The bill of materials: valid by SPDX's own tools, the same for the same disc, and true."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from democd import origins, spdx
from democd.artifacts import Kernel, Kernels, Layer, Package, Root
from democd.artifacts import Own as Brought
from democd.digests import file_digest
from democd.formats import copyright
from democd.inputs import Made
from democd.recipe import Recipe
from democd.spdx import Head, Own
from democd.stages import sbom
from democd.verify import bill
from democd.workspace import Workspace
from tests.support.bills import faults
from tests.unit.test_copyright import files

STATUS = """\
Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-14 (14.2.0-19)
Version: 1:14.2.0-19~x+b1

Package: linux-image
Status: install ok installed
Architecture: amd64
Source: linux-signed (6.12+1)
Version: 6.12-1
Built-Using: linux (= 6.12-1)
"""
HEAD = Head("A disc", "1.0", 1_760_000_000)
OWN = [Own("xen", "4.20", "/boot/xen.gz", "ab" * 32)]


def inventory() -> spdx.Inventory:
    odd = copyright.read(files("ISC", "odd") + "License: odd\n Do what you like.\n")
    return spdx.inventory(origins.binaries(STATUS), {"libstdc++6": odd}, "trixie")


def test_it_is_valid_by_the_tools_of_spdx_and_by_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "disc.spdx.json"
    path.write_text(text := spdx.document(HEAD, inventory(), OWN))
    assert faults(path) == []
    path.write_text(text.replace('"CONTAINS"', '"HOLDS"', 1))
    told = "\n".join(faults(path))
    assert "'HOLDS' is not one of [" in told  # the schema
    assert "RelationshipType" in told  # the tools
    path.write_text(text.replace('"dataLicense"', '"licenseOfData"', 1))
    assert "'dataLicense' is a required property" in faults(path)


def test_packages_with_licences_and_sources() -> None:
    told = json.loads(spdx.document(HEAD, inventory(), OWN))
    packages = {it["name"]: it for it in told["packages"]}
    library = packages["libstdc++6"]
    assert library["versionInfo"] == "1:14.2.0-19~x+b1"
    assert library["sourceInfo"] == "gcc-14 14.2.0-19"
    (purl,) = library["externalRefs"]
    assert purl["referenceLocator"] == (
        "pkg:deb/debian/libstdc%2B%2B6@1%3A14.2.0-19~x%2Bb1?arch=amd64&distro=trixie"
    )
    (licence,) = told["hasExtractedLicensingInfos"]
    assert licence["extractedText"] == "Do what you like."
    assert library["licenseDeclared"] == f"ISC AND {licence['licenseId']}"
    assert packages["linux-image"]["licenseDeclared"] == "NOASSERTION"
    from_what = [
        (it["spdxElementId"], it["relatedSpdxElement"])
        for it in told["relationships"]
        if it["relationshipType"] == "GENERATED_FROM"
    ]
    linux = packages["linux-image"]["SPDXID"]
    assert (linux, packages["linux"]["SPDXID"]) in from_what
    assert (linux, packages["linux-signed"]["SPDXID"]) in from_what
    assert packages["xen"]["checksums"][0]["checksumValue"] == "ab" * 32
    assert told["creationInfo"]["created"] == "2025-10-09T08:53:20Z"


def test_the_same_disc_has_the_same_document_and_another_has_another_name() -> None:
    once = spdx.document(HEAD, inventory(), OWN)
    assert spdx.document(HEAD, inventory(), OWN) == once
    other = json.loads(spdx.document(replace(HEAD, version="1.1"), inventory(), OWN))
    assert other["documentNamespace"] != json.loads(once)["documentNamespace"]


def test_what_was_written_can_be_read_and_written_again() -> None:
    text = spdx.document(HEAD, inventory(), OWN)
    assert spdx.document(HEAD, *spdx.read(text)) == text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"packages": [1]}', "[" * 100_000])
def test_what_is_none_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a bill of materials|Expecting value"):
        spdx.read(text)


def test_long_texts_are_cut_and_say_where_the_rest_is() -> None:
    long = copyright.read(files("odd") + f"License: odd\n {'word ' * 100}\n")
    made = spdx.inventory(origins.binaries(STATUS), {"linux-image": long}, "trixie")
    (licence,) = made.licences
    assert len(licence["extractedText"]) < 2 * spdx.TEXT_MAX
    assert licence["extractedText"].endswith("/usr/share/doc/linux-image/copyright")


def test_licences_come_from_the_tar_of_the_root_through_its_links(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        for name, text in (("one", files("ISC")), ("three", files("Expat"))):
            member = tarfile.TarInfo(f"./usr/share/doc/{name}/copyright")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
        for path, target in (("two", "one"), ("four/copyright", "../three/copyright"),
                             ("loop", "loop"), ("out", "../../../../etc")):  # fmt: skip
            link = tarfile.TarInfo(f"./usr/share/doc/{path}")
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
    status = tmp_path / "parts/var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    names = ("one", "two", "three", "four", "loop", "out", "none")
    status.write_text("\n".join(f"Package: {name}\nVersion: 1\n" for name in names))
    told = json.loads(built(tmp_path, names, Brought()))["packages"]
    found = {it["name"]: it["licenseDeclared"] for it in told if "licenseDeclared" in it}
    assert found == {
        "one": "ISC", "two": "ISC", "three": "MIT", "four": "MIT",
        **dict.fromkeys(("loop", "out", "none"), "NOASSERTION"),
    }  # fmt: skip


def test_what_is_the_persons_own_has_its_checksum(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "root.tar", "w"):
        pass
    (tmp_path / "parts/var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "parts/var/lib/dpkg/status").write_text("")
    (tmp_path / "guests").mkdir()
    (tmp_path / "guests/mine.cfg").write_text("mine")
    brought = Brought(xen=(tmp_path / "mine", None))  # type: ignore[arg-type]
    told = json.loads(built(tmp_path, (), brought))["packages"]
    own = {it["packageFileName"]: it for it in told if "checksums" in it}
    assert set(own) == {"/boot/xen.gz", "/live/tools.squashfs", "/guests/mine.cfg"}
    assert own["/boot/xen.gz"]["versionInfo"] == "4.20.2"
    (checksum,) = own["/boot/xen.gz"]["checksums"]
    assert checksum["checksumValue"] == file_digest(tmp_path / "xen.gz")


def built(folder: Path, names: tuple[str, ...], brought: Brought) -> bytes:
    """The document of a disc whose root is in a folder."""
    packages = tuple(Package(name, "1", "all", name, 0) for name in names)
    made = Made(folder, "root")
    root = Root(made, folder / "root.tar", folder / "parts", packages, HEAD.date)
    for name in ("xen.gz", "linux", "tools.squashfs", "base.squashfs"):
        (folder / name).write_text(name)
    kernel = Kernel(folder / "linux", "6.12", folder)
    kernels = Kernels(folder / "xen.gz", "4.20.2", frozenset(), kernel, kernel)
    layers = [Layer(name, folder / f"{name}.squashfs", made) for name in ("base", "tools")]
    recipe = Recipe(folder)
    if (folder / "guests").is_dir():
        recipe = replace(recipe, disc=replace(recipe.disc, guests="guests"))
    workspace = Workspace(folder / "build")
    with workspace.locked():
        return sbom.build(workspace, recipe, "1.0", root, kernels, brought, layers)


# --- as `verify` judges it ------------------------------------------------------------------------

Told = dict[str, Any]


def _library(told: Told) -> Told:
    return next(it for it in told["packages"] if it["name"] == "libstdc++6")


def test_verify_finds_nothing_wrong_with_a_good_one() -> None:
    assert list(bill.shape_faults(json.loads(spdx.document(HEAD, inventory(), OWN)))) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda told: told.update(spdxVersion="SPDX-2.2"), "spdxVersion is 'SPDX-2.2'"),
        (lambda told: told.update(name=" "), "the document has no name"),
        (lambda told: told.update(documentNamespace="x y"), "documentNamespace is no URI"),
        (lambda told: told["creationInfo"].update(created="today"), "created is no time"),
        (lambda told: told["creationInfo"].update(creators=["me"]), "creationInfo.creators"),
        (lambda told: told.update(creationInfo=[]), "creationInfo has no creators"),
        (lambda told: told.update(packages={}), "packages is no list"),
        (lambda told: told["packages"].append("x"), "packages is no list"),
        (lambda told: told["packages"].append(_library(told)), "two packages are"),
        (lambda told: _library(told).pop("downloadLocation"), "6 has no downloadLocation"),
        (lambda told: _library(told).pop("filesAnalyzed"), "filesAnalyzed must be false"),
        (lambda told: _library(told).update(SPDXID="x"), "'x' is no SPDX id"),
        (lambda told: told["hasExtractedLicensingInfos"].clear(), "is not explained"),
        (lambda told: told["hasExtractedLicensingInfos"].append({}), "no id of a licence"),
        (lambda told: told["packages"].remove(_library(told)), "one of them is not here"),
        (lambda told: told["relationships"].clear(), "does not say what it describes"),
    ],
)
def test_verify_finds_what_is_wrong(change: Callable[[Told], object], fault: str) -> None:
    told = json.loads(spdx.document(HEAD, inventory(), OWN))
    change(told)
    assert any(fault in said for said in bill.shape_faults(told))
