"""The sources of a disc: trees of one's own, and what is refused before anything is fetched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from democd import artifacts, manifest, recipe, source_tree
from democd.artifacts import Kernel, Kernels, Root, Source
from democd.cli import parser
from democd.cli.build import given_source
from democd.errors import BuildError, InputError
from democd.host.progress import Reporter
from democd.inputs import Made
from democd.origins import Origin
from democd.stages import packed, sources
from democd.supply import Supply
from democd.workspace import Workspace
from tests.support.gitrepo import MAKEFILE, git


@pytest.fixture
def xen(tmp_path: Path) -> Path:
    """A Xen tree with two commits, a change since, something built, and something new."""
    top = tmp_path / "my xen"
    (top / "xen").mkdir(parents=True)
    git(top, "init", "--quiet", "--initial-branch=staging")
    (top / "xen/Makefile").write_text(MAKEFILE)
    (top / ".gitignore").write_text("*.o\n")
    (top / "gone.c").touch()
    git(top, "add", ".")
    git(top, "commit", "--quiet", "-m", "first")
    (top / "xen/a file.c").write_text("int a;\n")
    (top / "link").symlink_to("nowhere")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "-m", "second")
    (top / "xen/a file.c").write_text("int b;\n")
    (top / "gone.c").unlink()
    (top / "xen/a.o").touch()
    (top / "new.c").touch()
    return top


def machine(folder: Path, *, xen: Path | None = None, version: str = "4.20.2") -> tuple[
    Root, Kernels
]:  # fmt: skip
    """A root below a folder, and what boots: the root's own, or another hypervisor."""
    parts = folder / "parts"
    kernel = Kernel(parts / "boot/vmlinuz", "6.12", parts)
    boots = Kernels(xen or parts / "boot/xen.gz", version, frozenset(), kernel, kernel)
    return Root(Made(folder, "key"), folder / "root.tar", parts, (), 0), boots


def wanting(folder: Path, **keys: object) -> recipe.Recipe:
    return recipe.Recipe(folder, sources=replace(recipe.Sources(enabled=True), **keys))  # type: ignore[arg-type]


def test_a_work_tree_counts_as_it_lies_there_without_what_was_built(xen: Path) -> None:
    mine = source_tree.files(xen, untracked=True)
    assert list(mine) == [".gitignore", "link", "new.c", "xen/Makefile", "xen/a file.c"]
    assert "new.c" not in source_tree.files(xen, untracked=False)
    assert mine["xen/a file.c"].read_text() == "int b;\n"


def test_a_folder_that_no_git_knows_counts_whole(tmp_path: Path) -> None:
    for name in (
        "a/b",
        "build/c",
        ".venv/d",
        ".mypy_cache/e",
        "x/__pycache__/f",
        "kept/g",
        "a/build/h",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = source_tree.files(tmp_path, untracked=False, apart=tmp_path / "kept")
    assert list(found) == ["a/b", "a/build/h"]


@pytest.mark.parametrize(("kind", "commits"), [("shallow", 1), ("bundle", 2)])
def test_history_can_be_cloned(xen: Path, tmp_path: Path, kind: str, commits: int) -> None:
    target = tmp_path / "src"
    target.mkdir()
    source_tree.keep_history(xen, kind, target, "xen")
    (kept,) = target.iterdir()
    git(tmp_path, "clone", "--quiet", str(kept), "copy")
    copy = tmp_path / "copy"
    assert git(copy, "rev-parse", "HEAD").strip() == source_tree.commit(xen)
    assert git(copy, "rev-parse", "--abbrev-ref", "HEAD").strip() == "staging"
    assert len(git(copy, "log", "--oneline").splitlines()) == commits
    told = [path for path in kept.rglob("*") if path.is_file()] if kept.is_dir() else [kept]
    assert not [path for path in told if str(tmp_path).encode() in path.read_bytes()]


def test_history_of_a_tree_at_no_branch(xen: Path, tmp_path: Path) -> None:
    git(xen, "checkout", "--quiet", "--detach", "HEAD")
    for kind in ("shallow", "bundle"):
        target = tmp_path / kind
        target.mkdir()
        source_tree.keep_history(xen, kind, target, "xen")
        (kept,) = target.iterdir()
        git(target, "clone", "--quiet", str(kept), "copy")
        assert (target / "copy/xen/Makefile").is_file()


def test_a_shallow_clone_has_no_whole_history(xen: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{xen}", "copy")
    with pytest.raises(InputError, match="shallow clone"):
        source_tree.keep_history(tmp_path / "copy", "bundle", tmp_path, "xen")
    source_tree.keep_history(tmp_path / "copy", "shallow", tmp_path, "xen")
    git(tmp_path, "clone", "--quiet", "xen.git", "again")


def test_the_version_of_a_xen_tree(xen: Path, tmp_path: Path) -> None:
    assert source_tree.xen_version(xen) == "4.21-unstable"
    with pytest.raises(InputError, match="is no source of Xen"):
        source_tree.xen_version(tmp_path)


@pytest.mark.parametrize(
    ("source", "hypervisor", "same"),
    [
        ("4.20.2", "4.20.2", True),
        ("4.20.2", "4.20.3-pre", False),
        ("4.21-unstable", "4.21-unstable-mine", True),
        ("4.21-unstable", "4.21.0", True),
        ("4.21.0", "4.2.0", False),
        ("4.20.2", "", False),
    ],
)
def test_one_source_or_not(source: str, hypervisor: str, same: bool) -> None:
    assert source_tree.same_xen(source, hypervisor) is same


def test_a_tree_of_another_xen_is_refused(xen: Path, tmp_path: Path) -> None:
    root, boots = machine(tmp_path)
    with pytest.raises(InputError) as caught:
        sources.refuse_strangers(wanting(tmp_path, xen=str(xen)), root, boots)
    assert "Xen 4.21-unstable" in caught.value.message
    assert "4.20.2" in caught.value.message
    root, boots = machine(tmp_path, xen=tmp_path / "xen.gz", version="4.21-unstable")
    sources.refuse_strangers(wanting(tmp_path, xen=str(xen)), root, boots)


def test_debians_source_is_not_that_of_an_own_xen_or_kernel(tmp_path: Path) -> None:
    root, boots = machine(tmp_path, xen=tmp_path / "xen.gz")
    with pytest.raises(InputError) as caught:
        sources.refuse_strangers(wanting(tmp_path), root, boots)
    assert "--xen-source DIR" in caught.value.hint
    sources.refuse_strangers(wanting(tmp_path, packages=("linux",)), root, boots)
    own = Kernel(tmp_path / "bzImage", "6.18", tmp_path)
    with pytest.raises(InputError, match="your own kernels"):
        sources.refuse_strangers(
            wanting(tmp_path, packages=("linux",)), root, replace(boots, dom0=own, guest=own)
        )
    sources.refuse_strangers(wanting(tmp_path, packages=("linux",)), root, replace(boots, dom0=own))


def test_what_is_kept_is_not_asked_for_again(tmp_path: Path) -> None:
    """No list to ask, so this fails if anything is fetched."""
    workspace = Workspace(tmp_path)
    with workspace.locked():
        assert sources.fetch(workspace, [], "", None) == {}  # type: ignore[arg-type]


def test_offline_names_the_sources_that_are_not_kept(tmp_path: Path) -> None:
    wanted = [Origin("xen", "4.20.1-1", ("xen-utils",)), Origin("linux", "6.12-1", ())]
    workspace = Workspace(tmp_path / "build")
    with workspace.locked(), Reporter(quiet=True).step("sources", "") as step:
        for ask in (sources.fetch, packed.look):
            with pytest.raises(BuildError) as caught:
                ask(workspace, wanted, "", step, Supply(offline=True))
            assert caught.value.message.startswith("offline")
            assert "xen 4.20.1-1" in caught.value.hint
            assert "linux 6.12-1" in caught.value.hint


def test_the_option_turns_sources_on(xen: Path, small_project: Path) -> None:
    args = parser().parse_args(["build", "--xen-source", str(xen)])
    loaded = recipe.load(small_project / "democd.toml", options=given_source(args))
    assert loaded.sources == recipe.Sources(enabled=True, xen=str(xen))
    assert given_source(parser().parse_args(["build"])) == []


def test_the_manifest_tells_of_each_source(tmp_path: Path) -> None:
    root, boots = machine(tmp_path)
    trees = (Source("busybox", "1:1.37.0-6", ("busybox-static",), 12, packed=True),)
    layer = artifacts.Layer("sources", tmp_path, root.made)
    told = manifest.about(
        recipe.Recipe(tmp_path), "1", "Ann", root, boots, [layer], artifacts.Sources(layer, trees)
    )
    assert told["sources"] == [
        {
            "name": "busybox",
            "version": "1:1.37.0-6",
            "packages": ["busybox-static"],
            "bytes": 12,
            "packed": True,
        }
    ]
