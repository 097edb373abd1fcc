"""What every test may lean on: coroutine tests, and nothing left running."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

# How long an example takes is the benchmarks' business: a busy machine proves nothing.
settings.register_profile("renfort", deadline=None)
settings.load_profile("renfort")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run `async def` tests on a loop of their own."""
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        function = pyfuncitem.obj
        wanted = inspect.signature(function).parameters
        arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
        pyfuncitem.obj = lambda **_: asyncio.run(function(**arguments))
    return (yield)


@pytest.fixture(autouse=True)
def _log_left_as_it_was() -> Iterator[None]:
    """Take away the handler of a command run here: its stream is this test's, and closed after."""
    yield
    root = logging.getLogger()
    for handler in [each for each in root.handlers if type(each) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep WebRTC to this machine: aioice leaves loopback out."""
    import aioice.ice

    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])
