"""What all the other types are made with: identifiers, sentences, places.

The things that cross between host, geography and adapters are frozen dataclasses of the standard
library: nothing to install, nothing to learn. They stand by subject: `hooks.facts` what comes in,
`hooks.town` what stands and moves there, `hooks.picture` what is shown, `hooks.adapter` what an
adapter says of itself. Rules that hold everywhere:

* positions are WGS 84 degrees, longitude before latitude, given by keyword;
* a name carries its unit: `accuracy_m`, `heading_deg`, `time_s`;
* datetimes are aware; durations are seconds;
* unknown is a value: `None`, or the enum's `UNKNOWN`. Never 0, never north, never now;
* identifiers read `<adapter>:<local id>`, so the host knows whom to ask;
* a sentence for people is a `Message`: an English template and its parameters, translated by
  the host. No adapter writes French, no adapter formats a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from hooks._values import require_aware

ActivationId = NewType("ActivationId", str)
CameraId = NewType("CameraId", str)
CrewId = NewType("CrewId", str)
DeviceId = NewType("DeviceId", str)
FactId = NewType("FactId", str)
IncidentId = NewType("IncidentId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A sentence for people: an English template (the catalogue's id) and its parameters.

    >>> str(Message(text="{distance_m:.0f} m away", params={"distance_m": 34.2}))
    '34 m away'
    """

    text: str
    params: Mapping[str, str | int | float | Message] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place on earth, how sure it is, and how old.

    Raises
    ------
    ValueError
        A coordinate is not a number or out of range, the accuracy is negative, or the time has
        no zone.
    """

    lon: float  #: degrees east, WGS 84, -180..180
    lat: float  #: degrees north, WGS 84, -90..90
    accuracy_m: float | None = None  #: radius of the disc he is in (1 sigma); None: not said
    fixed_at: datetime | None = None  #: when the receiver computed it; None: not said
    source: str = ""  #: who says so: "gnss", "operator", "radio"... free text

    def __post_init__(self) -> None:
        for name, value, limit in (("lon", self.lon, 180.0), ("lat", self.lat, 90.0)):
            if not (math.isfinite(value) and -limit <= value <= limit):
                raise ValueError(f"{name} must be a number of degrees in ±{limit:g}, got {value}")
        if self.accuracy_m is not None and not (
            math.isfinite(self.accuracy_m) and self.accuracy_m >= 0
        ):
            raise ValueError(f"accuracy_m must be a number of metres >= 0, got {self.accuracy_m}")
        require_aware("fixed_at", self.fixed_at)
