"""The discs that tests look at, each built once for all of them (a plugin of pytest's).

XENDEMO_ISO names a disc to boot in place of the one that `./build.py build` makes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

import pytest

from tests.boot.remaking import KEYRING, LAID_OVER, SIGNER, STRANGER
from tests.support.beside import Beside
from tests.support.building import BOOKWORM, BUILD, TREE, build, build_from
from tests.support.keys import new_keys
from tests.support.shaping import shape
from tests.support.trees import Trees
from tests.support.world import Built, build_world, lay_source

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
        self._beside = Beside()
        self._begun = {
            name: self._beside.begin(make) for name, make in DISCS.items() if name in wanted
        }

    def __getitem__(self, name: str) -> Path:
        wait(self._begun.values())  # whoever asks may build next, and the folder is for one build
        return self._begun[name].result() if name in self._begun else DISCS[name]()

    def close(self) -> None:
        self._beside.close()


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
