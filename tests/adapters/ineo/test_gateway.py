"""The gateway against a simulated hypervisor that judges by the published schemas."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import responses

from adapters.ineo import Ineo
from adapters.ineo.client import NotTaken
from adapters.ineo.message import identifier, opening, read_receipt
from hooks import BadSettings, Document, Phase, Picture, Position, Receipt, Refused, Unreachable
from hooks.testing import check_adapter
from tests.adapters.ineo.conftest import NOW, PM21, Running, a_picture, serving, valid_cap
from tests.network import free_port
from vms_plugin.delivery import Ledger, due, failed, succeeded
from vms_plugin.delivery import Shown as Delivered

ATOM = "{http://www.w3.org/2005/Atom}"


@contextmanager
def configured(profile: Path) -> Iterator[Ineo]:
    adapter = Ineo()
    adapter.configure(settings={"profile": str(profile)})
    try:
        yield adapter
    finally:
        adapter.close()


def show(
    adapter: Ineo, picture: Picture, before: Receipt | None = None, again: bool = False
) -> Any:
    return adapter.show(picture=picture, receipt=before, repeated=again)


def kinds(hypervisor: Running, channel: str = "cap") -> list[str]:
    messages = hypervisor.messages(channel)
    assert [each["why"] for each in messages if not each["valid"]] == []
    return [each["kind"] for each in messages]


def closed(picture: Picture) -> Picture:
    return replace(
        picture, version=picture.version + 5, phase=Phase.CLOSED, closed_by="Léa", outcome="Résolu"
    )


def test_the_adapter_keeps_the_contract(hypervisor: Running, tmp_path: Path) -> None:
    profile = hypervisor.profile(tmp_path)

    info = check_adapter(Ineo(), {"profile": str(profile)})

    assert info.name == "ineo"


@pytest.mark.parametrize(
    ("kind", "channel", "wanted"),
    [
        ("cap", "cap", ["Alert", "Update", "Cancel"]),
        ("emsi-json", "emsi", ["ALERT", "UPDATE", "UPDATE"]),
        ("emsi-xml", "emsi", ["ALERT", "UPDATE", "UPDATE"]),
    ],
)
def test_an_incident_is_told_whole_and_only_when_it_matters(
    hypervisor: Running, tmp_path: Path, kind: str, channel: str, wanted: list[str]
) -> None:
    picture = a_picture()
    with configured(hypervisor.profile(tmp_path, kind=kind)) as adapter:
        first = show(adapter, picture)
        same = show(adapter, replace(picture, version=2, received_by=("HV",)), first, again=True)
        sent = replace(picture, version=3, phase=Phase.ENGAGED, owner="Léa", engaged=(PM21,))
        second = show(adapter, sent, same, again=True)
        last = adapter.withdraw(picture=closed(sent), receipt=second, repeated=True)
        adapter.withdraw(picture=closed(sent), receipt=last, repeated=True)

    assert kinds(hypervisor, channel) == wanted
    assert same == first


def test_an_officer_who_runs_is_told_again_where_he_is(hypervisor: Running, tmp_path: Path) -> None:
    picture = a_picture()
    far = Position(lon=4.0953, lat=43.5606, accuracy_m=8, fixed_at=NOW)
    with configured(hypervisor.profile(tmp_path)) as adapter:
        first = show(adapter, picture)
        show(adapter, replace(picture, version=2, position=far), first, again=True)
        show(adapter, replace(picture, version=3, position=far), first, again=True)

    assert [each["fields"]["circle"] for each in hypervisor.messages()] == [
        "43.560600,4.085300 0.012", "43.560600,4.095300 0.008",
    ]  # fmt: skip


def test_an_answer_lost_makes_the_same_alert_again_and_one_word_more(
    hypervisor: Running, tmp_path: Path
) -> None:
    picture = a_picture()
    hypervisor.order("fail", status=0, after=True)
    with configured(hypervisor.profile(tmp_path)) as adapter:
        with pytest.raises(Unreachable):
            show(adapter, picture)
        taken = replace(picture, version=4, phase=Phase.TAKEN, owner="Léa")
        show(adapter, taken, None, again=True)

    # The second wording under the same identifier was a repeat to the hypervisor: hence the update.
    assert kinds(hypervisor) == ["Alert", "Update"]
    assert sum(hypervisor.http.get("/simulator/state").json()["repeats"].values()) == 1
    assert hypervisor.messages()[1]["fields"]["references"].split(",")[1] == opening(picture)[0]


def test_an_alert_repeated_with_the_same_words_needs_no_update(
    hypervisor: Running, tmp_path: Path
) -> None:
    hypervisor.order("fail", status=500, after=True)
    with configured(hypervisor.profile(tmp_path)) as adapter:
        with pytest.raises(Unreachable):
            show(adapter, a_picture())
        show(adapter, a_picture(), None, again=True)

    assert kinds(hypervisor) == ["Alert"]


def test_after_a_crash_the_alert_is_repeated_under_its_name_and_the_end_is_told(
    hypervisor: Running, tmp_path: Path
) -> None:
    picture = a_picture()
    profile = hypervisor.profile(tmp_path)
    with configured(profile) as before:
        show(before, picture)
    with configured(profile) as after:
        receipt = show(after, picture, None, again=True)
        after.withdraw(picture=closed(picture), receipt=receipt, repeated=True)

    assert kinds(hypervisor) == ["Alert", "Update", "Cancel"]
    identifiers = [each["identifier"] for each in hypervisor.messages()]
    assert len(set(identifiers)) == 3


def test_an_update_whose_answer_was_lost_is_sent_again_as_it_was(
    hypervisor: Running, tmp_path: Path
) -> None:
    picture = a_picture()
    taken = replace(picture, version=2, phase=Phase.TAKEN, owner="Léa")
    with configured(hypervisor.profile(tmp_path)) as adapter:
        first = show(adapter, picture)
        hypervisor.order("fail", status=504, after=True)
        with pytest.raises(Unreachable):
            show(adapter, taken, first, again=True)
        show(adapter, replace(taken, version=3), first, again=True)

    assert kinds(hypervisor) == ["Alert", "Update"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 415, 422, 302])
def test_a_refusal_is_for_a_person_and_names_the_status(
    hypervisor: Running, tmp_path: Path, status: int
) -> None:
    hypervisor.order("fail", status=status)
    with configured(hypervisor.profile(tmp_path)) as adapter, pytest.raises(Refused) as refusal:
        show(adapter, a_picture())

    assert str(status) in str(refusal.value)


@responses.activate
def test_a_hypervisor_that_has_moved_says_where_and_is_not_followed(tmp_path: Path) -> None:
    responses.post("http://127.0.0.1:9/cap", status=308, headers={"Location": "/v2/cap"})
    path = tmp_path / "p.toml"
    path.write_text(
        '[identity]\nsender="a@b"\norganisation="fr.police.x"\nname="CSU"\n[[send]]\nname="hv"\n'
        'kind="cap"\nurl="http://127.0.0.1:9/cap"\ntoken="s3cret"\n'
    )
    with configured(path) as adapter, pytest.raises(Refused) as refusal:
        show(adapter, a_picture())

    assert "http://127.0.0.1:9/v2/cap" in str(refusal.value)
    assert len(responses.calls) == 1


def test_a_hypervisor_that_has_it_already_is_content(hypervisor: Running, tmp_path: Path) -> None:
    hypervisor.order("fail", status=409)
    with configured(hypervisor.profile(tmp_path)) as adapter:
        assert read_receipt(show(adapter, a_picture()))["hv"].messages


def test_a_wrong_token_is_a_refusal_and_the_secret_is_not_repeated(
    hypervisor: Running, tmp_path: Path
) -> None:
    path = hypervisor.profile(tmp_path)
    path.write_text(path.read_text().replace(hypervisor.ready["token"], "not-that-one-at-all"))
    with configured(path) as adapter, pytest.raises(Refused) as refusal:
        show(adapter, a_picture())

    assert "not-that-one-at-all" not in str(refusal.value)


def test_a_slow_hypervisor_is_left_at_its_deadline(hypervisor: Running, tmp_path: Path) -> None:
    hypervisor.order("slow", seconds=3)
    with configured(hypervisor.profile(tmp_path)) as adapter, pytest.raises(Unreachable) as late:
        show(adapter, a_picture())

    assert not isinstance(late.value, NotTaken)


def test_one_dead_endpoint_keeps_nothing_from_the_others(
    hypervisor: Running, tmp_path: Path
) -> None:
    path = hypervisor.profile(
        tmp_path,
        f'[[send]]\nname = "dead"\nkind = "emsi-json"\nurl = "http://127.0.0.1:{free_port()}"',
    )
    with configured(path) as adapter:
        for _ in range(3):
            with pytest.raises(NotTaken):
                show(adapter, a_picture(), None, again=True)

    # `repeated` without any memory: it may have been told before a crash.
    assert kinds(hypervisor) == ["Alert", "Update"]


class Drive:
    """The host's own delivery, with a clock that a test turns."""

    def __init__(self, adapter: Ineo) -> None:
        self.adapter, self.ledger, self.now, self.tries = adapter, Ledger(), 0.0, 0

    def until(self, seconds: float, picture: Picture) -> None:
        subject = str(picture.incident)
        end = self.now + seconds
        while self.now < end:
            self.ledger.want(subject, picture.version)
            ready = due(self.ledger.wanted, self.ledger.shown, busy=(), now=self.now, room=8)
            if not ready.subjects:
                if ready.again_at is None:
                    self.now = end
                    return
                self.now = min(end, ready.again_at)
                continue
            before = self.ledger.state(subject)
            receipt = Receipt(data=before.receipt) if before.receipt is not None else None
            self.tries += 1
            try:
                answer = show(self.adapter, picture, receipt, before.asked)
                after = succeeded(before, picture.version, answer.data)
            except (Unreachable, Refused):
                after = failed(before, now=self.now, jitter=1.0)
            self.ledger.shown[subject] = after


@pytest.mark.parametrize("how", ["refused", "503"])
def test_down_for_an_hour_it_is_told_one_alert_with_the_newest_state_and_no_flood(
    tmp_path: Path, how: str
) -> None:
    port = free_port()
    with serving(port=port) as first:
        profile = first.profile(tmp_path)
    picture = a_picture()
    with configured(profile) as adapter:
        drive = Drive(adapter)
        if how == "503":
            with serving(port=port) as ill:
                ill.order("fail", status=503, seconds=3600)
                newest = _an_hour(drive, picture)
                assert ill.messages() == []
        else:
            newest = _an_hour(drive, picture)
        with serving(port=port) as back:
            drive.until(60, newest)

            [alert] = back.messages()

    assert (alert["kind"], alert["valid"]) == ("Alert", True)
    assert alert["identifier"] == opening(picture)[0]
    assert alert["fields"]["circle"].startswith("43.599900,")
    assert "Léa" in alert["body"]
    assert drive.tries > 200
    assert isinstance(drive.ledger.state(str(picture.incident)), Delivered)


def test_what_was_closed_while_the_hypervisor_was_down_is_not_told_on_return_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    with serving(port=port) as first:
        profile = first.profile(tmp_path)
    with configured(profile) as adapter:
        with pytest.raises(NotTaken):
            show(adapter, a_picture())
        caplog.set_level("INFO")
        with serving(port=port) as back:
            receipt = show(adapter, closed(a_picture()), None, again=True)
            adapter.withdraw(picture=closed(a_picture()), receipt=receipt, repeated=True)

            assert back.messages() == []
    said = [each.getMessage() for each in caplog.records if "was not told" in each.getMessage()]
    assert said == [f"hv was not told of {a_picture().incident}: it was over before hv answered"]


def test_of_several_that_are_down_the_same_is_named_each_time(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    names = ["b", "a", "d", "c"]
    who = '[identity]\nsender = "a@b"\norganisation = "fr.police.lgm"\nname = "CSU"\n'
    path.write_text(who + "".join(
        f'[[send]]\nname = "{name}"\nkind = "cap"\nurl = "http://127.0.0.1:{free_port()}"\n'
        for name in names
    ))  # fmt: skip
    with configured(path) as adapter:
        for _ in range(8):
            with pytest.raises(NotTaken) as down:
                show(adapter, a_picture())
            assert down.value.params["name"] == "b"


@pytest.mark.parametrize("how", ["endless", "dripping", "zipped"])
def test_an_answer_without_an_end_is_left_and_its_status_counts(tmp_path: Path, how: str) -> None:
    with answering(how) as port:
        path = tmp_path / "p.toml"
        path.write_text(
            '[identity]\nsender="a@b"\norganisation="fr.police.x"\nname="CSU"\n[[send]]\nname="hv"\n'
            f'kind="cap"\nurl="http://127.0.0.1:{port}/"\ntimeout_s=0.5\n'
        )
        with configured(path) as adapter:
            receipt = show(adapter, a_picture())

    assert read_receipt(receipt)["hv"].messages


@contextmanager
def answering(how: str) -> Iterator[int]:
    """A server that says 200, then never stops talking."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            coding = b"Content-Encoding: gzip\r\n" if how == "zipped" else b""
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n" + coding)
            connection.sendall(b"Connection: close\r\n\r\n")
            body = gzip.compress(b"<" + b"0" * 200_000_000) if how == "zipped" else b"x" * 65536
            while how != "zipped":
                connection.sendall(b"x" if how == "dripping" else body)
                time.sleep(0.05 if how == "dripping" else 0)
            connection.sendall(body)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        thread.join(20)
        listener.close()


def _an_hour(drive: Drive, picture: Picture) -> Picture:
    """He walks north, and is taken in charge, while nobody there listens."""
    for minute in range(60):
        place = Position(lon=4.0853, lat=43.5409 + minute * 1e-3, accuracy_m=9, fixed_at=NOW)
        picture = replace(
            picture, version=minute + 1, position=place, owner="Léa" if minute > 30 else "",
            phase=Phase.TAKEN if minute > 30 else Phase.NEW,
            text="Pris en charge par Léa." if minute > 30 else picture.text,
        )  # fmt: skip
        drive.until(60, picture)
    return picture


# --- pulled ---


def test_the_feed_bears_the_very_alerts_that_were_pushed(
    hypervisor: Running, tmp_path: Path
) -> None:
    picture = a_picture()
    with configured(hypervisor.profile(tmp_path)) as adapter:
        receipt = show(adapter, picture)
        known = {picture.incident: receipt}

        feed = adapter.publish("feed.atom", (picture,), known)
        assert isinstance(feed, Document)
        root = fromstring(feed.body)
        [link] = [each.get("href") or "" for each in root.iterfind(f"{ATOM}entry/{ATOM}link")]
        alert = adapter.publish(link, (picture,), known)

        assert adapter.publish("other", (picture,), known) is None
    assert isinstance(alert, Document)
    assert (feed.media_type, alert.media_type) == ("application/atom+xml", "application/cap+xml")
    valid_cap(alert.body)
    assert alert.body.decode() == hypervisor.messages()[0]["body"]
    assert root.findtext(f"{ATOM}entry/{ATOM}title") == picture.title


def test_a_profile_that_only_publishes_counts_its_updates_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('[identity]\nsender="a@b"\norganisation="fr.police.x"\nname="CSU"\n')
    picture = a_picture()
    taken = replace(picture, version=2, owner="Léa", phase=Phase.TAKEN)
    with configured(path) as adapter:
        receipt = show(adapter, picture)
        receipt = show(adapter, taken, receipt, again=True)
        update = _only(adapter, taken, receipt)
        receipt = adapter.withdraw(picture=closed(taken), receipt=receipt, repeated=True)
        end = _only(adapter, closed(taken), receipt)

    for document in (update, end):
        valid_cap(document.body)
    assert b"<msgType>Update<" in update.body
    assert b"<msgType>Cancel<" in end.body


def _only(adapter: Ineo, picture: Picture, receipt: Receipt) -> Document:
    known = {picture.incident: receipt}
    feed = adapter.publish("feed.atom", (picture,), known)
    assert isinstance(feed, Document)
    [link] = [
        each.get("href") or "" for each in fromstring(feed.body).iterfind(f"{ATOM}entry/{ATOM}link")
    ]
    document = adapter.publish(link, (picture,), known)
    assert isinstance(document, Document)
    return document


# --- health ---


def test_a_probe_says_of_each_server_whether_it_is_there(
    hypervisor: Running, tmp_path: Path
) -> None:
    path = hypervisor.profile(
        tmp_path, f'[[send]]\nname = "dead"\nkind = "cap"\nurl = "http://127.0.0.1:{free_port()}"'
    )
    with configured(path) as adapter:
        health = adapter.probe()

    assert not health.alive
    assert {each.subject: each.well for each in health.findings} == {"hv": True, "dead": False}


def test_without_a_profile_it_is_not_in_use() -> None:
    with pytest.raises(BadSettings):
        Ineo().configure(settings={})


def test_an_identifier_dates_the_message_by_the_second() -> None:
    a, b = (identifier(a_picture().incident, "2", NOW + timedelta(seconds=s)) for s in (0, 1))

    assert a != b
