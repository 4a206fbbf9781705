"""Sources on a disc: fetched with the very version of the root, whole, patched, and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from democd import layout
from democd.artifacts import Root
from democd.errors import BuildError, Mistakes
from democd.formats.isoread import open_disc
from democd.host import apt
from democd.host.progress import Reporter
from democd.host.run import run
from democd.origins import Origin
from democd.stages import sources
from democd.stages.root import patterns
from democd.verify import verify
from democd.workspace import Workspace
from tests.support.building import BUILD, PROJECT, build
from tests.support.trees import layers_of, listing

pytestmark = pytest.mark.build

OUTPUT = BUILD / "tests"
WANTED = ("disc.name=sources", "sources.enabled=true", "sources.packages=busybox")
"""Debian's smallest source of those that a disc has."""


@pytest.fixture(scope="module")
def iso(built: Path) -> Path:
    return build(*WANTED, output=OUTPUT)


@pytest.fixture(scope="module")
def src(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What /usr/local/src is on the running disc."""
    folder = tmp_path_factory.mktemp("src") / "src"
    start = layers_of(iso)[layout.SOURCES]
    run(["unsquashfs", "-q", "-n", "-o", str(start), "-d", folder, iso])
    return folder


def manifest(iso: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(iso.with_suffix(".manifest.json").read_text())
    return read


def test_the_source_is_of_the_version_of_the_binary(iso: Path, src: Path, root: Root) -> None:
    told = {source["name"]: source for source in manifest(iso)["sources"]}
    assert set(told) == {"busybox", "democd"}
    assert told["busybox"]["packages"] == ["busybox-static"]
    assert not told["busybox"]["packed"]
    changes = (src / "busybox/debian/changelog").read_text()
    newest = changes.split("(", 1)[1].split(")", 1)[0]
    assert told["busybox"]["version"] == newest
    (package,) = (item for item in root.packages if item.name == "busybox-static")
    assert package.version.split("+b")[0] == newest
    files = [path for path in (src / "busybox").rglob("*") if path.is_file() or path.is_symlink()]
    assert told["busybox"]["bytes"] == sum(p.lstat().st_size for p in files if p.is_file())
    assert f"busybox          {newest}\n" in (src / "README").read_text()


def test_debians_patches_are_applied(src: Path, tmp_path: Path) -> None:
    series = patterns(src / "busybox/debian/patches/series")
    assert (src / "busybox/.pc/applied-patches").read_text().split() == series != []
    # Taken back one after the other, they all fit: so they are in the files.
    run(["cp", "-r", src / "busybox", tmp_path / "busybox"])
    for name in reversed(series):
        patch = f"debian/patches/{name}"
        run(["patch", "-R", "-p1", "-s", "-f", "-i", patch], cwd=tmp_path / "busybox")


def test_the_builders_own_tree_is_there(src: Path, project: Path) -> None:
    for name in ("build.py", "democd/pipeline.py", "overlays/xendemo/usr/bin/xendemo"):
        assert (src / "democd" / name).read_bytes() == (project / name).read_bytes()
    names = {path.name for path in (src / "democd").iterdir()}
    assert not names & {".git", ".venv", "build", "dist"}


def test_the_disc_is_good_and_owned_by_root(iso: Path) -> None:
    assert verify(iso).ok
    assert layout.SOURCES in manifest(iso)["layers"]
    entries = listing(iso, layout.SOURCES)
    assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
    assert {entry.mode for entry in entries.values()} <= {
        "drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x", "lrwxrwxrwx",
    }  # fmt: skip
    assert len({entry.time for entry in entries.values()}) == 1
    with open_disc(iso) as disc:
        assert b"/usr/local/src" in disc.content(disc.files()[layout.README])


def test_a_disc_without_sources_says_so(built: Path) -> None:
    assert layout.SOURCES not in layers_of(built)
    assert manifest(built)["sources"] == []


def test_a_second_build_needs_no_archive_and_makes_the_same(iso: Path, tmp_path: Path) -> None:
    """The squashfs is made again from what is kept: with no network, the bytes are the same."""
    before = iso.read_bytes()
    for path in (BUILD / "steps").glob(f"{layout.SOURCES}-*"):
        path.rename(tmp_path / path.name)
    words = [word for override in WANTED for word in ("--set", override)]
    places = ["--build-dir", str(BUILD), "--output-dir", str(OUTPUT)]
    done = subprocess.run(
        [sys.executable, str(PROJECT / "build.py"), "build", *places, *words],
        env={**os.environ, "http_proxy": "http://127.0.0.1:9"},  # where nobody answers
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert iso.read_bytes() == before


def test_a_tree_of_ones_own_takes_the_place_of_debians_xen(iso: Path, tmp_path: Path) -> None:
    series, _, rest = manifest(iso)["xen"].partition(".")
    minor = rest.partition(".")[0]
    (tmp_path / "mine/xen").mkdir(parents=True)
    text = f"export XEN_VERSION = {series}\nexport XEN_SUBVERSION = {minor}\n"
    (tmp_path / "mine/xen/Makefile").write_text(text)
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@localhost"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "mine"]):
        run(["git", "-C", tmp_path / "mine", *words])
    own = build(*WANTED, f"sources.xen={tmp_path}/mine", "disc.name=own-source", output=OUTPUT)
    entries = listing(own, layout.SOURCES)
    assert {"xen/xen/Makefile", "xen.git/HEAD", "busybox/Makefile"} <= set(entries)
    assert not [name for name in entries if name.startswith("xen/.git")]
    told = {source["name"]: source for source in manifest(own)["sources"]}
    assert told["xen"]["version"].startswith(f"{series}.{minor}, commit ")
    assert told["xen"]["packages"] == []
    head = run(["git", "-C", tmp_path / "mine", "rev-parse", "HEAD"]).stdout[:12]
    address = f"sources.xen={(tmp_path / 'mine').as_uri()}"
    cloned = build(*WANTED, address, "disc.name=own-source", output=OUTPUT)
    assert listing(cloned, layout.SOURCES).keys() == entries.keys()
    told = {source["name"]: source for source in manifest(cloned)["sources"]}
    assert told["xen"]["version"].endswith(f", commit {head}")
    (tmp_path / "mine/xen/Makefile").write_text(text.replace(f"= {minor}", "= 0"))
    with pytest.raises(BuildError) as caught:
        build(*WANTED, f"sources.xen={tmp_path}/mine", "disc.name=own-source", output=OUTPUT)
    assert "and the hypervisor on the disc is" in caught.value.hint


def test_a_version_that_the_archive_lacks_is_told(root: Root, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    lines = apt.source_lines(sources.sources_list(root))
    chosen = [Origin("busybox", "1:1.0-1", ("busybox-static",))]
    with (
        workspace.locked(),
        Reporter(quiet=True).step("sources", "") as step,
        pytest.raises(Mistakes) as caught,
    ):
        sources.fetch(workspace, chosen, lines, step)
    ((said, hint),) = caught.value.mistakes
    assert said.startswith("busybox on the disc was built from version 1:1.0-1")
    assert "1:1.3" in said  # what the archive has
    assert "--refresh" in hint


def test_an_unsigned_archive_is_not_believed(tmp_path: Path) -> None:
    release = tmp_path / "mirror/dists/trixie/Release"
    release.parent.mkdir(parents=True)
    release.write_text("Origin: Debian\nSuite: stable\nCodename: trixie\n")
    archive = apt.Archive(
        tmp_path / "apt", apt.source_lines(f"deb copy://{tmp_path}/mirror trixie main")
    )
    with pytest.raises(BuildError, match="is not signed with Debian's keys"):
        archive.update()
