"""Every wrong setting names its field, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.axis import Axis
from hooks import BadSettings
from hooks.testing import check_adapter

DIRECT = {
    "transport": "direct",
    "url": "https://192.0.2.10",
    "username": "renfort",
    "password": "correct horse",
}


@pytest.mark.parametrize("settings", [{"transport": "bridge"}, DIRECT])
def test_the_adapter_keeps_the_contract(settings: dict[str, object]) -> None:
    assert check_adapter(Axis(), settings).name == "axis"


def test_without_a_section_it_is_not_in_use() -> None:
    with pytest.raises(BadSettings) as caught:
        Axis().configure({})

    assert caught.value.field == "transport"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("transport", "cloud"),
        ("transport", True),
        ("url", None),
        ("url", 7),
        ("url", "192.0.2.10"),
        ("url", "ftp://192.0.2.10"),
        ("url", "https://"),
        ("url", "https://192.0.2.10:notaport"),
        ("url", "https://192.0.2.10/local"),
        ("url", "http://192.0.2.10"),
        ("username", None),
        ("username", ""),
        ("password", 1234),
        ("ca", "no-such-file.pem"),
        ("ca", 7),
        ("app", "../BodyWornLive"),
        ("app", ["BodyWornLive"]),
        ("status_path", "status.cgi"),
        ("events_path", "/with space"),
        ("session_path", ""),
        ("topics", "tns1:WebRTC"),
        ("topics", []),
        ("topics", [""]),
        ("topics", [7]),
        ("status_every_s", 0),
        ("status_every_s", "15"),
        ("status_every_s", True),
        ("status_every_s", float("nan")),
        ("ping_every_s", 601),
        ("missed_press_window_s", -1),
        ("verify", False),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: object) -> None:
    with pytest.raises(BadSettings) as caught:
        Axis().configure({**DIRECT, field: value})

    assert caught.value.field == field
    assert str(caught.value)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(BadSettings) as caught:
        Axis().configure({**DIRECT, "url": "https://renfort:hunter2@192.0.2.10"})

    assert caught.value.field == "url"
    assert "hunter2" not in str(caught.value)


def test_a_wrong_password_is_not_shown() -> None:
    with pytest.raises(BadSettings) as caught:
        Axis().configure({**DIRECT, "password": 271828})

    assert "271828" not in str(caught.value)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("not a certificate")

    with pytest.raises(BadSettings) as caught:
        Axis().configure({**DIRECT, "ca": str(wrong)})

    assert caught.value.field == "ca"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"])
def test_plain_http_is_for_this_very_machine(url: str) -> None:
    Axis().configure({**DIRECT, "url": url})


def test_settings_of_the_direct_transport_are_unknown_to_the_bridge() -> None:
    with pytest.raises(BadSettings) as caught:
        Axis().configure({**DIRECT, "transport": "bridge"})

    assert caught.value.field in DIRECT


def test_silence_is_longer_than_two_missed_signs_of_life() -> None:
    adapter = Axis()
    adapter.configure({**DIRECT, "status_every_s": 60, "ping_every_s": 20})

    [feed] = adapter.list_feeds()

    assert feed.silence_s >= 2 * 20
