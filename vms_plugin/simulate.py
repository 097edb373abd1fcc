"""Serve a maker's simulator: find it, give it TLS and a port, say where it is.

A simulator is named by the entry point group `vms_plugin.simulators`: a class with
`add_arguments(parser)`, `__init__(options)`, an ASGI `app`, and `ready(url)`, whose answer is
printed, with `url` and `ca`, as one line of JSON once the server accepts connections.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

import uvicorn

from vms_plugin.certificate import issue

GROUP = "vms_plugin.simulators"


class Simulator(Protocol):
    """The maker's side, speaking the maker's protocol."""

    app: Any

    def __init__(self, options: argparse.Namespace) -> None: ...

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the simulator's own options."""

    def ready(self, url: str) -> dict[str, object]:
        """Say what a client needs to know besides the address: accounts, controls."""


def simulator_names() -> list[str]:
    """List the simulators installed."""
    return sorted(point.name for point in entry_points(group=GROUP))


def load(name: str) -> type[Simulator]:
    """Find a simulator by name; `KeyError` when there is none."""
    [point] = entry_points(group=GROUP, name=name) or [None]
    if point is None:
        raise KeyError(name)
    found: type[Simulator] = point.load()
    return found


class _Announced(uvicorn.Server):
    """A server that says on standard output, in one line, that it accepts connections."""

    def __init__(self, config: uvicorn.Config, line: str) -> None:
        super().__init__(config)
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(self._line + "\n")
        sys.stdout.flush()


def _listener(host: str, port: int) -> socket.socket:
    """Open a port. The protocol is named: without it asyncio leaves Nagle's delay on (40 ms)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


async def serve(simulator: Simulator, *, host: str, port: int, tls: bool) -> None:
    """Serve until cancelled; print the line of JSON once ready."""
    listener = _listener(host, port)
    address = f"{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="renfort-simulator-") as folder:
        files = issue(Path(folder), host) if tls else None
        config = uvicorn.Config(
            simulator.app,
            log_level="warning",
            ssl_certfile=files.certificate if files else None,
            ssl_keyfile=files.key if files else None,
            ws_max_size=1 << 24,
            timeout_graceful_shutdown=1,
        )
        url = f"{'https' if files else 'http'}://{address}"
        line = {"url": url, "ca": str(files.ca) if files else None, **simulator.ready(url)}
        await _Announced(config, json.dumps(line)).serve(sockets=[listener])


def run(name: str, argv: list[str]) -> int:
    """Run `renfort simulate NAME …` until interrupted."""
    kind = load(name)
    parser = argparse.ArgumentParser(prog=f"renfort simulate {name}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--plain", action="store_true", help="HTTP instead of HTTPS")
    kind.add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        asyncio.run(
            serve(kind(options), host=options.host, port=options.port, tls=not options.plain)
        )
    except KeyboardInterrupt:
        return 0
    return 0
