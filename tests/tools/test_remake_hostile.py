"""Discs and folders made to do harm: no harm is done, and who tries is told what is wrong.

A few hundred discs here; ten thousand in tests/tools/test_remake_ten_thousand.py.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings

from democd import remake
from democd.errors import BuildError, InputError
from democd.formats import cpio
from democd.remake import Wanted, apart, folder, squashed, table
from democd.workspace import Workspace
from tests.support.sandbox import NOBODY, QUIET, Sandbox, may_be_nobody, nobody
from tests.tools import hostile, hostile_images, hostile_inputs
from tests.tools.hostile import BLOCK, Record

pytestmark = pytest.mark.build  # they take too long for plain pytest

QUICK = settings(max_examples=120, derandomize=True, database=None,
                 suppress_health_check=list(HealthCheck))  # fmt: skip


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return hostile_images.hostile(tmp_path_factory.mktemp("images"))


@given(disc=hostile_inputs.CHEAP)
@QUICK
def test_hostile_discs_do_no_harm(sandbox: Sandbox, disc: bytes) -> None:
    sandbox.attempt(disc, build=sandbox.tried % 4 == 0)


def test_the_tiny_disc_itself_is_unpacked(sandbox: Sandbox) -> None:
    before = (sandbox.unpacked, sandbox.made)
    sandbox.attempt(hostile_inputs.PLAIN)
    assert (sandbox.unpacked, sandbox.made) == (before[0] + 1, before[1] + 2)


def refusal(folder: Path, disc: bytes) -> str:
    """What is said of a disc that is not unpacked."""
    iso = folder / "disc.iso"
    iso.write_bytes(disc)
    with pytest.raises(BuildError) as refused:
        remake.unpack(iso, folder / "tree", QUIET)
    assert [path.name for path in folder.iterdir()] == ["disc.iso"]
    return refused.value.message


def with_files(**changed: bytes | None) -> bytes:
    """A disc some of whose files are others, or gone."""
    by_name = {path.rsplit("/", 1)[1].replace("-", "_"): path for path in hostile.files()}
    content = hostile.files()
    for name, data in changed.items():
        if data is None:
            del content[by_name[name]]
        else:
            content[by_name[name]] = data
    return hostile.image(hostile.whole(content, hostile.told(hostile.about())))


# --- the volume ----------------------------------------------------------------------------------


def test_a_web_of_folders_is_refused(tmp_path: Path) -> None:
    """Each folder has two entries for the next: nothing is deep, and there are 2 ** 30 paths."""
    chain: list[Record] = []
    for _ in range(30):
        chain = [Record(b"a", chain), Record(b"b", [], 0, BLOCK)]
    disc = bytearray(hostile.image(chain))
    for block in range(20, 50):  # b leads where a does
        at = disc.index(b"F00000", block * BLOCK) - 33
        other = disc.index(b"F00001", block * BLOCK) - 33
        disc[other + 2 : other + 18] = disc[at + 2 : at + 18]
    assert "no end" in refusal(tmp_path, bytes(disc))


def test_a_file_in_two_places_is_refused(tmp_path: Path) -> None:
    root = hostile.whole(hostile.files(), hostile.told(hostile.about()))
    root += [Record(b"twice", b"one"), Record(b"twice", b"two")]
    assert "twice, or in pieces" in refusal(tmp_path, hostile.image(root))


def test_a_name_that_goes_on_over_the_whole_disc_is_refused(tmp_path: Path) -> None:
    root = hostile.whole(hostile.files(), hostile.told(hostile.about()))
    root.append(Record(b"long", b"", more=hostile.continuation(20, 0, 10 * BLOCK)))
    assert "goes on" in refusal(tmp_path, hostile.image(root))


@pytest.mark.parametrize("name", ["initrd_xen0", "initrd_xenU", "xen.gz", "bios.img", "efi.img"])
def test_a_disc_without_what_every_disc_has_is_refused(tmp_path: Path, name: str) -> None:
    assert "is missing" in refusal(tmp_path, with_files(**{name: None}))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="neither a file nor a drive"):
        remake.unpack(tmp_path / "pipe", tmp_path / "tree", QUIET)


# --- the manifest --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("title", "\ud800"), ("title", "\x1b[2J"), ("recipe", []), ("recipe", {"disc": 1}),
        ("recipe", {"disc": {}, "menu": {"a": {"b": 1}}}), ("recipe", {"disc": {}, "a]\n": {}}),
        ("packages", None), ("sources", [{}]), ("files", [{"path": 1}]),
        ("layers", ["initrd-xen0"]), ("roles", {"../x": []}), ("date", True), ("extra", "\ud800"),
        ("extra", [[[[[[[[[[[[[1]]]]]]]]]]]]]),
    ],
)  # fmt: skip
def test_a_manifest_of_another_shape_is_refused(tmp_path: Path, key: str, value: object) -> None:
    told = hostile.told({**hostile.about(), key: value})
    said = refusal(tmp_path, hostile.image(hostile.whole(hostile.files(), told)))
    assert "/manifest.json: " in said


def test_a_recipe_with_values_of_other_types_is_a_mistake(tmp_path: Path) -> None:
    about = hostile.about()
    about["recipe"]["menu"] |= {"entries": 7, "more": "xen"}
    disc = hostile.image(hostile.whole(hostile.files(), hostile.told(about)))
    (tmp_path / "disc.iso").write_bytes(disc)
    with pytest.raises(InputError) as refused:
        make(tmp_path / "disc.iso", tmp_path)
    assert "menu.entries: 7 is of the wrong type" in str(vars(refused.value))


# --- initrds -------------------------------------------------------------------------------------

FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([(b"../escaped", FILE, b"")], "impossible name"),
        ([(b"/escaped", FILE, b"")], "impossible name"),
        ([(b"..", stat.S_IFDIR, b"")], "impossible name"),
        ([(b"out", LINK, b"/tmp"), (b"out/escaped", FILE, b"")], "in no folder"),
        ([(b"late/x", FILE, b""), (b"late", stat.S_IFDIR | 0o755, b"")], "in no folder"),
        ([(b"n" * 256, FILE, b"")], "impossible name"),
        ([(b"a\xff", FILE, b"")], "impossible name"),
        ([(b"link", LINK, b"")], "of no kind"),
        ([(b"link", LINK, b"a\0b")], "of no kind"),
        ([(b"link", LINK, b"x" * 4096)], "of no kind"),
        ([(b"pipe", stat.S_IFIFO | 0o600, b"")], "of no kind"),
        ([(b"twice", FILE, b""), (b"twice", FILE, b"")], "two files of one name"),
    ],
)  # fmt: skip
def test_an_initrd_made_to_do_harm_is_refused(
    tmp_path: Path, entries: list[tuple[bytes, int, bytes]], said: str
) -> None:
    archive = b"".join(hostile.entry(*entry) for entry in entries) + hostile.TRAILER
    assert said in refusal(tmp_path, with_files(initrd_xen0=archive))


def test_an_initrd_that_unpacks_to_more_than_a_machine_has_is_refused(tmp_path: Path) -> None:
    bomb = zstandard.ZstdCompressor(level=1).compress(bytes(1 << 30))
    assert len(bomb) < 200_000
    assert "unpacks to more" in refusal(tmp_path, with_files(initrd_xen0=bomb))


def test_an_initrd_of_very_many_archives_is_refused(tmp_path: Path) -> None:
    assert "archives" in refusal(tmp_path, with_files(initrd_xen0=hostile.TRAILER * 20_000))


def test_an_initrd_of_very_many_files_is_refused(tmp_path: Path) -> None:
    one = hostile.entry(b"x", FILE)
    packed = zstandard.ZstdCompressor(level=1).compress(one * (cpio.ENTRIES_MAX + 1))
    assert "more than 200000 files" in refusal(tmp_path, with_files(initrd_xen0=packed))


def test_folders_of_an_initrd_that_nobody_may_enter_are_laid_out(sandbox: Sandbox) -> None:
    """And keep their mode on the next disc: by an ordinary user, it is in the table."""
    entries = [(b"closed", stat.S_IFDIR, b""), (b"closed/file", stat.S_IFREG, b"text")]
    archive = b"".join(hostile.entry(*entry) for entry in entries) + hostile.TRAILER
    before = sandbox.unpacked
    sandbox.attempt(with_files(initrd_xen0=archive), build=False, unprivileged=may_be_nobody())
    assert sandbox.unpacked == before + 1
    top = folder.read(sandbox.inside / "tree")
    modes = {item.name: item.mode for item in top.items(top.parts()[0]) or []}
    assert modes == {"closed": stat.S_IFDIR, "closed/file": stat.S_IFREG}
    assert top.own != may_be_nobody()


def test_scratch_with_folders_that_may_not_be_written_to_is_cleared_away(tmp_path: Path) -> None:
    inner = tmp_path / "scratch/closed/inner"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    subprocess.run(["chmod", "-R", "a-w", inner.parent], check=True)
    # Root may write anywhere: so by somebody else, who owns it all.
    with tempfile.TemporaryDirectory() as home:
        moved = shutil.move(tmp_path / "scratch", home)
        for path in (Path(home), *Path(home).rglob("*")):
            os.chown(path, NOBODY if may_be_nobody() else -1, -1)
        with nobody(Path(home)) if may_be_nobody() else nullcontext():
            apart.remove(Path(moved))
        assert not Path(moved).exists()


# --- layers --------------------------------------------------------------------------------------


def layered(image: bytes) -> bytes:
    content = hostile.files({"common": image})
    return hostile.image(hostile.whole(content, hostile.told(hostile.about(["common"]))))


def test_images_made_to_do_harm_are_refused(images: dict[str, bytes], tmp_path: Path) -> None:
    for name, image in images.items():
        said = refusal(tmp_path, layered(image))
        assert "common.squashfs" in said or (name == "terabytes" and "unpacking needs" in said), (
            name
        )


def test_an_image_of_all_kinds_of_files_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "disc.iso").write_bytes(layered(hostile_images.harmless(tmp_path)))
    remake.unpack(tmp_path / "disc.iso", tmp_path / "tree", QUIET)
    assert (tmp_path / "tree/overlays/common/suid").read_text() == "suid\n"
    assert len(folder.read(tmp_path / "tree").parts()) == 3


def test_a_listing_longer_than_the_image_accounts_for_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image"
    image.write_bytes(hostile_images.harmless(tmp_path))
    monkeypatch.setattr(squashed, "LINE_MAX", 0)
    with pytest.raises(BuildError) as refused:
        squashed.listing(image)
    assert "printed more than it should" in refused.value.hint


# --- folders -------------------------------------------------------------------------------------


def make(source: Path, folder: Path) -> Path:
    workspace = Workspace(folder / "build")
    made = remake.build(Wanted(source), workspace=workspace, output=folder / "out", reporter=QUIET)
    return made.files.iso


@pytest.fixture
def unpacked(images: dict[str, bytes], tmp_path: Path) -> Path:
    iso = tmp_path / "disc.iso"
    iso.write_bytes(layered(hostile_images.harmless(tmp_path)))
    remake.unpack(iso, tmp_path / "tree", QUIET)
    return tmp_path / "tree"


def _replace(top: Path, name: str, target: str) -> None:
    path = top / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(target)


def _pipe(top: Path, name: str) -> None:
    (top / name).unlink(missing_ok=True)
    os.mkfifo(top / name)


def _socket(top: Path, name: str) -> None:
    here = Path.cwd()
    os.chdir(top)  # a socket's path is short
    try:
        socket.socket(socket.AF_UNIX).bind(name)
    finally:
        os.chdir(here)


def _table(top: Path, text: str) -> None:
    (top / "permissions").mkdir(exist_ok=True)
    (top / "permissions/initrd-xen0.txt").write_bytes(os.fsencode(text))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "link on the disc": lambda top: (top / "disc/link").symlink_to("/etc/passwd"),
    "disc is a link": lambda top: _replace(top, "disc", "/etc"),
    "pipe on the disc": lambda top: _pipe(top, "disc/pipe"),
    "socket on the disc": lambda top: _socket(top, "disc/socket"),
    "layer on the disc": lambda top: (top / "disc/live").mkdir()
    or (top / "disc/live/common.squashfs").touch(),
    "sums on the disc": lambda top: (top / "disc/SHA256SUMS").touch(),
    "no hypervisor": lambda top: (top / "disc/boot/xen.gz").unlink(),
    "rubbish for GRUB": lambda top: (top / "disc/boot/grub/bios.img").write_bytes(b"x"),
    "a name of bytes": lambda top: Path(os.fsdecode(os.fsencode(top) + b"/disc/\xff")).touch(),
    "a name for a terminal": lambda top: (top / "disc/\x1b[2J").touch(),
    "a layer is a link": lambda top: _replace(top, "overlays/common", "/etc"),
    "layers are behind a link": lambda top: _replace(top, "overlays", "/"),
    "an initrd is a link": lambda top: _replace(top, "initrd/xen0", "/etc"),
    "pipe in a layer": lambda top: _pipe(top, "initrd/xen0/pipe"),
    "a layer that is a file": lambda top: (top / "overlays/notes").touch(),
    "a layer with a blank": lambda top: (top / "overlays/my files").mkdir(),
    "an image is a link": lambda top: _replace(top, ".democd/packed/initrd-xen0", "/etc/passwd")
    or shutil.rmtree(top / "initrd/xen0"),
    "the manifest is a pipe": lambda top: _pipe(top, ".democd/manifest.json"),
    "the manifest is a link": lambda top: _replace(top, ".democd/manifest.json", "/dev/zero"),
    "the state is none": lambda top: (top / ".democd/state.json").write_text('{"own": 1}'),
    "the volume is none": lambda top: (top / ".democd/volume.json").write_text("[]"),
    "no list of packages": lambda top: (top / ".democd/packages.txt").unlink(),
    "no boot code": lambda top: (top / ".democd/boot.img").write_bytes(b""),
    "deep JSON": lambda top: (top / ".democd/state.json").write_text("[" * 100_000),
    "table of rubbish": lambda top: _table(top, "\udcff\0rubbish"),
    "table: above": lambda top: _table(top, "c 0600 0 0 1 3 ../../null"),
    "table: absolute": lambda top: _table(top, "c 0600 0 0 1 3 /null"),
    "table: a mode": lambda top: _table(top, "c 200600 0 0 1 3 null"),
    "table: a sign": lambda top: _table(top, "c -600 0 0 1 3 null"),
    "table: an owner": lambda top: _table(top, "c 0600 4294967295 0 1 3 null"),
    "table: a device": lambda top: _table(top, "c 0600 0 0 99999 3 null"),
    "table: not root's": lambda top: _table(top, "c 0600 7 0 1 3 null"),
    "table: in a file": lambda top: _table(top, "c 0600 0 0 1 3 init/null"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_folder_made_to_do_harm_is_refused(unpacked: Path, tmp_path: Path, damage: str) -> None:
    DAMAGES[damage](unpacked)
    with pytest.raises(BuildError) as refused:
        make(unpacked, tmp_path)
    assert refused.value.message
    assert not list((tmp_path / "out").glob("*"))


def test_a_link_to_packages_is_not_followed(unpacked: Path, tmp_path: Path) -> None:
    """Nothing of the host gets onto the disc by a link in a tree."""
    status = unpacked / "root/var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    (tmp_path / "secret").write_text("Package: secret\nVersion: 1\nStatus: install ok installed\n")
    status.symlink_to(tmp_path / "secret")
    iso = make(unpacked, tmp_path)
    assert b"secret" not in iso.read_bytes()


def test_links_in_the_installer_are_refused(unpacked: Path, tmp_path: Path) -> None:
    home = unpacked / "overlays/common/usr/lib/xendemo/xendemo/install"
    home.mkdir(parents=True)
    (home / "command.py").write_text("")
    (home / "more.py").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="has links"):
        make(unpacked, tmp_path)


def test_names_of_any_bytes_keep_their_owners(tmp_path: Path) -> None:
    """A table's lines end at new lines only, and names stay what they are."""

    names = [os.fsdecode(name) for name in (b"a\x0cb", b"\xff", "\u2028".encode(), b"c\r", b" d")]
    special = {name: table.Special(0, 0o600, 1, 2) for name in names}
    (tmp_path / "table").write_bytes(os.fsencode(table.as_text(special)))
    assert table.read(tmp_path / "table") == special


def test_an_image_may_be_a_link_only_to_a_mounted_disc(unpacked: Path, tmp_path: Path) -> None:
    part = folder.layer("common")
    (unpacked / part.packed).rename(tmp_path / "elsewhere")
    (unpacked / part.packed).symlink_to(tmp_path / "elsewhere")
    items = folder.read(unpacked).items(part)
    assert not folder.read(unpacked).is_packed(part, items)
    assert folder.read(unpacked, linked=True).is_packed(part, items)
