"""The token's keeper: one question for many threads, and none that would lock the account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from adapters.milestone.token import AccountRefusedError, TokenKeeper
from hooks import AdapterError, Refused, Unreachable

NO = AccountRefusedError(Refused("XProtect refuses the account {username}", username="renfort"))


class Provider:
    """An identity provider: numbers its tokens, or raises what it is told to."""

    def __init__(self, life_s: object = 3600) -> None:
        self.life_s = life_s
        self.asked = 0
        self.fault: AdapterError | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        self.meanwhile()
        if self.fault:
            raise self.fault
        return {"access_token": f"t{self.asked}", "expires_in": self.life_s}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keeper(provider: Provider, clock: Clock) -> TokenKeeper:
    return TokenKeeper(provider, pause_s=900, clock=clock)


def test_a_token_is_asked_once_while_it_serves() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)

    assert [tokens.get() for _ in range(3)] == ["t1"] * 3
    assert provider.asked == 1


@pytest.mark.parametrize(
    ("life_s", "kept_s", "renewed_s"),
    [(3600, 3539, 3540), ("3600", 3539, 3540), (20, 9, 10), (100, 49, 50), (None, 3539, 3540),
     (-1, 3539, 3540), ("soon", 3539, 3540), (float("nan"), 3539, 3540)],
)  # fmt: skip
def test_a_token_is_renewed_a_minute_before_its_end_or_at_half_its_life(
    life_s: object, kept_s: float, renewed_s: float
) -> None:
    provider, clock = Provider(life_s), Clock()
    tokens = keeper(provider, clock)
    tokens.get()

    clock.now = 1000 + kept_s
    assert tokens.get() == "t1"
    clock.now = 1000 + renewed_s
    assert tokens.get() == "t2"


def test_ten_threads_ask_once() -> None:
    provider = Provider()
    together = threading.Barrier(10)
    inside = threading.Event()
    provider.meanwhile = lambda: inside.wait(0.1)
    tokens = TokenKeeper(provider, pause_s=900)

    def get(_: int) -> str:
        together.wait(5)
        return tokens.get()

    with ThreadPoolExecutor(10) as pool:
        got = set(pool.map(get, range(10)))

    assert got == {"t1"}
    assert provider.asked == 1


def test_threads_that_waited_for_no_answer_do_not_ask_again_one_by_one() -> None:
    provider = Provider()
    provider.fault = Unreachable("{host} does not answer", host="vms")
    together, begun = threading.Barrier(8), set[int]()

    def clock() -> float:
        """All have begun before the first is answered."""
        if threading.get_ident() not in begun:
            begun.add(threading.get_ident())
            now = monotonic()
            together.wait(20)
            return now
        return monotonic()

    tokens = TokenKeeper(provider, pause_s=900, clock=clock)

    def get(_: int) -> str:
        with pytest.raises(Unreachable) as error:
            tokens.get()
        return str(error.value)

    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(get, range(8)))

    assert said == {"vms does not answer"}
    assert provider.asked == 1


def test_no_answer_is_asked_again_by_the_next_call() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    provider.fault = Unreachable("{host} does not answer", host="vms")
    with pytest.raises(Unreachable):
        tokens.get()

    provider.fault = None

    assert tokens.get() == "t2"


def test_a_refused_account_is_not_asked_again_before_the_pause_is_over() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    provider.fault = NO
    for _ in range(20):
        with pytest.raises(Refused, match="renfort"):
            tokens.get()
        clock.now += 40

    assert provider.asked == 1


def test_a_refused_account_is_asked_again_after_the_pause() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    provider.fault = NO
    with pytest.raises(Refused):
        tokens.get()

    provider.fault = None
    clock.now += 901

    assert tokens.get() == "t2"


def test_a_certificate_that_is_not_trusted_does_not_silence_us_for_the_pause() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    provider.fault = Refused("the certificate is not trusted")
    with pytest.raises(Refused):
        tokens.get()

    provider.fault = None

    assert tokens.get() == "t2"


def test_a_spoiled_token_is_replaced_once_for_all_who_hold_it() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    tokens.get()

    assert [tokens.get(spoiled="t1") for _ in range(3)] == ["t2"] * 3
    assert provider.asked == 2


def test_a_press_does_not_wait_behind_the_renewal_of_a_token_that_serves() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    tokens.get()
    clock.now += 3550
    asking, done = threading.Event(), threading.Event()

    def slow() -> None:
        asking.set()
        done.wait(5)

    provider.meanwhile = slow
    with ThreadPoolExecutor(1) as pool:
        renewal = pool.submit(tokens.get)
        asking.wait(5)
        during = tokens.get()
        done.set()

    assert during == "t1"
    assert renewal.result() == "t2"


def test_a_token_that_serves_outlives_a_renewal_that_fails() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    tokens.get()
    provider.fault = Unreachable("{host} does not answer", host="vms")
    clock.now += 3545

    assert [tokens.get() for _ in range(5)] == ["t1"] * 5
    assert provider.asked == 2


def test_a_token_past_its_end_is_given_to_nobody() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    tokens.get()
    provider.fault = Unreachable("{host} does not answer", host="vms")
    clock.now += 3600

    with pytest.raises(Unreachable):
        tokens.get()


def test_an_account_refused_twice_is_asked_no_more_until_a_person_restarts() -> None:
    """Five wrong passwords in a row lock an account, which two hosts may share."""
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    provider.fault = NO

    said = []
    for _ in range(40 * 24):
        with pytest.raises(Refused) as refused:
            tokens.get()
        said.append(str(refused.value))
        clock.now += 3600

    assert provider.asked == 2
    assert said[0] == "XProtect refuses the account renfort"
    assert "restart Renfort" in said[-1]
    assert "renfort" in said[-1]


def test_an_account_that_somebody_else_locked_is_back_once_it_is_unlocked() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    provider.fault = AccountRefusedError(Refused("it is locked"), locked=True)
    for _ in range(12):
        with pytest.raises(Refused, match="it is locked"):
            tokens.get()
        clock.now += 450

    provider.fault = None
    clock.now += 450

    assert tokens.get() == "t7"
    assert provider.asked == 7


def test_a_refusal_mended_in_time_is_forgotten() -> None:
    provider, clock = Provider(), Clock()
    tokens = keeper(provider, clock)
    for _ in range(4):
        provider.fault = NO
        with pytest.raises(Refused):
            tokens.get()
        provider.fault = None
        clock.now += 901
        tokens.get()
        clock.now += 3600

    assert provider.asked == 8
