"""The hooks: what the host asks of an adapter.

All are optional, synchronous and called one by one, each with a deadline; an adapter that raises,
hangs or answers nonsense is reported by name while the others answer. An implementation takes only
the arguments it names, so a hook may gain arguments without breaking anyone.

An adapter is a class (or a module) named by the entry point group `vms_plugin.adapters`. The host
makes one instance, asks `describe`, then `configure`, then the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pluggy

from hooks.adapter import AdapterInfo, Document, Envelope, Exercise, Feed, Health
from hooks.basics import ActivationId, CameraId, DeviceId, IncidentId, Position
from hooks.facts import Fact
from hooks.live import Live
from hooks.picture import Aim, Keep, Notice, Order, Picture, Pointing, Receipt
from hooks.recordings import Inlet, Piece, Trail, Vault
from hooks.town import Camera, Crew

PROJECT = "renfort"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# --- Once, at load ---


@hookspec
def describe() -> AdapterInfo:  # type: ignore[empty-body]
    """Say who you are. Constant, immediate, no network.

    An adapter written for another contract number than the host's is left out, and named.

        @hookimpl
        def describe(self):
            return AdapterInfo(name="bosch", brand="Bosch", contract=1, version="0.3")
    """


@hookspec
def configure(settings: Mapping[str, Any]) -> None:
    """Take your section of the configuration, `[adapters.<name>]`; empty when there is none.

    Raise `BadSettings` naming the field, its value and the remedy; touch no network. A key
    `password_file` arrives as `password`, read from that file. An adapter without a section that
    raises `BadSettings` is simply not in use.

        @hookimpl
        def configure(self, settings):
            self.url = settings.get("url") or missing("url")
    """


# --- At any time; may wait, in a worker thread ---


@hookspec
def probe() -> Health | None:
    """Say how the other side is now: alive, since when, its clock, what to do.

    Called by `renfort doctor` and by the status page. May wait some seconds.

        @hookimpl
        def probe(self):
            return Health(alive=self.client.ping(), clock_skew_s=self.client.skew_s)
    """


@hookspec
def list_feeds() -> Iterable[Feed]:
    """List the connections the host is to keep open for you. Called once, at start.

    @hookimpl
    def list_feeds(self):
        return [Feed(name="events", run=self.client.listen, silence_s=30)]
    """
    return ()


@hookspec
def list_cameras() -> Iterable[Camera]:
    """List the fixed cameras of the VMS: id, name, position, heading, field of view, enabled.

    Called at start and on refresh. What nobody entered is None; do not guess north.

        @hookimpl
        def list_cameras(self):
            return [Camera(id=CameraId("bosch:12"), name="Gare",
                           position=Position(lon=2.37, lat=48.84))]
    """
    return ()


@hookspec
def place_cameras(cameras: tuple[Camera, ...]) -> tuple[CameraId, ...] | None:
    """Write into the VMS where cameras stand and look; give those that were written.

    Called when GIS staff ask for it (`renfort layers reconcile --write-vms`), never by itself. Of
    each camera `position`, `heading_deg`, `fov_deg` and `range_m` count; what is None stays as it
    is. One that is refused is left out of the answer. None: cannot be done here.

        @hookimpl
        def place_cameras(self, cameras):
            return tuple(each.id for each in cameras if self.client.place(each))
    """


@hookspec
def discover() -> Mapping[str, str] | None:
    """Give what the other side answers, by file name, for `renfort doctor --discover`.

    So that a simulator can be corrected from a real site: secrets, names of people and of places,
    addresses and coordinates are removed before anything is given. May wait a minute or two.

        @hookimpl
        def discover(self):
            return {"cameras.json": json.dumps(scrubbed(self.client.get("cameras")))}
    """


@hookspec
def list_crews(at: datetime) -> Iterable[Crew]:
    """List the crews as known at `at`, for a source that is asked rather than heard.

    Called every few seconds while an incident is open. Sources that push send `CrewFix` facts
    instead.

        @hookimpl
        def list_crews(self, at):
            return [Crew(id=CrewId("radio:21"), name="Brigade 21", status=CrewStatus.FREE)]
    """
    return ()


# --- Each message ---


@hookspec
def decode(envelope: Envelope) -> Iterable[Fact]:
    """Turn bytes into facts. Pure: no network, no clock (`envelope.received_at` is the time).

    An empty answer means "understood, and nothing to tell". Raise `Malformed`, and nothing else,
    for what is not understood: the host keeps the bytes and says so. A press with one bad field is
    still a press: give the `Activation` without it, and name the field in `extra`.

        @hookimpl
        def decode(self, envelope):
            return decode_event(envelope.body, envelope.received_at)
    """
    return ()


# --- While an incident lives; may wait, in a worker thread ---


@hookspec
def recall(receipts: Mapping[IncidentId, Receipt]) -> None:
    """Take back your last answers about the incidents on the board, the host being restarted.

    Called once, before any `show` or `withdraw`, when there are any: so that what one incident
    holds, as a screen, is not given to another. Touches no network.

        @hookimpl
        def recall(self, receipts):
            self.screens = {each.data: incident for incident, each in receipts.items()}
    """


@hookspec
def show(picture: Picture, receipt: Receipt | None, repeated: bool, keep: Keep) -> Receipt | None:
    """Make the VMS show this version; return what you need to change or remove it later.

    Safe to repeat. `receipt` is your last answer for this incident. `receipt is None and repeated`
    means that an earlier call may have gone through without its answer being kept (a crash, a lost
    reply): look for your own reference in the VMS before you create anything.

    Versions may be skipped: only the newest is wanted. Never called twice at once for one incident.

    `keep(receipt)` makes a receipt durable before the call ends: what you are about to replace and
    could not find again after a crash, as what a screen was showing. It waits for the disk.

        @hookimpl
        def show(self, picture, receipt, repeated):
            alarm = receipt.data if receipt else repeated and self.client.find(picture.incident)
            if alarm:
                self.client.update(alarm, picture.title, picture.text)
            else:
                alarm = self.client.create(picture.title, picture.text)
            return Receipt(data=alarm)
    """


@hookspec
def withdraw(
    picture: Picture, receipt: Receipt | None, repeated: bool, keep: Keep
) -> Receipt | None:
    """Leave the VMS tidy, the incident being closed; keep the evidence.

    `picture` is the last one, with `outcome` and `closed_by`. Called until it succeeds; safe to
    repeat, under the same rules as `show`. `keep(receipt)` notes what is taken down already, where
    taking it down twice would be seen.

        @hookimpl
        def withdraw(self, picture, receipt):
            if receipt:
                self.client.close(receipt.data, reason=picture.outcome)
            return receipt
    """


@hookspec
def acknowledge(activation: ActivationId) -> bool | None:
    """Tell the wearer that he is seen, where the maker allows it.

    True: he knows. False: he could not be told. None: not one of mine.

        @hookimpl
        def acknowledge(self, activation):
            return self.client.vibrate(activation)
    """


@hookspec
def engage(order: Order) -> bool | None:
    """Tell the crew, the hypervisor or the radio that the operator sends it.

    True: told. None: not one of my crews. Safe to repeat: `order.id` names the order.

        @hookimpl
        def engage(self, order):
            return self.client.send(order.crew, order.text)
    """


@hookspec
def release(order: Order) -> bool | None:
    """Tell the crew that it is no longer needed there. Same rules as `engage`.

    @hookimpl
    def release(self, order):
        return self.client.cancel(order.crew)
    """


@hookspec
def aim(camera: CameraId, target: Position, pointing: Pointing | None) -> Aim | None:
    """Turn a camera to a place, or say why not. Refuses when an operator holds it.

    `pointing` is how the geography says to point it: an angle where it is calibrated, or the preset
    that looks closest; None when it does not say. None as an answer: not one of my cameras. A mask
    that hides homes survives the turn (CSI L251-3); the host asks for no turn into a mask it knows.

        @hookimpl
        def aim(self, camera, pointing):
            if pointing is None or not pointing.preset:
                return Aim(camera=camera, done=False, how=Message(text="no preset looks there"))
            self.client.go_to(camera, pointing.preset)
            return Aim(camera=camera, done=True,
                       how=Message(text="preset {name}", params={"name": pointing.preset}))
    """


@hookspec
def open_live(activation: ActivationId, device: DeviceId, said: Mapping[str, str]) -> Live | None:
    """Say where the live picture and sound of a running activation come from.

    None: not one of mine, or it has no picture. `said` is what your `Activation` had in `extra`.
    Touches no network: `Live.run` does, later. Never outlives the activation (CSI R241-11): the
    host cancels it at the end.

        @hookimpl
        def open_live(self, activation, device):
            return Live(url=self.rtsp_url(device), video=Codec.H264, audio=Codec.AAC)
    """


@hookspec
def open_camera(camera: CameraId) -> Live | None:
    """Say where the live picture of a fixed camera comes from, for a tile on the page.

    None: not one of mine. Picture only: the town's cameras are mute (CSI R253-1). Touches no
    network: `Live.run` does, later. The host opens one session a camera, whatever the number of
    viewers, and cancels it once nobody looks.

        @hookimpl
        def open_camera(self, camera):
            return Live(run=partial(self.client.watch, camera), video=Codec.H264)
    """


@hookspec
def exercise(mark: str, place: Position | None, over: bool) -> Exercise | None:
    """Make a press that is not real, for the daily proof of the whole chain; `over`: end it.

    Go by the path of a real press where your maker's side can be made to press a spare camera; else
    give the bytes it would send, and the host hears them at its inlet. Either way the `Activation`
    that comes of it says `exercise=True`. `mark` names this exercise, `place` is where it is to be.
    With `over` the answer counts only for its envelope. None: nothing of yours can be exercised.

        @hookimpl
        def exercise(self, mark, place, over):
            session = self.spare.release(mark) if over else self.spare.press(mark, place)
            return Exercise(activation=ActivationId(f"bosch:{session}"))
    """


@hookspec
def notify(notice: Notice) -> bool | None:
    """Tell somebody outside the room: an alert that nobody confirms, a chain that failed.

    True: told. None: nobody to tell. Safe to repeat: `notice.id` names the notice.

        @hookimpl
        def notify(self, notice):
            return self.client.text(self.on_call, notice.title)
    """


@hookspec
def publish(
    path: str, pictures: tuple[Picture, ...], receipts: Mapping[IncidentId, Receipt]
) -> Document | None:
    """Give a document that others come and read, at `/outlet/<name>/<path>`.

    None: there is none of that name. `pictures` are those of the board, closed ones until they are
    cleared away; `receipts` are your last answers to `show` and `withdraw`. Touches no network.
    Whoever reads gives the token of the adapter's inlet.

        @hookimpl
        def publish(self, path, pictures, receipts):
            if path == "feed.atom":
                return Document(body=self.feed(pictures), media_type="application/atom+xml")
    """


# --- Docked recordings ---


@hookspec
def list_inlets(vault: Vault) -> Iterable[Inlet]:
    """List the services that the host is to serve for you, where others bring recordings.

    Called once, at start. What comes in goes to the vault, which is durable when it answers:
    answer the sender after that. Retention, the register and the joining to incidents are the
    host's.

        @hookimpl
        def list_inlets(self, vault):
            return [Inlet(name="docking", app=DockingDoor(self.account, vault), port=8791)]
    """
    return ()


@hookspec
def read_trail(piece: Piece, content: bytes) -> Trail | None:
    """Read where a camera was while it recorded. Pure.

    None: not one of mine, or encrypted for its owner alone. Raise `Malformed` for what is not
    understood.

        @hookimpl
        def read_trail(self, piece, content):
            return Trail(places=tuple(positions_of(content)))
    """
