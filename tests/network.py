"""What this machine's network has to give."""

from __future__ import annotations

import socket
from pathlib import Path
from secrets import randbelow

import ifaddr

#: A browser gathers no address where the machine has none.
NETWORK = any(ip.ip not in ("127.0.0.1", ("::1", 0, 0))
              for adapter in ifaddr.get_adapters() for ip in adapter.ips)  # fmt: skip
_LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Choose a port that nobody uses, for whoever cannot be told to take any.

    Below those that the system gives to whoever calls out: between the choice and its use, no
    connection of this machine takes it.
    """
    first = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    while True:
        port = _LOWEST + randbelow(first - _LOWEST)
        with socket.socket(socket.AF_INET, kind) as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
