"""What apt says when it fails, told in words."""

from __future__ import annotations

import pytest

from democd.apt_trouble import explain
from democd.errors import BuildError


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "E: Unable to locate package vi-m\nE: Unable to locate package emcs",
            "trixie has no package vi-m, emcs",
        ),
        ("E: Package 'vrms' has no installation candidate", "trixie has no package vrms"),
        ("E: The repository 'copy:/m trixie Release' is not signed.", "not signed"),
        (
            "  Could not resolve 'nowhere'\nE: Failed to fetch http://nowhere/InRelease  Could not"
            " resolve 'nowhere'\nE: Some index files failed to download.",
            "trixie cannot be fetched",
        ),
        ("E: Release file for http://m is expired (invalid since 3d)", "clock"),
        ("E: Failed to fetch http://m/a.deb  Hash Sum mismatch", "other bytes"),
        ("unshare: unshare failed: Operation not permitted", "namespaces"),
    ],
)
def test_a_failure_is_told_in_words(said: str, told: str) -> None:
    lines = ["I: running apt-get update...", *said.splitlines(), "E: mmdebstrap failed to run"]
    error = explain(BuildError("mmdebstrap failed", "$ long"), lines, "trixie")
    assert told in error.message
    assert said.splitlines()[-1] in error.hint or "Could not resolve" in error.hint
    assert "$ long" not in error.hint


def test_an_unknown_failure_is_left_as_it_is() -> None:
    error = BuildError("mmdebstrap failed", "$ long")
    assert explain(error, ["E: the moon is full"], "trixie") is error
