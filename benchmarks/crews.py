"""Follow ten thousand crews that report once a second, through a real broker or as GEO-POS.

A sender in a process of its own says each second where each crew is; the host's own feed or inlet,
engine and journal take it. Printed: what was sent and heard each second, and the age of the oldest
fix not yet on the board, which stays flat when the room follows and grows when it does not. Times
of GEO-POS are whole seconds: up to one second of its ages is that.

    python -m benchmarks.crews [--by mqtt|geo-pos] [--crews 10000] [--seconds 30] [--incident]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import requests
import uvicorn

from adapters.crews import Crews
from adapters.ineo import Ineo
from benchmarks.broker import mosquitto
from hooks import Activation, ActivationId, DeviceId, Envelope, FactId, Position
from vms_plugin.adapters import Adapters
from vms_plugin.atlas import Atlas
from vms_plugin.engine import Engine
from vms_plugin.live import Relay
from vms_plugin.settings import Settings
from vms_plugin.store import Store
from vms_plugin.web import build

LON, LAT = 4.0853, 43.5606
TOKEN = "a-token-of-the-benchmark"  # of a host on loopback, for these seconds
#: Positions in one message of GEO-POS: a centre gathers them, and a message is 1 MiB at most.
TOGETHER = 500


def publish(port: int, crews: int, seconds: int) -> None:
    """Publish each crew's place once a second, evenly spread; runs in a process of its own."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    start = time.monotonic()
    for number in range(crews * seconds):
        ahead_s = number / crews - (time.monotonic() - start)
        if ahead_s > 0.01:
            time.sleep(ahead_s)
        crew = number % crews
        body = json.dumps({
            "id": str(crew), "lon": LON + (crew % 100) * 1e-4 + number * 1e-9,
            "lat": LAT + (crew // 100) * 1e-4,
            "fixed_at": datetime.now(UTC).isoformat(), "status": "free", "means": "car",
        })  # fmt: skip
        client.publish(f"renfort/crews/{crew}/position", body, qos=0)
    time.sleep(1)
    client.disconnect()
    client.loop_stop()


def post(port: int, crews: int, seconds: int) -> None:
    """Post each crew's place once a second as GEO-POS, so many in a message, as a centre does."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    start = time.monotonic()
    for number in range(0, crews * seconds, TOGETHER):
        ahead_s = number / crews - (time.monotonic() - start)
        if ahead_s > 0:
            time.sleep(ahead_s)
        now = datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "-00:00")
        positions = [
            {
                "resourceId": f"fr.police.bench.resource.PM{each % crews}", "datetime": now,
                "coord": {
                    "lat": LAT + (each % crews // 100) * 1e-4,
                    "lon": LON + (each % 100) * 1e-4 + each * 1e-9,
                },
                "speed": 32.5, "cap": 90, "move": "MOBILE", "status": "DISPONIBLE",
            }
            for each in range(number, number + min(TOGETHER, crews))
        ]  # fmt: skip
        body = {"geoPositionsUpdate": {"position": positions}}
        answer = session.post(f"http://127.0.0.1:{port}/intake/ineo", json=body, timeout=60)
        answer.raise_for_status()


@asynccontextmanager
async def heard_by_mqtt(folder: Path) -> AsyncIterator[tuple[Engine, int]]:
    """Run the host's engine on a broker of its own; gives the broker's port."""
    with mosquitto(folder) as port:
        own = {"crews": {"mqtt_url": f"mqtt://127.0.0.1:{port}"}}
        async with running(folder, {"crews": Crews}, own) as engine:
            async with asyncio.timeout(30):
                while not any(link.up for link in engine.links()):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield engine, port


@asynccontextmanager
async def heard_by_geo_pos(folder: Path) -> AsyncIterator[tuple[Engine, int]]:
    """Run the host's engine with its inlets; gives their port."""
    profile = folder / "hypervisor.toml"
    profile.write_text(
        '[identity]\nsender = "bench@renfort"\norganisation = "fr.police.bench"\nname = "bench"\n'
        "[crews]\ndelay_s = 0\n"
    )
    async with running(folder, {"ineo": Ineo}, {"ineo": {"profile": str(profile)}}) as engine:
        config = uvicorn.Config(build(engine, Relay(engine)), port=0, log_level="error")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        port: int = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield engine, port
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def running(
    folder: Path, sources: dict[str, object], own: dict[str, dict[str, str]]
) -> AsyncIterator[Engine]:
    """Run an engine with one adapter."""
    settings = Settings(
        database=folder / "renfort.db", adapters=own, intake_tokens={"ineo": TOKEN}
    )  # fmt: skip
    adapters = Adapters()
    adapters.load(sources, settings.adapters)
    store = Store(settings.database)
    engine = Engine(settings, adapters, store, Atlas(settings))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
        store.close()


#: Each way in: how the host hears by it, and how it is told.
WAYS = {"mqtt": (heard_by_mqtt, publish), "geo-pos": (heard_by_geo_pos, post)}


async def follow(by: str, crews: int, seconds: int, folder: Path, *, incident: bool) -> None:
    """Run the host, have it told, and look at its board once a second."""
    async with WAYS[by][0](folder) as (engine, port):
        await look(engine, port, by, crews, seconds, incident=incident)


async def look(
    engine: Engine, port: int, by: str, crews: int, seconds: int, *, incident: bool
) -> None:
    """Start the sender, and print how old what is on the board is."""
    if incident:
        await engine.take(Envelope(adapter="crews", body=b"", received_at=datetime.now(UTC)),
                          [_press()])  # fmt: skip
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.crews", "--by", by, "--send-to", str(port),
        "--crews", str(crews), "--seconds", str(seconds),
    )  # fmt: skip
    cpu, last = time.process_time(), time.monotonic()
    print(f"{'s':>4} {'crews':>7} {'oldest fix, s':>14} {'median, s':>10} {'CPU':>6}")
    for second in range(1, seconds + 3):
        await asyncio.sleep(1)
        now = datetime.now(UTC)
        ages = sorted(
            (now - crew.position.fixed_at).total_seconds()
            for crew in engine.crews()
            if crew.position and crew.position.fixed_at
        )
        used, moment = time.process_time(), time.monotonic()
        share = (used - cpu) / (moment - last)
        cpu, last = used, moment
        if ages:
            print(f"{second:>4} {len(ages):>7} {ages[-1]:>14.2f} {ages[len(ages) // 2]:>10.2f}"
                  f" {share:>6.0%}", flush=True)  # fmt: skip
    await sender.wait()


def _press() -> Activation:
    now = datetime.now(UTC)
    return Activation(
        id=FactId("bench:1"), at=now, activation=ActivationId("bench:1"),
        device=DeviceId("bench:a"), position=Position(lon=LON, lat=LAT, accuracy_m=5, fixed_at=now),
    )  # fmt: skip


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crews", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--incident", action="store_true", help="with an alert open")
    parser.add_argument("--by", choices=sorted(WAYS), default="mqtt")
    parser.add_argument("--send-to", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send_to:
        WAYS[options.by][1](options.send_to, options.crews, options.seconds)
        return
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(follow(options.by, options.crews, options.seconds, Path(place),
                           incident=options.incident))  # fmt: skip


if __name__ == "__main__":
    main()
