"""One TOML file, one frozen `Settings`: every fault in it is listed, with key and remedy."""

from __future__ import annotations

import difflib
import importlib.util
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hooks import DeviceId, Message

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
class Wearer:
    """Who wears a device today, where the maker does not say it, or says it badly."""

    call_sign: str = ""
    crew: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """How the live picture is given to a VMS."""

    rtsp_port: int | None = None
    rtsps_port: int | None = None  #: under TLS, with the page's certificate
    onvif_port: int | None = None  #: an ONVIF device whose channels are the officers
    username: str = ""
    password: str = field(default="", repr=False)
    officers: tuple[str, ...] = ()  #: the names that have an address, streaming or not, in order
    sound: str = "pcma"  #: in what the VMS hears: pcma, pcmu, aac, opus, none
    still: bool = True  #: between activations a still picture, else a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the host needs to know. Paths are absolute."""

    host: str = "127.0.0.1"
    port: int = 8790
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
    timezone: ZoneInfo = _FRANCE  #: whose hours closures are written in
    communes: frozenset[str] = frozenset()  #: INSEE codes of the operators' competence (R253-3)
    iec_edition: int = 2025  #: of IEC 62676-4, whose pixel classes the town speaks
    priority_factor: float = 1.0  #: speed of a priority vehicle over the posted one
    stale_after_s: float = 120.0  #: an older fix of a crew is not "now"
    close_after_end_s: float = 300.0
    live: LiveSettings = field(default_factory=LiveSettings)
    intake_tokens: Mapping[str, str] = field(default_factory=dict)
    wearers: Mapping[DeviceId, Wearer] = field(default_factory=dict)
    adapters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


#: A check answers the value to keep, or the sentence that says what to write.
_Check = Callable[[Any, Path], Any]


def _text(value: Any, _folder: Path) -> Any:
    return value if isinstance(value, str) and value else Message(text="write a text in quotes")


def _number(low: float, high: float) -> _Check:
    def check(value: Any, _folder: Path) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and low <= value <= high:
            return value
        return Message(
            text="write a number from {low} to {high}", params={"low": low, "high": high}
        )

    return check


def _whole(low: int, high: int) -> _Check:
    def check(value: Any, _folder: Path) -> Any:
        if type(value) is int and low <= value <= high:
            return value
        return Message(
            text="write a whole number from {low} to {high}", params={"low": low, "high": high}
        )

    return check


def _communes(value: Any, _folder: Path) -> Any:
    codes = value if isinstance(value, list) else None
    if codes is not None and all(isinstance(code, str) and len(code) == 5 for code in codes):
        return frozenset(codes)
    return Message(text='write INSEE codes in quotes: ["34344"]')


def _timezone(value: Any, _folder: Path) -> Any:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return Message(text='write a time zone by its name: "Europe/Paris", "Indian/Reunion"')


def _edition(value: Any, _folder: Path) -> Any:
    return value if value in (2014, 2025) else Message(text="write 2014 or 2025")


def _language(value: Any, _folder: Path) -> Any:
    return value if value in ("fr", "en") else Message(text='write "fr" or "en"')


def _sound(value: Any, _folder: Path) -> Any:
    known = ("pcma", "pcmu", "aac", "opus", "none")
    return (
        value
        if value in known
        else Message(text="write one of: {allowed}", params={"allowed": ", ".join(known)})
    )


def _yes(value: Any, _folder: Path) -> Any:
    return value if isinstance(value, bool) else Message(text="write true or false")


def _names(value: Any, _folder: Path) -> Any:
    names = value if isinstance(value, list) else None
    if names and all(isinstance(name, str) and name for name in names):
        if len(set(names)) == len(names):
            return tuple(names)
        return Message(text="write each name once")
    return Message(text='write names in quotes: ["PM-214", "PM-207"]')


def _path(value: Any, folder: Path) -> Any:
    if not isinstance(value, str) or not value:
        return Message(text="write the path of a file, in quotes")
    return folder / Path(value).expanduser()


def _existing(value: Any, folder: Path) -> Any:
    path = _path(value, folder)
    if isinstance(path, Message) or path.is_file():
        return path
    return Message(text="there is no file {path}", params={"path": str(path)})


def _secret(value: Any, folder: Path) -> Any:
    path = _existing(value, folder)
    return path if isinstance(path, Message) else path.read_text(encoding="utf-8").strip()


def _database(value: Any, _folder: Path) -> Any:
    return database_fault(value) or value


def database_fault(value: object) -> Message | None:
    """Say what is wrong with where a database is said to be; None: nothing."""
    if importlib.util.find_spec("psycopg") is None:
        return Message(text="PostGIS needs psycopg: pip install renfort[postgis]")
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415  (an extra)

    try:
        parts = conninfo.conninfo_to_dict(value) if isinstance(value, str) and value else {}
    except ProgrammingError:
        parts = {}
    if not parts:
        return Message(text='write it as PostgreSQL does: "host=… dbname=… user=…"')
    if "password" in parts:
        return Message(text="write the password in a file: territory.postgis_password_file")
    return None


#: What may hold a secret is not repeated when it is wrong.
_SECRETS = ("territory.postgis",)
#: (key in the file, field of Settings, check)
_KEYS: tuple[tuple[str, str, _Check], ...] = (
    ("language", "language", _language),
    ("server.host", "host", _text),
    ("server.port", "port", _whole(1, 65535)),
    ("server.certificate", "certificate", _existing),
    ("server.certificate_key", "certificate_key", _existing),
    ("storage.path", "database", _path),
    ("territory.osm", "osm", _existing),
    ("territory.cameras", "cameras", _existing),
    ("territory.layers", "layers", _existing),
    ("territory.postgis", "postgis", _database),
    ("territory.postgis_schema", "postgis_schema", _text),
    ("territory.postgis_password_file", "postgis_password", _secret),
    ("territory.timezone", "timezone", _timezone),
    ("territory.communes", "communes", _communes),
    ("territory.iec_edition", "iec_edition", _edition),
    ("crews.priority_factor", "priority_factor", _number(0.5, 3)),
    ("crews.stale_after_s", "stale_after_s", _number(10, 3600)),
    ("live.rtsp_port", "live.rtsp_port", _whole(1, 65535)),
    ("live.rtsps_port", "live.rtsps_port", _whole(1, 65535)),
    ("live.onvif_port", "live.onvif_port", _whole(1, 65535)),
    ("live.username", "live.username", _text),
    ("live.password_file", "live.password", _secret),
    ("live.officers", "live.officers", _names),
    ("live.sound", "live.sound", _sound),
    ("live.still", "live.still", _yes),
    ("incident.close_after_end_s", "close_after_end_s", _number(0, 86400)),
)
_SECTIONS = (
    "server", "storage", "territory", "crews", "live", "incident", "intake", "devices", "adapters",
)  # fmt: skip


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
        why = Message(
            text="cannot be read: {cause}", params={"cause": error.strerror or str(error)}
        )
        raise BadConfigurationError([Fault(str(path), None, why)]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = Message(text="is not TOML: {cause}", params={"cause": str(error)})
        raise BadConfigurationError([Fault(str(path), None, why)]) from error
    return parse(document, path.resolve().parent)


def parse(document: Mapping[str, Any], folder: Path) -> Settings:
    """Turn a parsed file into settings; relative paths start from `folder`."""
    faults: list[Fault] = []
    values: dict[str, Any] = {"database": folder / "renfort.db"}
    flat = _flatten(document, faults)
    for key, name, check in _KEYS:
        if key in flat:
            value = flat.pop(key)
            kept = check(value, folder)
            if isinstance(kept, Message):
                faults.append(Fault(key, "…" if key in _SECRETS else value, kept))
            else:
                values[name] = kept
    faults += [Fault(key, value, _unknown(key)) for key, value in flat.items()]
    live = {key: values.pop(key) for key in list(values) if key.startswith("live.")}
    values["live"] = LiveSettings(**{key.removeprefix("live."): live[key] for key in live})
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
        if section in ("intake", "devices", "adapters"):
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
            path = _existing(own[key], folder)
            if isinstance(path, Message):
                faults.append(Fault(f"adapters.{name}.{key}", own[key], path))
            else:
                own[key.removesuffix("_file")] = path.read_text(encoding="utf-8").strip()
            del own[key]
        if isinstance(own.get("ca"), str):
            own["ca"] = str(folder / Path(own["ca"]).expanduser())
    return sections
