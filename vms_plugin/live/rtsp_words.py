"""RTSP's words (RFC 2326): requests read, answers and descriptions written. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from hooks.live import units
from vms_plugin.live.sound import Sound

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 413: "Request Entity Too Large", 454: "Session Not Found",
    455: "Method Not Valid in This State", 459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport", 503: "Service Unavailable",
    505: "RTSP Version Not Supported", 551: "Option not supported",
}  # fmt: skip
METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER",
           "SET_PARAMETER")  # fmt: skip
VIDEO_TYPE = 96
#: A nonce is good that long; then the same password is asked for again (`stale`).
NONCE_S = 300.0

_TRACK = re.compile(r"/?trackID=(\d+)/?$")
_FOLD = re.compile(rb"\r\n[ \t]+")
_NUMBERED = re.compile(rb"^cseq[ \t]*:[ \t]*(\d{1,10})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class BadRequestError(ValueError):
    """What came is not a request of RTSP 1.0; it is answered by a status, and by its number."""

    def __init__(self, head: bytes, status: int = 400) -> None:
        super().__init__(head[:80])
        numbered = _NUMBERED.search(head)
        self.status, self.cseq = status, numbered.group(1).decode() if numbered else "0"


@dataclass(frozen=True, slots=True)
class Request:
    """A request, its header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Which officer's or device's picture it is about."""
        return unquote(_TRACK.sub("", urlsplit(self.url).path)).strip("/")

    @property
    def base(self) -> str:
        """The address of the whole, which those of its tracks begin with.

        Without a question: RFC 3986 and what clients make of an address that has one differ.
        Without an account: some clients write theirs.
        """
        parts = urlsplit(self.url)
        path = _TRACK.sub("", parts.path).rstrip("/")
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}/"

    @property
    def track(self) -> int | None:
        """Which track of it: 0 the picture, 1 the sound; None: all."""
        # Behind a question too: a client may hang the track to the address as it was given.
        found = _TRACK.search(urlsplit(self.url).path) or _TRACK.search(self.url)
        return int(found.group(1)) if found else None


def read(head: bytes) -> Request:
    """Read the head of a request.

    Raises
    ------
    BadRequestError
        It is something else.
    """
    try:
        first, *rest = _FOLD.sub(b" ", head).decode("utf-8").rstrip("\r\n").split("\r\n")
        method, url, version = first.split(" ")
        pairs = [line.split(":", 1) for line in rest if line]
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        urlsplit(url)
    except ValueError as error:
        raise BadRequestError(head) from error
    if version.startswith("RTSP/") and not version.startswith("RTSP/1."):
        raise BadRequestError(head, 505)
    if not version.startswith("RTSP/1.") or not headers.get("cseq", "").isdecimal():
        raise BadRequestError(head)
    return Request(method, url, headers)


def write(status: int, cseq: str, headers: Mapping[str, str], body: str = "") -> bytes:
    """Write an answer."""
    lines = [f"RTSP/1.0 {status} {REASONS[status]}", f"CSeq: {cseq}", "Server: Renfort"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join([*lines, "", ""]) + body).encode()


# --- what is offered ---


def describe(name: str, address: str, picture: bytes, sound: Sound | None) -> str:
    """Write the SDP of a channel; `picture` is one whose parameter sets are told beforehand."""
    family, anywhere = ("IP6", "::") if ":" in address else ("IP4", "0.0.0.0")  # noqa: S104
    lines = [
        "v=0",
        f"o=- {secrets.randbits(31)} 1 IN {family} {address}",
        f"s={name or 'Renfort'}",
        f"c=IN {family} {anywhere}",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        f"m=video 0 RTP/AVP {VIDEO_TYPE}",
        f"a=rtpmap:{VIDEO_TYPE} H264/90000",
        f"a=fmtp:{VIDEO_TYPE} packetization-mode=1{_parameters(picture)}",
        "a=control:trackID=0",
    ]
    if sound is not None:
        lines += [f"m=audio 0 RTP/AVP {sound.payload_type}",
                  f"a=rtpmap:{sound.payload_type} {sound.rtpmap}"]  # fmt: skip
        lines += [f"a=fmtp:{sound.payload_type} {sound.fmtp}"] if sound.fmtp else []
        lines.append("a=control:trackID=1")
    return "\r\n".join([*lines, ""])


def _parameters(picture: bytes) -> str:
    sets = {unit[0] & 0x1F: unit for unit in units(picture) if unit[0] & 0x1F in (7, 8)}
    if len(sets) < 2:
        return ""
    profile = sets[7][1:4].hex()
    told = ",".join(base64.b64encode(sets[kind]).decode() for kind in (7, 8))
    return f";profile-level-id={profile};sprop-parameter-sets={told}"


@dataclass(frozen=True, slots=True)
class Transport:
    """How a client wants a track: by two of its UDP ports, or within the connection."""

    udp: tuple[int, int] | None = None
    interleaved: tuple[int, int] = (0, 1)  #: where there is no `udp`


def transport(header: str, track: int, *, secure: bool) -> Transport | None:
    """Choose among the transports a client offers; None when none of them is ours.

    Under TLS only what stays within the connection: UDP would show in clear what TLS hides.
    """
    for offer in header.split(","):
        words = [word.strip() for word in offer.split(";")]
        pairs = [word.partition("=") for word in words if "=" in word]
        said = {name.lower(): value for name, _, value in pairs}
        if "multicast" in words or said.get("mode", "PLAY").strip('"').upper() != "PLAY":
            continue
        if words[0].upper() == "RTP/AVP/TCP":
            pair = _pair(said.get("interleaved", f"{2 * track}-{2 * track + 1}"), 255)
            if pair:
                return Transport(interleaved=pair)
        elif words[0].upper() in ("RTP/AVP", "RTP/AVP/UDP") and not secure:
            pair = _pair(said.get("client_port", ""), 65535)
            if pair and pair[0] > 1023:  # no client listens below; somebody else may
                return Transport(udp=pair)
    return None


def _pair(text: str, most: int) -> tuple[int, int] | None:
    numbers = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if not numbers:
        return None
    first = int(numbers.group(1))
    second = int(numbers.group(2) or first + 1)
    return (first, second) if first <= most and second <= most else None


def address(host: str, port: int, name: str, *, secure: bool) -> str:
    """Write the URL of a channel."""
    shown = f"[{host}]" if ":" in host else host
    return f"{'rtsps' if secure else 'rtsp'}://{shown}:{port}/{quote(name)}"


# --- who may ask ---


class Doorman:
    """Digest (RFC 2069 and 7616, MD5: what every VMS knows). Nothing is kept between requests."""

    def __init__(self, username: str, password: str, clock: Callable[[], float]) -> None:
        self._username, self._password, self._clock = username, password, clock
        self._secret = secrets.token_bytes(32)

    def challenge(self, *, stale: bool = False) -> str:
        """Write `WWW-Authenticate`."""
        more = ", stale=true" if stale else ""
        return f'Digest realm="Renfort", nonce="{self._nonce()}", algorithm=MD5, qop="auth"{more}'

    def lets_in(self, request: Request) -> bool | None:
        """Whether the request proves the password; None: it does, by a nonce that is too old."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "digest":
            return False
        said = {name.lower(): quoted or bare for name, quoted, bare in _PAIR.findall(rest)}
        uri, nonce = said.get("uri", ""), said.get("nonce", "")
        if said.get("username") != self._username or not _same(uri, request):
            return False
        middle = ":".join([nonce, said.get("nc", ""), said.get("cnonce", ""), said.get("qop", "")])
        middle = middle if "qop" in said else nonce
        proof = _md5(f"{self._proof()}:{middle}:{_md5(f'{request.method}:{uri}')}")
        if not hmac.compare_digest(proof.encode(), said.get("response", "").encode()):
            return False
        return True if self._fresh(nonce) else None

    def _proof(self) -> str:
        return _md5(f"{self._username}:Renfort:{self._password}")

    def _nonce(self) -> str:
        at = f"{self._clock():.0f}"
        return f"{at}-{self._sign(at)}"

    def _fresh(self, nonce: str) -> bool:
        at, _, sign = nonce.partition("-")
        ours = hmac.compare_digest(sign.encode(), self._sign(at).encode())
        return ours and at.isdecimal() and self._clock() - float(at) <= NONCE_S

    def _sign(self, at: str) -> str:
        return hmac.new(self._secret, at.encode(), hashlib.sha256).hexdigest()[:32]


def _same(uri: str, request: Request) -> bool:
    try:
        return Request("", uri).name == request.name
    except ValueError:  # it is no address
        return False


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
