"""Why the system or a library failed, from errors that they really raise."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import sqlite3
import ssl
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from xml.etree.ElementTree import fromstring

import psycopg
import pyogrio
import pytest
import requests
import websockets
from websockets.asyncio.server import ServerConnection, serve

from hooks import BadSettings, Message, Unreachable
from hooks.causes import cause, whole
from vms_plugin.certificate import Files, issue
from vms_plugin.i18n import Language

HERE = "127.0.0.1"
FRENCH = Language("fr")


def raised(doing: Callable[[], object]) -> BaseException:
    try:
        doing()
    except Exception as error:  # noqa: BLE001  (whatever it is: that is what is tried)
        return error
    raise AssertionError("it went well")


def said(doing: Callable[[], object]) -> str:
    return FRENCH.message(cause(raised(doing)))


@pytest.fixture
def shut() -> int:
    """Give a port that nobody listens to."""
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def silent() -> Iterator[int]:
    """Give a port that takes connections and says nothing."""
    with socket.socket() as listening:
        listening.bind((HERE, 0))
        listening.listen()
        yield listening.getsockname()[1]


async def _dial(port: int, tls: ssl.SSLContext | None = None, name: str = HERE) -> None:
    async with asyncio.timeout(5):
        _, writer = await asyncio.open_connection(
            HERE, port, ssl=tls, server_hostname=name if tls else None
        )
        writer.close()


# --- the network ---


@pytest.mark.parametrize(
    "call",
    [
        lambda port: asyncio.run(_dial(port)),
        lambda port: requests.get(f"http://{HERE}:{port}/", timeout=5),
        lambda port: asyncio.run(_websocket(port)),
        lambda port: psycopg.connect(f"host={HERE} port={port} connect_timeout=5"),
    ],
    ids=["asyncio", "requests", "websockets", "psycopg"],
)
def test_a_port_that_nobody_listens_to(call: Callable[[int], object], shut: int) -> None:
    assert said(lambda: call(shut)) == "connexion refusée"


async def _websocket(port: int) -> None:
    await websockets.connect(f"ws://{HERE}:{port}/", open_timeout=0.3, proxy=None)


@pytest.mark.parametrize(
    "call",
    [
        lambda port: requests.get(f"http://{HERE}:{port}/", timeout=0.3),
        lambda port: asyncio.run(_websocket(port)),
        lambda port: psycopg.connect(f"host={HERE} port={port} connect_timeout=2"),
    ],
    ids=["requests", "websockets", "psycopg"],
)
def test_a_server_that_takes_the_connection_and_says_nothing(
    call: Callable[[int], object], silent: int
) -> None:
    assert said(lambda: call(silent)) == "délai dépassé"


def test_a_name_that_is_none() -> None:
    def ask() -> object:
        return socket.getaddrinfo("xprotect", 443, flags=socket.AI_NUMERICHOST)

    assert said(ask) == "nom introuvable sur le réseau"


def test_a_server_that_hangs_up_in_the_middle() -> None:
    with socket.create_server((HERE, 0)) as server:

        async def hang_up() -> None:
            asked = asyncio.to_thread(
                requests.get, f"http://{HERE}:{server.getsockname()[1]}/", timeout=5
            )
            asking = asyncio.create_task(asked)
            connection, _ = await asyncio.to_thread(server.accept)
            await asyncio.to_thread(connection.recv, 1000)
            connection.close()
            await asking

        assert said(lambda: asyncio.run(hang_up())) == "connexion coupée par l’autre côté"


@pytest.mark.parametrize(
    ("code", "why"),
    [(1001, "l’autre côté s’arrête"), (1012, "l’autre côté redémarre"),
     (None, "connexion coupée par l’autre côté")],
)  # fmt: skip
def test_a_websocket_that_ends(code: int | None, why: str) -> None:
    async def end(socket: ServerConnection) -> None:
        if code is None:
            socket.transport.abort()
        else:
            await socket.close(code)

    async def listen() -> None:
        async with serve(end, HERE, 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with websockets.connect(f"ws://{HERE}:{port}/", proxy=None) as socket:
                await socket.recv()

    assert said(lambda: asyncio.run(listen())) == why


def test_a_port_that_is_taken(silent: int) -> None:
    assert said(lambda: socket.create_server((HERE, silent))) == "un autre programme occupe ce port"


# --- certificates ---


@pytest.mark.parametrize(
    ("days", "name", "trusted", "why"),
    [
        (0, HERE, True, "son certificat a expiré"),
        (30, "xprotect.ville.fr", True, "son certificat est à un autre nom"),
        (30, HERE, False,
         "son certificat vient d’une autorité inconnue ici : donnez-la dans ca"),
    ],
    ids=["expired", "another name", "untrusted"],
)  # fmt: skip
def test_a_certificate_that_proves_nothing(
    tmp_path: Path, days: int, name: str, trusted: bool, why: str
) -> None:
    files = issue(tmp_path, HERE, days=days)
    context = ssl.create_default_context(cafile=str(files.ca) if trusted else None)

    assert said(lambda: asyncio.run(_met(files, context, name))) == why


def test_requests_wraps_a_certificate_thrice_and_it_is_said_all_the_same(tmp_path: Path) -> None:
    files = issue(tmp_path, HERE, days=0)

    async def ask() -> None:
        server = await _server(files)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await asyncio.to_thread(
                requests.get, f"https://{HERE}:{port}/", timeout=5, verify=str(files.ca)
            )

    assert said(lambda: asyncio.run(ask())) == "son certificat a expiré"


async def _met(files: Files, context: ssl.SSLContext, name: str) -> None:
    server = await _server(files)
    async with server:
        await _dial(server.sockets[0].getsockname()[1], context, name)


async def _server(files: Files) -> asyncio.Server:
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(files.certificate, files.key)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the refused handshake
    return await asyncio.start_server(lambda _, writer: writer.close(), HERE, 0, ssl=own)


def test_a_file_of_certificates_that_is_none(tmp_path: Path) -> None:
    other = tmp_path / "ca.pem"
    other.write_text("mot de passe : azerty")

    assert said(lambda: ssl.create_default_context(cafile=str(other))) == (
        "pas de certificat au format PEM"
    )


# --- files and databases ---


def test_a_full_disk() -> None:
    assert said(lambda: _write(Path("/dev/full"))) == "espace disque épuisé"


def _write(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        file.write(b"x")


def test_what_is_not_there_and_what_is_no_file(tmp_path: Path) -> None:
    assert said((tmp_path / "rien.toml").read_text) == "fichier ou dossier introuvable"
    assert said(tmp_path.read_text) == "c’est un dossier"


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is shut to root")
def test_a_file_that_we_may_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(0o000)

    assert said((tmp_path / "secret").read_text) == "accès refusé"


def test_a_database_says_by_number_what_is_wrong(tmp_path: Path) -> None:
    good, other = tmp_path / "renfort.db", tmp_path / "photo.db"
    other.write_bytes(b"JFIF" * 500)

    def ask(address: str, *words: str) -> None:
        with closing(sqlite3.connect(address, uri=True, timeout=0.05)) as database:
            for each in words:
                database.execute(each)

    ask(f"file:{good}", "CREATE TABLE t (x)")

    assert said(lambda: ask(f"file:{other}", "SELECT * FROM sqlite_master")) == (
        "ce n’est pas une base SQLite"
    )
    assert said(lambda: ask(f"file:{good}?mode=ro", "CREATE TABLE u (x)")) == ("en lecture seule")
    assert said(lambda: ask(f"file:{tmp_path}", "SELECT 1")) == "impossible à ouvrir"
    assert said(
        lambda: ask(
            f"file:{good}", "PRAGMA max_page_count = 2", "INSERT INTO t VALUES (zeroblob(99999))"
        )
    ) == ("espace disque épuisé")
    with closing(sqlite3.connect(good)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        assert (
            said(lambda: ask(f"file:{good}", "SELECT * FROM t")) == "un autre programme s’en sert"
        )


def test_what_gis_staff_may_give(tmp_path: Path) -> None:
    letter = tmp_path / "couches.gpkg"
    letter.write_text("Bonjour, ci-joint les caméras")

    assert said(lambda: pyogrio.list_layers(letter)) == "format non reconnu"
    assert said(lambda: pyogrio.list_layers(tmp_path / "rien.gpkg")) == (
        "fichier ou dossier introuvable"
    )


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (lambda: tomllib.loads("a = 1\nb = \n"), "ligne 2, colonne 5"),
        (lambda: json.loads('{"a": }'), "ligne 1, colonne 7"),
        (lambda: fromstring("<a><b></a>"), "ligne 1, colonne 8"),
        (lambda: "Équipe".encode("latin-1").decode(), "pas de l’UTF-8 à l’octet 0"),
    ],
    ids=["TOML", "JSON", "XML", "latin-1"],
)
def test_a_text_that_cannot_be_read_says_where(read: Callable[[], object], why: str) -> None:
    assert said(read) == why


# --- what is said to whom ---


def test_what_is_not_known_is_not_guessed_at() -> None:
    assert FRENCH.message(cause(KeyError("id"))) == "le fichier journal du serveur dit pourquoi"
    assert FRENCH.message(cause("Session taken over")) == (
        "le fichier journal du serveur dit pourquoi"
    )


def test_the_log_and_a_terminal_have_the_original() -> None:
    refused = cause(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"))
    reason = Message(text="{host} does not answer: {cause}", params={"host": "x", "cause": refused})

    assert str(reason) == "x does not answer: connection refused"
    assert str(whole(reason)) == (
        "x does not answer: connection refused "
        "(ConnectionRefusedError: [Errno 111] Connection refused)"
    )
    assert str(whole(cause(KeyError("id")))) == "KeyError: 'id'"


def test_a_cause_is_alike_each_time_so_that_it_is_logged_once(silent: int) -> None:
    def ask() -> object:
        return requests.get(f"https://{HERE}:{silent}/", timeout=0.2)

    assert cause(raised(ask)) == cause(raised(ask))
    assert cause(ValueError(object())) == cause(ValueError(object()))


def test_an_adapters_own_error_is_its_own_sentence() -> None:
    lost = Unreachable("{host} does not answer: {cause}", host="x", cause=cause(TimeoutError()))
    wrong = BadSettings("ca", "x", "write the path of a file, in quotes")

    assert FRENCH.message(cause(lost)) == "x ne répond pas : délai dépassé"
    assert (
        FRENCH.message(cause(wrong))
        == "ca = 'x' : écrivez le chemin d’un fichier, entre guillemets"
    )
