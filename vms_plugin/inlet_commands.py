"""`renfort <adapter> connection-file`: write the file that a docking station imports to find us."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from hooks import AdapterError, Inlet
from hooks.causes import cause, whole
from vms_plugin.i18n import Language
from vms_plugin.settings import Settings, read

#: What is asked of an adapter by its name.
WORD = "connection-file"


def parser(adapter: str, say: Language) -> argparse.ArgumentParser:
    """Say what the command takes."""
    made = argparse.ArgumentParser(
        prog=f"renfort {adapter} {WORD}",
        description=say("write the file that a docking station imports to find us"),
    )
    made.add_argument("--config", type=Path, default=Path("renfort.toml"), metavar="FICHIER")
    made.add_argument("--address", required=True, metavar="https://csu.example.org:8791",
                      help=say("how the station reaches this inlet"))  # fmt: skip
    made.add_argument(
        "--ca", type=Path, metavar="AUTORITE.pem",
        help=say("who signed our certificate; without it, the certificate itself"),
    )  # fmt: skip
    made.add_argument("--out", type=Path, required=True, metavar="FICHIER.json")
    return made


def run(adapter: str, argv: list[str]) -> int:
    """Write the file, readable by us alone: the station's password is in it."""
    options = parser(adapter, Language()).parse_args(argv)
    settings = read(options.config)
    say = Language(settings.language)
    try:
        trusted = options.ca or settings.certificate
        certificates = trusted.read_text(encoding="utf-8") if trusted else ""
        inlet = _inlet(adapter, settings)
        assert inlet.connection_file is not None  # noqa: S101  (for the checker: chosen for it)
        written = inlet.connection_file(options.address, certificates)
        number = os.open(options.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(written)
    except AdapterError as error:
        sys.stderr.write(f"✗ {say.message(whole(cause(error)))}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"✗ {error.filename}: {say.message(whole(cause(error)))}\n")
        return 1
    sys.stdout.write(say("{path} written.", path=str(options.out)) + "\n")
    if not certificates:
        sys.stdout.write(say("Without a certificate it says plain HTTP: for trials alone.") + "\n")
    return 0


def _inlet(adapter: str, settings: Settings) -> Inlet:
    """Find the inlet of an adapter that has such a file; `AdapterError` when there is none."""
    from vms_plugin.adapters import Adapters  # noqa: PLC0415  (adapters are slow to import)
    from vms_plugin.recordings import open_archive  # noqa: PLC0415
    from vms_plugin.store import Store  # noqa: PLC0415

    own = settings.adapters.get(adapter, {})
    adapters = Adapters.installed({name: {"enabled": False} for name in settings.adapters}
                                  | {adapter: own})  # fmt: skip
    store = Store(settings.database)
    try:
        vault = open_archive(settings, store).vault(adapter)
        if adapter in adapters.offering("list_inlets"):
            for each in adapters.ask(adapter, "list_inlets", vault=vault):
                if isinstance(each, Inlet) and each.connection_file is not None:
                    return each
        for failure in adapters[adapter].failures.values():
            raise AdapterError(failure.why.text, **failure.why.params)
    except KeyError as error:
        raise AdapterError("no adapter {name} is installed", name=adapter) from error
    finally:
        store.close()
    raise AdapterError("no inlet of {name} is open: see its settings", name=adapter)
