"""Discs that are signed, by real keys: whom `verify --keyring` believes, and whom it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from democd import cli, layout, remake
from democd.errors import InputError
from democd.formats import isoread, openpgp
from democd.host import gpg, gpgv
from democd.host.progress import Reporter
from democd.remake import Wanted
from democd.stages import master, source_iso
from democd.verify import Verdict, report, verify
from democd.workspace import Workspace
from tests.support.keys import Keys, new_keys
from tests.tools import small_disc
from tests.unit.test_source_disc import planned
from xendemo import signature
from xendemo.errors import Failure

pytestmark = pytest.mark.build

ANN = "Ann <ann@localhost>"


@pytest.fixture(scope="module")
def keys() -> Iterator[Keys]:
    with new_keys() as made:
        made.make(ANN)
        yield made


@pytest.fixture(autouse=True)
def _home(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(keys.home))
    monkeypatch.delenv("GPG_TTY", raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small")


def signed(folder: Path, output: Path, key: str = "ann@localhost", name: str = "small") -> Path:
    output.mkdir(exist_ok=True)
    sign = gpg.signer(key).sign
    plan = small_disc.plan(folder, sign=sign)
    return master.publish(plan, output, name, lambda done, total: None, sign).iso


@pytest.fixture
def iso(folder: Path, tmp_path: Path) -> Path:
    return signed(folder, tmp_path / "out")


def ring(keys: Keys, folder: Path, *users: str) -> bytes:
    return openpgp.dearmored(keys.public(folder / "ring.asc", *users).read_bytes())


def fault(verdict: Verdict) -> str:
    found = {check.name: check.detail for check in verdict.checks if not check.ok}
    assert set(found) == {"signature"}, report(verdict)
    return found["signature"]


def content(iso: Path, path: str) -> bytes:
    with isoread.open_disc(iso) as disc:
        return disc.content(disc.files()[path])


def test_a_signed_disc_is_good_and_tells_who_signed_it(
    keys: Keys, iso: Path, tmp_path: Path
) -> None:
    fingerprint = gpg.signer("ann@localhost").fingerprint
    verdict = verify(iso, keyring=ring(keys, tmp_path))
    told = report(verdict)
    assert verdict.ok, told
    assert told.count(f"is signed by {ANN}, {fingerprint}, 20") == 2  # on it, and beside it
    assert "small.iso.sha256 is signed" in told
    assert f"signed by {fingerprint}; not checked: --keyring" in report(verify(iso))


def test_gpgv_alone_believes_it_too(keys: Keys, iso: Path, tmp_path: Path) -> None:
    (tmp_path / "sums").write_bytes(content(iso, layout.SUMS))
    (tmp_path / "sums.gpg").write_bytes(content(iso, layout.SIGNATURE))
    keyring = keys.public(tmp_path / "ring.gpg", armor=False)
    for text in (tmp_path / "sums", iso.with_name("small.iso.sha256")):
        subprocess.run(["gpgv", "--keyring", keyring, f"{text}.gpg", text], check=True)


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "nistp256"])
def test_the_same_key_makes_the_same_disc(
    keys: Keys, kind: str, folder: Path, tmp_path: Path
) -> None:
    user = f"{kind}@localhost"
    keys.make(user, kind)
    first = signed(folder, tmp_path / "first", user)
    time.sleep(1.1)  # OpenPGP counts seconds
    second = signed(folder, tmp_path / "second", user)
    assert first.read_bytes() == second.read_bytes()
    assert first.with_name("small.iso.sha256.gpg").read_bytes() == (
        second.with_name("small.iso.sha256.gpg").read_bytes()
    )


def test_nobody_has_signed_it(keys: Keys, folder: Path, tmp_path: Path) -> None:
    made = master.publish(small_disc.plan(folder), tmp_path, "x", lambda done, total: None)
    assert verify(made.iso).ok
    assert "nobody has signed" in fault(verify(made.iso, keyring=ring(keys, tmp_path)))


def test_a_stranger_has_signed_it(keys: Keys, iso: Path, tmp_path: Path) -> None:
    keys.make("eve@localhost")
    told = fault(verify(iso, keyring=ring(keys, tmp_path, "eve@localhost")))
    assert "the key is not in the keyring" in told


def test_another_disc_with_the_old_signature(
    keys: Keys, iso: Path, folder: Path, tmp_path: Path
) -> None:
    """All sums are right: only the signature tells that they are not those that Ann signed."""
    old = content(iso, layout.SIGNATURE)
    plan = small_disc.plan(folder, readme="Boot me.\n", sign=lambda text, date: old)
    made = master.publish(plan, tmp_path, "forged", lambda done, total: None)
    assert verify(made.iso).ok
    assert gpgv.FORGED in fault(verify(made.iso, keyring=ring(keys, tmp_path)))


def test_what_is_no_file_is_signed_by_the_sum_beside_it(
    keys: Keys, iso: Path, tmp_path: Path
) -> None:
    keyring = ring(keys, tmp_path)
    with iso.open("r+b") as stream:
        stream.seek(20_000)  # before the volume: no file, and no table that another check knows
        stream.write(b"x")
    assert "has not the sum" in fault(verify(iso, keyring=keyring))
    iso.with_name("small.iso.sha256.gpg").unlink()
    assert "is not signed, such as the boot code" in report(verify(iso, keyring=keyring))


def test_expired_and_revoked_keys_are_not_believed(
    keys: Keys, folder: Path, tmp_path: Path
) -> None:
    keys.make("old@localhost", expires="seconds=5")
    revoked = keys.make("lost@localhost")
    discs = {name: signed(folder, tmp_path / name, f"{name}@localhost") for name in ("old", "lost")}
    keys.revoke(revoked)
    keys.wait_for_the_end_of("old@localhost")
    keyring = ring(keys, tmp_path)
    assert "the key has expired (old@localhost" in fault(verify(discs["old"], keyring=keyring))
    assert "the key is revoked (lost@localhost" in fault(verify(discs["lost"], keyring=keyring))
    for name in discs:
        with pytest.raises(InputError, match=f"--sign {name}@localhost: the key [0-9A-F]+ "):
            gpg.signer(f"{name}@localhost")


def test_a_disc_made_from_a_signed_one_is_signed_anew_or_not_at_all(
    keys: Keys, iso: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def again(**changes: object) -> Path:
        made = remake.build(
            Wanted(iso, **changes),  # type: ignore[arg-type]
            workspace=Workspace(tmp_path / "build"), output=tmp_path / "new", reporter=Reporter(),
        )  # fmt: skip
        return made.files.iso

    keyring = ring(keys, tmp_path)
    signed_anew = again(sign=gpg.signer("ann@localhost").sign)
    assert "the old disc is signed" not in capsys.readouterr().err
    assert signed_anew.read_bytes() == iso.read_bytes()
    assert verify(signed_anew, keyring=keyring).ok
    unsigned = again()
    assert "the old disc is signed, the new one is not" in capsys.readouterr().err
    assert "nobody has signed" in fault(verify(unsigned, keyring=keyring))
    assert not unsigned.with_name(f"{unsigned.name}.sha256.gpg").exists()
    assert cli.main(["diff", str(iso), str(unsigned)]) == 1
    assert "/SHA256SUMS.gpg: only the first is signed" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("gpgv"), reason="gpgv is not installed")
def test_the_running_disc_tells_who_has_signed_it(keys: Keys, iso: Path, tmp_path: Path) -> None:
    """By gpgv, as on Debian 12; a boot test does it by sqv."""
    for path in (layout.SUMS, layout.SIGNATURE):
        (tmp_path / path[1:]).write_bytes(content(iso, path))
    fingerprint = gpg.signer("ann@localhost").fingerprint
    for armor in (True, False):
        keyring = keys.public(tmp_path / "ring", "ann@localhost", armor=armor)
        assert signature._by_gpgv(str(tmp_path), str(keyring)) == f"{ANN}, {fingerprint}"
    (tmp_path / "SHA256SUMS").write_bytes(content(iso, layout.SUMS)[1:])
    with pytest.raises(Failure, match="nobody whose key"):
        signature._by_gpgv(str(tmp_path), str(keyring))
    (tmp_path / "ring").write_bytes(b"no keys")
    (tmp_path / "SHA256SUMS").write_bytes(content(iso, layout.SUMS))
    with pytest.raises(Failure, match="nobody whose key"):
        signature._by_gpgv(str(tmp_path), str(keyring))


def test_a_disc_of_sources_is_signed_too(keys: Keys, tmp_path: Path) -> None:
    disc = planned(tmp_path, [], sign=gpg.signer("ann@localhost").sign)
    source_iso.master(disc, tmp_path / "sources.iso", lambda done, total: None)
    checks = verify(tmp_path / "sources.iso", keyring=ring(keys, tmp_path)).checks
    good = {check.name: check.detail for check in checks if check.ok}
    assert {"checksums", "signature"} <= set(good)
    assert f"SHA256SUMS is signed by {ANN}" in good["signature"]


@pytest.mark.parametrize("key", ["nobody@localhost", "", "/etc/passwd", "--version"])
def test_a_key_that_is_not_there_is_told_before_any_work(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"--sign={key}", "--build-dir", str(tmp_path / "b"), "--output-dir", str(tmp_path)]
    assert cli.main(["build", *words]) == 2
    assert "--sign" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_keys_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNUPGHOME", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"there is no .*/none"):
        gpg.signer("ann@localhost")
    assert not (tmp_path / "none").exists()


def test_a_name_of_two_keys_is_refused(keys: Keys) -> None:
    fingerprints = [keys.make(f"{name} <twin@localhost>") for name in ("One", "Two")]
    with pytest.raises(InputError, match="several keys") as told:
        gpg.signer("twin@localhost")
    assert all(fingerprint in told.value.message for fingerprint in fingerprints)
    assert gpg.signer(fingerprints[0]).fingerprint == fingerprints[0]


def test_a_passphrase_that_nobody_can_be_asked_for(keys: Keys) -> None:
    keys.make("safe@localhost", word="a word")
    keys.forget()
    started = time.monotonic()
    with pytest.raises(InputError, match="safe@localhost: cannot sign") as told:
        _without_a_terminal("safe@localhost")
    assert "gpg-agent asks for the passphrase" in told.value.hint
    assert time.monotonic() - started < 60


def _without_a_terminal(key: str) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY"):
        os.environ.pop(name, None)
    gpg.signer(key)


@pytest.mark.parametrize("text", [b"", b"words", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\nx"])
def test_a_keyring_that_is_none(
    text: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ring").write_bytes(text)
    for path in (tmp_path / "ring", tmp_path / "nowhere"):
        assert cli.main(["verify", "x.iso", "--keyring", str(path)]) == 2
        assert f"--keyring {path}" in capsys.readouterr().err
