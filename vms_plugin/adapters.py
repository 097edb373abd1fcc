"""The only door to adapters: find, register, call, isolate.

An adapter may fail to import, raise, hang, answer nonsense or be written for another contract. Each
is noted under its name, logged once when it starts and once when it ends, and hurts nobody else.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from time import monotonic
from typing import Any

import pluggy
import structlog

import hooks.specs
from hooks import (
    CONTRACT,
    PROJECT,
    AdapterError,
    AdapterInfo,
    BadSettings,
    Envelope,
    Fact,
    Malformed,
    Message,
    Unreachable,
)
from hooks.causes import cause, whole

GROUP = "vms_plugin.adapters"
LOAD_S = 10.0  #: an import on an old machine; the host starts without whoever takes longer
CALL_S = 10.0
#: Asked by a person, who is told how it went: the health line does not say it for days after.
ASKED = frozenset({"aim"})

log = structlog.get_logger(__name__)


class State(StrEnum):
    """What became of an adapter at load."""

    READY = "ready"
    UNUSED = "unused"  # installed; needs settings and has none, or is switched off
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Failure:
    """A hook that does not work: since when, and why, in a sentence for people."""

    hook: str
    why: Message
    since: datetime


@dataclass(slots=True)
class Adapter:
    """One installed adapter, ready or not."""

    name: str
    state: State
    info: AdapterInfo | None = None
    plugin: Any = None
    calls: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    def offers(self, hook: str) -> bool:
        """Whether this adapter implements the hook and may be called."""
        return self.state is State.READY and hook in self.calls


class Adapters:
    """Every adapter installed, by name."""

    def __init__(self) -> None:
        self._adapters: dict[str, Adapter] = {}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hooks.specs)
        self._registering = threading.Lock()

    # --- load ---

    @classmethod
    def installed(
        cls, settings: Mapping[str, Mapping[str, Any]], *, load_s: float = LOAD_S
    ) -> Adapters:
        """Load what is installed, ours exactly as a stranger's; never raises."""
        adapters = cls()
        points = list(entry_points(group=GROUP))
        names = Counter(point.name for point in points)
        sources: dict[str, object] = {}
        for point in points:
            if names[point.name] > 1:
                twice = Message(
                    text="two installed distributions offer an adapter of this name: remove one"
                )
                adapters._break(point.name, "load", twice)
            elif settings.get(point.name, {}).get("enabled", True) is False:
                adapters._adapters[point.name] = Adapter(point.name, State.UNUSED)
            else:
                sources[point.name] = point
        for name in settings.keys() - names.keys():
            unknown = Message(
                text="no adapter of that name is installed; installed: {names}",
                params={"names": ", ".join(sorted(names))},
            )
            adapters._break(name, "load", unknown)
        adapters.load(sources, settings, load_s=load_s)
        return adapters

    def load(
        self,
        sources: Mapping[str, object],
        settings: Mapping[str, Mapping[str, Any]],
        *,
        load_s: float = LOAD_S,
    ) -> None:
        """Load adapters side by side, each from an entry point, a class, a module or an instance.

        One that hangs costs `load_s` once, whatever their number.
        """
        started = {name: Adapter(name, State.BROKEN) for name in sources}
        self._adapters.update(started)
        loads = {
            name: _in_thread(partial(self._load, started[name], source, settings.get(name)))
            for name, source in sources.items()
        }
        until = monotonic() + load_s
        for name, future in loads.items():
            adapter = started[name]
            try:
                future.result(max(0.0, until - monotonic()))
                adapter.state = State.READY
            except LateError:
                late = Message(text="loading takes more than {s:g} s", params={"s": load_s})
                self._note(adapter, "load", late)
            except BadSettings as error:
                if name in settings:
                    self._note(adapter, "configure", why(error))
                else:
                    adapter.state = State.UNUSED
            except BaseException as error:  # an adapter may even call sys.exit
                self._note(adapter, "load", why(error))

    def _load(self, adapter: Adapter, source: Any, settings: Mapping[str, Any] | None) -> None:
        loaded = source.load() if isinstance(source, EntryPoint) else source
        plugin = loaded() if isinstance(loaded, type) else loaded
        adapter.calls = self._register(adapter.name, plugin)
        adapter.plugin = plugin
        if "describe" not in adapter.calls:
            raise AdapterError("it does not say who it is: no {hook} hook", hook="describe")
        info = self._invoke(adapter, "describe", {})
        if not isinstance(info, AdapterInfo):
            raise AdapterError(
                "{hook} answered {kind} instead of {wanted}",
                hook="describe", kind=type(info).__name__, wanted="AdapterInfo",
            )  # fmt: skip
        if info.contract != CONTRACT:
            raise AdapterError(
                "it is written for contract {theirs}, this host speaks contract {ours}",
                theirs=info.contract, ours=CONTRACT,
            )  # fmt: skip
        if info.name != adapter.name:
            raise AdapterError(
                "it is installed as {installed} and says it is {said}: names must agree",
                installed=adapter.name, said=info.name,
            )  # fmt: skip
        adapter.info = info
        if "configure" in adapter.calls:
            own = {key: value for key, value in (settings or {}).items() if key != "enabled"}
            self._invoke(adapter, "configure", {"settings": own})

    def _register(
        self, name: str, plugin: Any
    ) -> dict[str, tuple[Callable[..., Any], tuple[str, ...]]]:
        with self._registering:
            self._manager.register(plugin, name)
            try:
                self._manager.check_pending()  # a misspelt hook would otherwise be silent
            except pluggy.PluginValidationError:
                self._manager.unregister(plugin)
                raise
            return {
                # What has a default is given too, where the host has it.
                caller.name: (impl.function, (*impl.argnames, *impl.kwargnames))
                for caller in self._manager.get_hookcallers(plugin) or ()
                for impl in caller.get_hookimpls()
                if impl.plugin is plugin
            }

    # --- read ---

    def __iter__(self) -> Iterator[Adapter]:
        return iter(sorted(self._adapters.values(), key=lambda adapter: adapter.name))

    def __getitem__(self, name: str) -> Adapter:
        return self._adapters[name]

    def offering(self, hook: str) -> list[str]:
        """Name the adapters that implement a hook, in a stable order."""
        return sorted(each.name for each in self._adapters.values() if each.offers(hook))

    # --- call ---

    def ask(self, name: str, hook: str, *, deadline_s: float = CALL_S, **facts: Any) -> Any:
        """Call one hook of one adapter in a thread of its own, and wait for its answer.

        A generator is exhausted inside; a list comes back as a tuple.

        Raises
        ------
        AdapterError
            What the adapter raised; `Unreachable` when it did not answer in time, or failed in a
            way the contract does not know.
        """
        try:
            return _within(deadline_s, lambda: self.call(name, hook, **facts))
        except LateError:
            late = Unreachable(
                "no answer to {hook} within {seconds:g} s", hook=hook, seconds=deadline_s
            )
            self._note(self._adapters[name], hook, why(late))
            raise late from None

    def start(self, name: str, hook: str, *, clears: bool = True, **facts: Any) -> Future[Any]:
        """Call one hook in a thread of its own; the answer comes when it comes."""
        return _in_thread(lambda: self.call(name, hook, clears=clears, **facts))

    def call(self, name: str, hook: str, *, clears: bool = True, **facts: Any) -> Any:
        """Call one hook in this very thread; note how it went.

        `clears`: that it went well says that it works again; no, where it is asked of many things
        at once, and one of them may fail still.
        """
        adapter = self._adapters[name]
        try:
            answer = self._invoke(adapter, hook, facts)
        except AdapterError as error:
            self._note(adapter, hook, why(error))
            raise
        except Exception as error:
            self._note(adapter, hook, why(error))
            raise Unreachable("{hook} failed: {cause}", hook=hook, cause=cause(error)) from error
        if clears:
            self._clear(adapter, hook)
        return answer

    def decode(self, envelope: Envelope) -> tuple[list[Fact], Malformed | None]:
        """Let the adapter concerned read a message: its facts, and what was wrong, if anything.

        Facts given before the fault are kept: one bad feature does not lose a collection.
        """
        adapter = self._adapters.get(envelope.adapter)
        facts: list[Fact] = []
        if adapter is None or not adapter.offers("decode"):
            return facts, Malformed("adapter", envelope.adapter, "no such adapter takes messages")
        function, names = adapter.calls["decode"]
        try:
            for fact in function(**({"envelope": envelope} if "envelope" in names else {})) or ():
                if not isinstance(fact, Fact):
                    raise TypeError(f"decode gave {type(fact).__name__}, not a fact")
                facts.append(fact)
        except Malformed as fault:
            return facts, fault
        except Exception as error:
            self._note(adapter, "decode", why(error))
            return facts, Malformed(
                "message", envelope.body[:80], "the adapter failed on it: {cause}",
                cause=cause(error),
            )  # fmt: skip
        self._clear(adapter, "decode")
        return facts, None

    def start_decoding(self, envelope: Envelope) -> Future[tuple[list[Fact], Malformed | None]]:
        """Decode in a thread of its own: an adapter that hangs in it holds nobody else."""
        return _in_thread(lambda: self.decode(envelope))

    def fail(self, name: str, hook: str, why: Message) -> None:
        """Note a failure seen from outside: a feed that fell, an answer that does not come."""
        self._note(self._adapters[name], hook, why)

    def succeed(self, name: str, hook: str) -> None:
        """Note that it works again."""
        self._clear(self._adapters[name], hook)

    def _invoke(self, adapter: Adapter, hook: str, facts: Mapping[str, Any]) -> Any:
        function, names = adapter.calls[hook]
        answer = function(**{name: facts[name] for name in names if name in facts})
        # Inside the caller's `try`: a generator fails only when it is read.
        listed = hook.startswith("list_")
        return tuple(answer or ()) if listed else answer

    def _break(self, name: str, hook: str, why: Message) -> None:
        adapter = self._adapters.setdefault(name, Adapter(name, State.BROKEN))
        adapter.state = State.BROKEN
        self._note(adapter, hook, why)

    def _note(self, adapter: Adapter, hook: str, why: Message) -> None:
        known = adapter.failures.get(hook)
        since = known.since if known else datetime.now(UTC)
        if hook not in ASKED:
            adapter.failures[hook] = Failure(hook, why, since)
        if known is None or known.why != why:  # whoever reads the one is sent to the other
            log.warning("adapter fails", adapter=adapter.name, hook=hook, why=str(whole(why)))

    def _clear(self, adapter: Adapter, hook: str) -> None:
        if adapter.failures.pop(hook, None) is not None:
            log.info("adapter works again", adapter=adapter.name, hook=hook)


def _in_thread(function: Callable[[], Any]) -> Future[Any]:
    """Run in a daemon thread: one that hangs for ever must not keep the program from ending."""
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()  # whoever stops waiting does not stop it

    def run() -> None:
        try:
            answer = function()
        except BaseException as error:  # handed to whoever waits
            future.set_exception(error)
        else:
            future.set_result(answer)

    threading.Thread(target=run, daemon=True).start()
    return future


def _within(deadline_s: float, function: Callable[[], Any]) -> Any:
    return _in_thread(function).result(deadline_s)


def why(error: BaseException) -> Message:
    """Give a sentence for people: an adapter's own, or that a stranger's code failed."""
    said = cause(error)
    if isinstance(error, AdapterError):
        return said
    return Message(text="it failed: {cause}", params={"cause": said})


def odd(hook: str, answer: object, wanted: str) -> Message:
    """Say that an adapter answered something else than the contract wants."""
    return Message(
        text="{hook} answered {kind} instead of {wanted}",
        params={"hook": hook, "kind": type(answer).__name__, "wanted": wanted},
    )
