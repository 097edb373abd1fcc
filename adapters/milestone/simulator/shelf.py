"""The items of the configuration that are neither cameras nor hardware: written, read, changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adapters.milestone.simulator.store import Store

Path = tuple[str, str]
Fields = dict[str, Any]


@dataclass(slots=True)
class Item:
    """What is written of an item, and what it hangs under."""

    kind: str
    id: str
    fields: Fields
    parent: Path | None = None

    def written(self) -> Fields:
        """Write it as the REST does; what has no identifier of its own is met by its parent."""
        relations: Fields = {"self": {"type": self.kind, "id": self.id}}
        if self.parent is not None:
            relations["parent"] = {"type": self.parent[0], "id": self.parent[1]}
        return {"displayName": self.fields.get("name", ""), **self.fields, "relations": relations}


class Shelf:
    """Items by kind and identifier, in the order in which they came; changes are kept on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._items: dict[str, dict[str, Item]] = {}
        self._kept: dict[str, Fields] = store.load("item")

    def lay(
        self, kind: str, identifier: str, fields: Fields, parent: Path | None = None
    ) -> Item | None:
        """Put what the site begins with: as it was left by the run before, if there was one."""
        kept = self._kept.pop(f"{kind}/{identifier}", None)
        if kept is not None and kept["fields"] is None:
            return None
        item = Item(kind, identifier, kept["fields"] if kept else fields, parent)
        return self._items.setdefault(kind, {}).setdefault(identifier, item)

    def recall(self) -> None:
        """Put back what was created in the run before, once the beginning is laid."""
        for name, kept in self._kept.items():
            kind, _, identifier = name.partition("/")
            if kept["fields"] is not None:
                parent = tuple(kept["parent"]) if kept["parent"] else None
                self._items.setdefault(kind, {})[identifier] = Item(
                    kind, identifier, kept["fields"], parent
                )
        self._kept = {}

    def put(self, item: Item) -> None:
        """Keep an item created or changed."""
        self._items.setdefault(item.kind, {})[item.id] = item
        self._keep(item, item.fields)

    def drop(self, item: Item) -> None:
        """Delete an item and all that hangs under it."""
        for each in list(self.all()):
            if each.parent == (item.kind, item.id):
                self.drop(each)
        del self._items[item.kind][item.id]
        self._keep(item, None)

    def find(self, kind: str, identifier: str) -> Item | None:
        """Find one item."""
        return self._items.get(kind, {}).get(identifier)

    def of(self, kind: str, parent: Path | None = None) -> list[Item]:
        """List a kind, or those of it that hang under an item."""
        listed = self._items.get(kind, {}).values()
        return [each for each in listed if parent is None or each.parent == parent]

    def all(self) -> Iterator[Item]:
        """Give every item."""
        for items in self._items.values():
            yield from items.values()

    def _keep(self, item: Item, fields: Fields | None) -> None:
        kept = {"fields": fields, "parent": item.parent}
        self._store.put("item", f"{item.kind}/{item.id}", kept)
