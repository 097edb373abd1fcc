"""An AXIS device that runs the AXIS Body Worn Live server: the maker's side."""

from __future__ import annotations

import argparse

from starlette.applications import Starlette

from adapters.axis.simulator import control, signaling, vapix
from adapters.axis.simulator.device import Device

__all__ = ["Simulator"]


class Simulator:
    """What `renfort simulate axis` serves."""

    def __init__(self, options: argparse.Namespace) -> None:
        officers = [_officer(text) for text in options.officer] or [
            (f"B8A44F00A{number:03d}", f"PM-{210 + number}")
            for number in range(1, options.cameras + 1)
        ]
        self._options = options
        self.device = Device(
            officers=dict(officers),
            username=options.username,
            password=options.password,
            apps=(options.app,),
            one_lens=options.one_lens,
        )
        parts = (vapix, signaling, control)
        self.app = Starlette(routes=[route for part in parts for route in part.routes(self.device)])

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the accounts, the wearers and the name of the server app."""
        parser.add_argument("--username", default="renfort")
        parser.add_argument("--password", default="pass-of-the-simulator")
        parser.add_argument("--cameras", type=int, default=3, help="how many body-worn cameras")
        parser.add_argument(
            "--officer", action="append", default=[], metavar="SERIAL=NAME",
            help="a camera and its wearer; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--one-lens", action="store_true",
            help="all cameras film the same, coded once: many streams for little of the machine",
        )  # fmt: skip
        parser.add_argument(
            "--app", default="BodyWornLiveSelfHosted",
            choices=["BodyWornLiveSelfHosted", "BodyWornLiveStandalone"],
        )  # fmt: skip

    def ready(self, url: str) -> dict[str, object]:
        """Say what a client needs besides the address."""
        return {
            "username": self._options.username,
            "password": self._options.password,
            "app": self._options.app,
            "events": f"{url.replace('http', 'ws', 1)}/vapix/ws-data-stream?sources=events",
            "signaling": f"{url.replace('http', 'ws', 1)}/client",
            "control": f"{url}/simulator",
            "cameras": list(self.device.cameras),
        }


def _officer(text: str) -> tuple[str, str]:
    serial, sign, name = text.partition("=")
    if not (serial and sign and name):
        raise SystemExit(f"--officer {text}: write SERIAL=NAME, as B8A44F00A001=PM-214")
    return serial, name
