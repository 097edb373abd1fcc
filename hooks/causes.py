"""Say why the system or a library failed, in a sentence that can be translated.

They speak English, or the machine's language; whoever reads the page does not. The usual causes
have their words here, recognised by number where there is one. What is not recognised is not
guessed at: the page sends the reader to the host's log, which has the original.

    raise Unreachable("{host} does not answer: {cause}", host=host, cause=cause(error)) from error
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hooks.basics import Message
from hooks.errors import AdapterError, BadSettings, Malformed, shown

#: Where a cause keeps the words it stands for. No sentence has a place for it.
ORIGINAL: Final = "original"
#: A library may quote what it was sent.
LONGEST: Final = 300


def cause(error: BaseException | str) -> Message:
    """Give the cause in words for a person; an adapter's own error already has them.

    >>> str(cause(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")))
    'connection refused'
    >>> str(cause(ValueError("a < b")))
    "the host's log says why"
    """
    if isinstance(error, AdapterError):
        return _sentence(error)
    beneath = [error] if isinstance(error, str) else list(_beneath(error))
    for recognised in (_numbered, _quoted):
        for each in beneath:
            known = recognised(each)
            if known is not None:
                params = {**known.params, ORIGINAL: _words(each)}
                return Message(text=known.text, params=params)
    return Message(text=_UNKNOWN.text, params={ORIGINAL: _words(error)})


def whole(said: Message) -> Message:
    """Add the original words to every cause in a sentence: for the log and for a terminal."""
    params = {
        name: whole(value) if isinstance(value, Message) else value
        for name, value in said.params.items()
    }
    original = params.pop(ORIGINAL, "")
    plain = Message(text=said.text, params=params)
    if not original:
        return plain
    if plain == _UNKNOWN:
        return Message(text=f"{{{ORIGINAL}}}", params={ORIGINAL: original})
    return Message(text="{cause} ({original})", params={"cause": plain, ORIGINAL: original})


def _sentence(error: AdapterError) -> Message:
    params = {
        name: value if isinstance(value, str | int | float | Message) else str(value)
        for name, value in error.params.items()
    }
    said = Message(text=error.text, params=params)
    if not isinstance(error, BadSettings | Malformed):
        return said
    where = {"field": error.field, "value": shown(error.field, error.value)}
    return Message(text="{field} = {value}: {remedy}", params={**where, "remedy": said})


def _beneath(error: BaseException) -> Iterator[BaseException]:
    """List an error and what libraries wrap in it (`from`, `reason`, arguments), each once."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [vars(each).get("reason"), *each.args, each.__cause__]


def _words(error: BaseException | str) -> str:
    """Name an error as its author words it; alike each time, or the log would repeat it."""
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(said.split()))[:LONGEST]


def _numbered(error: BaseException | str) -> Message | None:
    """Recognise an error by its number or its kind; None: it says nothing that we know."""
    if isinstance(error, ssl.SSLError):
        return _secured(error)
    if isinstance(error, OSError) and (known := _SYSTEM.get(error.errno or 0)):
        return known
    if isinstance(error, UnicodeDecodeError):
        return Message(text="no UTF-8 at byte {byte}", params={"byte": error.start})
    kinds = (said for kind, said in _KINDS.items() if isinstance(error, kind))
    return _library(error) or next(kinds, None)


def _library(error: BaseException | str) -> Message | None:
    """Recognise what requests, sqlite3 and websockets number, none of which we import."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return Message(text="HTTP {status}", params={"status": status})
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return _SQLITE.get(code & 0xFF)
    if hasattr(error, "rcvd"):  # the end of a WebSocket: who closed it in order says why
        return _CLOSED.get(getattr(error.rcvd or getattr(error, "sent", None), "code", 0), _CUT)
    return None


def _secured(error: ssl.SSLError) -> Message:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, Message(text="its certificate is not valid"))
    return _TLS.get(error.reason or "", Message(text="no agreement on TLS"))


def _quoted(error: BaseException | str) -> Message | None:
    """Recognise what a library quotes of the system, or says of the text it was to read."""
    text = str(error)
    numbers = {int(number) for number in re.findall(r"\[Errno (-?\d+)\]", text)}
    if len(numbers) == 1:
        return _SYSTEM.get(numbers.pop())
    place = re.search(r"\bline (\d+),? column (\d+)", text)
    if place is not None:
        line, column = map(int, place.groups())
        return Message(text="line {line}, column {column}", params={"line": line, "column": column})
    return next((said for phrase, said in _PHRASES.items() if phrase in text), None)


_UNKNOWN = Message(text="the host's log says why")
_FULL = Message(text="the disk is full")
_DENIED = Message(text="access denied")
_READ_ONLY = Message(text="it is read-only")
_DISK = Message(text="the disk fails")
_MISSING = Message(text="no such file or folder")
_REFUSED = Message(text="connection refused")
_CUT = Message(text="connection cut by the other side")
_LATE = Message(text="no answer in time")
_NO_NAME = Message(text="name not found on the network")
_NO_WAY = Message(text="no way there on the network")
_NO_FORMAT = Message(text="a format that is not recognised")

#: By errno, and by the numbers of getaddrinfo, which are negative.
_SYSTEM: Mapping[int, Message] = MappingProxyType({
    errno.ENOSPC: _FULL, errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED, errno.EPERM: _DENIED, errno.EROFS: _READ_ONLY,
    errno.EIO: _DISK, errno.ENOENT: _MISSING, errno.ENOTDIR: _MISSING,
    errno.EISDIR: Message(text="it is a folder"),
    errno.ECONNREFUSED: _REFUSED,
    errno.ECONNRESET: _CUT, errno.ECONNABORTED: _CUT, errno.EPIPE: _CUT, errno.ENOTCONN: _CUT,
    errno.ETIMEDOUT: _LATE,
    errno.EHOSTUNREACH: _NO_WAY, errno.ENETUNREACH: _NO_WAY, errno.ENETDOWN: _NO_WAY,
    errno.EADDRINUSE: Message(text="another program has this port"),
    errno.EADDRNOTAVAIL: Message(text="this machine does not have this address"),
    errno.EMFILE: Message(text="too many open files and connections"),
    errno.ENOMEM: Message(text="no memory left"),
    socket.EAI_NONAME: _NO_NAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME): _NO_NAME,
    socket.EAI_AGAIN: Message(text="the name server does not answer"),
})  # fmt: skip

#: Those that may come without a number.
_KINDS: Mapping[type[BaseException], Message] = MappingProxyType({
    TimeoutError: _LATE, ConnectionRefusedError: _REFUSED, ConnectionError: _CUT, EOFError: _CUT,
    MemoryError: Message(text="no memory left"),
})  # fmt: skip

#: By OpenSSL's X509_V_ERR_*.
_NO_AUTHORITY = Message(text="nobody we trust signed its certificate: give its authority in ca")
_OTHER_NAME = Message(text="its certificate is in another name")
_CERTIFICATE: Mapping[int, Message] = MappingProxyType({
    9: Message(text="its certificate is not valid yet"),
    10: Message(text="its certificate has expired"),
    18: _NO_AUTHORITY, 19: _NO_AUTHORITY, 20: _NO_AUTHORITY, 21: _NO_AUTHORITY,
    62: _OTHER_NAME, 64: _OTHER_NAME,
})  # fmt: skip

#: By OpenSSL's own reasons.
_NOT_PEM = Message(text="no certificate in PEM form")
_TLS: Mapping[str, Message] = MappingProxyType({
    "NO_CERTIFICATE_OR_CRL_FOUND": _NOT_PEM, "NO_START_LINE": _NOT_PEM,
    "KEY_VALUES_MISMATCH": Message(text="the key is not this certificate's"),
    "UNEXPECTED_EOF_WHILE_READING": _CUT,
})  # fmt: skip

#: By SQLite's primary result codes.
_SQLITE: Mapping[int, Message] = MappingProxyType({
    3: _DENIED, 5: Message(text="another program is using it"), 8: _READ_ONLY, 10: _DISK,
    11: Message(text="the file is damaged"), 13: _FULL, 14: Message(text="it cannot be opened"),
    23: _DENIED, 26: Message(text="it is no SQLite database"),
})  # fmt: skip

#: By the codes of RFC 6455. 1011: we found it silent.
_CLOSED: Mapping[int, Message] = MappingProxyType({
    1000: Message(text="the other side ended it"), 1001: Message(text="the other side stops"),
    1009: Message(text="a message too large"), 1011: _LATE,
    1012: Message(text="the other side restarts"),
    1013: Message(text="the other side is overloaded"),
})  # fmt: skip

#: What C libraries say, that give no number: the system's own phrases, then theirs.
_PHRASES: Mapping[str, Message] = MappingProxyType({
    **{os.strerror(number): said for number, said in _SYSTEM.items() if number > 0},
    "timeout expired": _LATE, "timed out": _LATE,  # libpq; urllib3
    "not recognized as being in a supported file format": _NO_FORMAT,  # GDAL
    "password authentication failed": Message(text="the account is refused"),  # PostgreSQL
})  # fmt: skip
