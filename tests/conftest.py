"""What tests share: the project's folder, its discs, their boots, and a small project for recipes.

XENDEMO_ISO names a disc to boot in place of the one that `./build.py build` makes.
XENDEMO_BOOTS_AT_ONCE says how many machines run at a time (2), XENDEMO_PACE how patient they are
waited for (2). Logs and screenshots lie in build/boot-tests/.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.boot.checks", "tests.boot.hardware")

from tests.boot.fleet import Fleet  # noqa: E402
from tests.boot.remaking import KEYRING, LAID_OVER, SIGNER, STRANGER  # noqa: E402
from tests.support.building import BOOKWORM, BUILD, TREE, build, build_from  # noqa: E402
from tests.support.keys import new_keys  # noqa: E402
from tests.support.shaping import shape  # noqa: E402
from tests.support.trees import Trees  # noqa: E402
from tests.support.world import Built, build_world, lay_source  # noqa: E402

# Machines are slow, shared and noisy: how long an example took says nothing about it.
settings.register_profile("democd", deadline=None)
settings.load_profile("democd")

# A shell's background job starts with Ctrl-C ignored, and what tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

PROJECT = Path(__file__).resolve().parents[1]

# What lies below overlays/ goes onto the disc, so importing it must leave no bytecode there. It is
# kept elsewhere, and by the programs that tests start as well: without any, pytest would rewrite
# all assertions, and each program compile itself, anew every time.
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(PROJECT / ".pytest_cache/bytecode")
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ORDER = (
    "unit", "tools", "build", "build/test_again.py",
    "boot/test_boot.py", "boot/test_install_tree.py", "boot/test_bookworm.py", "boot", "smoke",
)  # fmt: skip
"""Quick tests first; then builds, last the one that goes on beside all others; boots are looked at
in the order in which the fleet sails."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share the quick tests between all processors; what builds or boots uses them all itself."""
    return os.cpu_count() or 1 if "not build and not boot" in config.option.markexpr else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(item.path.relative_to(PROJECT / "tests").as_posix()))


def _place(path: str) -> int:
    """Return where a file of tests comes: what names it most closely says so."""
    return ORDER.index(max((it for it in ORDER if path.startswith(it)), key=len, default=ORDER[-1]))


@pytest.fixture
def project() -> Path:
    """The checkout that is tested."""
    return PROJECT


DISCS: Mapping[str, Callable[[], Path]] = {
    "built": build,
    "smoke_iso": partial(build, profile="smoke"),
    "bookworm_iso": partial(build, *BOOKWORM, output=BUILD / "tests"),
}
"""What brings the disc of each fixture up to date."""


class Discs:
    """The discs of the session, built one after the other, ahead of the tests that look at them.

    Args:
        wanted: their fixtures' names, as far as they are known when the session starts.
    """

    def __init__(self, wanted: Collection[str]) -> None:
        self._one_by_one = ThreadPoolExecutor(1, "build")
        self._begun = {
            name: self._one_by_one.submit(make) for name, make in DISCS.items() if name in wanted
        }

    def __getitem__(self, name: str) -> Path:
        wait(self._begun.values())  # whoever asks may build next, and the folder is for one build
        return self._begun[name].result() if name in self._begun else DISCS[name]()

    def close(self) -> None:
        self._one_by_one.shutdown(cancel_futures=True)


@pytest.fixture(scope="session", autouse=True)
def discs(request: pytest.FixtureRequest) -> Iterator[Discs]:
    """The discs that the selected tests ask for, in the making while quick tests are run."""
    discs = Discs({name for item in request.session.items for name in item.fixturenames})
    yield discs
    discs.close()


@pytest.fixture(scope="session")
def built(discs: Discs) -> Path:
    """The disc of the checkout, built if it is not up to date."""
    return discs["built"]


@pytest.fixture(scope="session")
def iso(request: pytest.FixtureRequest) -> Path:
    """The disc to boot."""
    given = os.environ.get("XENDEMO_ISO")
    return Path(given) if given else request.getfixturevalue("built")


@pytest.fixture(scope="session")
def bookworm_iso(discs: Discs) -> Path:
    """The disc of the checkout made of Debian 12, built if it is not up to date."""
    return discs["bookworm_iso"]


@pytest.fixture(scope="session")
def install_tree(bookworm_iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` of another series of Xen would have left."""
    return shape(tmp_path_factory.mktemp("install"))


@pytest.fixture(scope="session")
def tree_iso(built: Path, install_tree: Path) -> Path:
    """The disc of the checkout with that series of Xen on it, and with the source of busybox."""
    return build(*TREE, f"kernels.install_tree={install_tree}", output=BUILD / "tests")


@pytest.fixture(scope="session")
def remade_iso(iso: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disc to boot, made again with files laid over every role's root, and signed."""
    over = tmp_path_factory.mktemp("over")
    (over / LAID_OVER).parent.mkdir(parents=True)
    (over / LAID_OVER).write_text("laid over\n")
    with new_keys() as keys:
        for user in (SIGNER, STRANGER):
            keys.make(user)
            keys.public(over / KEYRING.format(user), user)
        words = ("--overlay", over, "--sign", SIGNER)
        return build_from(iso, *words, output=BUILD / "tests/remade", home=keys.home)


@pytest.fixture(scope="session")
def smoke_iso(discs: Discs) -> Path:
    """The smoke disc of the checkout, built if it is not up to date."""
    return discs["smoke_iso"]


@pytest.fixture(scope="session")
def trees(built: Path) -> Iterator[Trees]:
    """The layers of the disc, unpacked."""
    folder = Path(tempfile.mkdtemp(prefix="xendemo-trees-"))
    yield Trees(built, folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def world_begun(trees: Trees, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Built]]:
    """`xendemo world` at work in the disc's root, without a network; it takes minutes."""
    folder = tmp_path_factory.mktemp("world")
    lay_source(folder)  # not beside other tests: it has the build folder to itself
    with ThreadPoolExecutor(1) as beside:
        yield beside.submit(build_world, trees, folder)


@pytest.fixture(scope="session")
def world(world_begun: Future[Built]) -> Built:
    """What it has made."""
    return world_begun.result()


@pytest.fixture(scope="session")
def world_iso(world: Built) -> Path:
    """The smoke disc with what the disc has built."""
    tree = f"kernels.install_tree={world.install}"
    return build("disc.name=world", tree, profile="smoke", output=BUILD / "tests")


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """The boots of all selected tests, started ahead of them; `Case.disc` is a fixture here."""
    cases = {
        case.name: case
        for item in request.session.items
        for mark in item.iter_markers("cases")
        for case in mark.args
    }
    fleet = Fleet(BUILD / "boot-tests")
    try:
        for disc in dict.fromkeys(case.disc for case in cases.values()):
            iso = request.getfixturevalue(disc)
            fleet.sail(disc, iso, [case for case in cases.values() if case.disc == disc])
        yield fleet
    finally:
        fleet.close()


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    """A folder with a file of each kind that a recipe names, and an empty democd.toml."""
    files = [
        *(f"rootfs/packages/{name}" for name in ("base", "xen", "network", "tools", "desktop")),
        *(f"rootfs/packages/{name}" for name in ("devel", "remake")),
        *(f"rootfs/modules/{name}" for name in ("disc", "hardware", "frontends", "network")),
        *(f"overlays/{name}/etc/motd" for name in ("common", "xendemo", "dom0", "guest", "plain")),
        *(f"grub/entries/{name}.cfg.j2" for name in ("xen", "xen-ip", "xen-safe", "linux")),
        *(
            f"grub/entries/{name}.cfg.j2"
            for name in ("toram", "checkmedia", "graphics", "harddisk")
        ),
        "rootfs/programs/smoke",
        "overlays/smoke/init",
        "docs/README.CD.j2",
        "docs/README.smoke.j2",
        "democd.toml",
    ]
    for name in files:
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "small"
