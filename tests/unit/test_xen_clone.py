"""A Xen tree named by the address of a git repository: what is taken, fetched, kept and refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from democd import git_address, recipe, source_tree
from democd.cli import parser
from democd.cli.build import given_source
from democd.errors import BuildError, InputError, Mistakes
from democd.host.progress import Reporter
from democd.recipe import Recipe
from democd.stages import xen_clone
from democd.workspace import Workspace
from tests.support.answering import served
from tests.support.gitrepo import MAKEFILE, commit, git


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository at `staging`, with the branch `work`, and a tag on its first commit."""
    top = tmp_path_factory.mktemp("pattern")
    git(top, "init", "--quiet", "--initial-branch=staging")
    commit(top, "xen/Makefile", MAKEFILE)
    git(top, "tag", "-m", "the first", "RELEASE-4.21.0")
    commit(top, "a.c", "int a;\n")
    git(top, "branch", "work")
    git(top, "checkout", "--quiet", "work")
    commit(top, "b.c", "int b;\n")
    git(top, "checkout", "--quiet", "staging")
    return top


@pytest.fixture
def upstream(tmp_path: Path, pattern: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(pattern, tmp_path / "up stream")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "build")
    with made.locked():
        yield made


def url(top: Path) -> str:
    return top.as_uri()


def fetched(
    workspace: Workspace, xen: str, history: str = "shallow", *, offline: bool = False
) -> tuple[Path, str]:
    """The folder that an address becomes, and what the step says."""
    wanted = recipe.Sources(enabled=True, xen=xen, history=history)
    with Reporter(quiet=True).step("clone", "") as step:
        of = Recipe(workspace.folder, sources=wanted)
        made = xen_clone.build(workspace, of, step, offline=offline)
        return Path(made.sources.xen), step.result


def at(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize("ref", ["", "staging", "work", "refs/heads/work", "RELEASE-4.21.0"])
def test_a_branch_or_tag_is_fetched(upstream: Path, workspace: Workspace, ref: str) -> None:
    folder, said = fetched(workspace, url(upstream) + (f"#{ref}" if ref else ""))
    wanted = git(upstream, "rev-parse", f"{ref or 'HEAD'}^{{commit}}").strip()
    assert at(folder) == wanted
    assert said == f"commit {wanted[:12]}"
    there = source_tree.files(folder, untracked=True, apart=workspace.folder)
    assert set(there) == set(git(upstream, "ls-tree", "-r", "--name-only", wanted).split())
    assert len(git(folder, "log", "--oneline").splitlines()) == 1


def test_offline_what_was_fetched_before_is_taken_and_else_named(
    upstream: Path, workspace: Workspace
) -> None:
    first = git(upstream, "rev-parse", "staging~1").strip()
    for ref in ("work", first):
        with pytest.raises(BuildError) as caught:
            fetched(workspace, f"{url(upstream)}#{ref}", offline=True)
        assert caught.value.message.startswith("offline")
        assert url(upstream) in caught.value.message
    folder, _ = fetched(workspace, f"{url(upstream)}#work")
    commit(upstream, "d.c", "int d;\n")
    git(upstream, "branch", "--force", "work", "staging")  # is not asked
    again, said = fetched(workspace, f"{url(upstream)}#work", offline=True)
    assert again == folder
    assert said.endswith(", kept from before")


def test_a_commit_needs_no_name_and_once_it_is_kept_no_repository(
    upstream: Path, workspace: Workspace
) -> None:
    first = git(upstream, "rev-parse", "staging~1").strip()
    folder, _ = fetched(workspace, f"{url(upstream)}#{first}")
    assert at(folder) == first
    upstream.rename(upstream.with_name("away"))
    assert fetched(workspace, f"{url(upstream)}#{first}")[0] == folder


@pytest.mark.parametrize(
    ("kind", "ref", "branch", "commits"),
    [("shallow", "work", "work", 1), ("bundle", "work", "work", 3), ("bundle", "", "staging", 2),
     ("bundle", "RELEASE-4.21.0", "HEAD", 1)],
)  # fmt: skip
def test_its_history_goes_onto_the_disc(
    upstream: Path, workspace: Workspace, tmp_path: Path, *,
    kind: str, ref: str, branch: str, commits: int,
) -> None:  # fmt: skip
    folder, _ = fetched(workspace, f"{url(upstream)}#{ref}" if ref else url(upstream), kind)
    target = tmp_path / "src"
    target.mkdir()
    source_tree.keep_history(folder, kind, target, "xen")
    (kept,) = target.iterdir()
    git(tmp_path, "clone", "--quiet", str(kept), "copy")
    assert len(git(tmp_path / "copy", "log", "--oneline").splitlines()) == commits
    assert git(tmp_path / "copy", "rev-parse", "--abbrev-ref", "HEAD").strip() == branch
    told = [path for path in [kept, *kept.rglob("*")] if path.is_file()]
    assert not [path for path in told if b"up%20stream" in path.read_bytes()]


def test_each_build_asks_anew_and_fetches_only_what_is_new(
    upstream: Path, workspace: Workspace
) -> None:
    first, _ = fetched(workspace, f"{url(upstream)}#staging")
    made = first.stat().st_mtime_ns
    again, _ = fetched(workspace, f"{url(upstream)}#staging")
    assert (again, again.stat().st_mtime_ns) == (first, made)
    new = commit(upstream, "c.c", "int c;\n")
    assert at(fetched(workspace, f"{url(upstream)}#staging")[0]) == new


def test_without_an_answer_the_kept_clone_is_taken_and_said_so(
    upstream: Path, workspace: Workspace
) -> None:
    before, _ = fetched(workspace, f"{url(upstream)}#staging")
    commit(upstream, "c.c", "int c;\n")
    newer, _ = fetched(workspace, f"{url(upstream)}#staging")
    upstream.rename(upstream.with_name("away"))
    folder, said = fetched(workspace, f"{url(upstream)}#staging")
    assert folder == newer != before
    assert f"commit {at(newer)[:12]}, kept from before, for it does not answer: " in said
    for other, history in ((f"{url(upstream)}#work", "shallow"), (url(upstream), "bundle")):
        with pytest.raises(BuildError, match="cannot ask") as caught:
            fetched(workspace, other, history)
        assert "does not appear to be a git repository\n" in caught.value.hint


def test_a_server_of_plain_files_is_enough(upstream: Path, workspace: Workspace) -> None:
    """It gives neither single commits nor shallow clones."""
    git(upstream, "update-server-info")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

    with served(partial(Quiet, directory=upstream)) as port:
        where = f"http://ann:secret@127.0.0.1:{port}/.git"
        folder, _ = fetched(workspace, f"{where}#work")
        with pytest.raises(InputError, match=r"#wrok has no such branch or tag") as caught:
            fetched(workspace, f"{where}#wrok")
    assert at(folder) == git(upstream, "rev-parse", "work").strip()
    assert git(folder, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/work"]
    assert "did you mean work?" in caught.value.hint
    assert "secret" not in caught.value.message
    kept = [path for path in folder.parent.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"secret" in path.read_bytes()]
    with pytest.raises(BuildError) as failed:
        fetched(workspace, f"{where}#staging")
    assert "secret" not in failed.value.message + failed.value.hint


def test_what_is_no_xen_is_not_kept(upstream: Path, workspace: Workspace) -> None:
    git(upstream, "rm", "--quiet", "xen/Makefile")
    git(upstream, "commit", "--quiet", "-m", "gone")
    with pytest.raises(InputError, match="is no source of Xen"):
        fetched(workspace, url(upstream))
    assert list(workspace.steps.glob("clone-xen-*")) == []


def test_an_empty_repository(workspace: Workspace, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    with pytest.raises(InputError, match="has no HEAD"):
        fetched(workspace, url(tmp_path / "empty.git"))


def test_nothing_of_the_repository_or_its_submodules_is_run(
    upstream: Path, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    hook = home / "template/hooks/post-checkout"
    hook.parent.mkdir(parents=True)
    ran = tmp_path / "ran"
    hook.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    hook.chmod(0o755)
    settings = f"[init]\n templateDir = {home}/template\n[submodule]\n recurse = true\n"
    settings += f"[core]\n hooksPath = {hook.parent}\n autocrlf = true\n"
    (home / ".gitconfig").write_text(settings)
    commit(upstream, ".gitmodules", f'[submodule "s"]\n path = s\n url = {url(upstream)}\n')
    git(upstream, "update-index", "--add", "--cacheinfo", f"160000,{at(upstream)},s")
    git(upstream, "commit", "--quiet", "-m", "a submodule")
    monkeypatch.setenv("HOME", str(home))
    folder, _ = fetched(workspace, url(upstream))
    assert not ran.exists()
    assert list((folder / "s").iterdir()) == []
    assert (folder / "xen/Makefile").read_bytes() == MAKEFILE.encode(), (
        "not with the lines of Windows"
    )


GOOD = (
    "https://localhost/xen.git",
    "http://ann:secret@127.0.0.1:8080/a/xen#RELEASE-4.20.0",
    "ssh://ann@[::1]:22/~/xen.git#people/ann/work",
    "ann@localhost:xen.git#staging",
    "localhost:xen",
    "git://localhost/xen",
    "file:///srv/xen.git#" + "0" * 40,
)


@pytest.mark.parametrize("text", GOOD)
def test_an_address_is_taken(text: str, tmp_path: Path) -> None:
    assert git_address.is_meant(text)
    assert git_address.mistake(text) is None
    where = git_address.parse(text)
    assert "secret" not in str(where)
    assert str(where).replace("127", "ann:secret@127") == text or "secret" not in text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ext::sh -c touch% /tmp/x", "no address"),
        ("ext::sh", "would run a program"),
        ("fd::17", "would run a program"),
        ("ftp://localhost/xen", "ftp:// is not taken"),
        ("ext://localhost/xen", "ext:// is not taken"),
        ("ssh://-oProxyCommand=x/xen", "no address"),
        ("ssh://-oProxyCommand=x@localhost/xen", "no address"),
        ("-oProxyCommand=x:xen", "does not exist"),
        ("--upload-pack=x", "does not exist"),
        ("localhost:-x", "does not exist"),
        ("https://localhost", "no address"),
        ("https://localhost/a b", "no address"),
        ("https://localhost/a\n", "no address"),
        ("file://xen.git", "no address"),
        ("file://srv/xen.git", "no whole path"),
        ("https://localhost/xen#", "is no branch"),
        ("https://localhost/xen#--upload-pack=x", "is no branch"),
        ("https://localhost/xen#a..b", "is no branch"),
        ("https://localhost/xen#a b", "is no branch"),
        ("https://localhost/xen#x^{}", "is no branch"),
    ],
)
def test_what_git_could_take_for_something_else_is_refused(
    text: str, what: str, small_project: Path
) -> None:
    args = parser().parse_args(["build", f"--xen-source={text}"])
    with pytest.raises(Mistakes) as caught:
        recipe.load(small_project / "democd.toml", options=given_source(args))
    ((message, hint),) = caught.value.mistakes
    assert message.startswith("--xen-source: sources.xen: ")
    assert what in message
    assert hint


def test_the_option_takes_addresses_and_folders(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my:xen").mkdir()
    (tmp_path / "plain").mkdir()

    def named(text: str) -> Recipe:
        args = parser().parse_args(["build", "--xen-source", text])
        return recipe.load(small_project / "democd.toml", options=given_source(args))

    for folder in ("my:xen", "plain", "./plain", str(tmp_path / "plain")):
        assert Path(named(folder).sources.xen).is_dir()
        assert xen_clone.address(named(folder)) is None
    found = named("ann@localhost:xen.git#work")
    assert found.sources.enabled
    assert xen_clone.address(found) == git_address.Address("ann@localhost:xen.git", "work")
    assert xen_clone.address(replace(found, sources=recipe.Sources())) is None
    with pytest.raises(Mistakes) as caught:
        named("plain#work")
    assert f"write {(tmp_path / 'plain').as_uri()}#work" in caught.value.mistakes[0][1]
