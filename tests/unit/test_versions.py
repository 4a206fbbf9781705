"""The newest of several kernels is the one a person would call so."""

import random

from democd.formats.versions import age_key, version_key


def test_versions_in_their_order() -> None:
    ordered = [
        "",
        "new-kernel",
        "2.6.18-xen",
        "4.9",
        "4.20-unstable",
        "4.20-rc2",
        "4.20.0",
        "4.20.2",
        "4.20.5-pre",
        "4.20.5",
        "6.1.0-9-amd64",
        "6.1.0-10-amd64",
        "6.12-rc1",
        "6.12-rc10",
        "6.12",
        "6.12.9+deb13-amd64",
        "6.12.117+deb13-amd64",
    ]
    shuffled = ordered.copy()
    random.Random(1).shuffle(shuffled)
    assert sorted(shuffled, key=version_key) == ordered


def test_a_zero_more_makes_no_other_version() -> None:
    assert version_key("6.12") == version_key("6.12.0")


def test_flavours_of_one_source_are_of_one_age() -> None:
    assert age_key("6.1.0-56-amd64") == age_key("6.1.0-56-cloud-amd64")
    assert age_key("6.1.0-56-amd64") < age_key("6.1.0-100-cloud-amd64")
    assert age_key("6.12-rc1-amd64") < age_key("6.12.0-amd64")
