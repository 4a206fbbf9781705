"""The disc of sources: what is refused, what lies where, what it tells, and how it is verified."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from democd import artifacts, layout, origins, recipe, source_layout, source_listing
from democd.artifacts import Missing, Own, Packed, Sign, SourceDisc, Tarball
from democd.errors import BuildError, Mistakes
from democd.formats import isoread
from democd.formats.linux import LinuxKernel
from democd.formats.xen import Hypervisor
from democd.host import apt
from democd.host.progress import Reporter
from democd.identity import Identity
from democd.origins import Offered, Origin
from democd.recipe import Recipe
from democd.stages import own_sources, packed, source_iso
from democd.verify import SOURCE_CHECKS, Verdict, verify
from democd.workspace import Workspace
from tests.unit.test_sources import MAKEFILE, git

STATUS = """\
Package: busybox-static
Version: 1:1.37.0-6+b9
Architecture: amd64
Source: busybox (1:1.37.0-6)
Built-Using: glibc (= 2.41-12)

Package: libc6
Version: 2.41-13
Architecture: amd64
Source: glibc
"""
XEN = Hypervisor("ELF", 32, "4.21-unstable", "", True, None, frozenset(), True, False)


def source(folder: Path, name: str, version: str, tarballs: Mapping[str, bytes]) -> Packed:
    """A source package as it is kept; its .dsc is signed in the clear, as Debian's are."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = version.partition(":")[2] or version
    lines = "".join(
        f" {hashlib.sha256(content).hexdigest()} {len(content)} {file}\n"
        for file, content in tarballs.items()
    )
    description = (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
        f"Source: {name}\nVersion: {version}\nChecksums-Sha256:\n{lines}\n"
        "-----BEGIN PGP SIGNATURE-----\n\nsigned\n-----END PGP SIGNATURE-----\n"
    )
    files = {f"{name}_{plain}.dsc": description.encode(), **tarballs}
    for file, content in files.items():
        (folder / file).write_bytes(content)
    about = Offered(
        name,
        version,
        {file: len(content) for file, content in files.items()},
        {file: hashlib.sha256(content).hexdigest() for file, content in files.items()},
        {"Package": name, "Version": version, "Directory": "pool/main/x"},
    )
    return Packed(about, folder)


@pytest.fixture
def all_sources(tmp_path: Path) -> list[Packed]:
    shared = {"glibc_2.41.orig.tar.xz": b"glibc" * 1000}
    return [
        source(tmp_path / "1", "busybox", "1:1.37.0-6", {"busybox_1.37.0.orig.tar.bz2": b"b" * 99}),
        source(tmp_path / "2", "glibc", "2.41-12", shared),
        source(tmp_path / "3", "glibc", "2.41-13", shared),
    ]


def planned(
    folder: Path,
    sources: Sequence[Packed],
    missing: Sequence[Missing] = (),
    sign: Sign | None = None,
) -> SourceDisc:
    tarball = folder / "democd.tar.gz"
    tarball.write_bytes(b"democd")
    return source_iso.plan(
        recipe=Recipe(folder),
        identity=Identity("1.0", "Ann"),
        date=1_760_000_000,
        binaries=origins.binaries(STATUS),
        packed=sources,
        trees=[Tarball("democd", "1.0", tarball)],
        missing=missing,
        sign=sign,
    )


def mastered(disc: SourceDisc, target: Path) -> Path:
    source_iso.master(disc, target, lambda done, total: None)
    return target


def content(iso: Path, path: str) -> str:
    with isoread.open_disc(iso) as disc:
        return disc.content(disc.files()[path]).decode()


def failed(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.detail for check in verdict.checks if not check.ok}


def test_each_binary_leads_to_its_sources(all_sources: list[Packed], tmp_path: Path) -> None:
    iso = mastered(planned(tmp_path, all_sources), tmp_path / "sources.iso")
    assert content(iso, "/binaries.txt").splitlines()[1:] == [
        "busybox-static 1:1.37.0-6+b9 amd64 busybox 1:1.37.0-6 pool/busybox Source",
        "busybox-static 1:1.37.0-6+b9 amd64 glibc 2.41-12 pool/glibc Built-Using",
        "libc6 2.41-13 amd64 glibc 2.41-13 pool/glibc Source",
    ]
    told = json.loads(content(iso, "/manifest.json"))
    assert told["complete"] is True
    files = {it["version"]: [file["path"] for file in it["files"]] for it in told["sources"]}
    assert files["2.41-13"] == [
        "/pool/glibc/glibc_2.41-13.dsc",
        "/pool/glibc/glibc_2.41.orig.tar.xz",
    ]
    with isoread.open_disc(iso) as disc:
        assert {path for paths in files.values() for path in paths} <= set(disc.files())
    assert "INCOMPLETE" not in content(iso, "/README")
    assert "Directory: pool/busybox\n" in content(iso, "/Sources")
    verdict = verify(iso)
    assert failed(verdict) == {}
    assert [check.name for check in verdict.checks] == [name for name, _ in SOURCE_CHECKS]


def test_what_is_missing_is_told_everywhere(all_sources: list[Packed], tmp_path: Path) -> None:
    lost = Missing(Origin("glibc", "2.41-13", ("libc6",)), "404 Not Found: glibc_2.41-13.dsc")
    iso = mastered(planned(tmp_path, all_sources[:2], [lost]), tmp_path / "sources.iso")
    assert "libc6 2.41-13 amd64 glibc 2.41-13 MISSING Source" in content(iso, "/binaries.txt")
    readme = content(iso, "/README")
    assert "INCOMPLETE: 1 OF 3 SOURCES ARE MISSING" in readme
    assert readme.endswith("glibc 2.41-13\n    404 Not Found: glibc_2.41-13.dsc\n")
    told = json.loads(content(iso, "/manifest.json"))
    assert told["complete"] is False
    assert told["missing"][0]["packages"] == ["libc6"]
    (check,) = (check for check in verify(iso).checks if check.name == "sources")
    assert check.ok
    assert "INCOMPLETE, missing 1:\nglibc 2.41-13" in check.detail


def test_a_source_that_nobody_told_to_be_missing_is_a_fault(
    all_sources: list[Packed], tmp_path: Path
) -> None:
    iso = mastered(planned(tmp_path, all_sources[1:]), tmp_path / "sources.iso")
    assert failed(verify(iso)) == {"sources": "busybox-static has no source: busybox is not here"}


def test_a_file_that_the_dsc_names_must_be_there(tmp_path: Path) -> None:
    whole = source(tmp_path / "1", "a-b", "1", {"a-b_1.tar.xz": b"a", "a-b_1.tar.xz.asc": b"s"})
    about = whole.about
    files = {name: size for name, size in about.files.items() if not name.endswith(".asc")}
    sums = {name: about.sums[name] for name in files}
    part = Packed(replace(about, files=files, sums=sums), whole.folder)
    iso = mastered(planned(tmp_path, [part]), tmp_path / "sources.iso")
    said = failed(verify(iso))["sources"]
    assert "a-b 1: a-b_1.tar.xz.asc, which its .dsc names, is not here" in said


def test_damage_is_found(all_sources: list[Packed], tmp_path: Path) -> None:
    iso = mastered(planned(tmp_path, all_sources), tmp_path / "sources.iso")
    data = bytearray(iso.read_bytes())
    data[data.index(b"glibcglibc")] ^= 0xFF
    iso.write_bytes(data)
    said = failed(verify(iso))
    assert set(said) == {"checksums", "manifest", "sources"}
    assert "/pool/glibc/glibc_2.41.orig.tar.xz is damaged" in said["checksums"]


def test_the_same_sources_make_the_same_bytes(all_sources: list[Packed], tmp_path: Path) -> None:
    first = mastered(planned(tmp_path, all_sources), tmp_path / "first.iso").read_bytes()
    for path in all_sources[0].folder.iterdir():
        path.touch()
    assert mastered(planned(tmp_path, all_sources), tmp_path / "second.iso").read_bytes() == first


def test_a_kept_file_that_changed_is_not_taken(all_sources: list[Packed], tmp_path: Path) -> None:
    (all_sources[0].folder / "busybox_1.37.0.orig.tar.bz2").write_bytes(b"x" * 99)
    with pytest.raises(BuildError, match="is not what the archive's signed list says"):
        planned(tmp_path, all_sources)


def test_files_of_one_name_and_other_bytes_lie_apart(tmp_path: Path) -> None:
    pair = [
        source(tmp_path / version, "foo", version, {"foo_1.orig.tar.xz": version.encode()})
        for version in ("2:1-1", "1-2")
    ]
    assert list(source_listing.folders(pair).values()) == ["/pool/foo_1-1", "/pool/foo_1-2"]


def test_the_initrd_never_takes_it_for_the_disc(tmp_path: Path) -> None:
    for name in ("XENDEMO", "X" * 32):
        named = Recipe(tmp_path, disc=replace(recipe.Disc(), volume_id=name))
        assert source_listing.volume_id(named) != name
        assert len(source_listing.volume_id(named)) <= 32


def test_more_than_a_dvd_holds_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    assert source_iso.refuse_too_big({"linux 6": 150_000_000}, []) > 150_000_000
    with pytest.raises(BuildError) as caught:
        source_iso.refuse_too_big({"small 1": 1000, "linux 6": 4_699_000_000}, [])
    assert "a DVD holds 4700.0 MB" in caught.value.message
    assert "the largest sources: linux 6 4699.0 MB, small 1" in caught.value.hint


def test_a_full_disk_is_told_of_with_what_is_needed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    source_iso.refuse_full([(tmp_path, 1), (other, 1)])
    with pytest.raises(BuildError) as caught:
        source_iso.refuse_full([(tmp_path, 1 << 59), (other, 1 << 59)])
    # Both are on one disk, so their needs add up.
    assert f"{(1 << 60) / 1e6:.1f} MB are needed" in caught.value.message


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    lost = [
        Missing(Origin(name, "1", ("a", "b", "c", "d", "e")), "404 Not Found: x")
        for name in ("linux", "xen")
    ]
    with pytest.raises(Mistakes) as caught:
        packed.refuse_absent(packed.Stock({}, {}, tuple(lost), None))
    assert len(caught.value.mistakes) == 2
    assert "linux 1 (for a, b, c, d, …)" in caught.value.mistakes[0][0]
    assert "--refresh" in caught.value.mistakes[0][1]
    assert "--allow-missing" in caught.value.mistakes[0][1]
    with pytest.raises(BuildError) as failure:
        packed.refuse_unfetched(lost, 9)
    assert failure.value.message.startswith("2 of 9 sources")
    assert "xen 1 (for" in failure.value.hint
    assert "--allow-missing" in failure.value.hint
    packed.refuse_unfetched([], 9)


def test_what_a_server_has_not_got_is_told_from_other_trouble() -> None:
    said = """\
Err:1 http://localhost/debian trixie/main a 1+b (dsc)
  404  Not Found [IP: 127.0.0.1 80]
E: Failed to fetch http://localhost/debian/pool/a_1%2bb.dsc  404  Not Found [IP: 127.0.0.1 80]
E: Failed to fetch http://localhost/debian/pool/a_1.tar.xz  404  Not Found [IP: 127.0.0.1 80]
E: Failed to fetch some archives."""
    assert apt.not_there(said) == "404 Not Found: a_1+b.dsc, a_1.tar.xz"
    gone = "E: Failed to fetch http://localhost/a.dsc  Could not connect to localhost:80 [IP: ]"
    assert apt.not_there(gone) == ""
    broken = "E: Failed to fetch http://localhost/a.dsc  Hash Sum mismatch"
    assert apt.not_there(broken) == ""


@pytest.fixture
def own_xen(tmp_path: Path) -> Path:
    top = tmp_path / "xen.git work"
    (top / "xen").mkdir(parents=True)
    (top / "xen/Makefile").write_text(MAKEFILE)
    return top


def test_what_is_ones_own_needs_a_source(tmp_path: Path, own_xen: Path) -> None:
    kernel = (tmp_path, LinuxKernel("bzImage", "6", "", 64, "", True, None))  # type: ignore[arg-type]
    plain = Recipe(tmp_path)
    assert own_sources.mistakes(plain, Own()) == []
    everything = Own(xen=(tmp_path, XEN), guest=kernel)
    guests = replace(plain, disc=replace(plain.disc, guests="guests"))
    (xen, hint), (rest, more) = own_sources.mistakes(guests, everything)
    assert "hypervisor" in xen
    assert "--xen-source DIR" in hint
    assert "kernels and guests of your own" in rest
    assert "sources.trees=" in more
    wanted = replace(plain.sources, xen=str(own_xen), trees=("linux",))
    assert own_sources.mistakes(replace(guests, sources=wanted), everything) == []
    other = Own(xen=(tmp_path, replace(XEN, version="4.20.1")))
    ((said, _),) = own_sources.mistakes(replace(plain, sources=wanted), other)
    assert "is Xen 4.21-unstable, and the hypervisor on the disc is 4.20.1" in said


def packed_trees(folder: Path, wanted: Recipe) -> tuple[artifacts.Tarball, ...]:
    workspace = Workspace(folder)
    with workspace.locked(), Reporter(quiet=True).step("trees", "") as step:
        return own_sources.build(workspace, wanted, "1.0", 1_760_000_000, step)


def test_ones_own_trees_are_packed_whole(tmp_path: Path, own_xen: Path) -> None:
    """With what git ignores and a build needs: the .config, and checkouts in the tree."""
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "mine"]):
        git(own_xen, *words)
    (own_xen / ".gitignore").write_text(".*\n*.o\n/tools\n")
    (own_xen / ".config").write_text("CONFIG_X86=y\n")
    (own_xen / "built.o").touch()
    inner = own_xen / "tools/qemu-xen-dir-remote"
    inner.mkdir(parents=True)
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "theirs"]):
        git(inner, *words)
    (inner / "vl.c").write_text("int main;\n")
    project = tmp_path / "project"
    (project / "overlays/common").mkdir(parents=True)
    (project / "overlays/common/motd").write_text("mine\n")
    (project / "mine.toml").touch()
    (project / "letter.txt").touch()
    wanted = Recipe(
        project, sources=replace(recipe.Sources(), xen=str(own_xen), trees=(str(inner),))
    )
    trees = packed_trees(tmp_path / "build", wanted)
    assert [tree.name for tree in trees] == ["democd", "project", "xen", "qemu-xen-dir-remote"]
    names = {}
    for tree in trees:
        with tarfile.open(tree.path) as archive:
            members = archive.getmembers()
            assert {(it.uid, it.mtime) for it in members} == {(0, 1_760_000_000)}
            names[tree.name] = {it.name for it in members if not it.isdir()}
    assert names["project"] == {"project/mine.toml", "project/overlays/common/motd"}
    assert {"xen/xen/Makefile", "xen/.config", "xen/tools/qemu-xen-dir-remote/vl.c"} <= names["xen"]
    assert "xen/built.o" not in names["xen"]
    assert "democd/democd/stages/own_sources.py" in names["democd"]
    first = [tree.path.read_bytes() for tree in trees]
    again = packed_trees(tmp_path / "other", wanted)
    assert [tree.path.read_bytes() for tree in again] == first


def test_the_template_has_the_places_of_the_disc() -> None:
    text = source_listing.README.read_text()
    for path in (source_layout.POOL, source_layout.TREES):
        assert f"    {path[1:]}/" in text
    for path in (source_layout.BINARIES, source_layout.INDEX, layout.SUMS, layout.MANIFEST):
        assert f"    {path[1:]} " in text
