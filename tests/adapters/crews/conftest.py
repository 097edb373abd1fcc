"""A real broker on loopback, with accounts, rights and TLS."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.network import free_port

ACCOUNTS = {"renfort": "crew horse", "radio": "battery staple"}


@dataclass
class Mosquitto:
    """One broker, in a process of its own."""

    folder: Path
    certificate: tuple[Path, Path] | None = None  #: its own, and the key
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'mqtts' if self.certificate else 'mqtt'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"user {pwd.getpwuid(os.getuid()).pw_name}",  # started by root it would change
            "allow_anonymous false",
            f"password_file {self.folder / 'accounts'}",
            f"acl_file {self.folder / 'rights'}",
        ]
        if self.certificate:
            lines += [f"certfile {self.certificate[0]}", f"keyfile {self.certificate[1]}"]
        (self.folder / "rights").write_text(
            "user renfort\ntopic read renfort/#\nuser radio\ntopic readwrite renfort/#\n"
        )
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""
        assert program, "install Debian's mosquitto: make setup"
        self.process = subprocess.Popen(
            [program, "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert time.monotonic() < until, "mosquitto does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process = None


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """A folder with the password file that mosquitto reads."""
    listed = tmp_path / "accounts"
    listed.write_text("".join(f"{name}:{word}\n" for name, word in ACCOUNTS.items()))
    subprocess.run(["mosquitto_passwd", "-U", str(listed)], check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def broker(accounts: Path) -> Iterator[Mosquitto]:
    running = Mosquitto(accounts)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def certificate(accounts: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = accounts / "cert.pem", accounts / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def secure_broker(accounts: Path, certificate: tuple[Path, Path]) -> Iterator[Mosquitto]:
    running = Mosquitto(accounts, certificate)
    running.start()
    yield running
    running.stop()
