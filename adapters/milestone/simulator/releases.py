"""What each release of XProtect offers: one table, dated, with how sure each line is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Release:
    """A release: the version its server says it is, and when it came out."""

    name: str
    version: str
    year: int

    @property
    def rank(self) -> int:
        """Its place in the order of releases."""
        return list(RELEASES).index(self.name)

    def has(self, feature: Feature) -> bool:
        """Tell whether it offers this."""
        return self.rank >= RELEASES[SINCE[feature][0]].rank


#: Build numbers are recorded for 23.2 and 25.1 only; the others are ours.
RELEASES = {
    name: Release(name, version, int(name[:4]))
    for name, version in (
        ("2021R2", "21.2.0.1"), ("2022R1", "22.1.0.1"), ("2022R2", "22.2.0.1"),
        ("2022R3", "22.3.0.1"), ("2023R1", "23.1.0.1"), ("2023R2", "23.2.0.1"),
        ("2023R3", "23.3.0.1"), ("2024R1", "24.1.0.1"), ("2024R2", "24.2.0.1"),
        ("2025R1", "25.1.1804.0"), ("2025R2", "25.2.0.1"),
    )
}  # fmt: skip


class Feature(Enum):
    """What came with one release and stayed."""

    CONFIGURATION = "Configuration REST"
    EVENTS = "Events and Alarms REST"
    EVENTS_SOCKET = "Events and State WebSocket"
    EVENTS_AUTHENTICATE = "`authenticate` on that WebSocket"
    MESSAGES_SOCKET = "Messages WebSocket"
    WEBRTC = "WebRTC signalling by REST"
    WEBRTC_STREAM = "WebRTC: chosen stream, playback, TURN"
    WEBRTC_SOCKET = "WebRTC signalling by WebSocket, data channel"
    WEBRTC_AUDIO = "WebRTC: sound"
    BOOKMARKS = "Bookmarks and evidence locks REST"
    PTZ_MOVE = "PTZ go-to and absolute position by REST"
    NUMBERS = "numbers of a camera as JSON numbers"
    CAMERA_2024 = "`ptzEnabled`, `failoverSetting` of a camera"


#: Feature → first release, certainty. The marks are those of the README.
SINCE = {
    Feature.CONFIGURATION: ("2021R2", "[V] sample RestfulCommunicationPython"),
    Feature.WEBRTC: ("2023R1", "[V] sample WebRTC_JavaScript"),
    Feature.EVENTS: ("2023R2", "[V] beta then, final in 2024R2"),
    Feature.EVENTS_SOCKET: ("2023R3", "[V] the JavaScript sample says 2024R1"),
    Feature.MESSAGES_SOCKET: ("2023R3", "[V] one page says 2023R2"),
    Feature.WEBRTC_STREAM: ("2023R3", "[V] sample WebRTC_JavaScript"),
    Feature.EVENTS_AUTHENTICATE: ("2024R1", "[V] JavaScript sample; refused before [F]"),
    Feature.NUMBERS: ("2024R1", "[F] strings in 23.2, numbers in 25.1; between, assumed"),
    Feature.CAMERA_2024: ("2024R1", "[F] absent in 23.2, there in 25.1; between, assumed"),
    Feature.BOOKMARKS: ("2024R2", "[V] what's new"),
    Feature.PTZ_MOVE: ("2024R2", "[V] what's new"),
    Feature.WEBRTC_SOCKET: ("2025R1", "[V] sample WebRTC_JavaScript"),
    Feature.WEBRTC_AUDIO: ("2025R2", "[V] sample WebRTC_JavaScript"),
}
