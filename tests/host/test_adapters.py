"""The only door to adapters: whatever one does, the others answer and it is named."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hooks import (
    Activation,
    ActivationId,
    AdapterInfo,
    BadSettings,
    Camera,
    CameraId,
    DeviceId,
    Envelope,
    Fact,
    FactId,
    Malformed,
    Refused,
    Unreachable,
    hookimpl,
)
from hooks.causes import cause, whole
from vms_plugin.adapters import Adapters, State

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Good:
    name = "good"

    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name=self.name, brand="Good", contract=1)

    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        yield Camera(id=CameraId(f"{self.name}:1"))


class WrongContract(Good):
    @hookimpl
    def describe(self) -> AdapterInfo:
        return AdapterInfo(name="wrong", brand="Old", contract=99)


class Hanging(Good):
    name = "hanging"
    release = threading.Event()

    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        self.release.wait(30)
        return ()


class HangsAtLoad(Good):
    @hookimpl
    def describe(self) -> AdapterInfo:
        Hanging.release.wait(30)
        return AdapterInfo(name="slow", brand="", contract=1)


class FailsLater(Good):
    name = "later"

    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        yield Camera(id=CameraId("later:1"))
        raise RuntimeError("the second camera is too much")


class Misspelt(Good):
    name = "misspelt"

    @hookimpl
    def lst_cameras(self) -> Iterable[Camera]:
        return ()


class WrongArguments(Good):
    name = "arguments"

    @hookimpl
    def list_cameras(self, brand: str) -> Iterable[Camera]:  # type: ignore[override]
        return ()


class NeedsSettings(Good):
    name = "needy"

    @hookimpl
    def configure(self, settings: dict[str, Any]) -> None:
        if "url" not in settings:
            raise BadSettings("url", None, "write the server's address")
        if settings["url"] == "exit":
            sys.exit(3)


class Nobody:
    @hookimpl
    def list_cameras(self) -> Iterable[Camera]:
        return ()


class Answers(Good):
    name = "answers"

    @hookimpl
    def describe(self) -> Any:
        return {"name": "answers"}


class Reads(Good):
    name = "reads"

    @hookimpl
    def decode(self, envelope: Envelope) -> Iterator[Fact]:
        for number, word in enumerate(envelope.body.split()):
            if word == b"bad":
                raise Malformed("word", word, "write good")
            if word == b"boom":
                raise ZeroDivisionError("boom")
            yield Activation(
                id=FactId(f"reads:{number}"), at=NOW, activation=ActivationId("reads:s"),
                device=DeviceId("reads:d"),
            )  # fmt: skip


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    Hanging.release.clear()
    yield
    Hanging.release.set()


def load(load_s: float = 5, settings: dict[str, Any] | None = None, **plugins: object) -> Adapters:
    adapters = Adapters()
    adapters.load(plugins, settings or {}, load_s=load_s)
    return adapters


def why(adapters: Adapters, name: str) -> str:
    [failure] = adapters[name].failures.values()
    return str(whole(failure.why))


def test_a_good_adapter_answers_while_the_others_are_broken() -> None:
    adapters = load(0.3, good=Good, wrong=WrongContract, slow=HangsAtLoad, nobody=Nobody)

    assert adapters.offering("list_cameras") == ["good"]
    assert [camera.id for camera in adapters.ask("good", "list_cameras")] == ["good:1"]


@pytest.mark.parametrize(
    ("name", "plugin", "said"),
    [
        ("wrong", WrongContract, "it is written for contract 99, this host speaks contract 1"),
        ("slow", HangsAtLoad, "loading takes more than 0.3 s"),
        ("nobody", Nobody, "it does not say who it is: no describe hook"),
        ("misspelt", Misspelt, "lst_cameras"),
        ("arguments", WrongArguments, "brand"),
        ("answers", Answers, "describe answered dict instead of AdapterInfo"),
        ("other", Good, "it is installed as other and says it is good: names must agree"),
    ],
)
def test_a_broken_adapter_is_named_with_its_reason(name: str, plugin: object, said: str) -> None:
    adapters = Adapters()
    adapters.load({name: plugin}, {}, load_s=0.3)

    assert adapters[name].state is State.BROKEN
    assert said in why(adapters, name)


def test_an_adapter_that_needs_settings_and_has_none_is_not_in_use() -> None:
    adapters = load(needy=NeedsSettings)

    assert adapters["needy"].state is State.UNUSED
    assert not adapters["needy"].failures


def test_a_section_that_is_wrong_is_a_fault_naming_the_field() -> None:
    adapters = load(needy=NeedsSettings, settings={"needy": {}})

    assert adapters["needy"].state is State.BROKEN
    assert why(adapters, "needy") == "url = None: write the server's address"


def test_even_an_adapter_that_exits_does_not_end_the_host() -> None:
    adapters = load(needy=NeedsSettings, settings={"needy": {"url": "exit"}})

    assert "SystemExit" in why(adapters, "needy")


def test_a_hook_that_hangs_is_a_late_answer_and_nothing_more() -> None:
    adapters = load(hanging=Hanging, good=Good)

    with pytest.raises(Unreachable, match="no answer to list_cameras within"):
        adapters.ask("hanging", "list_cameras", deadline_s=0.05)

    assert "no answer" in why(adapters, "hanging")
    assert adapters.ask("good", "list_cameras")


def test_a_generator_that_fails_late_fails_inside_the_call() -> None:
    adapters = load(later=FailsLater)

    with pytest.raises(Unreachable, match="the host's log says why") as raised:
        adapters.ask("later", "list_cameras")

    assert "the second camera is too much" in str(whole(cause(raised.value)))


def test_a_failure_is_cleared_by_the_next_success() -> None:
    adapters = load(hanging=Hanging)
    with pytest.raises(Unreachable):
        adapters.ask("hanging", "list_cameras", deadline_s=0.05)
    Hanging.release.set()

    adapters.ask("hanging", "list_cameras")

    assert not adapters["hanging"].failures


def test_a_fault_in_a_message_keeps_the_facts_told_before_it() -> None:
    adapters = load(reads=Reads)
    envelope = Envelope(adapter="reads", body=b"one two bad four", received_at=NOW)

    facts, fault = adapters.decode(envelope)

    assert [fact.id for fact in facts] == ["reads:0", "reads:1"]
    assert str(fault) == "word = b'bad': write good"


def test_a_decoder_that_breaks_is_noted_and_its_message_is_at_fault() -> None:
    adapters = load(reads=Reads)

    facts, fault = adapters.decode(Envelope(adapter="reads", body=b"one boom", received_at=NOW))

    assert len(facts) == 1
    assert fault is not None
    assert "ZeroDivisionError: boom" in str(whole(cause(fault)))
    assert "decode" in adapters["reads"].failures


def test_a_message_for_nobody_is_at_fault() -> None:
    facts, fault = load(good=Good).decode(Envelope(adapter="good", body=b"", received_at=NOW))

    assert facts == []
    assert fault is not None


def test_what_an_adapter_refuses_is_told_as_it_said_it() -> None:
    class Refuses(Good):
        name = "refuses"

        @hookimpl
        def list_cameras(self) -> Iterable[Camera]:
            raise Refused("the account {name} may not list cameras", name="renfort")

    adapters = load(refuses=Refuses)

    with pytest.raises(Refused, match="the account renfort may not"):
        adapters.ask("refuses", "list_cameras")


def test_secrets_are_not_repeated_in_a_fault() -> None:
    class Leaks(Good):
        name = "leaks"

        @hookimpl
        def configure(self, settings: dict[str, Any]) -> None:
            raise BadSettings("password", settings["password"], "write a longer one")

    adapters = load(leaks=Leaks, settings={"leaks": {"password": "hunter2"}})

    assert "hunter2" not in why(adapters, "leaks")


def write_distribution(folder: Path, name: str, module: str, body: str) -> None:
    """Lay out an installed distribution as pip would, entry point included."""
    (folder / f"{module}.py").write_text(body, encoding="utf-8")
    info = folder / f"renfort_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: renfort-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[vms_plugin.adapters]\n{name} = {module}:Adapter\n")


STRANGER = """
from hooks import AdapterInfo, Camera, CameraId, hookimpl
class Adapter:
    @hookimpl
    def describe(self):
        return AdapterInfo(name="stranger", brand="Elsewhere", contract=1)
    @hookimpl
    def list_cameras(self):
        return [Camera(id=CameraId("stranger:1"), name="Gare")]
"""


def test_a_strangers_distribution_works_exactly_as_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_distribution(tmp_path, "stranger", "stranger_adapter", STRANGER)
    write_distribution(tmp_path, "wreck", "wreck_adapter", "import nothing_of_that_name")
    monkeypatch.syspath_prepend(str(tmp_path))

    adapters = Adapters.installed({})

    assert "stranger" in adapters.offering("list_cameras")
    assert "ModuleNotFoundError" in why(adapters, "wreck")


def test_a_section_for_an_adapter_that_is_not_installed_is_a_fault() -> None:
    adapters = Adapters.installed({"genetec": {}})

    assert "no adapter of that name is installed" in why(adapters, "genetec")


def test_an_adapter_switched_off_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_distribution(tmp_path, "wreck", "wreck_adapter", "import nothing_of_that_name")
    monkeypatch.syspath_prepend(str(tmp_path))

    adapters = Adapters.installed({"wreck": {"enabled": False}})

    assert adapters["wreck"].state is State.UNUSED


def test_two_distributions_of_one_name_are_both_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_distribution(tmp_path / folder, "stranger", "stranger_adapter", STRANGER)
        (tmp_path / folder / "renfort_stranger-1.0.dist-info").rename(
            tmp_path / folder / f"renfort_stranger_{folder}-1.0.dist-info"
        )
        metadata = tmp_path / folder / f"renfort_stranger_{folder}-1.0.dist-info" / "METADATA"
        metadata.write_text(f"Metadata-Version: 2.1\nName: renfort-s-{folder}\nVersion: 1.0\n")
        monkeypatch.syspath_prepend(str(tmp_path / folder))

    adapters = Adapters.installed({})

    assert "two installed distributions" in why(adapters, "stranger")
