"""What every test may lean on: coroutine tests, and nothing left running."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run `async def` tests on a loop of their own."""
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        function = pyfuncitem.obj
        wanted = inspect.signature(function).parameters
        arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
        pyfuncitem.obj = lambda **_: asyncio.run(function(**arguments))
    return (yield)
