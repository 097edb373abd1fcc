"""What is done because time passes."""

from __future__ import annotations

import gc
from pathlib import Path

from tests.host.paper import running, until


async def test_the_town_is_left_out_of_the_collectors_rounds_once_it_is_read(
    tmp_path: Path,
) -> None:
    gc.unfreeze()
    async with running(tmp_path):
        await until(gc.get_freeze_count)
    gc.unfreeze()
