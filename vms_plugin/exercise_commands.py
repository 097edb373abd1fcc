"""`renfort exercice`: have the running host prove its whole chain, and print each stage."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

from vms_plugin.i18n import Language
from vms_plugin.settings import Settings, read

#: Every VMS may take its time; the host itself gives up well before.
PATIENCE_S = 90.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (where a host listens)


def add(command: Callable[..., argparse.ArgumentParser], say: Language) -> None:
    """Add the command to the parser."""
    parser = command("exercice", _run, say("prove the whole chain by a marked press"))
    parser.add_argument("--json", action="store_true", help=say("print the times of each stage"))


def _run(options: argparse.Namespace) -> int:
    settings = read(options.config)
    say = Language(settings.language)
    try:
        told = _ask(settings, asyncio.run(_key(settings)))
    except urllib3.exceptions.HTTPError:
        sys.stderr.write(say("Renfort does not answer here: is it running?") + "\n")
        return 2
    if "stages" not in told:
        sys.stderr.write(say("Renfort refuses: {why}", why=str(told.get("error", ""))) + "\n")
        return 2
    if options.json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        _print(told, say)
    return 0 if told["well"] else 1


def _print(told: dict[str, Any], say: Language) -> None:
    from vms_plugin.exercise import stage_named  # noqa: PLC0415  (brings in the host)

    for stage, ms in sorted(told["stages"].items(), key=lambda item: float(item[1])):
        sys.stdout.write(f"  {ms:>9.1f} ms  {say.message(stage_named(stage))}\n")
    for stage in told["missing"]:
        sys.stdout.write(f"          —     {say.message(stage_named(stage))}\n")
    counts = say("{cameras} cameras, {crews} crews ranked", cameras=told["cameras"],
                 crews=told["crews"])  # fmt: skip
    path = (
        say("pressed on the maker's side")
        if told["by_maker"]
        else say("heard at our inlet: the maker's event path was not taken")
    )
    sys.stdout.write(f"{'✓' if told['well'] else '✗'} {told['said']} — {path} ; {counts}\n")


async def _key(settings: Settings) -> str:
    from vms_plugin.store import Store  # noqa: PLC0415  (not needed to print help)
    from vms_plugin.web.exercise import LOCAL_KEY  # noqa: PLC0415

    store = Store(settings.database)
    try:
        return (await store.secret(LOCAL_KEY)).hex()
    finally:
        store.close()


def _ask(settings: Settings, key: str) -> dict[str, Any]:
    """Ask the host that runs here; under TLS it is known by its very certificate, not by a name."""
    host = _ANYWHERE.get(settings.host, settings.host)
    pool: urllib3.HTTPConnectionPool
    if settings.certificate is None:
        pool = urllib3.HTTPConnectionPool(host, settings.port)
    else:
        pool = urllib3.HTTPSConnectionPool(
            host, settings.port, cert_reqs="CERT_NONE", assert_hostname=False,
            assert_fingerprint=_fingerprint(settings.certificate),
        )  # fmt: skip
    with pool:
        answer = pool.request(
            "POST", "/local/exercise", headers={"Authorization": f"Bearer {key}"},
            timeout=PATIENCE_S, retries=False,
        )  # fmt: skip
    try:
        told: dict[str, Any] = json.loads(answer.data)
    except ValueError:
        return {"error": str(answer.status)}
    return told


def _fingerprint(certificate: Path) -> str:
    text = certificate.read_text(encoding="ascii")
    first = text[text.index("-----BEGIN CERTIFICATE") :]
    first = first[: first.index("-----END CERTIFICATE-----") + len("-----END CERTIFICATE-----")]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
