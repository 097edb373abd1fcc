"""Commands that adapters bring to `renfort`."""

from __future__ import annotations

import argparse
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from vms_plugin import adapter_commands, cli
from vms_plugin.i18n import Language


def brought(commands: Any, say: Language) -> None:
    parser = commands.add_parser("bosch", help=say("more logs"))
    parser.add_argument("word")
    parser.set_defaults(run=lambda options: 3 if options.word == "try" else 0)


def broken(_commands: Any, _say: Language) -> None:
    raise RuntimeError("no such thing")


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    points = [EntryPoint(name, f"{__name__}:{name}", adapter_commands.GROUP) for name in names]
    monkeypatch.setattr(EntryPoint, "load", lambda point: globals()[point.name])
    monkeypatch.setattr(adapter_commands, "entry_points", lambda group: points)


def test_a_command_that_an_adapter_brings_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "brought")

    assert cli.main(["bosch", "try"]) == 3


def test_a_command_that_fails_is_named_and_the_others_are_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, "broken", "brought")
    parser = argparse.ArgumentParser()

    adapter_commands.add(parser.add_subparsers(), Language())

    assert parser.parse_args(["bosch", "x"]).word == "x"
    assert "broken" in capsys.readouterr().err
