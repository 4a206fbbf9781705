"""Packages by apt and dpkg, from archives of packages as small as can be: no network is asked."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from democd.artifacts import Supplied
from democd.errors import BuildError, InputError
from democd.formats.deb822 import stanzas
from democd.host import debs
from democd.host.progress import Reporter
from democd.host.room import FullError
from democd.lockfile import Lock, text
from democd.package_cache import Cache
from democd.recipe import Recipe, Root
from democd.stages import packages
from democd.supply import Supply
from democd.workspace import Workspace
from tests.support.debs import archive, deb, lock_of, renamed
from tests.support.namespaces import alone
from tests.support.snapshots import snapshots

pytestmark = pytest.mark.build


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with an essential package, apt, and others."""
    folder = tmp_path_factory.mktemp("archive")
    made = [
        deb(folder, "basis", "1:2.0", Essential="yes", Depends="libbasis | other"),
        deb(folder, "libbasis"),
        deb(folder, "other"),
        deb(folder, "apt", Architecture="amd64"),
        deb(folder, "wanted", "1.0+b1", Depends="needed (>= 1)", Recommends="extra"),
        deb(folder, "needed"),
        deb(folder, "extra"),
    ]
    archive(folder, *made)
    return folder


def test_a_root_is_what_is_essential_apt_and_what_is_asked_for(pool: Path, tmp_path: Path) -> None:
    lines = f"deb [trusted=yes] copy://{pool} trixie main\n"
    source = debs.Debs(tmp_path / "apt", lines)
    (release,) = source.update()
    assert release.date == 1_735_689_600  # of its Release
    found = {item.name: item for item in source.resolve(["wanted"])}
    assert set(found) == {"apt", "basis", "libbasis", "needed", "wanted"}
    assert (found["basis"].version, found["wanted"].version) == ("1:2.0", "1.0+b1")
    with pytest.raises(debs.AptError) as caught:
        source.resolve(["wnated", "extar"])
    assert [line for line in caught.value.said if "wnated" in line]


def test_the_index_of_a_snapshot_may_be_out_of_date(pool: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    lines = archive(folder, deb(folder, "apt"), valid_until="Thu, 02 Jan 2025 00:00:00 UTC")
    with pytest.raises(debs.AptError) as caught:
        debs.Debs(tmp_path / "now", lines).update()
    assert "expired" in "\n".join(caught.value.said)
    assert debs.Debs(tmp_path / "then", lines, past=True).update()


@dataclass
class Builds:
    """Builds from a lock; `mirror` is asked for what the cache lacks."""

    folder: Path
    lock: Lock
    mirror: str

    def __post_init__(self) -> None:
        (self.folder / "rootfs/packages").mkdir(parents=True)
        self.said: list[str] = []
        self.elsewhere: Path | None = None
        self.snapshots = "http://127.0.0.1:9/{time}"

    @property
    def cache(self) -> Cache:
        return Cache(self.elsewhere or self.folder / "cache")

    def build(self, lock: Lock | None = None, kept: bool = False, **supply: object) -> Supplied:
        lock = lock or self.lock
        path = self.folder / "democd.lock"
        path.write_text(text(lock))
        of = Root(mirror=self.mirror, packages=(), extra=lock.names)
        recipe = Recipe(self.folder, root=replace(of, snapshot=self.snapshots))
        workspace = Workspace(self.folder / "build")
        wanted = Supply(lock=path, cache=self.cache.folder, **supply)  # type: ignore[arg-type]
        with workspace.locked(), Reporter(quiet=True).step("packages", "") as step:
            made = packages.build(workspace, recipe, wanted, lambda _: kept, step, self.said.append)
            if made.archive:
                self.index = (made.archive / "Packages").read_text()
                self.release = (made.archive / "Release").read_text()
                self.files = {path.name: path.read_bytes() for path in made.archive.glob("*.deb")}
        return made


@pytest.fixture
def builds(pool: Path, tmp_path: Path) -> Builds:
    lock = lock_of(pool, *(pool / f"{name}_1_all.deb" for name in ("extra", "needed")))
    return Builds(tmp_path, lock, f"file://{pool}")


def test_what_was_fetched_once_needs_no_mirror(builds: Builds, pool: Path) -> None:
    builds.build()
    first = (builds.index, builds.release, builds.files)
    assert set(builds.files) == {"extra_1_all.deb", "needed_1_all.deb"}
    assert builds.files["extra_1_all.deb"] == (pool / "extra_1_all.deb").read_bytes()
    extra, needed = stanzas(builds.index)
    assert (extra["Package"], needed["Filename"]) == ("extra", "./needed_1_all.deb")
    assert "Date: Wed, 01 Jan 2025 00:00:00" in builds.release
    builds.mirror = "file:///nowhere"
    builds.build(offline=True)
    assert (builds.index, builds.release, builds.files) == first


def test_nothing_is_fetched_for_a_root_that_is_kept(builds: Builds) -> None:
    assert builds.build(kept=True).archive is None
    assert builds.cache.kept() == []


def test_all_that_neither_cache_nor_mirror_has_is_named(builds: Builds, pool: Path) -> None:
    paths = [replace(item, path=f"{item.path}-not.deb") for item in builds.lock.packages]
    gone = replace(builds.lock, packages=tuple(paths))
    with pytest.raises(packages.GoneError) as caught:
        builds.build(gone)
    assert "no longer has 2 packages" in caught.value.message
    assert "extra 1, needed 1" in caught.value.hint
    assert "--snapshot 20250101T060000Z" in caught.value.hint
    with pytest.raises(packages.GoneError) as caught:
        builds.build(offline=True)
    assert "offline, and 2 packages are not in the cache" in caught.value.message
    assert "extra 1, needed 1" in caught.value.hint


def test_a_snapshot_has_what_the_mirror_no_longer_has(builds: Builds, pool: Path) -> None:
    builds.mirror = "file:///nowhere"
    with pytest.raises(packages.GoneError) as caught:
        builds.build()
    hint = caught.value.hint
    then = hint.partition("--snapshot ")[2].partition(";")[0]
    with snapshots(then, {"debian": f"file://{pool}"}) as service:
        builds.snapshots = service.template
        builds.build(snapshot=then)
    assert len(service.asked) == len(builds.files) == 2


def test_what_can_be_had_is_kept_though_others_are_gone(builds: Builds) -> None:
    with pytest.raises(packages.GoneError, match="1 package"):
        builds.build(renamed(builds.lock, path="debian/gone.deb"))
    assert [kept.digest for kept in builds.cache.kept()] == [builds.lock.packages[1].sha256]


def test_a_damaged_package_is_dropped_and_fetched_again(builds: Builds) -> None:
    builds.build()
    victim = builds.cache.folder / f"{builds.lock.packages[0].sha256}.deb"
    whole = victim.read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    victim.write_bytes(damaged)
    builds.build()
    assert victim.read_bytes() == builds.files["extra_1_all.deb"] == whole
    assert len(builds.said) == 1
    assert "extra 1" in builds.said[0]
    victim.write_bytes(whole[:-1])
    with pytest.raises(packages.GoneError) as caught:
        builds.build(offline=True)
    assert caught.value.hint.startswith("extra 1\n")


def test_a_mirror_that_lies_is_refused(builds: Builds) -> None:
    for lie in ({"sha256": "ab" * 32}, {"size": 7}):
        with pytest.raises(BuildError):
            builds.build(renamed(builds.lock, **lie))  # type: ignore[arg-type]
    assert [kept.digest for kept in builds.cache.kept()] == []


def test_a_lock_that_calls_a_package_another_is_refused(builds: Builds) -> None:
    with pytest.raises(BuildError, match="calls a package extra 2 that is extra 1 all"):
        builds.build(renamed(builds.lock, version="2"))


def test_a_lock_of_other_packages_is_refused(builds: Builds) -> None:
    other = replace(builds.lock, names=("extra", "nano"))
    (builds.folder / "democd.lock").write_text(text(other))
    recipe = Recipe(builds.folder, root=Root(packages=(), extra=("extra", "vim")))
    supply = Supply(lock=builds.folder / "democd.lock")
    with Reporter(quiet=True).step("packages", "") as step, pytest.raises(InputError) as caught:
        packages.choose(Workspace(builds.folder / "build"), recipe, supply, step)
    assert "not in the lock: vim\nno longer asked for: nano" in caught.value.hint
    assert "./build.py lock" in caught.value.hint


def test_other_tools_are_told(builds: Builds) -> None:
    tools = {**debs.tool_versions(), "mmdebstrap": "0.1"}
    builds.build(replace(builds.lock, tools=tools))
    assert [line.partition(",")[0] for line in builds.said if "warning: mmdebstrap is" in line]
    assert len(builds.said) == 1
    assert "was 0.1" in builds.said[0]


def test_what_a_build_uses_outlasts_the_bound_and_the_rest_does_not(builds: Builds) -> None:
    old = builds.cache.folder / f"{'ab' * 32}.deb"
    old.parent.mkdir()
    old.write_bytes(b"of another build")
    builds.build(bound=1)
    digests = {package.sha256 for package in builds.lock.packages}
    assert {kept.digest for kept in builds.cache.kept()} == digests


def test_a_cache_without_room_is_told_and_has_no_half_a_package(builds: Builds) -> None:
    def work() -> None:
        small = builds.folder / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", small], check=True)
        builds.elsewhere = small / "cache"
        with pytest.raises(FullError) as caught:
            builds.build()
        assert f"no room left in {builds.elsewhere}" in caught.value.message
        assert "--cache" in caught.value.hint
        assert {path.suffix for path in builds.elsewhere.iterdir()} <= {"", ".deb"}
        for kept in builds.cache.kept():
            assert kept.size in {package.size for package in builds.lock.packages}

    alone(work)


def test_without_a_lock_the_mirror_is_asked_anew_for_what_it_no_longer_has(
    builds: Builds, pool: Path
) -> None:
    """The kept list is nobody's promise; here the archive asked next is one without a signature."""
    gone = renamed(builds.lock, path="debian/gone.deb")
    supply = Supply(cache=builds.cache.folder)
    of = Root(mirror=f"copy://{pool}", packages=(), extra=gone.names)
    recipe = Recipe(builds.folder, root=of)
    workspace = Workspace(builds.folder / "build")
    inputs = packages._inputs(recipe, supply, gone.names)

    def keep(folder: Path) -> None:
        (folder / packages.LIST).write_text(text(gone))

    with workspace.locked(), Reporter(quiet=True).step("packages", "") as step:
        workspace.step("packages", inputs, keep)
        with pytest.raises(BuildError, match="not signed"):
            packages.build(workspace, recipe, supply, lambda _: False, step, builds.said.append)
    assert "it is asked for today's" in builds.said[0]


def test_a_cache_on_another_file_system_will_do(builds: Builds) -> None:
    """There is no link from one to the other: what is used is a copy."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == builds.folder.stat().st_dev:
        pytest.skip("there is no other file system")
    with TemporaryDirectory(dir=memory) as folder:
        builds.elsewhere = Path(folder) / "cache"
        builds.build()
        builds.build(offline=True)
        assert len(builds.cache.kept()) == len(builds.files) == 2
