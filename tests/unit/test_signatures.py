"""What GnuPG's programs print, recorded, and what is read out of it; OpenPGP's own shapes."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from democd.formats import openpgp
from democd.host import gpg, gpgv

FINGERPRINT = "AC41167B4C9D2D93D3E2E959FDF810D64B6EC233"
SUBKEY = "9A4B2A054E7B3653330F684C94A099532148E8E9"

# gpg 2.2.40 --with-colons --fixed-list-mode --list-secret-keys
LISTED = f"""\
sec:u:255:22:FDF810D64B6EC233:1795706162:::u:::scESC:::+::ed25519:::0:
fpr:::::::::{FINGERPRINT}:
grp:::::::::5F2F3A4F2D6D7C0B3B9E2B2D7F0A1C3E5D7F9B1D:
uid:u::::1795706162::4A0F::Ann \\x3aof the lab\\x3a <ann@localhost>::::::::::0:
ssb:u:2048:1:94A099532148E8E9:1795706999::::::s:::+:::23:
fpr:::::::::{SUBKEY}:
sec:e:255:22:198F58582A8FF60A:1695706172:1695706174::u:::sc:::+::ed25519:::0:
fpr:::::::::313B65457740BC68732284198F58582A8FF60AF4:
uid:e::::1695706172::77AB::old@localhost::::::::::0:
"""


def test_secret_keys_are_read_with_their_subkeys() -> None:
    ann, old = gpg.read_keys(LISTED)
    assert (ann.fingerprint, ann.unfit) == (FINGERPRINT, "")
    assert ann.user == "Ann :of the lab: <ann@localhost>"
    assert ann.created == {FINGERPRINT: 1795706162, SUBKEY: 1795706999}
    assert (old.user, old.unfit) == ("old@localhost", "has expired")
    assert gpg.read_keys("") == []


def status(*lines: str) -> list[gpgv.Signed]:
    return gpgv.judge(["gpgv: Good signature", *(f"[GNUPG:] {line}" for line in lines)])


def valid(digest: int, key: str = FINGERPRINT, primary: str = FINGERPRINT) -> str:
    return f"VALIDSIG {key} 2026-11-26 1795706162 0 4 0 22 {digest} 00 {primary}"


def test_what_gpgv_says_of_a_good_signature() -> None:
    [it] = status("NEWSIG", "GOODSIG FDF810D64B6EC233 Ann <ann@localhost>", valid(10))
    assert it == gpgv.Signed("", FINGERPRINT, "Ann <ann@localhost>", 1795706162)
    [by_subkey] = status("GOODSIG 94A099532148E8E9 Ann", valid(10, SUBKEY))
    assert by_subkey.key == FINGERPRINT  # people know the primary key


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (("EXPKEYSIG FDF810D64B6EC233 Ann", valid(10)), "the key has expired"),
        (("REVKEYSIG FDF810D64B6EC233 Ann", valid(10)), "the key is revoked"),
        (("EXPSIG FDF810D64B6EC233 Ann", valid(10)), "the signature has expired"),
        (("BADSIG FDF810D64B6EC233 Ann",), gpgv.FORGED),
        (("ERRSIG FDF810D64B6EC233 22 10 00 1795706162 9 -",), "the key is not in the keyring"),
        (("ERRSIG FDF810D64B6EC233 99 10 00 1795706162 4 -",), "cannot be checked by gpgv"),
        (("GOODSIG FDF810D64B6EC233 Ann", valid(2)), "SHA-1, which can be forged"),
        (("GOODSIG FDF810D64B6EC233 Ann",), "does not say that it is valid"),
    ],
)
def test_what_is_worth_nothing(lines: tuple[str, ...], fault: str) -> None:
    [it] = status(*lines)
    assert fault in it.fault


def test_each_of_several_signatures_has_its_verdict() -> None:
    unknown, good = status(
        "NEWSIG", "ERRSIG 198F58582A8FF60A 22 10 00 1795706162 9 -",
        "NEWSIG", "GOODSIG FDF810D64B6EC233 Ann", valid(8),
    )  # fmt: skip
    assert (unknown.fault, good.fault) == ("the key is not in the keyring", "")
    assert status() == []


# --- packets --------------------------------------------------------------------------------------


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, len(body)]) + body


def signature(*subpackets: tuple[int, bytes]) -> bytes:
    area = b"".join(bytes([len(data) + 1, kind]) + data for kind, data in subpackets)
    head = bytes([4, 0, 22, 10]) + len(area).to_bytes(2, "big") + area
    return packet(2, head + bytes([0, 0]) + b"\x12\x34")


SIGNED = signature((2, (1795706162).to_bytes(4, "big")), (33, b"\4" + bytes.fromhex(FINGERPRINT)))


def armored(data: bytes) -> bytes:
    text = base64.b64encode(data)
    return (
        b"-----BEGIN PGP SIGNATURE-----\nComment: x\n\n" + text + b"\n=abcd\n"
        b"-----END PGP SIGNATURE-----\n"
    )


@pytest.mark.parametrize("data", [SIGNED, armored(SIGNED), b"\r\n" + armored(SIGNED)])
def test_a_signature_names_its_key(data: bytes) -> None:
    assert openpgp.signatures(data) == [openpgp.Signature(FINGERPRINT, 1795706162)]


def test_several_armors_are_one_keyring() -> None:
    key = packet(6, b"\4" + bytes(40))
    assert openpgp.dearmored(armored(key) + b"words between\n" + armored(key)) == key + key
    assert openpgp.is_keyring(key)
    assert openpgp.is_keyring(bytes([0, 0, 0, 32, 1, 1, 0, 2]) + b"KBXf" + bytes(20))
    assert not openpgp.is_keyring(SIGNED)
    assert not openpgp.is_keyring(b"words")


@pytest.mark.parametrize(
    "data", [b"", b"words", SIGNED[:-1], armored(b"x"), armored(SIGNED)[:-20], packet(6, b"\4")]
)
def test_what_is_no_signature(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it|^its"):
        openpgp.signatures(data)


@given(st.binary(max_size=80))
def test_no_bytes_lead_to_another_error(data: bytes) -> None:
    for text in (data, SIGNED[:8] + data, armored(data)):
        openpgp.is_keyring(text)
        with contextlib.suppress(ValueError):
            openpgp.signatures(text)
