"""A town on paper, and an engine that runs on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hooks import Camera, CameraId, Message, Position, Situation
from vms_plugin.adapters import Adapters
from vms_plugin.engine import Engine
from vms_plugin.settings import Settings
from vms_plugin.store import Store


class Paper:
    """An atlas with nothing on it. A test that needs more says what by inheriting."""

    patience_s = 600.0
    situation = Situation()

    def load(self) -> None: ...
    def close(self) -> None: ...
    def dated(self) -> None: ...

    def ask_vms(self, adapters: Adapters) -> bool:
        return False

    def refresh(self) -> bool:
        return False

    def situate(self, *_: Any, **__: Any) -> Situation:
        return self.situation

    def cameras(self) -> tuple[Camera, ...]:
        return ()

    def alive(self, camera: CameraId) -> bool:
        return True

    def bounds(self) -> tuple[float, float, float, float] | None:
        return None

    def commune_at(self, place: Position) -> str:
        return ""

    def notes(self) -> list[Message]:
        return []

    def tile(self, z: int, x: int, y: int, theme: str) -> bytes | None:
        return None


@asynccontextmanager
async def running(
    path: Path, plugins: dict[str, Any] | None = None, own: dict[str, Any] | None = None, *,
    settings: Settings | None = None, paper: Paper | None = None,
) -> AsyncIterator[Engine]:  # fmt: skip
    """Run an engine with these adapters, and their own settings; nothing of it may break."""
    adapters = Adapters()
    adapters.load(plugins or {}, own or {})
    store = Store(path / "renfort.db")
    engine = Engine(settings or Settings(), adapters, store, paper or Paper())  # type: ignore[arg-type]
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()
        store.close()
        assert not engine.broken.is_set()


async def idle(engine: Engine, adapter: str) -> None:
    """Wait until no call to an adapter is on its way."""
    await until(lambda: not engine.dispatch.couriers[adapter]._busy)


async def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something to be true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
