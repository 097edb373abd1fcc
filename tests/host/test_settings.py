"""The configuration: every fault listed with its key, its value and the remedy."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from vms_plugin.cli import main
from vms_plugin.settings import BadConfigurationError, LiveSettings, Settings, read
from vms_plugin.template import write_configuration


def configured(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "renfort.toml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def faults(tmp_path: Path, text: str) -> dict[str, str]:
    with pytest.raises(BadConfigurationError) as caught:
        configured(tmp_path, text)
    return {fault.key: str(fault.remedy) for fault in caught.value.faults}


def test_the_configuration_written_for_a_new_site_is_right(tmp_path: Path) -> None:
    path = tmp_path / "renfort.toml"
    write_configuration(path)

    settings = read(path)

    assert settings.database == tmp_path / "renfort.db"
    assert len(settings.intake_tokens["crews"]) >= 24
    assert settings.intake_tokens["crews"] != settings.intake_tokens["axis"]
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(FileExistsError):
        write_configuration(path)


def test_every_fault_is_listed(tmp_path: Path) -> None:
    found = faults(tmp_path, """
        language = "de"
        colour = "red"
        crews = 3
        [server]
        port = 99999
        prot = 1
        [territory]
        osm = "nowhere.osm.pbf"
        [crews_]
        x = 1
        [intake.tokens]
        crews = "short"
        [devices."axis:1"]
        callsign = "PM-1"
        [adapters]
        axis = 3
        [incident]
        close_after_end_s = "soon"
    """.replace("crews = 3\n", "", 1))  # fmt: skip

    assert found == {
        "language": 'write "fr" or "en"',
        "colour": "unknown key: remove it",
        "server.port": "write a whole number from 1 to 65535",
        "server.prot": "unknown key; did you mean server.port?",
        "territory.osm": f"there is no file {tmp_path / 'nowhere.osm.pbf'}",
        "crews_.x": found["crews_.x"],
        "intake.tokens.crews": "write a secret of at least 16 characters, in quotes",
        "devices.axis:1.callsign": "write call_sign or crew, with a text in quotes",
        "adapters.axis": "write a table: [adapters.axis]",
        "incident.close_after_end_s": "write a number from 0 to 86400",
    }


@pytest.mark.parametrize("section", ["server", "wall", "oidc", "exercise"])
def test_a_section_written_as_a_value_is_asked_for_as_a_table(tmp_path: Path, section: str) -> None:
    assert faults(tmp_path, f"{section} = 3") == {section: f"write a table: [{section}]"}


def test_a_page_beyond_this_machine_needs_a_certificate(tmp_path: Path) -> None:
    assert "server.host" in faults(tmp_path, '[server]\nhost = "0.0.0.0"')


def test_half_a_certificate_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text("…")

    assert "server.certificate" in faults(tmp_path, '[server]\ncertificate = "c.pem"')


@pytest.mark.parametrize("text", ["[server", "\x00", "a = 1\na = 2"])
def test_what_is_not_toml_is_said(tmp_path: Path, text: str) -> None:
    [(key, remedy)] = faults(tmp_path, text).items()

    assert key.endswith("renfort.toml")
    assert remedy.startswith("is not TOML")


def test_a_secret_is_read_from_its_file_and_paths_start_from_the_configuration(
    tmp_path: Path,
) -> None:
    (tmp_path / "axis.mdp").write_text("hunter2\n")
    settings = configured(
        tmp_path, '[adapters.axis]\npassword_file = "axis.mdp"\nca = "ca.pem"\n'
        '[devices."axis:1"]\ncall_sign = "PM-1"\n'
    )  # fmt: skip

    assert settings.adapters["axis"] == {"password": "hunter2", "ca": str(tmp_path / "ca.pem")}
    assert [wearer.call_sign for wearer in settings.wearers.values()] == ["PM-1"]


def test_the_live_picture_for_a_vms_is_read(tmp_path: Path) -> None:
    (tmp_path / "vms.mdp").write_text("secret\n")
    live = configured(
        tmp_path, """
        [live]
        rtsp_port = 8554
        onvif_port = 8899
        username = "vms"
        password_file = "vms.mdp"
        officers = ["PM-214", "PM-207"]
        sound = "aac"
        still = false
        """
    ).live  # fmt: skip

    assert live == LiveSettings(
        rtsp_port=8554, onvif_port=8899, username="vms", password="secret",
        officers=("PM-214", "PM-207"), sound="aac", still=False,
    )  # fmt: skip
    assert "secret" not in repr(live)


def test_what_the_live_picture_lacks_is_said_all_at_once(tmp_path: Path) -> None:
    found = faults(tmp_path, """
        [live]
        rtsps_port = 8322
        onvif_port = 8899
        officers = ["PM-1", "PM-1"]
        sound = "mp3"
        still = "no"
    """)  # fmt: skip

    assert found == {
        "live.officers": "write each name once",
        "live.sound": "write one of: pcma, pcmu, aac, opus, none",
        "live.still": "write true or false",
        "live.password_file": found["live.password_file"],
        "live.rtsps_port": "RTSP under TLS needs server.certificate",
        "live.onvif_port": "an ONVIF device needs live.rtsp_port and live.officers",
    }


def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--config", str(tmp_path / "none.toml")]) == 1
    assert "none.toml: ne se lit pas" in capsys.readouterr().err


def test_a_port_that_another_program_has_is_said_in_french(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "renfort.toml"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config.write_text(f"[server]\nport = {port}\n")
        assert main(["serve", "--config", str(config)]) == 1

    told = capsys.readouterr().err
    assert f"server.port {port} : écoute impossible" in told
    assert "un autre programme occupe ce port" in told


def test_the_commands_of_a_new_site_follow_one_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    path = tmp_path / "renfort.toml"
    assert main(["init", str(path)]) == 0
    assert main(["init", str(path)]) == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["account", "Léa", "--config", str(path), "--password-stdin"]) == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("long enough for a night\n"))
    assert main(["account", "Léa", "--config", str(path), "--password-stdin"]) == 0
    assert main(["doctor", "--config", str(path)]) == 1
    assert main(["simulate"]) == 0

    said = capsys.readouterr().out
    assert "✗ adapters: aucune caméra-piéton n’est branchée" in said
    assert "✗ territory: aucune caméra de la ville n’est connue" in said
    assert "Compte Léa prêt, rôle civil." in said
    assert "✓ adapters.crews" in said
    assert "axis\nineo\nmilestone\n" in said


def test_the_doctor_names_what_is_broken_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cameras.geojson").write_text("no layer")
    path = tmp_path / "renfort.toml"
    path.write_text(
        '[territory]\ncameras = "cameras.geojson"\n[adapters.genetec]\n'
        '[adapters.milestone]\nurl = "https://127.0.0.1:9"\nusername = "u"\npassword = "p"\n'
    )

    assert main(["doctor", "--json", "--config", str(path)]) == 1

    said = capsys.readouterr().out
    assert "cameras.geojson est inutilisable" in said
    assert "adapters.genetec" in said
    assert "127.0.0.1:9 ne répond pas" in said


def test_the_doctor_finds_nothing_wrong_where_someone_can_call_and_be_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = (
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"id": "1"}, '
    )
    layer += '"geometry": {"type": "Point", "coordinates": [4.08, 43.56]}}]}'
    (tmp_path / "cameras.geojson").write_text(layer)
    path = tmp_path / "renfort.toml"
    path.write_text(
        '[territory]\ncameras = "cameras.geojson"\n[adapters.axis]\ntransport = "bridge"\n'
    )

    assert main(["doctor", "--config", str(path)]) == 0
    assert "✗" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--help"], "afficher cette aide"),
        (["doctr"], "erreur : COMMANDE : 'doctr' n’est pas possible ; au choix : 'serve'"),
        (["situate"], "erreur : il manque : LON,LAT, --layers"),
        (["demo", "--port", "x"], "erreur : --port : valeur impossible : 'x'"),
        (["doctor", "--config"], "erreur : --config : il faut une valeur"),
        (["simulate", "axis", "--x"], "erreur : arguments inconnus : --x"),
    ],
)
def test_a_command_line_is_helped_and_refused_in_french(
    line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(line)

    told = capsys.readouterr()
    assert said in told.out + told.err
    assert "usage : renfort" in told.out + told.err


def test_a_simulator_whose_port_is_taken_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        assert main(["simulate", "milestone", "--plain", "--port", port]) == 1

    assert "un autre programme occupe ce port" in capsys.readouterr().err


def test_an_unknown_simulator_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["simulate", "genetec"]) == 2
    assert "axis, ineo, milestone" in capsys.readouterr().err


@pytest.mark.parametrize("written", ['"Mars/Olympus"', '""', "3", '"../../etc/passwd"'])
def test_a_time_zone_is_a_name(tmp_path: Path, written: str) -> None:
    found = faults(tmp_path, f"[territory]\ntimezone = {written}\n")

    assert list(found) == ["territory.timezone"]
    assert "Indian/Reunion" in found["territory.timezone"]
