"""Four tiles that follow the officer without flickering."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch_gis.choice import TILES, chosen, tiled
from hooks import Camera, CameraId, PixelClass, Sighting, Situation


def ranked(names: str) -> list[Sighting]:
    return [
        Sighting(
            camera=Camera(id=CameraId(f"a:{name}")), distance_m=1, bearing_deg=0, density_px_m=1,
            pixel_class=PixelClass.NONE, must_turn=False, share=1,
        )
        for name in names
    ]  # fmt: skip


def tiles(names: str, shown: str = "") -> str:
    found = chosen(ranked(names), [CameraId(f"a:{name}") for name in shown])
    return "".join(each.camera.id[2:] for each in found)


def test_at_first_the_best_four_are_shown() -> None:
    assert tiles("ABCDEF") == "ABCD"
    assert tiles("AB") == "AB"
    assert tiles("") == ""


def test_a_tile_keeps_its_place_while_the_ranking_wavers() -> None:
    assert tiles("BADCEF", "ABCD") == "ABCD"
    assert tiles("ABCEDF", "ABCD") == "ABCD"


def test_a_tile_that_has_clearly_fallen_behind_gives_its_place() -> None:
    assert tiles("AEBFGHCD", "ABCD") == "ABEF"


def test_a_camera_that_sees_him_no_more_gives_its_place_alone() -> None:
    assert tiles("ABDEF", "ABCD") == "ABED"


def test_the_very_best_is_always_shown() -> None:
    assert tiles("EABCD", "ABCD") == "ABCE"


permuted = st.permutations("ABCDEFGH").map("".join)


@given(permuted, st.integers(0, 8), st.permutations("ABCDEFGH").map(lambda p: "".join(p[:4])))
def test_never_more_than_four_never_twice_and_the_best_among_them(
    names: str, count: int, shown: str
) -> None:
    found = tiles(names[:count], shown)

    assert len(found) == len(set(found)) == min(TILES, count)
    assert set(found) <= set(names[:count])
    assert not count or names[0] in found


@given(permuted, permuted)
def test_asked_again_of_the_same_ranking_it_changes_nothing(names: str, before: str) -> None:
    once = tiles(names, before[:4])

    assert tiles(names, once) == once


def test_the_tiles_come_first_in_the_situation_and_nobody_is_lost() -> None:
    found = tiled(Situation(sightings=tuple(ranked("AEBFGHCD"))), [CameraId("a:B")])

    assert [each.camera.id for each in found.sightings] == [f"a:{n}" for n in "BAEFGHCD"]
