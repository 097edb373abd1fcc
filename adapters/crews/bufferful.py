"""Read a broker by the bufferful: paho alone asks the system for each message four times.

Each of those calls also hands the interpreter to whoever waits for it, and gets it back once he has
finished: with ten thousand messages a second and a host that has other work, they pile up.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

#: Asked of the system at once: some three hundred positions.
BUFFERFUL = 1 << 16


class Buffered:
    """A connected socket, plain or TLS, read ahead."""

    def __init__(self, raw: SocketLike) -> None:
        self._raw = raw
        self._held = memoryview(b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def recv(self, size: int) -> bytes:
        """Give at most `size` bytes; b"" at the end. May block as the socket does."""
        if not self._held:
            self._held = memoryview(self._raw.recv(BUFFERFUL))
        given, self._held = self._held[:size], self._held[size:]
        return bytes(given)

    @property
    def held(self) -> bool:
        """Whether something read ahead was not asked for yet."""
        return bool(self._held)

    def pending(self) -> int:
        """Count the bytes that can be had without waiting for the system to say so."""
        below = self._raw.pending() if isinstance(self._raw, ssl.SSLSocket) else 0
        return len(self._held) + below


class BufferfulClient(Client):
    """paho's client, which takes all that has arrived at once."""

    def _create_socket(self) -> Any:  # private to paho: against the version pinned
        self._buffered = Buffered(super()._create_socket())
        return self._buffered

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read what has arrived; paho's loop calls this when the socket is readable."""
        code = super().loop_read(max_packets)
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._buffered.held:
            code = super().loop_read(max_packets)
        return code
