"""Turn a camera towards an incident: what the law allows, who can, what it answered.

Two facts are journaled, for whoever asks later who turned what: that it was asked, before anything
moves, and the answer. The camera's own VMS is asked, for it knows who holds it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hooks import AdapterError, Aim, CameraId, FactId, Message, Picture, Pointing
from vms_plugin.adapters import odd, why
from vms_plugin.incident import Aimed
from vms_plugin.picture import NO_CORRELATION, may_correlate

if TYPE_CHECKING:
    from vms_plugin.atlas import Atlas  # slow to import, and only named here
    from vms_plugin.engine import Engine

#: An operator who sees nothing move for that long has moved it by hand.
AIM_S = 8.0

NO_PLACE = Message(text="no position to turn the camera to")
UNKNOWN = Message(text="this camera is not in the town's layer, nor in the VMS")
MASKED = Message(text="that place is masked for this camera: homes must not be seen (CSI L251-3)")
NOBODY = Message(text="nothing installed can turn this camera")


def refusal(picture: Picture, camera: CameraId, atlas: Atlas) -> Message | None:
    """Say why the camera must not be turned there; None when it may."""
    if not may_correlate(picture):
        return NO_CORRELATION
    if picture.position is None:
        return NO_PLACE
    if all(each.id != camera for each in atlas.cameras()):
        return UNKNOWN
    return MASKED if atlas.masked(camera, picture.position) else None


def pointing(picture: Picture, camera: CameraId) -> Pointing | None:
    """Give how the geography says to point it; None when it does not say."""
    sightings = picture.situation.sightings
    return next((each.pointing for each in sightings if each.camera.id == camera), None)


async def turn(engine: Engine, picture: Picture, asked: Aimed) -> Aim:
    """Have the camera turned, and journal what came of it."""
    refused = refusal(picture, asked.camera, engine.atlas)
    if refused is None:
        answer = await asyncio.to_thread(_ask, engine, picture, asked.camera)
    else:
        answer = Aim(camera=asked.camera, done=False, how=refused)
    await engine.hear([answered(asked, answer)], asked.at)
    return answer


def answered(asked: Aimed, answer: Aim) -> Aimed:
    """Write the fact that tells the answer."""
    return Aimed(
        id=FactId(f"{asked.id}:answer"),
        at=asked.at,
        incident=asked.incident,
        by=asked.by,
        camera=asked.camera,
        done=answer.done,
        how=answer.how,
    )


def _ask(engine: Engine, picture: Picture, camera: CameraId) -> Aim:
    """Ask the adapter whose camera it is; every way of failing is an answer in words."""
    name = camera.partition(":")[0]
    if name not in engine.adapters.offering("aim"):
        return Aim(camera=camera, done=False, how=NOBODY)
    try:
        answer = engine.adapters.ask(
            name, "aim", deadline_s=AIM_S, camera=camera, target=picture.position,
            pointing=pointing(picture, camera),
        )  # fmt: skip
    except AdapterError as error:
        return Aim(camera=camera, done=False, how=why(error))
    if answer is None:
        return Aim(camera=camera, done=False, how=NOBODY)
    if not isinstance(answer, Aim):
        return Aim(camera=camera, done=False, how=odd("aim", answer, "Aim"))
    return answer
