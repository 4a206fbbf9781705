"""A disc taken apart and made again: the same bytes where nothing was changed, else the change."""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from democd import layout, remake
from democd.artifacts import Source, Sources
from democd.cli import explain
from democd.errors import BuildError, InputError, Mistakes
from democd.formats import initramfs
from democd.formats.isoread import open_disc
from democd.host import room
from democd.host.progress import Reporter
from democd.host.run import run
from democd.recipe import Given
from democd.remake import Wanted, apart
from democd.stages import disc, master
from democd.verify import verify
from democd.workspace import Workspace
from tests.support.namespaces import alone
from tests.tools import small_disc
from tests.unit import crafted

QUIET = Reporter(quiet=True)


# README.CD and the menus name these options, and are checked against Xen.
KNOWING = (*crafted.OPTIONS, "max_cstate", "x2apic", "dom0_max_vcpus", "cpufreq",
           "console_timestamps")  # fmt: skip


def hypervisor(version: str, folder: Path) -> Path:
    path = folder / f"xen-{version}.gz"
    path.write_bytes(crafted.pack("gzip", crafted.xen(version, options=KNOWING)))
    return path


def publish(folder: Path, **changes: Any) -> Path:
    given = small_disc.arguments(folder)
    kernels = replace(given["kernels"], xen=hypervisor("4.20.2", folder))
    plan = disc.plan(**{**given, "kernels": kernels, **changes})
    return master.publish(plan, folder, "small", lambda done, total: None).iso


@pytest.fixture(scope="module")
def iso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("disc"))


@pytest.fixture
def unpacked(iso: Path, tmp_path: Path) -> Path:
    remake.unpack(iso, tmp_path / "disc", QUIET)
    return tmp_path / "disc"


def again(source: Path, folder: Path, **changes: object) -> Path:
    wanted = Wanted(source, **changes)  # type: ignore[arg-type]
    made = remake.build(
        wanted, workspace=Workspace(folder / "build"), output=folder / "out", reporter=QUIET
    )
    return made.files.iso


def layer_of(iso: Path, name: str, folder: Path) -> Path:
    """What a layer of a disc holds."""
    with open_disc(iso) as disc:
        image = folder / "layer"
        image.write_bytes(disc.content(disc.files()[layout.layer_path(name)]))
    run(["unsquashfs", "-quiet", "-no-progress", "-force", "-dest", folder / "tree", image])
    return folder / "tree"


def roles_of(iso: Path, initrd: str = "xen0") -> dict[str, list[str]]:
    """The layers that an initrd stacks for each role."""
    with open_disc(iso) as disc:
        data = disc.content(disc.files()[layout.INITRD[initrd]])
    (text,) = [it.data for it in initramfs.entries(data, 1 << 20) if it.name == "etc/roles"]
    lines = [line.split() for line in text.decode().splitlines()]
    return {role: of for role, *of in lines}


def test_an_unchanged_disc_is_the_same_disc(iso: Path, unpacked: Path, tmp_path: Path) -> None:
    for source in (iso, unpacked):
        assert again(source, tmp_path).read_bytes() == iso.read_bytes()
    told = (tmp_path / "out/xendemo.manifest.json").read_bytes()
    assert told == iso.with_suffix(".manifest.json").read_bytes()


def test_a_moved_folder_is_the_same_disc(iso: Path, unpacked: Path, tmp_path: Path) -> None:
    moved = unpacked.rename(tmp_path / "moved")
    assert again(moved, tmp_path).read_bytes() == iso.read_bytes()


def test_an_edited_file_is_on_the_new_disc(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "overlays/dom0/name").write_text("edited\n")
    (unpacked / "disc/boot/grub/grub.cfg").write_text(f"{small_disc.MENU}\n# by hand\n")
    new = again(unpacked, tmp_path)
    assert (layer_of(new, "dom0", tmp_path) / "name").read_text() == "edited\n"
    assert verify(new).ok
    with open_disc(new) as disc:
        assert b"# by hand" in disc.content(disc.files()[layout.GRUB_CFG])
    assert again(unpacked, tmp_path / "second").read_bytes() == new.read_bytes()


def test_an_edit_taken_back_leaves_the_disc_as_it_was(
    iso: Path, unpacked: Path, tmp_path: Path
) -> None:
    file = unpacked / "overlays/guest/name"
    os.utime(file.parent, ns=(before := file.parent.stat().st_mtime_ns, before))
    kept = tmp_path / "kept"
    shutil.copy2(file, kept)
    file.write_text("another\n")
    assert again(unpacked, tmp_path).read_bytes() != iso.read_bytes()
    shutil.copy2(kept, file)
    assert again(unpacked, tmp_path).read_bytes() == iso.read_bytes()


def test_overlays_lie_over_every_role(iso: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc/told").write_text(f"{name}\n")
    new = again(iso, tmp_path, overlays=[tmp_path / "first", tmp_path / "second"])
    told = json.loads((tmp_path / "out/xendemo.manifest.json").read_text())
    assert told["roles"]["guest"] == ["common", "guest", "overlay", "overlay-2"]
    assert roles_of(new) == roles_of(new, "xenU") == told["roles"] == told["recipe"]["roles"]
    assert told["layers"][-2:] == ["overlay", "overlay-2"]
    assert (layer_of(new, "overlay-2", tmp_path) / "etc/told").read_text() == "second\n"
    assert verify(new).ok


def test_what_an_overlay_replaces_keeps_its_mode(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "overlays/dom0/secret").write_text("old\n")
    (unpacked / "overlays/dom0/secret").chmod(0o600)
    if not (unpacked / "permissions/dom0.txt").exists():  # root's files have their modes
        assert os.geteuid() == 0
    else:
        with (unpacked / "permissions/dom0.txt").open("a") as listed:
            listed.write("- 0600 0 0 secret\n")
    (tmp_path / "over").mkdir()
    (tmp_path / "over/secret").write_text("new\n")
    (tmp_path / "over/secret").chmod(0o644)
    new = again(unpacked, tmp_path, overlays=[tmp_path / "over"])
    found = layer_of(new, "overlay", tmp_path) / "secret"
    assert found.stat().st_mode & 0o777 == 0o600
    assert found.read_text() == "new\n"


def test_a_new_title_is_told_everywhere(iso: Path, tmp_path: Path) -> None:
    new = again(iso, tmp_path, overrides=["disc.version=2.0", "disc.media=dvd"])
    with open_disc(new) as disc:
        assert "2.0, built by" in disc.primary.application
        assert disc.primary.preparer == "democd 0.1"
    told = json.loads((tmp_path / "out/xendemo.manifest.json").read_text())
    assert (told["version"], told["recipe"]["disc"]["version"]) == ("2.0", "2.0")
    assert told["medium"]["name"] == "dvd"
    assert verify(new).ok
    assert again(new, tmp_path / "second").read_bytes() == new.read_bytes()


@pytest.mark.parametrize("key", ["root.suite=bookworm", "disc.volume_id=OTHER", "initrd.xen0=disc"])
def test_what_is_made_already_cannot_be_set(iso: Path, tmp_path: Path, key: str) -> None:
    with pytest.raises(Mistakes) as refused:
        again(iso, tmp_path, overrides=[key])
    assert "cannot be changed on a disc that is made" in refused.value.mistakes[0][0]
    assert not (tmp_path / "out").exists()


def test_a_menu_edited_by_hand_is_not_written_anew(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "disc/boot/grub/grub.cfg").write_text("# mine\n")
    with pytest.raises(InputError, match=r"edited by hand, and menu\.timeout would write it anew"):
        again(unpacked, tmp_path, overrides=["menu.timeout=3"])


@pytest.mark.parametrize("what", ["folder", "file", "foreign"])
def test_foreign_sources_are_refused(what: str, tmp_path: Path) -> None:
    source = tmp_path / what
    if what == "folder":
        source.mkdir()
    elif what == "file":
        source.write_bytes(bytes(100_000))
    else:
        (tmp_path / "tree").mkdir()
        run(["xorriso", "-as", "mkisofs", "-o", source, tmp_path / "tree"])
    with pytest.raises(InputError):
        again(source, tmp_path)


def test_another_hypervisor_wants_another_source(tmp_path: Path) -> None:
    layer = replace(small_disc.arguments(tmp_path)["layers"][1], name=layout.SOURCES)
    source = Source("xen", "4.20.2-1", ("xen-hypervisor-4.20-amd64",), 1000)
    old = publish(tmp_path, sources=Sources(layer, (source,)))
    rebuilt, newer = (hypervisor(version, tmp_path) for version in ("4.20.2-mine", "4.20.3"))
    given = [Given("kernels", "xen", str(rebuilt), "--xen")]
    assert verify(again(old, tmp_path / "rebuilt", options=given)).ok
    given = [Given("kernels", "xen", str(newer), "--xen")]
    with pytest.raises(Mistakes) as refused:
        again(old, tmp_path / "newer", options=given)
    assert "the source of Xen 4.20.2-1, and the hypervisor is 4.20.3" in str(refused.value.mistakes)
    remake.unpack(old, tmp_path / "disc", QUIET)
    shutil.rmtree(tmp_path / "disc/sources")
    new = again(tmp_path / "disc", tmp_path / "without", options=given)
    assert verify(new).ok
    told = json.loads(new.with_suffix(".manifest.json").read_text())
    assert (told["xen"], told["sources"]) == ("4.20.3", [])
    assert layout.SOURCES not in told["layers"]


def test_the_chapter_of_removed_sources_goes_with_them(tmp_path: Path) -> None:
    given = small_disc.arguments(tmp_path)
    recipe = replace(given["recipe"], sources=replace(given["recipe"].sources, enabled=True))
    source = Source("busybox", "1.37", ("busybox",), 1000)
    layer = replace(given["layers"][1], name=layout.SOURCES)
    told_of = {"sources": Sources(layer, (source,)), "readme": "ls /usr/local/src\n"}
    old = publish(tmp_path, recipe=recipe, **told_of)
    with pytest.raises(Mistakes) as refused:
        again(old, tmp_path / "set", overrides=["sources.enabled=false"])
    assert "remove its sources/" in str(refused.value.mistakes)
    remake.unpack(old, tmp_path / "disc", QUIET)
    shutil.rmtree(tmp_path / "disc/sources")
    new = again(tmp_path / "disc", tmp_path / "without")
    with open_disc(new) as disc:
        text = disc.content(disc.files()[layout.README]).decode()
    assert "has no sources" in text
    assert "ls /usr/local/src" not in text
    told = json.loads(new.with_suffix(".manifest.json").read_text())
    assert told["recipe"]["sources"]["enabled"] is False


def test_a_taken_folder_is_refused(iso: Path, unpacked: Path) -> None:
    with pytest.raises(InputError, match="there already"):
        remake.unpack(iso, unpacked, QUIET)


def test_a_lost_part_is_told(unpacked: Path, tmp_path: Path) -> None:
    shutil.rmtree(unpacked / "root")
    with pytest.raises(InputError, match="root is gone"):
        again(unpacked, tmp_path)


def test_a_removed_overlay_leaves_disc_and_roles(unpacked: Path, tmp_path: Path) -> None:
    shutil.rmtree(unpacked / "overlays/plain")
    new = again(unpacked, tmp_path)
    told = json.loads((tmp_path / "out/xendemo.manifest.json").read_text())
    assert "plain" not in told["layers"]
    assert told["roles"]["plain"] == ["common"]
    assert roles_of(new) == roles_of(new, "xenU") == told["roles"]
    assert verify(new).ok


def test_a_layer_of_ones_own_is_named_by_hand(unpacked: Path, tmp_path: Path) -> None:
    for initrd in ("xen0", "xenU"):
        roles = unpacked / "initrd" / initrd / "etc/roles"
        roles.write_text(roles.read_text().replace("dom0 common dom0", "dom0 common dom0 mine"))
    with pytest.raises(InputError, match="the role dom0 has a layer that is not there: mine"):
        again(unpacked, tmp_path)
    (unpacked / "overlays/mine").mkdir()
    (unpacked / "overlays/mine/file").write_text("words\n")
    new = again(unpacked, tmp_path)
    told = json.loads((tmp_path / "out/xendemo.manifest.json").read_text())
    assert told["roles"]["dom0"] == ["common", "dom0", "mine"]
    assert roles_of(new) == told["roles"]
    assert verify(new).ok


def test_the_summary_of_an_unpacked_disc(iso: Path, tmp_path: Path) -> None:
    reporter = Reporter()
    reporter.console.file = told = io.StringIO()
    remake.unpack(iso, tmp_path / "disc", reporter)
    assert "overlays/dom0" in told.getvalue()


def test_a_disk_that_is_full_half_way_is_told_and_nothing_is_left_there(
    iso: Path, unpacked: Path, tmp_path: Path
) -> None:
    """Full of files, for their bytes are counted before; by us and by unsquashfs."""
    small = tmp_path / "small"
    small.mkdir()
    files = sum(1 for _ in unpacked.rglob("*"))

    def unpack_there() -> None:
        said = ""
        for most in range(6, files, max(files // 8, 1)):
            options = f"size=400m,nr_inodes={most}"
            run(["mount", "-t", "tmpfs", "-o", options, "none", small])
            with pytest.raises(room.FullError) as failure:
                remake.unpack(iso, small / "disc", QUIET)
            told = explain(failure.value)
            assert f"no room left in {small} for the files of {iso.name}\n" in told
            assert "not for one more file now\n" in told
            assert "nothing is left of them" in told
            assert "damaged" not in told
            assert not any(small.iterdir())
            run(["umount", small])
            said += told
        assert "FATAL ERROR: " in said

    alone(unpack_there)


def test_what_lacks_room_names_a_disk_and_not_a_folder_that_is_gone(tmp_path: Path) -> None:
    scratch = tmp_path / ".disc.x"
    scratch.mkdir()
    with pytest.raises(BuildError, match="needs 1125899907 MB, and the disk at /") as failure:
        apart.refuse_no_room(scratch, 1 << 50)
    assert scratch.name not in failure.value.message
