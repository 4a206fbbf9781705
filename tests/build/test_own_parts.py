"""Discs with a person's own parts: what is on them, and how little of a build another Xen makes."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from democd import layout
from democd.artifacts import Root
from democd.errors import BuildError
from democd.formats import cpio
from democd.formats.compress import unpack
from democd.formats.isoread import open_disc
from democd.recipe import Recipe
from democd.verify import verify
from tests.support.building import BUILD, TREE, build
from tests.support.picking import pick
from tests.support.shaping import SERIES
from tests.support.trees import listing

pytestmark = pytest.mark.build

OUTPUT = BUILD / "tests"


def content(iso: Path, path: str) -> bytes:
    with open_disc(iso) as disc:
        return disc.content(disc.files()[path])


def roles(iso: Path, initrd: str) -> list[str]:
    entries = cpio.unpack(unpack(content(iso, layout.INITRD[initrd])))
    return next(item.data.decode() for item in entries if item.name == "etc/roles").splitlines()


def test_another_xen_makes_nothing_but_the_disc_again(root: Root, tmp_path: Path) -> None:
    (packed,) = (root.parts / "boot").glob("xen-*.gz")
    plain = gzip.decompress(packed.read_bytes())
    kept = []
    for level in (1, 2):
        (tmp_path / "xen.gz").write_bytes(gzip.compress(plain, level, mtime=0))
        iso = build("disc.name=own-xen", f"kernels.xen={tmp_path}/xen.gz", output=OUTPUT)
        kept.append({path.name for path in (BUILD / "steps").iterdir()})
        assert content(iso, layout.XEN) == (tmp_path / "xen.gz").read_bytes()
        assert verify(iso).ok
    assert kept[0] == kept[1]
    (tmp_path / "xen").write_bytes(plain)
    bare = build("disc.name=own-xen", f"kernels.xen={tmp_path}/xen", output=OUTPUT)
    assert gzip.decompress(content(bare, layout.XEN)) == plain


def test_own_modules_are_in_the_root_of_their_kernel(root: Root, tmp_path: Path) -> None:
    kernel = pick(Recipe(folder=root.parts), root).dom0.image
    own = tmp_path / "lib/modules" / kernel.name.removeprefix("vmlinuz-")
    shutil.copytree(root.parts / "usr/lib/modules" / own.name, own)
    (own / "build").symlink_to(tmp_path)
    shutil.copy(kernel, tmp_path / "bzImage")
    overrides = (f"kernels.dom0={tmp_path}/bzImage", f"kernels.dom0_modules={tmp_path}")
    iso = build("disc.name=own-kernel", *overrides, output=OUTPUT)
    layer = listing(iso, "modules-xen0")
    assert f"usr/lib/modules/{own.name}/modules.dep" in layer
    assert any(name.endswith("/virtio_blk.ko.xz") for name in layer)
    assert f"usr/lib/modules/{own.name}/build" not in layer
    assert "dom0 modules-xen0 common xendemo dom0" in roles(iso, "xen0")
    assert "guest common guest" in roles(iso, "xenU")


def test_the_tree_is_a_layer_of_dom0s_kernel(tree_iso: Path) -> None:
    layer = listing(tree_iso, "tools")
    assert layer["usr/local/sbin/xl"].mode == "-rwxr-xr-x"
    assert layer["usr/sbin/xl"].target == "../../usr/local/sbin/xl"
    assert f"usr/lib/xen-{SERIES}" in layer
    assert not [name for name in layer if name.startswith("boot")]
    assert {(entry.uid, entry.gid) for entry in layer.values()} == {(0, 0)}
    assert "dom0 tools common xendemo dom0" in roles(tree_iso, "xen0")
    assert "guest common guest" in roles(tree_iso, "xenU")
    assert verify(tree_iso).ok


def test_the_same_tree_elsewhere_makes_the_same_disc(
    tree_iso: Path, install_tree: Path, tmp_path: Path
) -> None:
    before = tree_iso.read_bytes()
    shutil.copytree(install_tree, tmp_path / "there", symlinks=True, copy_function=shutil.copyfile)
    for path in install_tree.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o100:
            (tmp_path / "there" / path.relative_to(install_tree)).chmod(0o700)
    elsewhere = f"kernels.install_tree={tmp_path}/there"
    assert build(*TREE, elsewhere, output=OUTPUT).read_bytes() == before


def test_a_xen_that_the_tools_do_not_go_with_is_refused(built: Path, install_tree: Path) -> None:
    with pytest.raises(BuildError) as caught:
        build(f"kernels.xen={install_tree}/boot/xen-{SERIES}.gz", output=OUTPUT)
    assert f"this is Xen {SERIES}." in caught.value.hint
    assert "--install-tree" in caught.value.hint


def test_the_smoke_discs_dom0_has_the_trees_programs(built: Path, install_tree: Path) -> None:
    overrides = ("disc.name=smoke-tree", f"kernels.install_tree={install_tree}")
    iso = build(*overrides, profile="smoke", output=OUTPUT)
    entries = cpio.unpack(unpack(content(iso, layout.INITRD["xen0"])))
    names = {entry.name for entry in entries}
    assert {"usr/local/sbin/xl", "usr/local/lib/xen/bin/xenconsole"} <= names
    libraries = [name for name in names if "/libxenlight.so" in name]
    assert libraries == [f"usr/lib/x86_64-linux-gnu/libxenlight.so.{SERIES}"]
