"""The disc builds Xen and its tools from source, in its own root and without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from democd.errors import BuildError
from democd.inspect_file import inspect
from tests.support.trees import Trees
from tests.support.world import MARK, Built, in_dom0

pytestmark = pytest.mark.build

BROKEN = """\
dist-%:
\t@echo "x.c:3: error: no semicolon"; seq 30; false
"""


def test_xen_and_its_tools_are_built(world: Built) -> None:
    assert f"building Xen {world.version.removesuffix(MARK)} of /usr/local/src/xen" in world.told
    assert f"boot/xen-{world.version}.gz" in world.told
    assert "./build.py build --install-tree /mnt/world/install" in world.told
    assert (world.install / "boot/xen.gz").resolve().name == f"xen-{world.version}.gz"
    for name in ("sbin/xl", "sbin/xenstored", "lib/xen/bin/xenconsole", "lib/xen/boot/hvmloader"):
        assert (world.install / "usr/local" / name).is_file()


def test_the_builder_takes_it_for_what_it_is(world: Built) -> None:
    found = inspect(world.install)
    assert found.facts["hypervisor"] == world.version
    assert str(found.facts["tools"]).startswith(world.version.rpartition(".")[0])


def test_a_disc_without_sources_says_what_to_do(trees: Trees, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        in_dom0(trees, "xendemo world --dir /mnt", tmp_path)
    assert "there is no source of Xen on this disc, at /usr/local/src/xen" in caught.value.hint
    assert "--xen DIR" in caught.value.hint


def test_what_breaks_is_told_from_the_log(trees: Trees, tmp_path: Path) -> None:
    (tmp_path / "mine/xen").mkdir(parents=True)
    numbers = "export XEN_VERSION = 4\nexport XEN_SUBVERSION = 99\n"
    (tmp_path / "mine/xen/Makefile").write_text(numbers)
    (tmp_path / "mine/Makefile").write_text(BROKEN)
    script = "xendemo world xen -j1 --xen /mnt/mine --dir /mnt/world"
    with pytest.raises(BuildError) as caught:
        in_dom0(trees, script, tmp_path)
    assert "error: building Xen failed with status 2\n  x.c:3: error: no " in caught.value.hint
    assert "all of it is in /mnt/world/world.log" in caught.value.hint
    before = sorted(tmp_path.rglob("*"))
    told = in_dom0(trees, f"{script} -n", tmp_path)
    assert "make -C /mnt/world/xen -j1 DISTDIR=/mnt/world dist-xen\n" in told
    assert sorted(tmp_path.rglob("*")) == before


def test_its_manual_can_be_read(trees: Trees, tmp_path: Path) -> None:
    assert "LINUX_SRC_PATH" in in_dom0(trees, "man xendemo-world | cat", tmp_path)
