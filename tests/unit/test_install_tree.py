"""Install trees: what belongs together, what goes where, and every mismatch told at once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from democd import install_tree
from democd.errors import InputError
from democd.formats import linkage
from democd.inspect_file import inspect, report
from democd.install_tree import InstallTree
from democd.recipe import Kernels as Named
from democd.recipe import Recipe
from democd.stages import own, tools
from democd.workspace import Workspace
from tests.unit import crafted

SBIN, LIB = "usr/local/sbin", "usr/local/lib"
LOADER = "/lib64/ld-linux-x86-64.so.2"


class Tree:
    """A small dist/install of Xen 4.20."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.add("boot/xen-4.20.2.gz", gzip.compress(crafted.xen("4.20.2")))
        self.link("boot/xen.gz", "xen-4.20.2.gz")
        self.add("boot/xen-4.20.2.config", b"# text\n")
        self.program(f"{SBIN}/xl", "libxenlight.so.4.20", "libyajl.so.2")
        for name in ("xenstored", "xenconsoled"):
            self.program(f"{SBIN}/{name}", "libxenctrl.so.4.20")
        self.program(f"{LIB}/xen/bin/xen-init-dom0", "libxenctrl.so.4.20")
        self.library("libxenlight.so.4.20", "libxenctrl.so.4.20", "libuuid.so.1")
        self.library("libxenctrl.so.4.20", "libc.so.6")
        self.library("libxencall.so.1")

    def add(self, name: str, content: bytes, mode: int = 0o644) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)
        path.chmod(mode)

    def link(self, name: str, target: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def program(self, name: str, *needed: str, runpath: str = "") -> None:
        self.add(name, crafted.dynamic(needed, LOADER, runpath=runpath), 0o755)

    def library(self, soname: str, *needed: str, folder: str = LIB) -> None:
        self.add(f"{folder}/{soname}.0", crafted.dynamic(needed))
        if not (self.folder / folder / soname).is_symlink():
            self.link(f"{folder}/{soname}", f"{soname}.0")

    def inspect(self, *, need_xen: bool = True) -> tuple[InstallTree, str]:
        mistakes: list[tuple[str, str]] = []
        found = install_tree.inspect(self.folder, mistakes, need_xen=need_xen)
        assert found
        return found, "\n".join(f"{what} -> {hint}" for what, hint in mistakes)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "install")


def parts(folder: Path, *libraries: str, glibc: str = "2.41") -> Path:
    lib = folder / "parts" / install_tree.MULTIARCH
    lib.mkdir(parents=True)
    (lib / "libc.so.6").write_bytes(b"\0GLIBC_2.2.5\0GLIBC_2.17\0" + f"GLIBC_{glibc}\0".encode())
    for name in libraries:
        (lib / name).touch()
    return folder / "parts"


def test_a_whole_tree(tree: Tree) -> None:
    found, wrong = tree.inspect()
    assert not wrong
    assert found.xen
    assert found.xen[0].name == "xen-4.20.2.gz"
    assert (found.xen[1].version, found.series) == ("4.20.2", "4.20")
    assert found.programs["xl"] == f"{SBIN}/xl"
    assert found.programs["xen-init-dom0"] == f"{LIB}/xen/bin/xen-init-dom0"
    assert found.foreign == {
        "libc.so.6": f"{LIB}/libxenctrl.so.4.20.0",
        "libuuid.so.1": f"{LIB}/libxenlight.so.4.20.0",
        "libyajl.so.2": f"{SBIN}/xl",
    }


def test_tools_of_another_version_than_the_hypervisor(tree: Tree) -> None:
    tree.add("boot/xen-4.20.2.gz", gzip.compress(crafted.xen("4.21.0-rc1")))
    _, wrong = tree.inspect()
    assert "has tools of Xen 4.20, but xen-4.20.2.gz is Xen 4.21.0-rc1" in wrong
    assert "from one source" in wrong
    assert not tree.inspect(need_xen=False)[1], "another hypervisor is booted"


def test_libraries_left_over_from_another_build(tree: Tree) -> None:
    tree.library("libxenguest.so.4.19")
    assert "has libraries of Xen 4.19 and 4.20 -> empty it" in tree.inspect()[1]


def test_the_newest_hypervisor_counts_and_those_for_debuggers_do_not(tree: Tree) -> None:
    tree.add("boot/xen-4.20.9.gz", gzip.compress(crafted.xen("4.20.9")))
    tree.add("boot/xen-syms-4.20.10", crafted.xen("4.20.10", bits=64))
    found, wrong = tree.inspect()
    assert not wrong
    assert found.xen
    assert found.xen[1].version == "4.20.9"


def test_a_tree_for_another_machine(tree: Tree) -> None:
    tree.add(f"{SBIN}/xl", crafted.elf_file(b"code", b"", bits=32), 0o755)
    assert f"but these are 32-bit EM_386: {SBIN}/xl -> build for" in tree.inspect()[1]


def test_a_damaged_tree_is_told_whole(tree: Tree) -> None:
    tree.add("boot/xen-4.20.2.gz", gzip.compress(crafted.xen())[:-300])
    tree.add(f"{SBIN}/xenconsoled", crafted.dynamic(["libc.so.6"])[:100], 0o755)
    (tree.folder / SBIN / "xenstored").unlink()
    lines = tree.inspect()[1].splitlines()
    assert "xen-4.20.2.gz: " in lines[0]
    assert "has no hypervisor in boot/ -> make dist-xen" in lines[1]
    assert "lacks tools: xenstored -> make dist-tools" in lines[2]
    assert "configure --with-xenstored=xenstored" in lines[2]
    assert "xenconsoled: the ELF file is damaged" in lines[3]
    assert len(lines) == 4


def test_what_is_no_tree(tmp_path: Path) -> None:
    mistakes: list[tuple[str, str]] = []
    assert install_tree.inspect(tmp_path, mistakes) is None
    assert "no install tree of Xen" in mistakes[0][0]
    assert "dist/install" in mistakes[0][1]


def test_libraries_that_neither_tree_nor_root_has(tree: Tree, tmp_path: Path) -> None:
    found, _ = tree.inspect()
    told = list(install_tree.faults_in(found, parts(tmp_path, "libyajl.so.2")))
    assert len(told) == 1
    assert "libxenlight.so.4.20.0 needs libuuid.so.1, which neither it nor the root" in told[0][0]
    assert told[0][1].endswith("perhaps libuuid1: --set root.extra=libuuid1")


def test_a_tree_built_on_a_newer_system(tree: Tree, tmp_path: Path) -> None:
    newer = crafted.dynamic(["libxenlight.so.4.20"], LOADER) + b"\0GLIBC_2.4\0GLIBC_2.42\0"
    tree.add(f"{SBIN}/xl", newer, 0o755)
    found, _ = tree.inspect()
    ((what, hint),) = install_tree.faults_in(found, parts(tmp_path))
    assert f"{SBIN}/xl was built with glibc 2.42, the root has 2.41" in what
    assert "the root's own release" in hint


def test_a_library_beside_its_program_by_runpath(tree: Tree, tmp_path: Path) -> None:
    tree.library("libown.so.1", folder=f"{LIB}/xen/lib")
    tree.program(f"{SBIN}/xl", "libown.so.1", runpath="$ORIGIN/../lib/xen/lib:/elsewhere")
    found, wrong = tree.inspect()
    assert not wrong
    assert "libown.so.1" not in found.foreign


@pytest.mark.parametrize(
    ("soname", "package"),
    [
        ("libyajl.so.2", "libyajl2"),
        ("libnl-route-3.so.200", "libnl-route-3-200"),
        ("libncursesw.so.6", "libncursesw6"),
    ],
)
def test_a_package_is_named_by_debians_rule(soname: str, package: str) -> None:
    assert install_tree.debian_name(soname) == package


@pytest.mark.parametrize(
    ("path", "placed"),
    [
        ("usr/local/sbin/xl", "usr/local/sbin/xl"),
        ("lib/udev/rules.d/x.rules", "usr/lib/udev/rules.d/x.rules"),
        ("sbin/xl", "usr/sbin/xl"),
        ("boot/xen.gz", ""),
        ("var/run/xenstored", ""),
        ("var/lib/xen/dump", "var/lib/xen/dump"),
        ("usr/lib/debug/xen-syms-4.20", ""),
        ("usr/lib64/efi/xen.efi", ""),
        ("lib/modules/6.12.1-xen0/modules.dep", ""),
        ("usr/local/include/xenctrl.h", ""),
        ("usr/local/lib/libxenctrl.a", ""),
    ],
)
def test_each_path_has_its_place(path: str, placed: str) -> None:
    assert install_tree.place(path) == placed


def test_the_trees_programs_and_libraries_take_the_place_of_debians(
    tree: Tree, tmp_path: Path
) -> None:
    found, _ = tree.inspect()
    workspace = Workspace(tmp_path / "build")
    with workspace.locked():
        root = tools.build(workspace, found).root
        again = tools.build(workspace, found)
    for link, target in (
        ("usr/sbin/xl", f"{SBIN}/xl"),
        ("usr/lib/xen-4.20/bin/xen-init-dom0", f"{LIB}/xen/bin/xen-init-dom0"),
        ("usr/lib/xen-4.20/bin/xenstored", f"{SBIN}/xenstored"),
        (f"{install_tree.MULTIARCH}/libxencall.so.1", f"{LIB}/libxencall.so.1.0"),
    ):
        assert (root / link).resolve() == root / target
    assert (root / "usr/lib/xen-4.20").is_symlink(), "nothing of Debian's folder shows through"
    assert not (root / "boot").exists()
    assert again.root == root


def test_a_tree_with_the_prefix_usr_lies_where_debians_programs_do(tree: Tree) -> None:
    for name in ("xl", "xenstored", "xenconsoled"):
        (tree.folder / SBIN / name).unlink()
        tree.program(f"usr/sbin/{name}", "libxenctrl.so.4.20")
    found, wrong = tree.inspect()
    assert not wrong
    assert "usr/sbin/xl" not in install_tree.links(found)
    assert found.programs["xl"] == "usr/sbin/xl"


def test_a_tree_in_a_recipe(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "other.gz").write_bytes(gzip.compress(crafted.xen("4.21.0")))
    alone = own.inspect(Recipe(tmp_path, kernels=Named(install_tree="install")), tmp_path)
    assert alone.mistakes == ()
    assert alone.xen
    assert alone.xen[1].version == "4.20.2"
    named = Named(install_tree="install", xen="other.gz")
    ((what, hint),) = own.inspect(Recipe(tmp_path, kernels=named), tmp_path).mistakes
    assert "this is Xen 4.21.0, but the tools in" in what
    assert "leave out --xen" in hint


def test_what_an_elf_file_tells_the_dynamic_linker() -> None:
    found = linkage.read(crafted.dynamic(["liba.so.1"], LOADER, runpath="/a:$ORIGIN"))
    assert found == linkage.Linkage(
        64, "EM_X86_64", LOADER, ("liba.so.1",), ("/a", "$ORIGIN"), ""
    )  # fmt: skip


def test_inspect_tells_of_a_tree(tree: Tree) -> None:
    found = inspect(tree.folder)
    assert found.kind == "install-tree"
    assert (found.facts["hypervisor"], found.facts["tools"]) == ("4.20.2", "4.20: 4 programs")
    assert not found.trouble
    assert "needs of the root    libc.so.6, libuuid.so.1, libyajl.so.2" in report(found)
    (tree.folder / SBIN / "xl").unlink()
    assert "lacks tools: xl" in inspect(tree.folder).trouble[0]
    with pytest.raises(InputError, match="no install tree"):
        inspect(tree.folder / "boot")
