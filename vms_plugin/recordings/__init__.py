"""Docked recordings: kept whole, joined to their incident, destroyed after one calendar month."""

from __future__ import annotations

from vms_plugin.legal import law
from vms_plugin.recordings.archive import Archive
from vms_plugin.recordings.files import store_at
from vms_plugin.settings import Settings
from vms_plugin.store import Store

__all__ = ["Archive", "open_archive"]


def open_archive(settings: Settings, store: Store) -> Archive:
    """Open the archive that the settings name. Touches neither disk nor network."""
    kept = settings.recordings
    files = store_at(kept.store, kept.s3_endpoint, kept.s3_key, kept.s3_secret)
    return Archive(store, files, settings, law(settings.law_parameters))
