"""One TOML file, one frozen `Settings`: every fault in it is listed, with key and remedy."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hooks import DeviceId, Message
from hooks.causes import cause
from vms_plugin import setting_checks as check
from vms_plugin.roster import Wearer

_FRANCE = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one key of the configuration, and what to write instead."""

    key: str
    value: object
    remedy: Message


class BadConfigurationError(Exception):
    """The configuration cannot be used; `faults` lists everything wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.key}: {fault.remedy}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """How the live picture is given to a VMS."""

    rtsp_port: int | None = None
    rtsps_port: int | None = None  #: under TLS, with the page's certificate
    onvif_port: int | None = None  #: an ONVIF device whose channels are the officers
    username: str = ""
    password: str = field(default="", repr=False)
    officers: tuple[str, ...] = ()  #: the names that have an address, streaming or not
    sound: str = "pcma"  #: in what the VMS hears: pcma, pcmu, aac, opus, none
    still: bool = True  #: between activations a still picture, else a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """The provider, and how its claims name our roles."""

    issuer: str = ""  #: empty: there is no provider
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile")
    label: str = "OpenID Connect"  #: what the log-in page calls it
    name_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: Mapping[str, str] = field(default_factory=dict)  #: a value of that claim: our role
    communes_claim: str = ""  #: INSEE codes; empty: the site's
    ca: Path | None = None
    leeway_s: float = 30.0  #: how far the provider's clock may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSettings:
    """Where docked recordings are kept, and how much room they may take."""

    store: str = "recordings"  #: a folder, or an address such as s3://bucket/folder
    s3_endpoint: str = ""  #: of an S3-compatible store; empty: Amazon's
    s3_key: str = ""
    s3_secret: str = field(default="", repr=False)
    free_floor_gb: float = 5.0  #: what is left on the disk, for the journal first of all
    largest_gb: float = 64.0  #: of one piece
    uploads: int = 8  #: at once; who comes more is told to come again


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the host needs to know. Paths are absolute."""

    host: str = "127.0.0.1"
    port: int = 8790
    public_url: str = ""  #: how phones reach us; empty: crews are sent no link
    certificate: Path | None = None
    certificate_key: Path | None = None
    database: Path = Path("renfort.db")
    language: str = "fr"
    osm: Path | None = None
    cameras: Path | None = None
    layers: Path | None = None  #: a territory file, instead of the two above
    postgis: str | None = None  #: where the territory is kept instead, as libpq writes it
    postgis_schema: str = "renfort"
    postgis_password: str = field(default="", repr=False)
    timezone: ZoneInfo = _FRANCE  #: whose hours are read and written, everywhere
    communes: frozenset[str] = frozenset()  #: INSEE codes of the operators' competence (R253-3)
    iec_edition: int = 2025  #: of IEC 62676-4, whose pixel classes the town speaks
    priority_factor: float = 1.0  #: speed of a priority vehicle over the posted one
    stale_after_s: float = 120.0  #: an older fix of a crew is not "now"
    crew_link_hours: float = 2.0  #: how long a crew's own page stays open at most
    crew_live: bool = True  #: whether it shows the live picture (R241-12 II 3°)
    close_after_end_s: float = 300.0
    log_months: int = 36  #: how long an incident and its log are kept; three years at most
    escalate_after_s: float = 30.0  #: nobody confirms: the second group is called on
    notify_after_s: float = 60.0  #: nobody confirms: somebody outside is called
    second_group: tuple[str, ...] = ("chef",)  #: the roles called on first when nobody confirms
    wall_body_worn: bool = False  #: whether /mur shows officers' pictures: never in a mixed room
    exercise_times: tuple[time, ...] = ()  #: local hours at which the chain is proven
    exercise_slow_ms: float = 5000.0  #: a chain slower than that is not well
    oidc: OidcSettings = field(default_factory=OidcSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    recordings: RecordingSettings = field(default_factory=RecordingSettings)
    law_parameters: Path | None = None  #: what the prefect's order sets, beside legal.toml
    intake_tokens: Mapping[str, str] = field(default_factory=dict)
    roster: Path | None = None  #: who wears what, and who is on duty: a table, by date
    trail_days: float = 0  #: how long the ways of crews are kept outside incidents
    incident_trail_days: float = 30  #: and ways in an incident, the officer's too
    wearers: Mapping[DeviceId, Wearer] = field(default_factory=dict)
    adapters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


#: What may hold a secret is not repeated when it is wrong.
_SECRETS = ("territory.postgis",)
#: Keys of an adapter's section that name a file it reads itself.
_PATHS = ("ca", "profile")
#: (key in the file, field of Settings, check)
_KEYS: tuple[tuple[str, str, check.Check], ...] = (
    ("language", "language", check.language),
    ("server.host", "host", check.text),
    ("server.port", "port", check.whole(1, 65535)),
    ("server.public_url", "public_url", check.address),
    ("server.certificate", "certificate", check.existing),
    ("server.certificate_key", "certificate_key", check.existing),
    ("storage.path", "database", check.path),
    ("territory.osm", "osm", check.existing),
    ("territory.cameras", "cameras", check.existing),
    ("territory.layers", "layers", check.existing),
    ("territory.postgis", "postgis", check.database),
    ("territory.postgis_schema", "postgis_schema", check.text),
    ("territory.postgis_password_file", "postgis_password", check.secret),
    ("territory.timezone", "timezone", check.timezone),
    ("territory.communes", "communes", check.communes),
    ("territory.iec_edition", "iec_edition", check.edition),
    ("crews.priority_factor", "priority_factor", check.number(0.5, 3)),
    ("crews.stale_after_s", "stale_after_s", check.number(10, 3600)),
    ("crews.roster", "roster", check.path),
    # Two months: what the CNIL allows for the follow-up of activity.
    ("crews.trail_days", "trail_days", check.number(0, 61)),
    ("crews.incident_trail_days", "incident_trail_days", check.number(0, 61)),
    ("crews.link_hours", "crew_link_hours", check.number(0.1, 24)),
    ("crews.live", "crew_live", check.yes),
    ("wall.body_worn", "wall_body_worn", check.yes),
    ("exercise.times", "exercise_times", check.hours),
    ("exercise.slow_ms", "exercise_slow_ms", check.number(100, 60000)),
    ("oidc.issuer", "oidc.issuer", check.issuer),
    ("oidc.client_id", "oidc.client_id", check.text),
    ("oidc.client_secret_file", "oidc.client_secret", check.secret),
    ("oidc.scopes", "oidc.scopes", check.names),
    ("oidc.label", "oidc.label", check.text),
    ("oidc.name_claim", "oidc.name_claim", check.text),
    ("oidc.roles_claim", "oidc.roles_claim", check.text),
    ("oidc.roles", "oidc.roles", check.role_map),
    ("oidc.communes_claim", "oidc.communes_claim", check.text),
    ("oidc.ca", "oidc.ca", check.existing),
    ("oidc.leeway_s", "oidc.leeway_s", check.number(0, 300)),
    ("live.rtsp_port", "live.rtsp_port", check.whole(1, 65535)),
    ("live.rtsps_port", "live.rtsps_port", check.whole(1, 65535)),
    ("live.onvif_port", "live.onvif_port", check.whole(1, 65535)),
    ("live.username", "live.username", check.text),
    ("live.password_file", "live.password", check.secret),
    ("live.officers", "live.officers", check.names),
    ("live.sound", "live.sound", check.sound),
    ("live.still", "live.still", check.yes),
    ("incident.log_months", "log_months", check.whole(1, 36)),
    ("incident.escalate_after_s", "escalate_after_s", check.number(5, 3600)),
    ("incident.notify_after_s", "notify_after_s", check.number(5, 3600)),
    ("incident.second_group", "second_group", check.roles),
    ("recordings.store", "recordings.store", check.store),
    ("recordings.s3_endpoint", "recordings.s3_endpoint", check.text),
    ("recordings.s3_key", "recordings.s3_key", check.text),
    ("recordings.s3_secret_file", "recordings.s3_secret", check.secret),
    ("recordings.free_floor_gb", "recordings.free_floor_gb", check.number(0, 100_000)),
    ("recordings.largest_gb", "recordings.largest_gb", check.number(0.001, 100_000)),
    ("recordings.uploads", "recordings.uploads", check.whole(1, 1000)),
    ("law.parameters", "law_parameters", check.law),
    ("incident.close_after_end_s", "close_after_end_s", check.number(0, 86400)),
)
#: Sections whose keys a site makes up itself.
_FREE = frozenset({"intake", "devices", "adapters"})
_SECTIONS = _FREE | {key.partition(".")[0] for key, _, _ in _KEYS if "." in key}


def read(path: Path) -> Settings:
    """Read a configuration file.

    Raises
    ------
    BadConfigurationError
        The file cannot be read, is not TOML, or any key is wrong: all faults at once.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        why = Message(text="cannot be read: {cause}", params={"cause": cause(error)})
        raise BadConfigurationError([Fault(str(path), None, why)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = Message(text="is not TOML: {cause}", params={"cause": cause(error)})
        raise BadConfigurationError([Fault(str(path), None, why)]) from error
    return parse(document, path.resolve().parent)


def parse(document: Mapping[str, Any], folder: Path) -> Settings:
    """Turn a parsed file into settings; relative paths start from `folder`."""
    faults: list[Fault] = []
    values: dict[str, Any] = {"database": folder / "renfort.db"}
    flat = _flatten(document, faults)
    for key, name, judge in _KEYS:
        if key in flat:
            value = flat.pop(key)
            kept = judge(value, folder)
            if isinstance(kept, Message):
                faults.append(Fault(key, "…" if key in _SECRETS else value, kept))
            else:
                values[name] = kept
    faults += [Fault(key, value, _unknown(key)) for key, value in flat.items()]
    values["oidc"] = OidcSettings(**_group("oidc.", values))
    faults += _oidc_faults(values["oidc"])
    values["live"] = LiveSettings(**_group("live.", values))
    kept = {"store": str(folder / "recordings"), **_group("recordings.", values)}
    values["recordings"] = RecordingSettings(**kept)
    faults += _live_faults(values["live"], secure="certificate" in values)
    values["intake_tokens"] = _tokens(document.get("intake"), faults)
    values["wearers"] = _wearers(document.get("devices"), faults)
    values["adapters"] = _adapters(document.get("adapters"), folder, faults)
    if "layers" in values and "postgis" in values:
        one = Message(text="keep the territory in a file or in PostGIS, not in both: remove one")
        faults.append(Fault("territory.layers", str(values["layers"]), one))
    if ("certificate" in values) != ("certificate_key" in values):
        both = Message(text="give both the certificate and its key, or neither")
        faults.append(Fault("server.certificate", flat.get("server.certificate"), both))
    if values.get("host", "127.0.0.1") not in ("127.0.0.1", "::1", "localhost") and (
        "certificate" not in values
    ):
        closed = Message(text="beyond this machine the page needs server.certificate")
        faults.append(Fault("server.host", values["host"], closed))
    if faults:
        raise BadConfigurationError(faults)
    return Settings(**values)


def _group(prefix: str, values: dict[str, Any]) -> dict[str, Any]:
    """Take out of the values those of one section, without its name."""
    names = [name for name in values if name.startswith(prefix)]
    return {name.removeprefix(prefix): values.pop(name) for name in names}


def _oidc_faults(oidc: OidcSettings) -> list[Fault]:
    if not oidc.issuer:
        return []
    needed = {"oidc.client_id": oidc.client_id, "oidc.roles": oidc.roles}
    write = Message(text="an identity provider needs its issuer, client_id and roles")
    return [Fault(key, None, write) for key, value in needed.items() if not value]


def _live_faults(live: LiveSettings, *, secure: bool) -> list[Fault]:
    faults: list[Fault] = []
    if (live.rtsp_port or live.rtsps_port) and not (live.username and live.password):
        account = Message(text="a VMS needs an account of its own: live.username, and a password")
        faults.append(Fault("live.password_file", None, account))
    if live.rtsps_port and not secure:
        needed = Message(text="RTSP under TLS needs server.certificate")
        faults.append(Fault("live.rtsps_port", live.rtsps_port, needed))
    if live.onvif_port and not (live.rtsp_port and live.officers):
        channels = Message(text="an ONVIF device needs live.rtsp_port and live.officers")
        faults.append(Fault("live.onvif_port", live.onvif_port, channels))
    return faults


def _flatten(document: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for section, content in document.items():
        if section in _FREE:
            continue
        if isinstance(content, Mapping):
            flat |= {f"{section}.{key}": value for key, value in content.items()}
        elif section in _SECTIONS:
            table = Message(text="write a table: [{section}]", params={"section": section})
            faults.append(Fault(section, content, table))
        else:
            flat[section] = content
    return flat


def _unknown(key: str) -> Message:
    known = [known for known, _, _ in _KEYS]
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if close:
        return Message(text="unknown key; did you mean {key}?", params={"key": close[0]})
    return Message(text="unknown key: remove it")


def _table(content: Any, key: str, faults: list[Fault]) -> Mapping[str, Any]:
    if content is None or isinstance(content, Mapping):
        return content or {}
    faults.append(
        Fault(key, content, Message(text="write a table: [{section}]", params={"section": key}))
    )
    return {}


def _tokens(content: Any, faults: list[Fault]) -> dict[str, str]:
    tokens: dict[str, str] = {}
    intake = _table(content, "intake", faults)
    unknown = Message(text="unknown key: remove it")
    faults += [
        Fault(f"intake.{key}", value, unknown) for key, value in intake.items() if key != "tokens"
    ]
    for name, token in _table(intake.get("tokens"), "intake.tokens", faults).items():
        if isinstance(token, str) and len(token) >= 16:
            tokens[name] = token
        else:
            long = Message(text="write a secret of at least 16 characters, in quotes")
            faults.append(Fault(f"intake.tokens.{name}", "…", long))
    return tokens


def _wearers(content: Any, faults: list[Fault]) -> dict[DeviceId, Wearer]:
    wearers: dict[DeviceId, Wearer] = {}
    for device, wearer in _table(content, "devices", faults).items():
        fields = _table(wearer, f"devices.{device}", faults)
        for key, value in fields.items():
            if key not in ("call_sign", "crew") or not isinstance(value, str):
                known = Message(text="write call_sign or crew, with a text in quotes")
                faults.append(Fault(f"devices.{device}.{key}", value, known))
        texts = {key: str(value) for key, value in fields.items() if key in ("call_sign", "crew")}
        wearers[DeviceId(device)] = Wearer(**texts)
    return wearers


def _adapters(content: Any, folder: Path, faults: list[Fault]) -> dict[str, dict[str, Any]]:
    """Read adapters' sections: each judges its own, but secrets and paths are resolved here."""
    sections: dict[str, dict[str, Any]] = {}
    for name, section in _table(content, "adapters", faults).items():
        own = sections[name] = dict(_table(section, f"adapters.{name}", faults))
        for key in [key for key in own if key.endswith("_file")]:
            path = check.existing(own[key], folder)
            if isinstance(path, Message):
                faults.append(Fault(f"adapters.{name}.{key}", own[key], path))
            else:
                own[key.removesuffix("_file")] = path.read_text(encoding="utf-8").strip()
            del own[key]
        for key in _PATHS:
            if isinstance(own.get(key), str):
                own[key] = str(folder / Path(own[key]).expanduser())
    return sections
