"""The section of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.milestone import Milestone
from adapters.milestone.gateway import Site
from hooks import (
    BadSettings,
    Refused,
)
from hooks.testing import check_adapter
from tests.adapters.milestone.alarms.conftest import (
    CAMERA,
    Vms,
    settings,
)


def test_the_adapter_keeps_the_contract(vms: Vms) -> None:
    info = check_adapter(Milestone(), settings(vms))

    assert info.name == "milestone"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"url": "vms.example.org"}, "url"),
        ({"url": "http://vms.example.org"}, "url"),
        ({"url": "https://vms.example.org/API"}, "url"),
        ({"url": "https://me:pw@vms.example.org"}, "url"),
        ({"username": ""}, "username"),
        ({"password": None}, "password"),
        ({"ca": "no/such/file.pem"}, "ca"),
        ({"ca": __file__}, "ca"),
        ({"lockout_pause_s": 1}, "lockout_pause_s"),
        ({"devices": {"B8A44F00A001": CAMERA}}, "devices.B8A44F00A001"),
        ({"devices": {"axis:": CAMERA}}, "devices.axis:"),
        ({"devices": {"axis:1": "gare"}}, "devices.axis:1"),
        ({"devices": ["axis:1"]}, "devices"),
        ({"fallback_camera": "gare"}, "fallback_camera"),
        ({"fallback": CAMERA}, "fallback"),
        ({"bookmarks": "oui"}, "bookmarks"),
        ({"show_officer": ""}, "show_officer"),
        ({"slots": {"PM-1": "gare"}}, "slots.PM-1"),
        ({"evidence_lock_days": 60}, "evidence_lock_days"),
        ({"analytics_url": "vms"}, "analytics_url"),
        ({"ptz_ranges": {CAMERA: "1 2"}}, f"ptz_ranges.{CAMERA}"),
        ({"wall": "Écran 1"}, "wall"),
    ],
)
def test_a_wrong_setting_is_named(vms: Vms, more: dict[str, object], field: str) -> None:
    with pytest.raises(BadSettings) as wrong:
        Milestone().configure(settings(vms, **more))

    assert wrong.value.field == field
    assert "pw" not in str(wrong.value)


def test_an_adapter_without_settings_says_which_section_to_write() -> None:
    with pytest.raises(Refused, match=r"\[adapters\.milestone\]"):
        Milestone().probe()


def test_the_password_is_in_no_text_of_the_site(tmp_path: Path) -> None:
    site = Site(url="https://vms.example.org", username="renfort", password="s3cr3t")

    assert "s3cr3t" not in repr(site)
