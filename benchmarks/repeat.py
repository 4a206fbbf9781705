"""Builds that repeat: from nothing, with packages kept, offline, and with nothing to do."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchmarks import live_build, say
from benchmarks.checkout import Checkout
from benchmarks.live_build import LiveBuild
from benchmarks.report import FOLDER, Row, limit_row, ratio_row
from democd.errors import BuildError

COLD, WARM = "Cold: nothing kept, all downloaded", "Warm: packages kept, all else made again"
OFFLINE = "The same from a lock, without a network"
UNCHANGED = "Nothing changed"
PEER = {
    COLD: "`lb build`",
    WARM: "`lb clean; lb build`",
    OFFLINE: "the same, without a lock",
    UNCHANGED: "`lb build` again",
}
FAILED = "its warm build again: offline it fails"


def measure() -> tuple[list[Row], list[str]]:
    """Build both discs four times and return the rows and the notes."""
    live_build.require()
    checkout = Checkout()
    checkout.lay()
    checkout.forget()
    ours = _ours(checkout)
    peer = LiveBuild(
        FOLDER / "live-build", checkout.recipe, checkout.packages(), checkout.root(), keep=True
    )
    try:
        theirs, peers, notes = _theirs(peer)
    finally:
        peer.remove()
    rows = [
        ratio_row(COLD, ours[COLD], theirs[COLD], peers[COLD], 0.45),
        ratio_row(WARM, ours[WARM], theirs[WARM], peers[WARM], 0.45),
        ratio_row(OFFLINE, ours[OFFLINE], theirs[OFFLINE], peers[OFFLINE], 0.45),
        limit_row(UNCHANGED, "s", ours[UNCHANGED], theirs[UNCHANGED], peers[UNCHANGED], 3),
    ]
    return rows, [*notes, "each once, one after the other; both discs have the same packages"]


def _ours(checkout: Checkout) -> dict[str, float]:
    took = {COLD: _timed("democd, cold", checkout.build)}
    took[UNCHANGED] = _timed("democd, nothing changed", checkout.build)
    iso = _bytes(checkout)
    checkout.forget_steps()
    took[WARM] = _timed("democd, warm", checkout.build)
    checkout.lock()
    checkout.forget_steps()
    took[OFFLINE] = _timed(
        "democd, locked and offline",
        lambda: checkout.build("--locked", "--offline", network=False),
    )
    if _bytes(checkout) != iso:
        raise BuildError("the locked, offline build has made another disc")
    return took


def _theirs(peer: LiveBuild) -> tuple[dict[str, float], dict[str, str], list[str]]:
    """Return its figures, what each is of, and notes."""
    took = {COLD: _timed("live-build, cold", peer.build)}
    took[UNCHANGED] = _timed("live-build, nothing changed", peer.build_again)
    took[WARM] = _timed("live-build, warm", peer.build_clean)
    try:
        took[OFFLINE] = _timed("live-build, offline", peer.build_offline)
    except BuildError as error:
        why = [line for line in error.hint.splitlines() if line.startswith("E: ")]
        told = "\n".join(["live-build failed offline:", *(why or [error.message, error.hint])])
        return {**took, OFFLINE: took[WARM]}, {**PEER, OFFLINE: FAILED}, [told]
    return took, PEER, []


def _timed(what: str, build: Callable[[], float]) -> float:
    say(what)
    os.sync()  # else who comes next waits for what the last one wrote
    took = build()
    say(f"{what} took {took:.1f} s")  # all of it takes half an hour: what is there may be read
    return took


def _bytes(checkout: Checkout) -> bytes:
    return next(checkout.output.glob("*.sha256")).read_bytes().split()[0]


if __name__ == "__main__":
    from benchmarks.__main__ import main

    main(["repeat"])
