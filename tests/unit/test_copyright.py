"""Debian's copyright files: licences as SPDX names them, and only where that is certain."""

from __future__ import annotations

import pytest

from democd.formats import copyright

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"


def files(*names: str) -> str:
    return HEAD + "".join(f"Files: {name}/*\nLicense: {name}\n\n" for name in names)


@pytest.mark.parametrize(
    ("name", "spdx"),
    [
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("gpl-3-or-later", "GPL-3.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
        ("Expat", "MIT"),
        ("BSD-3-clause", "BSD-3-Clause"),
        ("zlib", "Zlib"),
        ("MIT", None),  # Expat's, or X11's
        ("BSD", None),
        ("GPL", None),
        ("GPL-7", None),
        ("LGPL-1", None),
        ("Artistic", None),
        ("public-domain", None),
        ("GPL-2+ with OpenSSL exception", None),
    ],
)
def test_names(name: str, spdx: str | None) -> None:
    assert copyright.spdx_id(name) == spdx


@pytest.mark.parametrize(
    ("name", "spdx"),
    [
        ("GPL-2 or Expat and ISC", "GPL-2.0-only OR (MIT AND ISC)"),
        ("GPL-2 or Expat, and ISC", "(GPL-2.0-only OR MIT) AND ISC"),
        ("GPL-2 and Expat, or ISC", "(GPL-2.0-only AND MIT) OR ISC"),
        ("GPL-2 and GPL-2", "GPL-2.0-only"),
    ],
)
def test_several_licences_of_a_file(name: str, spdx: str) -> None:
    assert copyright.read(files(name)).expression == spdx


def test_all_files_count_and_each_licence_once() -> None:
    found = copyright.read(files("ISC", "GPL-2 or ISC", "Expat", "ISC"))
    assert found.expression == "(GPL-2.0-only OR ISC) AND ISC AND MIT"
    assert not found.extracted


def test_a_licence_without_a_name_of_spdx_comes_with_its_text() -> None:
    text = files("ISC", "odd one") + "License: odd one\n Do what\n .\n you like.\n"
    ((reference, licence),) = copyright.read(text).extracted.items()
    assert reference.startswith("LicenseRef-odd-one-")
    assert licence.text == "Do what\n.\nyou like."
    assert copyright.read(text).expression == f"ISC AND {reference}"
    other = copyright.read(text.replace("like", "want")).extracted
    assert reference not in other  # another text of that name is another licence


@pytest.mark.parametrize("text", ["", "This is bash.\nLicense: GPL-2\n", "Format: other\n\n"])
def test_what_machines_cannot_read_tells_nothing(text: str) -> None:
    assert copyright.read(text).expression == ""
