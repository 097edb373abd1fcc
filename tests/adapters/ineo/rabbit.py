"""A real RabbitMQ on loopback: private ports, private data, gone with the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.network import free_port

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
ACCOUNT = ("renfort", "crew horse & staple")


@dataclass
class Rabbit:
    """One broker with its own port mapper, each a process of ours."""

    folder: Path
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"amqp://127.0.0.1:{self.port}"

    @property
    def account_url(self) -> str:
        return f"amqp://renfort:crew%20horse%20%26%20staple@127.0.0.1:{self.port}/"

    def start(self) -> None:
        assert PROGRAM.exists(), "install Debian's rabbitmq-server: make setup"
        mapper = shutil.which("epmd", path="/usr/bin:/usr/lib/erlang/bin") or ""
        mapper_port = str(free_port())
        self._run([mapper, "-port", mapper_port, "-address", "127.0.0.1"], os.environ.copy())
        configuration = self.folder / "rabbitmq.conf"
        configuration.write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            f"default_user = {ACCOUNT[0]}\ndefault_pass = {ACCOUNT[1]}\n"
            "log.console = false\nlog.file.level = error\n"
        )
        (self.folder / "plugins").write_text("[].\n")
        self._run(
            [str(PROGRAM)],
            {
                "PATH": "/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG": "C.UTF-8",
                "HOME": str(self.folder),
                "ERL_EPMD_PORT": mapper_port,
                "RABBITMQ_NODENAME": f"renfort{self.port}@localhost",
                "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_CONFIG_FILE": str(configuration),
                "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
                "RABBITMQ_LOG_BASE": str(self.folder / "log"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
            },
        )
        self._wait()

    def _run(self, words: list[str], environment: dict[str, str]) -> None:
        self.processes.append(
            subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )  # fmt: skip

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert time.monotonic() < until, "RabbitMQ does not start"
            assert self.processes[-1].poll() is None, "RabbitMQ stopped"
            time.sleep(0.1)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self.processes.clear()
