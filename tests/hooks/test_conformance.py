"""Our own adapters pass the battery that a stranger's must pass."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import pytest

from hooks.testing import check_adapter

SETTINGS: dict[str, dict[str, Any]] = {
    "axis": {"transport": "bridge"},
    "milestone": {"url": "https://127.0.0.1:9", "username": "u", "password": "p"},
    "crews": {},
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_our_adapters_keep_the_contract(name: str) -> None:
    [point] = entry_points(group="vms_plugin.adapters", name=name)

    info = check_adapter(point.load()(), SETTINGS[name])

    assert info.name == name


def test_an_adapter_whose_properties_fail_before_it_is_configured_is_read_all_the_same() -> None:
    from hooks import AdapterInfo, hookimpl

    class Late:
        @property
        def client(self) -> object:
            raise RuntimeError("not configured")

        @hookimpl
        def describe(self) -> AdapterInfo:
            return AdapterInfo(name="late", brand="", contract=1)

    assert check_adapter(Late(), {}).name == "late"
