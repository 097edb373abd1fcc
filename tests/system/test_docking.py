"""From the press to the docked recording on the closed incident: real processes, a power cut."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.network import free_port
from vms_plugin.certificate import issue
from vms_plugin.demo_page import FLAGS

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]
PASSWORD = "a long enough password"
SERIAL = "B8A44F00A001"


class House:
    """`renfort serve`, which can be killed and started again."""

    def __init__(self, folder: Path, axis: dict[str, Any] | None) -> None:
        self.folder, self.port, self.docking = folder, free_port(), free_port()
        files = issue(folder, "127.0.0.1")
        self.ca = files.ca
        (folder / "docking.mdp").write_text("a secret of the station")
        live = 'transport = "none"'
        if axis is not None:
            (folder / "axis.mdp").write_text(str(axis["password"]))
            live = f"""
            transport = "direct"
            url = "{axis["url"]}"
            ca = "{axis["ca"]}"
            username = "{axis["username"]}"
            password_file = "axis.mdp"
            status_every_s = 1
            """
        self.config = folder / "renfort.toml"
        self.config.write_text(
            f"""
            [server]
            port = {self.port}
            certificate = "{files.certificate}"
            certificate_key = "{files.key}"
            [recordings]
            free_floor_gb = 0
            [adapters.axis]
            {live}
            docking_port = {self.docking}
            docking_password_file = "docking.mdp"
            """,
            encoding="utf-8",
        )
        self.run("account", "Roy", "--role", "chef", "--password-stdin", given=PASSWORD)
        self._running: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, given: str = "") -> str:
        command = [sys.executable, "-m", "vms_plugin", *words, "--config", str(self.config)]
        done = subprocess.run(command, input=given + "\n", capture_output=True, text=True,
                              check=False, timeout=60)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> httpx.Client:
        command = [sys.executable, "-m", "vms_plugin", "serve", "--config", str(self.config)]
        log = (self.folder / "renfort.log").open("ab")
        self._running = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        trusted = ssl.create_default_context(cafile=str(self.ca))
        client = httpx.Client(base_url=f"https://127.0.0.1:{self.port}", verify=trusted, timeout=20)
        until(lambda: answers(client) and can_connect(self.docking), self.log)
        client.post("/login", data={"name": "Roy", "password": PASSWORD})
        return client

    def kill(self) -> None:
        assert self._running is not None
        self._running.send_signal(signal.SIGKILL)
        self._running.wait()

    def log(self) -> str:
        return (self.folder / "renfort.log").read_text(errors="replace")


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.HTTPError:
        return False


def can_connect(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Any, log: Any, seconds: float = 40) -> Any:
    limit = monotonic() + seconds
    while monotonic() < limit:
        if answer := true():
            return answer
        sleep(0.1)
    raise AssertionError("it never came true\n" + log())


@contextmanager
def axis() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "vms_plugin", "simulate", "axis", "--officer",
               f"{SERIAL}=PM-214"]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ})
    assert running.stdout is not None
    try:
        yield json.loads(running.stdout.readline())
    finally:
        running.terminate()
        running.wait()
        running.stdout.close()


@pytest.mark.browser
def test_a_press_its_recording_and_its_trail_meet_on_the_closed_incident(tmp_path: Path) -> None:
    with axis() as told:
        device = httpx.Client(
            base_url=told["url"], verify=ssl.create_default_context(cafile=told["ca"]), timeout=60
        )
        house = House(tmp_path, told)
        page = house.start()
        try:
            _live_and_dock(device, house, page)
        finally:
            page.close()
            device.close()
            house.kill()


def _live_and_dock(device: httpx.Client, house: House, page: httpx.Client) -> None:
    place = {"lon": 4.0853, "lat": 43.5606, "eph": 6.5}

    def state() -> dict[str, Any]:
        told: dict[str, Any] = page.get("/api/state").json()
        return told

    pressed = device.post("/simulator/press", json={"serial": SERIAL, **place}).json()
    incident = f"axis:{pressed['sessionId']}"
    until(lambda: incident in json.dumps(state()), house.log)
    device.post("/simulator/release", json={"serial": SERIAL, **place})
    headers = {"X-Renfort-Token": state()["token"]}

    def decided(decision: str) -> bool:
        asked = {"decision": decision, "incident": incident, "outcome": "résolu"}
        return page.post("/api/decide", json=asked, headers=headers).status_code in (204, 409)

    for decision in ("take", "close"):
        until(partial(decided, decision), house.log)

    out = house.folder / "connexion.json"
    address = f"https://127.0.0.1:{house.docking}"
    house.run("axis", "connection-file", "--address", address, "--ca", str(house.ca), "--out",
              str(out))  # fmt: skip
    dock = {"serial": SERIAL, "connection": json.loads(out.read_text()), "seconds": 40, "cut": 1}
    docked = device.post("/simulator/dock", json=dock)
    assert docked.status_code == 200, docked.text
    _shown(page, incident)

    _on_the_page(house)

    # The power goes; what was confirmed is still there, and the station may come again.
    house.kill()
    page.close()
    page = house.start()
    _shown(page, incident)
    again = device.post("/simulator/dock", json={**dock, "repeats": 2, "order": "reversed"})
    assert again.status_code == 200, again.text
    _shown(page, incident)
    assert "4 pièces" in house.run("recordings", "list", "--by", "Roy", "--password-stdin",
                                   given=PASSWORD)  # fmt: skip
    assert "rien n’a été modifié" in house.run("registre", "verifier")
    page.close()


def _on_the_page(house: House) -> None:
    """An entitled person reads it in a browser, on the closed incident."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"https://127.0.0.1:{house.port}")
        page.fill("[name=name]", "Roy")
        page.fill("[name=password]", PASSWORD)
        page.click("[type=submit]")
        page.click("#closed summary")
        page.click(".card.closed")
        page.wait_for_selector("#recordings:not([hidden])")
        page.click("#recordings button")
        page.wait_for_selector("#recording-list b")
        said = page.inner_text("#recording-list")
        browser.close()
    assert "la caméra l'a nommé elle-même à l'appel" in said
    assert "avant l'appel" in said
    assert "elles concordent" in said
    assert faults == []


def _shown(page: httpx.Client, incident: str) -> None:
    answer = page.get(f"/api/incidents/{incident}/recordings")
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["recordings"]
    assert found["complete"]
    assert found["matched"].startswith("la caméra l'a nommé elle-même à l'appel")
    assert [piece["kind"] for piece in found["pieces"]] == ["video", "trail", "video", "bookmark"]
    assert len(found["trail"]) == 14
    # The station tells whole seconds.
    assert found["differences"][0] in [f"il commence {s} s avant l'appel" for s in (30, 31)]
    assert "la trace de la caméra : 1 ; elles concordent" in found["differences"][1]


def test_a_power_cut_in_the_middle_of_an_upload_leaves_nothing_of_it(tmp_path: Path) -> None:
    house = House(tmp_path, None)
    kept = tmp_path / "recordings"
    trusted = ssl.create_default_context(cafile=str(house.ca))
    for round_ in range(2):
        house.start().close()
        assert not kept.is_dir() or list(kept.iterdir()) == [], f"round {round_}"
        base = f"https://127.0.0.1:{house.docking}"
        with httpx.Client(base_url=base, verify=trusted) as station:
            account = {"X-Auth-User": "axis-docking", "X-Auth-Key": "a secret of the station"}
            token = station.get("/auth/v1.0", headers=account).headers["X-Auth-Token"]
            box = "/v1/AUTH_renfort/u_c_20261123T180405Z"
            made = station.put(box, headers={"X-Auth-Token": token})
            assert made.status_code == (201 if round_ == 0 else 202)
        link = trusted.wrap_socket(
            socket.create_connection(("127.0.0.1", house.docking)), server_hostname="127.0.0.1"
        )
        with link:
            head = f"PUT {box}/clip.mp4 HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n"
            link.sendall(head.encode() + b"Content-Length: 9000000\r\n\r\n" + b"m" * 4_000_000)
            until(lambda: kept.is_dir() and any(e.stat().st_size for e in kept.iterdir()),
                  house.log)  # fmt: skip
            house.kill()
        assert [each.suffix for each in kept.iterdir()] == [".part"]

    house.start().close()
    house.kill()
    assert list(kept.iterdir()) == []
    listed = house.run("recordings", "list", "--by", "Roy", "--password-stdin", given=PASSWORD)
    assert "0 pièces" in listed
    assert "pas encore complet" in listed
