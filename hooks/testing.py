"""Try an adapter against the contract: the same battery for ours and for a stranger's.

In your own test suite:

    from hooks.testing import check_adapter, check_decoder

    def test_my_adapter_keeps_the_contract():
        check_adapter(MyAdapter(), settings={"url": "https://vms.example.org"})

    def test_my_decoder_survives_anything():
        check_decoder(MyAdapter(), samples=[PRESS, END], settings={...})

A failure is an `AssertionError` whose sentence says what the contract wants.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from hooks import CONTRACT, PROJECT, AdapterInfo, Envelope, Fact, Malformed, Message, specs

#: Mutations of each sample that a decoder must survive.
MUTATIONS = 300


def check_adapter(adapter: object, settings: Mapping[str, Any]) -> AdapterInfo:
    """Check who it is, that its hooks exist with the right arguments, and that lists are stable."""
    for name, function in _implementations(adapter).items():
        spec = getattr(specs, name, None)
        assert spec is not None, f"{name} is no hook of the contract"
        wanted = set(inspect.signature(spec).parameters)
        odd = set(inspect.signature(function).parameters) - wanted
        assert not odd, f"{name} takes {sorted(odd)}: the hook gives {sorted(wanted)}"
    hooks = _implementations(adapter)
    assert "describe" in hooks, "describe is missing: nobody knows who it is"
    info = hooks["describe"]()
    assert isinstance(info, AdapterInfo), f"describe answered {type(info).__name__}"
    assert info.contract == CONTRACT, f"written for contract {info.contract}, not {CONTRACT}"
    assert info.name, "an adapter has a name"
    assert hooks["describe"]() == info, "describe is constant"
    if "configure" in hooks:
        hooks["configure"](settings)
    return info


def check_decoder(
    adapter: object,
    samples: Sequence[bytes],
    settings: Mapping[str, Any],
    channel: str = "",
    seed: int = 0,
) -> list[Fact]:
    """Check that good samples tell facts, always the same, and that damaged ones are `Malformed`.

    Answers the facts that the samples tell.
    """
    info = check_adapter(adapter, settings)
    now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    told: list[Fact] = []
    for sample in samples:
        envelope = Envelope(adapter=info.name, body=sample, received_at=now, channel=channel)
        facts = _decode(adapter, envelope)
        assert facts == _decode(adapter, envelope), "decode is pure: the same bytes, the same facts"
        for fact in facts:
            check_value(fact, info.name)
        told += facts
    chance = random.Random(seed)
    for sample in samples:
        for _ in range(MUTATIONS):
            damaged = _damage(sample, chance)
            envelope = Envelope(adapter=info.name, body=damaged, received_at=now, channel=channel)
            try:
                facts = _decode(adapter, envelope)
            except Malformed as fault:
                assert str(fault), "a fault says what is wrong"
                continue
            for fact in facts:
                check_value(fact, info.name)
    return told


def check_value(value: object, adapter: str) -> None:
    """Check a value of the contract: prefixed ids, aware times, no framework object inside."""
    if isinstance(value, Fact):
        assert value.id.startswith(f"{adapter}:"), f"{value.id!r} should start with {adapter!r}:"
    if isinstance(value, datetime):
        assert value.tzinfo is not None, "datetimes are aware"
    elif isinstance(value, Message):
        assert str(value), "a message has a text, and parameters for it"
    elif is_dataclass(value):
        for each in fields(value):
            check_value(getattr(value, each.name), adapter)
    elif isinstance(value, Mapping):
        for inner in value.values():
            check_value(inner, adapter)
    elif isinstance(value, tuple):
        for inner in value:
            check_value(inner, adapter)
    else:
        plain = str | int | float | bool | Enum | None
        assert isinstance(value, plain), f"{type(value).__name__} does not cross the contract"


def _implementations(adapter: object) -> dict[str, Any]:
    mark = f"{PROJECT}_impl"
    # Looked up without being evaluated: a property may well fail before `configure`.
    found = [
        name for name in dir(adapter)
        if hasattr(inspect.getattr_static(adapter, name, None), mark)
    ]  # fmt: skip
    return {name: getattr(adapter, name) for name in found}


def _decode(adapter: object, envelope: Envelope) -> list[Fact]:
    decode = _implementations(adapter)["decode"]
    answer: Iterable[Fact] = decode(envelope) or ()
    return list(answer)


def _damage(sample: bytes, chance: random.Random) -> bytes:
    body = bytearray(sample)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0:
                body[place:place] = chance.randbytes(chance.randint(1, 3))
            case 1:
                del body[place : place + chance.randint(1, 20)]
            case 2:
                body[place : place + 1] = chance.randbytes(1)
            case _:
                body[place:place] = chance.choice(_SPICE)
    return bytes(body)


_SPICE = (
    b"NaN",
    b"null",
    b"1e999",
    b"-1",
    b'"',
    b"{",
    b"[[[[",
    b"\x00",
    b"\xff\xfe",
    b"{}",
    b"true",
)
