"""A simulated XProtect site on loopback, on a clock that tests turn by hand."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.milestone.simulator import Simulator
from tests.serving import Server

#: Servers that are stopping: uvicorn takes a tenth of a second, which no test need wait for.
LEAVING: list[Server] = []
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Clock:
    """A clock that goes only when told."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.125

    def __call__(self) -> float:
        return self.now


class Running:
    """A site that answers, and what a test needs to talk to it as a foreign client."""

    def __init__(self, simulator: Simulator, clock: Clock, url: str) -> None:
        self.simulator, self.clock, self.url = simulator, clock, url
        self.ready: dict[str, Any] = simulator.ready(url)
        # No TLS here, and reading the authorities of the machine takes longer than a test.
        self.http = httpx.Client(base_url=url, timeout=5, verify=False)

    def grant(self, path: str = "/API/IDP/connect/token", **changes: str) -> httpx.Response:
        """Ask for a token: with the right password, unless told otherwise."""
        form = {
            "grant_type": "password", "client_id": "GrantValidatorClient",
            "username": self.ready["username"], "password": self.ready["password"], **changes,
        }  # fmt: skip
        return self.http.post(path, data=form)

    def log_in(self, **changes: str) -> str:
        """Take a token, and carry it from now on."""
        access: str = self.grant(**changes).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {access}"
        return access

    def rest(self, verb: str, path: str, **how: Any) -> httpx.Response:
        """Ask the REST API."""
        return self.http.request(verb, f"/api/rest/v1/{path}", **how)

    def listed(self, path: str) -> list[dict[str, Any]]:
        """List a resource."""
        answer = self.rest("GET", path)
        assert answer.status_code == 200, answer.text
        array: list[dict[str, Any]] = answer.json()["array"]
        return array

    @staticmethod
    def detail(answer: httpx.Response) -> dict[str, Any]:
        """Read the one detail of an error."""
        error = answer.json()["error"]
        assert error["httpCode"] == answer.status_code
        [detail] = error["details"]
        assert isinstance(detail, dict)
        return detail

    def order(self, name: str, **order: object) -> dict[str, Any]:
        """Give an order to the simulator itself."""
        answer = self.http.post(f"/simulator/{name}", json=order)
        answer.raise_for_status()
        done: dict[str, Any] = answer.json()
        return done

    def raise_alarm(self, **changes: object) -> httpx.Response:
        """Trigger an alarm on the first camera, unless told otherwise."""
        body = {"name": "Renfort", "message": "PM-214", "source": self.ready["cameras"][0]}
        return self.rest("POST", "alarms", json={**body, **changes})


def options(*words: str) -> argparse.Namespace:
    """Read the simulator's options as its command line does."""
    parser = argparse.ArgumentParser()
    Simulator.add_arguments(parser)
    return parser.parse_args(words)


@contextmanager
def serving(*words: str) -> Iterator[Running]:
    """Serve a site with these options in a thread."""
    clock = Clock()
    simulator = Simulator(options(*words), clock)
    simulator.site.accounts.key = KEY
    server = Server(simulator.app, timeout_graceful_shutdown=1)
    server.start()
    running = Running(simulator, clock, server.url)
    try:
        yield running
    finally:
        running.http.close()
        server.stop()
        LEAVING.append(server)


Start = Callable[..., Running]


@pytest.fixture(scope="session")
def all_left() -> Iterator[None]:
    """See every server out before the tests end."""
    yield
    for server in LEAVING:
        server.join()


@pytest.fixture
def xprotect(all_left: None) -> Iterator[Start]:
    """Start simulated sites, by their options; the account is logged in already."""
    with ExitStack() as stack:

        def start(*words: str, logged_in: bool = True) -> Running:
            running = stack.enter_context(serving(*words))
            if logged_in:
                running.log_in()
            return running

        yield start
