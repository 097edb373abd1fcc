"""What the site keeps on disk, so that a killed simulator comes back with its alarms."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS kept"
    " (number INTEGER PRIMARY KEY, kind TEXT, id TEXT, body TEXT, UNIQUE (kind, id))"
)


class Store:
    """Items by kind and id, in the order in which they came; nothing is kept without a path."""

    def __init__(self, path: Path | None) -> None:
        self._base = None
        if path is not None:
            # The loop that serves may run in another thread than the one that built the site.
            self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # A process that is killed loses nothing committed; only a power cut might.
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute(_SCHEMA)

    def load(self, kind: str) -> dict[str, Any]:
        """Read the items of a kind, oldest first."""
        if self._base is None:
            return {}
        rows = self._base.execute(
            "SELECT id, body FROM kept WHERE kind = ? ORDER BY number", (kind,)
        )
        return {identifier: json.loads(body) for identifier, body in rows}

    def put(self, kind: str, identifier: str, body: object) -> None:
        """Keep an item, durably when this returns."""
        if self._base is not None:
            self._base.execute(
                "INSERT INTO kept (kind, id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, identifier, json.dumps(body)),
            )

    def drop(self, kind: str, identifier: str) -> None:
        """Forget an item."""
        if self._base is not None:
            self._base.execute("DELETE FROM kept WHERE kind = ? AND id = ?", (kind, identifier))

    def close(self) -> None:
        """Close the file."""
        if self._base is not None:
            self._base.close()
