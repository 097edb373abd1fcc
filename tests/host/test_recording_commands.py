"""`renfort recordings …`, `renfort axis connection-file`: by whom, why, and what is left of it."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import io
import json
import os
import stat
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hooks import DeviceId, Piece, PieceKind, Recording, RecordingId
from vms_plugin.certificate import issue
from vms_plugin.cli import main
from vms_plugin.recordings import extraction, open_archive
from vms_plugin.recordings.extraction import harmless_name
from vms_plugin.register import faults
from vms_plugin.settings import read
from vms_plugin.store import Store
from vms_plugin.web import accounts

PASSWORD = "a long enough password"
NAME = "axis:u1_c1_20261123T180405Z"
KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    written = tmp_path / "renfort.toml"
    written.write_text(
        '[storage]\npath = "renfort.db"\n[recordings]\nfree_floor_gb = 0\n', encoding="utf-8"
    )
    asyncio.run(_filled(written))
    return written


async def _filled(config: Path) -> None:
    settings = read(config)
    store = Store(settings.database)
    try:
        await accounts.add(store, "Roy", PASSWORD, "chef")
        await accounts.add(store, "Léa", PASSWORD, "policier")
        vault = open_archive(settings, store).vault("axis")
        told = Recording(
            id=RecordingId(NAME), device=DeviceId("axis:c1"), complete=True,
            started_at=datetime.now(UTC) - timedelta(days=2),
        )  # fmt: skip
        await vault.tell(told)
        for name, kind in (("../../clip.mp4", PieceKind.VIDEO), ("clip.key", PieceKind.KEY)):
            piece = Piece(recording=told.id, name=name, kind=kind)
            await vault.keep(piece, _once(name.encode() * 1000))
    finally:
        store.close()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def run(
    config: Path, *words: str, by: str = "Roy", password: str = PASSWORD
) -> tuple[int, str, str]:
    """Run the command as a person would; answer its exit code and what it said."""
    patch = pytest.MonkeyPatch()
    out, err = io.StringIO(), io.StringIO()
    with patch.context() as put:
        put.setattr("sys.stdin", io.StringIO(password + "\n"))
        put.setattr("sys.stdout", out)
        put.setattr("sys.stderr", err)
        given = [*words, "--by", by, "--password-stdin", "--config", str(config)]
        code = main(["recordings", *given])
    return code, out.getvalue(), err.getvalue()


def register(config: Path) -> list[tuple[str, str, str, str, dict[str, str]]]:
    async def rows() -> list[tuple[str, str, str, str, dict[str, str]]]:
        store = Store(read(config).database)
        try:
            lines = await store.register()
        finally:
            store.close()
        assert faults(lines) == []
        return [(*row[2:6], json.loads(row[6])) for row in lines if row[2] != "collection"]

    return asyncio.run(rows())


def test_the_list_says_until_when_each_is_kept_and_is_a_consultation(config: Path) -> None:
    code, out, _ = run(config, "list", "--reason", "contrôle")

    assert code == 0
    assert NAME in out
    assert "détruit après le" in out
    assert "2 pièces" in out
    assert [line[:2] for line in register(config)] == [("consultation", "Roy")]
    assert register(config)[0][3] == "contrôle"


@pytest.mark.parametrize(
    ("by", "password", "said"),
    [
        ("Léa", PASSWORD, "n'est pas habilité"),
        ("Roy", "wrong password", "Nom ou mot de passe"),
        ("Nobody", PASSWORD, "Nom ou mot de passe"),
    ],
)
def test_r241_12_i_only_somebody_designated_who_proves_it(
    config: Path, by: str, password: str, said: str, tmp_path: Path
) -> None:
    words = ("extract", NAME, "--to", str(tmp_path / "out"), "--recipient", "OPJ Martin",
             "--reason", "enquête", "--procedure", "judiciaire", "--number", "1")  # fmt: skip
    code, out, err = run(config, *words, by=by, password=password)

    assert (code, out) == (1, "")
    assert said in err
    assert not (tmp_path / "out").exists()
    assert register(config) == []


def test_it_is_set_aside_released_and_both_are_on_record(config: Path) -> None:
    aside = ("set-aside", NAME, "--procedure", "disciplinaire", "--number", "D-3")
    assert run(config, *aside)[0] == 1  # no reason
    assert run(config, "set-aside", NAME, "--reason", "x")[0] == 1  # no procedure
    assert run(config, *aside, "--reason", "plainte")[0] == 0
    assert "mis de côté par Roy" in run(config, "list")[1]
    other = ("--procedure", "judiciaire", "--number", "2026/1")
    assert run(config, "set-aside", NAME, *other, "--reason", "plainte")[0] == 0
    assert "--procedure" in run(config, "release", NAME, "--reason", "classée")[2]
    assert "autre" in run(config, "release", NAME, *other, "--reason", "classée")[1]
    assert run(config, "release", NAME, "--reason", "classée")[0] == 0
    code, _, err = run(config, "release", "axis:none", "--reason", "x")

    assert (code, "axis:none" in err) == (1, True)
    assert [line[0] for line in register(config)] == [
        "modification", "consultation", "modification", "modification", "modification",
    ]  # fmt: skip


def test_what_is_taken_out_is_whole_harmless_and_communicated(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "scellé 12"
    words = ("extract", NAME, "--to", str(out), "--recipient", "OPJ Martin", "--reason", "enquête",
             "--procedure", "judiciaire", "--number", "2026/0412")  # fmt: skip
    code, said, err = run(config, *words)

    assert (code, err) == (0, "")
    names = sorted(each.name for each in out.iterdir())
    assert names == ["001_clip.mp4", "002_clip.key", "empreintes.sha256"]
    assert (out / "001_clip.mp4").read_bytes() == b"../../clip.mp4" * 1000
    checked = subprocess.run(["sha256sum", "-c", "empreintes.sha256"], cwd=out, check=False,
                             capture_output=True, text=True)  # fmt: skip
    assert checked.returncode == 0
    kind, who, what, why, detail = register(config)[-1]
    assert (kind, who, what, why) == ("communication", "Roy", NAME, "enquête")
    assert detail == {
        "recipient": "OPJ Martin", "procedure": "judiciaire", "number": "2026/0412",
    }  # fmt: skip
    code, _, err = run(config, *words)
    assert (code, "est déjà là" in err) == (1, True)
    assert "écrit" in said


def test_what_the_disk_does_not_take_leaves_no_half_of_a_picture(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(number: int, mode: str) -> Full:
        os.close(number)
        return Full()

    monkeypatch.setattr(extraction, "os", SimpleNamespace(**{**vars(os), "fdopen": opened}))
    words = ("extract", NAME, "--to", str(tmp_path / "o"), "--recipient", "OPJ", "--reason", "x",
             "--training")  # fmt: skip
    code, _, err = run(config, *words)

    assert (code, "espace disque épuisé" in err) == (1, True)
    assert list((tmp_path / "o").iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--recipient", "OPJ", "--reason", "x"),
        ("--recipient", "OPJ", "--reason", "x", "--procedure", "judiciaire"),
        ("--recipient", "OPJ", "--reason", "x", "--procedure", "judiciaire", "--number", "1",
         "--training"),
        ("--reason", "x", "--training"),
        ("--recipient", "OPJ", "--training"),
    ],
)  # fmt: skip
def test_r241_12_i_nothing_is_taken_out_without_purpose_recipient_and_reason(
    config: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert run(config, "extract", NAME, "--to", str(tmp_path / "o"), *words)[0] == 1
    assert not (tmp_path / "o").exists()
    assert register(config) == []


def test_r241_13_training_is_reminded_to_be_anonymous(config: Path, tmp_path: Path) -> None:
    words = ("extract", NAME, "--to", str(tmp_path / "o"), "--recipient", "centre de formation",
             "--reason", "gestes", "--training")  # fmt: skip
    code, out, _ = run(config, *words)

    assert code == 0
    assert "anonyme" in out
    assert register(config)[-1][4]["for"] == "training"


def test_a_piece_that_was_altered_does_not_leave(config: Path, tmp_path: Path) -> None:
    for file in Path(read(config).recordings.store).iterdir():
        file.write_bytes(b"something else")
    words = ("extract", NAME, "--to", str(tmp_path / "o"), "--recipient", "OPJ", "--reason", "x",
             "--training")  # fmt: skip
    code, _, err = run(config, *words)

    assert code == 1
    assert "modifié" in err
    assert list((tmp_path / "o").iterdir()) == []


def test_file_names_are_harmless() -> None:
    assert harmless_name("../../etc/passwd") == "etc_passwd"
    assert harmless_name("2026-11-23T18:03:12Z é.mp4") == "2026-11-23T18_03_12Z_.mp4"
    assert harmless_name("\x00/..") == "piece"
    assert len(harmless_name("x" * 900)) == 100


# --- the connection file ---


def written(config: Path, *words: str) -> int:
    return main(["axis", "connection-file", "--config", str(config), *words])


def test_the_connection_file_is_written_for_the_station_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = issue(tmp_path, "127.0.0.1")
    (tmp_path / "docking.mdp").write_text("a secret of the station\n")
    (tmp_path / "owner.pem").write_text(KEY)
    config = tmp_path / "renfort.toml"
    config.write_text(
        f"""
        [server]
        certificate = "{files.certificate}"
        certificate_key = "{files.key}"
        [adapters.axis]
        transport = "none"
        docking_port = 8791
        docking_password_file = "docking.mdp"
        docking_site = "CSU"
        docking_public_key_file = "owner.pem"
        docking_public_key_id = "parquet-2026"
        """,
        encoding="utf-8",
    )
    out = tmp_path / "connexion.json"
    address = "https://csu.example.org:8791"
    code = written(config, "--address", address, "--ca", str(files.ca), "--out", str(out))
    said = json.loads(out.read_text())

    assert code == 0
    assert said["AuthenticationTokenURI"] == [f"{address}/auth/v1.0"]
    assert base64.b64decode(said["HTTPSCertificate"][0]).decode() == files.ca.read_text()
    assert said["BlobAPIKey"] == "a secret of the station"
    assert (said["WantEncryption"], said["PublicKeyId"]) == (True, "parquet-2026")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "écrit" in capsys.readouterr().out
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    assert written(config, "--address", address, "--ca", str(files.ca), "--out", str(out)) == 0
    assert hashlib.sha256(out.read_bytes()).hexdigest() == digest


def test_a_shut_door_and_a_wrong_setting_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "renfort.toml"
    words = ("--address", "https://x", "--out", str(tmp_path / "c.json"))
    config.write_text('[adapters.axis]\ntransport = "none"\n', encoding="utf-8")
    assert written(config, *words) == 1
    assert "aucune entrée" in capsys.readouterr().err
    config.write_text('[adapters.axis]\ntransport = "none"\ndocking_port = 8791\n',
                      encoding="utf-8")  # fmt: skip
    assert written(config, *words) == 1
    assert "docking_password" in capsys.readouterr().err
    assert main(["nobody", "connection-file", "--config", str(config), *words]) == 1
    assert not (tmp_path / "c.json").exists()
