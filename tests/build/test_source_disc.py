"""`build.py sources` with Debian's archive: a made-up root of two packages, and all its source."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from democd import archives, lockfile, recipe
from democd.artifacts import Root
from democd.formats import deb822
from democd.formats.isoread import open_disc
from democd.formats.xen import read
from democd.host import apt
from democd.host.run import run
from democd.lockfile import Lock
from democd.package_lists import package_names
from democd.stages import packages, sources
from democd.stages import root as root_stage
from democd.supply import Supply
from democd.verify import verify
from democd.workspace import Workspace
from tests.support.building import PROJECT
from tests.support.refusing import refusing

pytestmark = pytest.mark.build

WANTED = {"busybox-static": "busybox", "hostname": "hostname"}
"""Packages of the disc with small sources, and what these are called."""

NOBODY = "http://127.0.0.1:9"


class Place:
    """A build folder with a root of two packages, as if it had been made, and its output."""

    def __init__(self, folder: Path, real: Root) -> None:
        self.build, self.output = folder / "build", folder / "dist"
        self.iso = self.output / "xendemo-sources.iso"
        self.status = self._status(real)
        self.lines = sources.sources_list(real)
        self.date = real.date
        self.keep(self.status)

    @staticmethod
    def _status(real: Root) -> str:
        status = (real.parts / "var/lib/dpkg/status").read_text()
        chosen = [fields for fields in deb822.stanzas(status) if fields["Package"] in WANTED]
        # busybox-static has a part of glibc in it, whose source is large.
        return "".join(
            deb822.text({name: it for name, it in fields.items() if name != "Built-Using"})
            for fields in chosen
        )

    def keep(self, status: str) -> None:
        """Let the build folder keep such a root for the checkout's recipe."""

        def make(folder: Path) -> None:
            parts = folder / "parts"
            (parts / "var/lib/dpkg").mkdir(parents=True)
            (parts / "var/lib/dpkg/status").write_text(status)
            (parts / "ARCHIVE-DATE").write_text(str(self.date))
            (folder / "sources.list").write_text(self.lines)
            with tarfile.open(folder / "root.tar", "w") as archive:
                archive.add(folder / "sources.list", sources.SOURCES_LIST)

        wanted = recipe.load(PROJECT / "democd.toml")
        workspace = Workspace(self.build)
        names = package_names(wanted, PROJECT / "rootfs")
        lock = Lock(
            wanted.root.suite, wanted.root.components, tuple(names), archives.named(self.date), ()
        )

        def listed(folder: Path) -> None:
            (folder / packages.LIST).write_text(lockfile.text(lock))

        with workspace.locked():
            workspace.step("packages", packages._inputs(wanted, Supply(), names), listed)
            inputs = root_stage._inputs(wanted, PROJECT / "rootfs", lock)
            workspace.step("root", inputs, make, anew=True)

    def run(self, *words: str, proxy: str = "") -> subprocess.CompletedProcess[str]:
        places = ["--build-dir", str(self.build), "--output-dir", str(self.output)]
        env = {**os.environ, **({"http_proxy": proxy} if proxy else {})}
        return subprocess.run(
            [sys.executable, str(PROJECT / "build.py"), "sources", *places, *words],
            env=env, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def forget(self, name: str) -> None:
        """Let what was fetched of a source be as if it had not been."""
        for path in (self.build / "steps").glob(f"packed-{name}-*"):
            shutil.rmtree(path)

    def listing(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.output.iterdir()}

    def on_disc(self, path: str) -> str:
        with open_disc(self.iso) as disc:
            return disc.content(disc.files()[path]).decode()


@pytest.fixture(scope="module")
def place(root: Root, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Has a whole disc of sources when the first test gets it."""
    made = Place(tmp_path_factory.mktemp("sources"), root)
    done = made.run()
    assert done.returncode == 0, done.stderr
    assert "2 Debian sources of 2 packages; and democd" in done.stderr
    return made


@pytest.fixture(scope="module")
def tree(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the disc, as xorriso extracts them."""
    folder = tmp_path_factory.mktemp("disc") / "tree"
    run(["xorriso", "-osirrox", "on:auto_chmod_on", "-indev", place.iso, "-extract", "/", folder])
    return folder


@pytest.fixture(scope="module")
def manifest(tree: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((tree / "manifest.json").read_text())
    return read


def test_each_package_has_the_source_of_its_version(
    place: Place, root: Root, tree: Path, manifest: dict[str, Any]
) -> None:
    versions = {package.name: package.version for package in root.packages}
    assert {it["name"]: it["version"] for it in manifest["binaries"]} == {
        name: versions[name] for name in WANTED
    }
    for binary in manifest["binaries"]:
        (source,) = binary["sources"]
        assert source["name"] == WANTED[binary["name"]]
        assert source["version"] == re.sub(r"\+b\d+$", "", binary["version"])
        (description,) = (tree / "pool" / source["name"]).glob("*.dsc")
        assert f"\nVersion: {source['version']}\n" in description.read_text()
    assert manifest["complete"]
    assert json.loads(place.iso.with_suffix(".manifest.json").read_text()) == manifest
    sums = place.iso.with_name(f"{place.iso.name}.sha256")
    run(["sha256sum", "-c", sums.name], cwd=place.output)


def test_the_files_are_those_of_the_signed_lists(place: Place, tree: Path, tmp_path: Path) -> None:
    run(["sha256sum", "-c", "SHA256SUMS"], cwd=tree)
    archive = apt.Archive(tmp_path / "apt", apt.source_lines(place.lines))
    archive.update()
    ours = {it["Package"]: it for it in deb822.stanzas((tree / "Sources").read_text())}
    assert set(ours) == set(WANTED.values())
    for fields in deb822.stanzas(archive.show(sorted(ours))):
        mine = ours[fields["Package"]]
        if fields["Version"] != mine["Version"]:
            continue
        assert {**fields, "Directory": ""} == {**mine, "Directory": ""}
        for line in fields["Checksums-Sha256"].split("\n")[1:]:
            digest, _, name = line.split()
            said = run(["sha256sum", tree / mine["Directory"] / name]).stdout
            assert said.split()[0] == digest


def test_it_unpacks_by_hand_and_by_apt(tree: Path, tmp_path: Path) -> None:
    (description,) = (tree / "pool/busybox").glob("*.dsc")
    run(["dpkg-source", "-x", description, tmp_path / "busybox"])
    assert (tmp_path / "busybox/debian/control").is_file()
    assert (tmp_path / "busybox/.pc/applied-patches").read_text()
    # As the README tells it: the disc is an archive of sources.
    line = "deb-src [trusted=yes] file:/mnt ./"
    assert f"    {line}\n" in (tree / "README").read_text()
    archive = apt.Archive(tmp_path / "apt", line.replace("/mnt", str(tree)) + "\n")
    archive.update()
    (fields,) = deb822.stanzas(archive.show(["hostname"]))
    archive.download("hostname", fields["Version"], tmp_path)
    assert list(tmp_path.glob("hostname_*.dsc"))


def test_verify_and_the_tarball_of_the_builder(place: Place, tree: Path, tmp_path: Path) -> None:
    assert verify(place.iso).ok
    run(["tar", "-xf", tree / "trees/democd.tar.gz", "-C", tmp_path])
    for name in ("build.py", "rootfs/packages/base", "overlays/common/etc/motd"):
        if (PROJECT / name).is_file():
            assert (tmp_path / "democd" / name).read_bytes() == (PROJECT / name).read_bytes()
    assert (tmp_path / "democd/build.py").stat().st_mode & 0o100


def test_again_without_a_network_it_is_the_same(place: Place) -> None:
    before = place.listing()
    done = place.run(proxy=NOBODY)
    assert done.returncode == 0, done.stderr
    assert place.listing() == before


def test_what_a_mirror_has_not_got_is_told_and_the_rest_kept(place: Place) -> None:
    before = place.listing()
    place.forget("hostname")
    place.forget("busybox")
    with refusing("/hostname_") as proxy:
        done = place.run(proxy=proxy)
        assert done.returncode == 1
        assert "error: 1 of 2 sources cannot be fetched" in done.stderr
        assert re.search(r"hostname \S+ \(for hostname\): 404 .*hostname_\S+\.dsc", done.stderr)
        assert "--allow-missing" in done.stderr
        assert place.listing() == before
        done = place.run("--allow-missing", "--quiet", proxy=proxy)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("INCOMPLETE: 1 of 2 sources are not on this disc\n  hostname ")
    assert "INCOMPLETE: 1 OF 2 SOURCES ARE MISSING" in place.on_disc("/README")
    told = json.loads(place.on_disc("/manifest.json"))
    assert not told["complete"]
    assert [it["name"] for it in told["sources"]] == ["busybox"]
    assert [it["name"] for it in told["missing"]] == ["hostname"]
    assert verify(place.iso).ok
    # With nobody to ask, the trouble is the network, not the source.
    done = place.run("--allow-missing", proxy=NOBODY)
    assert done.returncode == 1
    assert "cannot be fetched\n  see to the network" in done.stderr
    # And where it is there at last, the disc is the first one again.
    assert place.run().returncode == 0
    assert place.listing() == before


def test_a_version_that_no_list_has_is_told_before_anything_is_fetched(place: Place) -> None:
    before = place.listing()
    other = re.sub(r"(?m)^Version: .*$", "Version: 0.1-1", place.status)
    place.keep(re.sub(r"(?m)^Source: .*$", "Source: busybox", other))
    try:
        done = place.run()
        assert done.returncode == 2
        for name in WANTED.values():
            assert re.search(rf"error: {name} 0\.1-1 \(for .*have another version", done.stderr)
        assert "2 mistakes" in done.stderr
        assert place.listing() == before
    finally:
        place.keep(place.status)


def test_ones_own_xen_wants_its_tree_which_may_be_cloned(
    place: Place, root: Root, tmp_path: Path
) -> None:
    before = place.listing()
    xen = max((root.parts / "boot").glob("xen-*.gz"))
    mine = ["--xen", str(xen), "--set", "disc.name=mine"]
    done = place.run(*mine)
    assert done.returncode == 2
    assert "error: the hypervisor or the tools on the disc are your own" in done.stderr
    series, minor = read(xen.read_bytes()).version.split(".")[:2]
    (tmp_path / "xen").mkdir()
    text = f"export XEN_VERSION = {series}\nexport XEN_SUBVERSION = {minor}\n"
    (tmp_path / "xen/Makefile").write_text(text)
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "mine"]):
        run(["git", "-C", tmp_path, *words])
    done = place.run(*mine, "--xen-source", f"file://{tmp_path}")
    assert done.returncode == 0, done.stderr
    assert re.search(r"and democd \S+, xen commit [0-9a-f]{12}\n", done.stderr)
    with open_disc(place.output / "mine-sources.iso") as disc:
        packed = disc.content(disc.files()["/trees/xen.tar.gz"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.extractfile("xen/xen/Makefile").read().decode() == text  # type: ignore[union-attr]
    for path in place.output.glob("mine-*"):
        path.unlink()
    assert place.listing() == before
