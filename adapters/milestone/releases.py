"""What came with which release of XProtect, and how it is found out on a site. Data.

A version is a hint: licences, rights and stopped services take away what a release has, and the
years between two recorded releases are guesses. So nothing is decided by version: each thing is
tried, and the version serves to say *why* it is not there.

Since is the maker's word where `sure` says V; see the page in docs/integrators.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from adapters.milestone.gateways import major

#: Releases by the first two numbers of their version: 2025 R1 is 25.1.
RELEASES = (
    "2021 R2", "2022 R1", "2022 R2", "2022 R3", "2023 R1", "2023 R2", "2023 R3", "2024 R1",
    "2024 R2", "2025 R1", "2025 R2",
)  # fmt: skip
#: When this was last held against what the maker publishes.
AS_OF = "2026-11"


class Sure(StrEnum):
    """How sure the first release is."""

    MAKER = "V"  # read in the maker's samples or documents
    SEEN = "F"  # recorded by somebody with a server, on one release each side
    DIFFER = "V, differs"  # the maker says two things


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that we use, and that not every release has."""

    name: str
    since: str
    sure: Sure
    found_by: str  #: what the client does to know
    without: str  #: what happens where it is not there


CAPABILITIES = (
    Capability("API gateway, Configuration REST: cameras, hardware", "2021 R2", Sure.MAKER,
               "`.well-known/uris`, else `server_version` of the identity provider",
               "refused at start, and said"),
    Capability("alarms by REST", "2023 R2", Sure.MAKER, "`GET alarmStates`; 404",
               "all the other ways show; alarms are made of our event, by an alarm definition, and "
               "closed by operators; said"),
    Capability("events by REST", "2023 R2", Sure.MAKER, "`POST events`; 404",
               "analytics events by XML on port 9090, those for rules by SOAP (`EventTrigger`)"),
    Capability("cameras live on the page (WebRTC)", "2023 R1", Sure.MAKER,
               "`POST WebRTC/Session`; 404", "no live tile; said on the tile"),
    Capability("which cameras answer (Events and State WebSocket)", "2023 R3", Sure.DIFFER,
               "the WebSocket's upgrade; 404",
               "dead cameras are proposed like the others; asked again each hour"),
    Capability("a camera's `ptzEnabled`", "2024 R1", Sure.SEEN, "the field is there",
               "kind unknown, unless the town's layer says it"),
    Capability("numbers of a camera as numbers, not texts", "2024 R1", Sure.SEEN,
               "both are read; written as they were read", "nothing"),
    Capability("bookmarks, evidence locks by REST", "2024 R2", Sure.MAKER,
               "`POST bookmarks`; 404", "no bookmark; said in the receipt"),
    Capability("turning cameras by REST", "2024 R2", Sure.MAKER, "`cameras/{id}?tasks`",
               "refused with its reason; the operator turns it himself"),
    Capability("WebRTC trickling by WebSocket", "2025 R1", Sure.MAKER,
               "the WebSocket's upgrade; 404", "candidates by polling"),
    Capability("a live camera named `deviceId`, not `cameraId`", "2025 R2", Sure.MAKER,
               "both are sent", "nothing"),
)  # fmt: skip


def release_of(version: str) -> str:
    """Name the release of a version: 25.1.1804.0 is 2025 R1; empty: it cannot be read."""
    parts = version.split(".")
    year = major(version)
    if year is None or len(parts) < 2 or not parts[1].isdecimal() or year > 99:
        return ""
    return f"20{year:02} R{int(parts[1])}"


def offers(version: str, capability: Capability) -> bool | None:
    """Say whether a release has it, by what is known; None: the version says nothing."""
    release = release_of(version)
    return release >= capability.since if release else None


def table() -> str:
    """Write the table of the documentation: what, since when, how sure, how it is found out."""
    lines = [
        "| what | since | sure | how a site is asked | without it |", "|---|---|---|---|---|"
    ]  # fmt: skip
    lines += [
        f"| {each.name} | {each.since} | {each.sure} | {each.found_by} | {each.without} |"
        for each in CAPABILITIES
    ]
    return "\n".join(lines) + "\n"


ALARMS, STATE = CAPABILITIES[1], CAPABILITIES[4]
