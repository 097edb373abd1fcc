"""`renfort ineo essai`: try a profile on the real hypervisor with a marked exercise."""

from __future__ import annotations

import argparse
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hooks import (
    AdapterError,
    BadSettings,
    Malformed,
    Message,
    ReceivedElsewhere,
    RefusedElsewhere,
)
from hooks.causes import cause, whole

if TYPE_CHECKING:
    from adapters.ineo.gateway import Gateway
    from adapters.ineo.profile import Endpoint


def add(commands: Any, say: Any) -> None:
    """Add `ineo` to the command line."""
    does = say("try the hypervisor's profile")
    ineo = commands.add_parser("ineo", help=does, description=does)
    verbs = ineo.add_subparsers(required=True, metavar="VERBE")
    sends = say("send a marked exercise to every endpoint, and show each answer")
    trial = verbs.add_parser("essai", help=sends, description=sends)
    trial.add_argument("profile", type=Path, nargs="?", metavar="PROFIL.toml")
    trial.add_argument("--config", type=Path, default=Path("renfort.toml"), metavar="FICHIER")
    only = say("only check the profile and show what would be sent")
    trial.add_argument("--sans-envoi", action="store_true", help=only)
    trial.set_defaults(run=lambda options: _trial(options, say))


def _trial(options: argparse.Namespace, say: Any) -> int:
    from adapters.ineo.gateway import Gateway  # noqa: PLC0415  (brings in requests, aio-pika)
    from adapters.ineo.profile import read_profile  # noqa: PLC0415

    path = options.profile or _profile_of(options.config)
    if path is None:
        _print(f"✗ {options.config}: " + say("no profile in [adapters.ineo]: name it"))
        return 1
    profile, faults = read_profile(path)
    for fault in faults:
        _print(f"✗ {say.message(whole(cause(fault)))}")
    if faults:
        return 1
    gateway = Gateway(profile)
    try:
        return _all(gateway, say, send=not options.sans_envoi)
    finally:
        gateway.close()


def _profile_of(config: Path) -> Path | None:
    try:
        document = tomllib.loads(config.read_text(encoding="utf-8-sig"))
        written = document["adapters"]["ineo"]["profile"]
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return config.resolve().parent / Path(str(written)).expanduser()


def _all(gateway: Gateway, say: Any, *, send: bool) -> int:
    """Tell the exercise to each endpoint: opening, update, end; answer 1 when any was refused."""
    well = True
    if not gateway.profile.endpoints:
        _print(say("Nothing is sent: the profile has no [[send]]."))
    for endpoint in gateway.profile.endpoints:
        _print(f"\n{endpoint.name} ({endpoint.kind})")
        try:
            if send:
                with gateway.on_line(endpoint):
                    well &= _send(gateway, endpoint, say)
            else:
                _show(gateway, endpoint, say)
        except AdapterError as error:
            well = False
            _print(f"  ✗ {say.message(whole(cause(error)))}")
        well &= _bare(gateway, endpoint, say)
    return 0 if well else 1


def _bare(gateway: Gateway, endpoint: Endpoint, say: Any) -> bool:
    """Try what a press without a position will ask of a WSDL: it must not find out by itself."""
    try:
        gateway.check(endpoint)
    except AdapterError as error:
        why = say.message(whole(cause(error)))
        _print("  ✗ " + say("when the place or the officer is not known: {why}", why=why))
        return False
    return True


def _send(gateway: Gateway, endpoint: Endpoint, say: Any) -> bool:
    from adapters.ineo.trial import sayings  # noqa: PLC0415

    well = True
    for saying in sayings(datetime.now(UTC)):
        word = say(_ACTS[saying.act.value])
        if not endpoint.tells(saying.act):
            _print(f"  · {word}: " + say("nothing to say"))
            continue
        try:
            answer = gateway.send(endpoint, saying)
        except (AdapterError, BadSettings) as error:
            well = False
            _print(f"  ✗ {word}: {say.message(whole(cause(error)))}")
        else:
            text = answer[:300].decode("utf-8", "replace").strip() or say("taken")
            _print(f"  ✓ {word}: {text}")
            well &= _understood(gateway, say)
    return well


def _understood(gateway: Gateway, say: Any) -> bool:
    """Say what an answer in the standards means, as the page would: confirmed, refused, neither."""
    from adapters.ineo.decode import decode_message  # noqa: PLC0415

    profile, well = gateway.profile, True
    while not gateway.answers.empty():
        answer = gateway.answers.get_nowait()
        try:
            for fact in decode_message(answer, profile.identity, profile.crews, profile.rules):
                if isinstance(fact, ReceivedElsewhere):
                    _print("    ✓ " + say("{who} confirms reception", who=fact.by))
                elif isinstance(fact, RefusedElsewhere):
                    well = False
                    _print("    ✗ " + say("{who} refuses it: {why}", who=fact.by, why=fact.why))
        except Malformed as fault:
            well = False
            _print(f"    ✗ {say.message(whole(cause(fault)))}")
    return well


def _show(gateway: Gateway, endpoint: Endpoint, say: Any) -> None:
    from adapters.ineo.arguments import fill  # noqa: PLC0415
    from adapters.ineo.profile import SOAP  # noqa: PLC0415
    from adapters.ineo.templates import context  # noqa: PLC0415
    from adapters.ineo.trial import sayings  # noqa: PLC0415

    for saying in sayings(datetime.now(UTC)):
        if endpoint.kind == SOAP:
            operation = endpoint.operations.get(saying.act)
            filled = context(saying, gateway.profile.identity, gateway.profile.codes)
            text = f"{operation[0]} {fill(operation[1], filled, 'arguments')}" if operation else ""
        else:
            written = gateway.write(endpoint, saying)
            text = written[0].decode("utf-8") if written else ""
        _print(f"  · {say(_ACTS[saying.act.value])}: " + (text or say("nothing to say")))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")


_ACTS = {
    "open": Message(text="opening").text,
    "update": Message(text="update").text,
    "end": Message(text="end").text,
}
