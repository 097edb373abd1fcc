"""NTLM as a server verifies it: bytes in, a verdict out ([MS-NLMP]; version 2 alone is taken)."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5

_SIGNATURE = b"NTLMSSP\x00"
_UNICODE, _TARGET, _NTLM, _ALWAYS_SIGN = 0x1, 0x4, 0x200, 0x8000
_TYPE_DOMAIN, _EXTENDED, _TARGET_INFO = 0x1_0000, 0x8_0000, 0x80_0000
_SIGN, _SEAL = 0x10, 0x20
_VERSION, _KEY_128, _KEY_EXCHANGE = 0x200_0000, 0x2000_0000, 0x4000_0000
#: Windows Server 2022, and the one revision of the protocol.
_BUILD = bytes((10, 0, 0x7C, 0x4F, 0, 0, 0, 15))
_OURS = (
    _UNICODE | _TARGET | _NTLM | _ALWAYS_SIGN | _TYPE_DOMAIN | _EXTENDED | _TARGET_INFO
    | _VERSION | _KEY_128 | _KEY_EXCHANGE
)  # fmt: skip
#: Seconds between 1601, where Windows counts from, and 1970.
_EPOCH_S = 11_644_473_600
_MIC_AT, _MIC_FLAG = 72, 0x2


class NotNtlm(ValueError):
    """The message is none."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Windows account."""

    domain: str
    user: str
    password: str


def is_negotiate(message: bytes) -> bool:
    """Tell whether it is the first message; `NotNtlm` when it is neither first nor third."""
    if len(message) < 12 or not message.startswith(_SIGNATURE):
        raise NotNtlm("no signature")
    kind: int = struct.unpack_from("<I", message, 8)[0]
    if kind not in (1, 3):
        raise NotNtlm(f"message {kind}")
    return kind == 1


def challenge(first: bytes, nonce: bytes, domain: str, now: float) -> bytes:
    """Write the second message: eight random bytes, and who asks; signing is as asked for."""
    wished: int = struct.unpack_from("<I", first.ljust(16, b"\0"), 12)[0]
    flags = _OURS | wished & (_SIGN | _SEAL)
    ticks = int((now + _EPOCH_S) * 10_000_000)
    name = domain.encode("utf-16-le")
    pairs = (
        (2, name),
        (1, "SIMULATOR".encode("utf-16-le")),
        (7, struct.pack("<Q", ticks)),
        (0, b""),
    )
    info = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in pairs)
    head = 56
    return (
        _SIGNATURE + struct.pack("<I", 2)
        + struct.pack("<HHI", len(name), len(name), head)
        + struct.pack("<I", flags) + nonce + bytes(8)
        + struct.pack("<HHI", len(info), len(info), head + len(name))
        + _BUILD + name + info
    )  # fmt: skip


def verify(account: Account, nonce: bytes, first: bytes, second: bytes, third: bytes) -> bool:
    """Tell whether the third message proves the password of this account."""
    try:
        answer, domain, user = (_field(third, at) for at in (20, 28, 36))
        key, (flags,) = _field(third, 52), struct.unpack_from("<I", third, 60)
        names = (domain.decode("utf-16-le"), user.decode("utf-16-le"))
    except (struct.error, UnicodeDecodeError, NotNtlm):
        return False
    same = (names[0].casefold(), names[1].casefold()) == (
        account.domain.casefold(), account.user.casefold(),
    )  # fmt: skip
    # 24 bytes are version 1: no longer taken by default since Windows Vista.
    if not same or len(answer) < 44:
        return False
    secret = _owner(account, *names)
    proof, rest = answer[:16], answer[16:]
    if not hmac.compare_digest(proof, _mac(secret, nonce + rest)):
        return False
    return _untouched(_mac(secret, proof), key, flags, rest, (first, second, third))


def _field(message: bytes, at: int) -> bytes:
    length, _, offset = struct.unpack_from("<HHI", message, at)
    if offset + length > len(message):
        raise NotNtlm("a field beyond the end")
    return message[offset : offset + length]


def _untouched(
    session: bytes, key: bytes, flags: int, rest: bytes, messages: tuple[bytes, bytes, bytes]
) -> bool:
    """Verify the integrity code over the three messages, where the client says there is one."""
    if not _pairs(rest[28:]).get(6, bytes(4))[0] & _MIC_FLAG:
        return True
    # A key is exchanged only where something will be signed or sealed with it (3.1.5.1.2).
    exchanged = flags & _KEY_EXCHANGE and flags & (_SIGN | _SEAL)
    exported = rc4(session, key) if exchanged else session
    first, second, third = messages
    blank = third[:_MIC_AT] + bytes(16) + third[_MIC_AT + 16 :]
    return hmac.compare_digest(
        third[_MIC_AT : _MIC_AT + 16], _mac(exported, first + second + blank)
    )


def _pairs(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == 0:
            break
        found[kind] = data[at + 4 : at + 4 + length]
        at += 4 + length
    return {kind: value for kind, value in found.items() if value}


def _owner(account: Account, domain: str, user: str) -> bytes:
    """NTOWFv2: what both sides make of the password."""
    return _mac(
        md4(account.password.encode("utf-16-le")), (user.upper() + domain).encode("utf-16-le")
    )


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, md5)


def rc4(key: bytes, data: bytes) -> bytes:
    """Cipher, or decipher, by RC4: the protocol knows no other."""
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def md4(data: bytes) -> bytes:
    """Digest by MD4 (RFC 1320), which OpenSSL 3 no longer has."""
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", len(data) * 8)
    for at in range(0, len(padded), 64):
        state = _block(state, struct.unpack_from("<16I", padded, at))
    return struct.pack("<4I", *state)


_Round = tuple[int, tuple[int, ...], tuple[int, ...], Callable[[int, int, int], int]]
_ROUNDS: tuple[_Round, ...] = (
    (0, (3, 7, 11, 19), tuple(range(16)), lambda b, c, d: b & c | ~b & d),
    (0x5A827999, (3, 5, 9, 13), tuple(4 * (i % 4) + i // 4 for i in range(16)),
     lambda b, c, d: b & c | b & d | c & d),
    (0x6ED9EBA1, (3, 9, 11, 15), (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
     lambda b, c, d: b ^ c ^ d),
)  # fmt: skip


def _block(state: list[int], words: tuple[int, ...]) -> list[int]:
    a, b, c, d = state
    for added, shifts, order, mix in _ROUNDS:
        for step, index in enumerate(order):
            total = (a + mix(b, c, d) + words[index] + added) & 0xFFFFFFFF
            shift = shifts[step % 4]
            a, b, c, d = d, (total << shift | total >> 32 - shift) & 0xFFFFFFFF, b, c
    return [(old + new) & 0xFFFFFFFF for old, new in zip(state, (a, b, c, d), strict=True)]
