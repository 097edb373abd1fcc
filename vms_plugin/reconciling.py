"""`renfort layers reconcile`: ask each VMS for its cameras, and say where the layer differs."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from dispatch_gis.reconcile import How, Pair, Reconciliation, reconcile
from dispatch_gis.town import Town
from hooks import AdapterError, Camera, CameraId
from hooks.causes import whole
from vms_plugin.adapters import Adapters, why
from vms_plugin.i18n import Language
from vms_plugin.settings import read

#: A large site answers in minutes, and writes one camera at a time.
INVENTORY_S, WRITING_S = 300.0, 1800.0


def run(town: Town, options: argparse.Namespace, say: Language) -> int:
    """Carry it out; 0 when both sides agree, 1 when somebody has something to do."""
    adapters = Adapters.installed(read(options.config).adapters)
    inventory = _inventory(adapters, say)
    if inventory is None:
        return 2
    found = reconcile(town.cameras, inventory, town.aliases)
    if options.json:
        print(json.dumps(_as_json(found, say), ensure_ascii=False, indent=1))
    else:
        _print(_lines(found, say))
    if options.write:
        return _write(found, adapters, say)
    return 0 if found.agreed else 1


def _inventory(adapters: Adapters, say: Language) -> list[Camera] | None:
    """Ask every VMS; None when none could be asked, which is said."""
    cameras: list[Camera] = []
    names = adapters.offering("list_cameras")
    answered = False
    for name in names:
        try:
            found = adapters.ask(name, "list_cameras", deadline_s=INVENTORY_S)
        except AdapterError as error:
            print(f"✗ {name}: {say.message(whole(why(error)))}", file=sys.stderr)
            continue
        answered = True
        cameras += [each for each in found if isinstance(each, Camera)]
    if not names:
        print("✗ " + say("no VMS in the configuration: nothing to compare with"),
              file=sys.stderr)  # fmt: skip
    return cameras if answered else None


def _lines(found: Reconciliation, say: Language) -> Iterable[str]:
    for pair in found.pairs:
        if pair.differences:
            said = "; ".join(say.message(each.said) for each in pair.differences)
            yield f"! {_name(pair.layer)} = {_name(pair.vms)} ({_how(pair, say)}): {said}"
    for camera in found.layer_only:
        yield "✗ " + say("{camera} is in the layer alone", camera=_name(camera))
    for camera in found.vms_only:
        yield "✗ " + say("{camera} is in the VMS alone", camera=_name(camera))
    yield say(
        "{pairs} cameras on both sides, {apart} of which differ; {ours} in the layer alone, "
        "{theirs} in the VMS alone", pairs=len(found.pairs),
        apart=sum(bool(each.differences) for each in found.pairs),
        ours=len(found.layer_only), theirs=len(found.vms_only),
    )  # fmt: skip


def _how(pair: Pair, say: Language) -> str:
    return {
        How.ID: say("same identifier"),
        How.ADDRESS: say("same network address"),
        How.PLACE: say("same place"),
    }[pair.how]


def _name(camera: Camera) -> str:
    return f"{camera.name} [{camera.id}]" if camera.name else camera.id


def _as_json(found: Reconciliation, say: Language) -> dict[str, Any]:
    return {
        "pairs": [
            {
                "layer": each.layer.id, "vms": each.vms.id, "how": each.how.value,
                "apart_m": None if each.apart_m is None else round(each.apart_m, 1),
                "differences": [
                    {"field": d.field, "layer": d.layer, "vms": d.vms, "said": say.message(d.said)}
                    for d in each.differences
                ],
            }
            for each in found.pairs
        ],
        "layer_only": [_short(each) for each in found.layer_only],
        "vms_only": [_short(each) for each in found.vms_only],
    }  # fmt: skip


def _short(camera: Camera) -> dict[str, Any]:
    place = camera.position
    return {
        "id": camera.id, "name": camera.name, "address": camera.extra.get("address", ""),
        "lonlat": [place.lon, place.lat] if place else None,
    }  # fmt: skip


def _write(found: Reconciliation, adapters: Adapters, say: Language) -> int:
    """Write the layer's geography into each VMS that takes it; 0 when all of it was taken."""
    wanted: dict[str, list[Camera]] = defaultdict(list)
    for pair in found.pairs:
        if (camera := pair.told) is not None:
            wanted[camera.id.partition(":")[0]].append(camera)
    whole = True
    for name, cameras in sorted(wanted.items()):
        if name not in adapters.offering("place_cameras"):
            print("✗ " + say("{name} does not take places from us", name=name),
                  file=sys.stderr)  # fmt: skip
            whole = False
            continue
        written = _written(adapters, name, tuple(cameras), say)
        whole = whole and len(written) == len(cameras)
        print(say("{name}: {written} cameras of {count} written", name=name,
                  written=len(written), count=len(cameras)), file=sys.stderr)  # fmt: skip
    return 0 if whole else 1


def _written(
    adapters: Adapters, name: str, cameras: tuple[Camera, ...], say: Language
) -> set[CameraId]:
    try:
        answer = adapters.ask(name, "place_cameras", deadline_s=WRITING_S, cameras=cameras)
    except AdapterError as error:
        print(f"✗ {name}: {say.message(whole(why(error)))}", file=sys.stderr)
        return set()
    return {each.id for each in cameras} & set(answer or ())


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
