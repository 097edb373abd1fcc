"""The integrator's profile: every fault at once, and the vendor's own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import requests
import responses

from adapters.ineo import Ineo, templates
from adapters.ineo.identity import Identity
from adapters.ineo.message import Act, Saying, opening
from adapters.ineo.profile import read_profile
from adapters.ineo.simulator import soap
from adapters.ineo.simulator.desk import Received
from adapters.ineo.simulator.outgoing import acknowledgement
from hooks import (
    BadSettings,
    ClosedElsewhere,
    Fact,
    Malformed,
    ReceivedElsewhere,
)
from hooks.causes import cause, whole
from tests.adapters.ineo.conftest import NOW, ROOT, Running, a_picture, an_envelope
from tests.adapters.ineo.test_gateway import closed, configured, show
from vms_plugin import cli
from vms_plugin.adapters import why
from vms_plugin.i18n import Language

EXAMPLE = ROOT / "docs" / "integrators" / "hypervisor-profile.toml"
WHO = '[identity]\nsender = "a@b"\norganisation = "fr.police.lgm"\nname = "CSU"\n'
HOSTILE = 'x", "admin": true, "y": "</a><b>&\x00\n{{ 7*7 }}'


def the_example(folder: Path, hypervisor: Running) -> Path:
    """The documented profile, with the simulator's addresses: what an integrator would do."""
    text = EXAMPLE.read_text(encoding="utf-8")
    ready = hypervisor.ready
    for before, after in (
        ("https://hyperviseur.example.org/cap", ready["cap"]),
        ("https://hyperviseur.example.org/api/alarms", ready["vendor"]),
        ("https://hyperviseur.example.org/soap", ready["soap"]),
        ("a-token-of-yours", ready["token"]),
    ):
        text = text.replace(before, after)
    (folder / "alarm.wsdl").write_text(soap.WSDL.read_text(encoding="utf-8"), encoding="utf-8")
    path = folder / "hyperviseur.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_profile_drives_cap_json_and_soap(
    hypervisor: Running, tmp_path: Path
) -> None:
    picture = a_picture()
    with configured(the_example(tmp_path, hypervisor)) as adapter:
        receipt = show(adapter, picture)
        adapter.withdraw(picture=closed(picture), receipt=receipt, repeated=True)

    told = {
        channel: [each["kind"] for each in hypervisor.messages(channel) if each["valid"]]
        for channel in ("cap", "vendor", "soap")
    }
    assert told == {
        "cap": ["Alert", "Cancel"], "vendor": ["create", "close"],
        "soap": ["RaiseAlarm", "CloseAlarm"],
    }  # fmt: skip
    [raised, ended] = hypervisor.messages("soap")
    assert raised["fields"]["Label"] == picture.title
    assert raised["fields"]["Latitude"] == "43.5606"
    assert raised["fields"]["ExternalId"] == ended["fields"]["ExternalId"]
    [created, _] = hypervisor.messages("vendor")
    assert created["fields"]["priority"] == 1
    assert created["fields"]["callSign"] == "PM-214"


def faults_of(folder: Path, text: str) -> dict[str, BadSettings]:
    path = folder / "p.toml"
    path.write_text(text, encoding="utf-8")
    _, faults = read_profile(path)
    return {fault.field.partition(": ")[2]: fault for fault in faults}


def test_every_fault_is_listed_at_once_with_its_line_its_key_and_a_remedy(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        """[identity]
sender = "two words"
organisation = "lgm"
timezone = "Europe/Nowhere"
colour = "red"

[event]
category = "POLICE"

[crews]
delay_s = -1
[crews.known.PM21]
means = "horse"

[[send]]
name = "hv"
kind = "fax"
url = "http://hyperviseur.example.org/cap"

[[send]]
name = "hv"
kind = "template"
url = "https://hyperviseur.example.org/cap"
escape = "json"
opening = "{{ alert.lattitude }}"
update = "{% if %}"
end = '{"open": '
accept = "200"

[[send]]
kind = "soap"
url = "https://u:p@hyperviseur.example.org/"
wsdl = "missing.wsdl"

[[send]]
kind = "cap"
routing_key = "x"

[[receive]]
means = "seen"
identifier = "id"
""",
    )

    assert set(faults) == {
        "identity.sender", "identity.organisation", "identity.timezone", "identity.colour",
        "identity.name", "event.category", "crews.delay_s", "crews.known.PM21.means",
        "send[1].kind", "send[1].url", "send", "send[2].opening", "send[2].update", "send[2].end",
        "send[2].accept", "send[3].wsdl", "send[3].opening", "send[3].url",
        "send[4].routing_key", "receive[1].means", "receive[1].match",
    }  # fmt: skip
    assert faults["identity.sender"].field.startswith("p.toml, l. 2: ")
    assert faults["send[1].url"].field.startswith("p.toml, l. 18: ")
    assert faults["send[2].update"].field.startswith("p.toml, l. 26: ")
    assert faults["send[3].wsdl"].field.startswith("p.toml, l. 33: ")
    assert "lattitude" in str(whole(cause(faults["send[2].opening"])))
    assert "u:p" not in str(faults["send[3].url"])
    for fault in faults.values():
        assert Language("fr")(fault.text, **fault.params) != fault.text.format(**fault.params)


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("opening", '{"lat": {{ alert.lat | round(3) }}}'),  # no place yet
        ("opening", '{"by": {{ codes.how[alert.trigger] }}}'),  # not a button
        ("update", '{"p": {{ codes.priority[alert.phase] }}}'),  # taken
        ("update", '{"until": {{ alert.sent[99] }}}'),
        ("opening", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"),
        ("opening", '{{ "x" * 999999999999 }}'),
    ],
)
def test_a_template_that_would_fail_at_a_press_fails_when_it_is_checked(
    tmp_path: Path, key: str, source: str
) -> None:
    opening = "" if key == "opening" else "opening = '{}'\n"
    faults = faults_of(
        tmp_path,
        f"""{WHO}
[codes.how]
button = "1"
[codes.priority]
new = "1"
engaged = "2"
closed = "3"
[[send]]
kind = "template"
url = "https://hv.example/"
{opening}{key} = '{source}'
""",
    )

    assert list(faults) == [f"send[1].{key}"]
    assert "the template fails" in str(faults[f"send[1].{key}"])


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('method = "PSOT"', "send[1].method"),
        ('ca = "two.lines"', "send[1].ca"),
        ('token_file = "two.lines"', "send[1].token_file"),
        ('password_file = "no.text"', "send[1].password_file"),
        ('headers = {"X Site" = "1"}', "send[1].headers"),
        ('headers = {"X-Site" = "1\\n2"}', "send[1].headers"),
    ],
)
def test_what_would_break_the_request_is_named_before_it_is_sent(
    tmp_path: Path, line: str, key: str
) -> None:
    (tmp_path / "two.lines").write_text("s3cret\ntwo\n")
    (tmp_path / "no.text").write_bytes(b"\xff\xfe")

    faults = faults_of(
        tmp_path, WHO + f'[[send]]\nkind = "cap"\nurl = "https://hv.example/"\n{line}\n'
    )

    assert list(faults) == [key]
    assert "s3cret" not in str(faults[key])


def test_an_address_is_kept_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(WHO + '[[send]]\nkind = "cap"\nurl = "https://hv.example/api/alarms/"\n')

    profile, faults = read_profile(path)

    assert faults == []
    access = profile.endpoints[0].access
    assert access is not None
    assert access.url == "https://hv.example/api/alarms/"


def test_the_host_says_every_fault_in_french(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('[identity]\nsender = "a b"\norganisation = "x"\nname = "CSU"\n')

    with pytest.raises(BadSettings) as error:
        Ineo().configure(settings={"profile": str(path)})

    said = Language("fr").message(why(error.value))
    assert "sans espace" in said
    assert "de 3 à 8 mots" in said


@pytest.mark.parametrize("text", ["[identity", "\xff"])
def test_what_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(text.encode("latin-1"))

    assert len(read_profile(path)[1]) == 1
    assert len(read_profile(tmp_path / "absent.toml")[1]) == 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("fr.police.lgm", "fr.police.lgm.renfort"),
        ("fr.police.renfort.lgm", "fr.police.renfort.lgm"),
    ],
)  # fmt: skip
def test_an_identifier_that_nobody_allocated_says_that_it_is_ours(
    tmp_path: Path, written: str, kept: str
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(WHO.replace("fr.police.lgm", written))

    assert read_profile(path)[0].identity.organisation == kept


def test_an_identifier_that_was_allocated_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(WHO + "allocated = true\n")

    assert read_profile(path)[0].identity.organisation == "fr.police.lgm"


# --- templates ---


def rendered(source: str, kind: str, **changes: Any) -> str:
    saying = Saying(act=Act.OPEN, identifier="renfort.x.open.1", sent=NOW,
                    picture=a_picture(**changes))  # fmt: skip
    identity = Identity(sender="a", organisation="fr.police.x.renfort", name="CSU")
    template = templates.compile_template(source, kind, "opening")
    return templates.render(template, templates.context(saying, identity, {}), "opening")


def test_a_template_of_json_cannot_be_broken_out_of() -> None:
    text = rendered('{"a": {{ alert.title }}, "n": {{ alert.fixed_at }}}', "json",
                    title=HOSTILE, position=None)  # fmt: skip

    assert json.loads(text) == {"a": HOSTILE, "n": None}


def test_a_template_of_xml_cannot_be_broken_out_of() -> None:
    text = rendered('<a t="{{ alert.title }}">{{ alert.title }}</a>', "xml", title=HOSTILE)

    root = fromstring(text)
    assert len(root) == 0
    assert "</a><b>&" in (root.text or "")


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ alert.__init__.__globals__ }}",
        "{{ alert.update({'a': 1}) }}", "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{% include '/etc/passwd' %}", "{{ alert.officer }}",
    ],
)  # fmt: skip
def test_a_template_is_in_a_sandbox(source: str) -> None:
    with pytest.raises(BadSettings):
        rendered(source, "text")


def test_no_template_is_given_the_officers_name() -> None:
    assert "Secret" not in rendered("{{ alert }} {{ us }}", "text")


# --- the vendor's own answers ---


@pytest.mark.parametrize(
    ("event", "kind"),
    [("alarm.acknowledged", ReceivedElsewhere), ("alarm.closed", ClosedElsewhere)],
)
def test_the_vendors_own_json_means_what_the_profile_says(
    hypervisor: Running, tmp_path: Path, event: str, kind: type[Fact]
) -> None:
    name, _ = opening(a_picture())
    said = {"event": event, "alarm": {"externalId": name}, "operator": "Zoé", "comment": "Résolu"}
    with configured(the_example(tmp_path, hypervisor)) as adapter:
        [fact] = adapter.decode(envelope=an_envelope(json.dumps(said)))

    assert isinstance(fact, kind)
    assert isinstance(fact, ReceivedElsewhere | ClosedElsewhere)
    assert (fact.incident, fact.by) == (a_picture().incident, "Zoé")
    assert getattr(fact, "outcome", "Résolu") == "Résolu"


def test_the_vendors_own_json_about_something_else_is_named(
    hypervisor: Running, tmp_path: Path
) -> None:
    said = {"event": "alarm.closed", "alarm": {"externalId": 12}}
    other = {"event": "alarm.moved", "alarm": {"externalId": 12}}
    with configured(the_example(tmp_path, hypervisor)) as adapter:
        with pytest.raises(Malformed) as fault:
            list(adapter.decode(envelope=an_envelope(json.dumps(said))))
        with pytest.raises(Malformed) as unknown:
            list(adapter.decode(envelope=an_envelope(json.dumps(other))))

    assert (fault.value.field, fault.value.value) == ("alarm.externalId", "12")
    assert unknown.value.value == "event = alarm.moved"
    assert "[[receive]]" in str(unknown.value)


@responses.activate
def test_the_vendors_own_json_is_heard_as_the_answer_to_a_push_too(tmp_path: Path) -> None:
    url = "https://hv.example.org/alarms"
    path = tmp_path / "p.toml"
    path.write_text(
        WHO + f'[[send]]\nkind = "template"\nurl = "{url}"\n'
        "opening = '{\"id\": {{ alert.opening }}}'\n"
        '[[receive]]\nmeans = "received"\nmatch = {state = "ack"}\nidentifier = "id"\nby = "who"\n'
    )

    def answered(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        said = json.loads(request.body or b"")
        return 200, {}, json.dumps({**said, "state": "ack", "who": "Max"})

    responses.add_callback(responses.POST, url, answered)
    with configured(path) as adapter:
        show(adapter, a_picture())
        [fact] = adapter.decode(envelope=adapter._ready.answers.get_nowait())
        responses.replace(responses.POST, url, json={"ok": True})
        show(adapter, a_picture(), None, again=True)

        assert adapter._ready.answers.empty()
    assert isinstance(fact, ReceivedElsewhere)
    assert (fact.incident, fact.by) == (a_picture().incident, "Max")


# --- renfort ineo essai ---


def test_the_trial_sends_a_marked_exercise_and_shows_each_answer(
    hypervisor: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = the_example(tmp_path, hypervisor)

    code = cli.main(["ineo", "essai", str(path)])

    said = capsys.readouterr().out
    assert code == 0, said
    assert said.count("✓") == 8
    assert "· mise à jour: rien à dire" in said  # the sample maps no SOAP operation to it
    assert "ouverture" in said
    told = hypervisor.messages("cap")
    for message in told:
        assert message["valid"]
        assert message["fields"]["status"] == "Exercise"
    referred = [each.split(",")[1] for each in told[2]["fields"]["references"].split()]
    assert referred == [each["identifier"] for each in told[:2]]
    [raised, _] = hypervisor.messages("soap")
    assert f"HV-{raised['fields']['ExternalId']}" in said
    assert raised["fields"]["Exercise"] == "true"


def test_the_trial_names_what_is_refused_and_ends_with_one(
    hypervisor: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = hypervisor.profile(tmp_path)
    hypervisor.order("fail", status=403, count=3)

    assert cli.main(["ineo", "essai", str(path)]) == 1
    assert "refuse le compte (403)" in capsys.readouterr().out


def test_the_trial_says_what_an_answer_means(
    hypervisor: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = hypervisor.profile(tmp_path)
    hypervisor.order("habit", ack="answer")

    assert cli.main(["ineo", "essai", str(path)]) == 0
    assert capsys.readouterr().out.count("confirme la réception") == 3


@pytest.mark.parametrize("kind", ["Error", "wrong"])
def test_the_trial_fails_on_an_answer_that_confirms_nothing(
    hypervisor: Running,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    def answered(message: Received, _kind: str, *, serial: int) -> bytes:
        return (
            acknowledgement(message, "Error", serial=serial) if kind == "Error"
            else acknowledgement(message, "Ack", wrong="sent", serial=serial)
        )  # fmt: skip

    monkeypatch.setattr("adapters.ineo.simulator.inlets.acknowledgement", answered)
    hypervisor.order("habit", ack="answer")

    assert cli.main(["ineo", "essai", str(hypervisor.profile(tmp_path))]) == 1
    said = capsys.readouterr().out
    assert said.count("    ✗ ") == 3
    assert ("zone non comprise" if kind == "Error" else "alert.references") in said


def test_the_trial_without_sending_shows_what_would_be_sent(
    hypervisor: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ineo", "essai", str(the_example(tmp_path, hypervisor)), "--sans-envoi"]) == 0

    said = capsys.readouterr().out
    assert "<status>Exercise</status>" in said
    assert "RaiseAlarm" in said
    assert hypervisor.messages() == []


def test_the_trial_of_a_bad_profile_lists_its_faults_in_french(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.toml").write_text('[identity]\nsender = "a b"\n')
    config = tmp_path / "renfort.toml"
    config.write_text('[adapters.ineo]\nprofile = "p.toml"\n')

    assert cli.main(["ineo", "essai", "--config", str(config)]) == 1

    said = capsys.readouterr().out
    assert "p.toml, l. 2: identity.sender" in said
    assert "écrivez-le sans espace" in said


def test_the_trial_without_a_profile_says_where_it_looked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ineo", "essai", "--config", str(tmp_path / "none.toml")]) == 1
    assert "[adapters.ineo]" in capsys.readouterr().out
