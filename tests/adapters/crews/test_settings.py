"""Every wrong setting names its field, and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.crews import Crews
from hooks import BadSettings

BROKER = {"mqtt_url": "mqtts://radio.example.org", "username": "renfort", "password": "horse"}


def test_http_alone_needs_no_section_and_no_connection() -> None:
    adapter = Crews()
    adapter.configure({})

    assert list(adapter.list_feeds()) == []


def test_a_broker_is_one_connection() -> None:
    adapter = Crews()
    adapter.configure(BROKER)

    assert [feed.name for feed in adapter.list_feeds()] == ["mqtt"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mqtt_url", "http://radio.example.org"),
        ("mqtt_url", "radio.example.org"),
        ("mqtt_url", 1883),
        ("mqtt_url", "mqtt://radio.example.org/topic"),
        ("topic", ""),
        ("topic", "a/#/b"),
        ("topic", "a/b+"),
        ("topic", "a#"),
        ("username", 7),
        ("username", ""),
        ("password", 7),
        ("ca", "no-such-file.pem"),
        ("client_id", 7),
        ("qos", 2),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: object) -> None:
    with pytest.raises(BadSettings) as caught:
        Crews().configure({**BROKER, field: value})

    assert caught.value.field == field


@pytest.mark.parametrize("topic", ["#", "+", "a/+/b", "a/+/#", "a/b"])
def test_a_right_topic_is_taken(topic: str) -> None:
    Crews().configure({**BROKER, "topic": topic})


def test_a_broker_s_account_without_its_address_is_refused() -> None:
    with pytest.raises(BadSettings) as caught:
        Crews().configure({"username": "renfort", "password": "horse"})

    assert caught.value.field == "mqtt_url"


def test_a_password_without_a_username_is_refused() -> None:
    with pytest.raises(BadSettings) as caught:
        Crews().configure({"mqtt_url": "mqtt://127.0.0.1", "password": "horse"})

    assert caught.value.field == "username"


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(BadSettings) as caught:
        Crews().configure({"mqtt_url": "mqtts://renfort:hunter2@radio.example.org"})

    assert "hunter2" not in str(caught.value)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("not a certificate")

    with pytest.raises(BadSettings) as caught:
        Crews().configure({**BROKER, "ca": str(wrong)})

    assert caught.value.field == "ca"
