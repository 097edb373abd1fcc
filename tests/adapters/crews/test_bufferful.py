"""Reading ahead changes nothing of what is read."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from adapters.crews.bufferful import Buffered


@pytest.fixture
def pair() -> Iterator[tuple[Buffered, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield Buffered(ours), theirs
    ours.close()
    theirs.close()


def test_what_was_sent_at_once_is_given_by_the_piece(pair: tuple[Buffered, socket.socket]) -> None:
    read, far = pair
    far.sendall(b"0123456789")

    pieces = [read.recv(1), read.recv(3)]
    left = read.pending(), read.held
    pieces.append(read.recv(100))

    assert pieces == [b"0", b"123", b"456789"]
    assert left == (6, True)
    assert (read.pending(), read.held) == (0, False)


def test_with_nothing_there_it_says_so_as_the_socket_does(
    pair: tuple[Buffered, socket.socket],
) -> None:
    with pytest.raises(BlockingIOError):
        pair[0].recv(10)


def test_the_end_comes_after_what_was_read_ahead(pair: tuple[Buffered, socket.socket]) -> None:
    read, far = pair
    far.sendall(b"ab")
    far.shutdown(socket.SHUT_WR)

    assert [read.recv(1), read.recv(1), read.recv(1), read.recv(1)] == [b"a", b"b", b"", b""]


def test_any_sizes_give_the_same_bytes(pair: tuple[Buffered, socket.socket]) -> None:
    read, far = pair
    chance = random.Random(7)
    sent = chance.randbytes(150_000)
    got, at = bytearray(), 0
    while len(got) < len(sent):
        piece = sent[at : at + chance.choice((0, 1, 900, 40_000))]
        far.sendall(piece)
        at += len(piece)
        try:
            got += read.recv(chance.choice((1, 2, 80, 70_000)))
        except BlockingIOError:
            continue

    assert bytes(got) == sent
