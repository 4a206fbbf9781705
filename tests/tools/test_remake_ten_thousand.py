"""Ten thousand discs that were made to do harm, or are damaged: none does, and none is a crash.

See tests/tools/test_remake_hostile.py for each kind of harm by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.support.sandbox import Sandbox, may_be_nobody
from tests.tools import hostile_images, hostile_inputs

pytestmark = pytest.mark.build

COUNTS = {"patched": 2500, "records": 2500, "listed": 1700, "manifests": 1300, "initrds": 1500,
          "layered": 500}  # fmt: skip
assert sum(COUNTS.values()) == 10_000
BUILT_OF = {"manifests": 3}
"""Of how many of these discs that can be unpacked one is made again, too; 25 if not named."""
UNPACKED = 50
"""At least so many of all must do no harm for another reason than that they were refused."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, st.SearchStrategy[bytes]]:
    folder = tmp_path_factory.mktemp("images")
    (folder / "another").mkdir()
    whole = hostile_images.harmless(folder / "another")
    images = [whole] * 12 + [*hostile_images.hostile(folder).values()]
    return {
        "patched": hostile_inputs.patched(),
        "records": hostile_inputs.records(),
        "listed": hostile_inputs.listed(),
        "manifests": hostile_inputs.manifests(),
        "initrds": hostile_inputs.initrds(),
        "layered": hostile_inputs.layered(tuple(images)),
    }


@pytest.mark.parametrize("kind", COUNTS)
def test_hostile_discs_do_no_harm(
    sandbox: Sandbox, kinds: dict[str, st.SearchStrategy[bytes]], kind: str
) -> None:
    before, unpacked = sandbox.tried, sandbox.unpacked
    nobody = may_be_nobody()

    @seed(2004)
    @settings(
        max_examples=COUNTS[kind], database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(disc=kinds[kind])
    def attempt(disc: bytes) -> None:
        build = sandbox.unpacked % BUILT_OF.get(kind, 25) == 0
        sandbox.attempt(disc, build=build, unprivileged=nobody and sandbox.tried % 2 == 0)

    attempt()
    assert sandbox.tried - before >= COUNTS[kind]
    assert sandbox.unpacked - unpacked >= UNPACKED
    assert sandbox.made > 0
