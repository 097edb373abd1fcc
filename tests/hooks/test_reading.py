"""What every decoder says of several faults at once."""

from __future__ import annotations

import pytest

from hooks import Malformed
from hooks.reading import MOST_TOLD, Faults, tell


def told(*faults: Malformed) -> Malformed:
    with pytest.raises(Malformed) as raised:
        tell(list(faults))
    return raised.value


def test_nothing_wrong_raises_nothing() -> None:
    faults: Faults = []

    tell(faults)


def test_one_fault_is_told_as_it_was_noted() -> None:
    only = Malformed("status", "dispo", "write one of: {known}", known="free")

    assert told(only) is only


def test_faults_of_one_remedy_are_told_together() -> None:
    fault = told(*(Malformed(f"features[{n}].id", n, "write it") for n in (1, 3)))

    assert (fault.field, fault.value) == ("features[1].id, features[3].id", [1, 3])
    assert str(fault) == "features[1].id, features[3].id = [1, 3]: write it"


def test_each_field_is_told_with_its_own_value_and_remedy() -> None:
    fault = told(
        Malformed("a.kind", None, "it is missing: write it"),
        Malformed("a.kindd", "Report", "remove it; known here: {known}", known="kind"),
        Malformed("a.lat", 91, "write degrees"),
    )

    assert str(fault) == (
        "a.kind = None: it is missing: write it; "
        "a.kindd = 'Report': remove it; known here: kind; a.lat = 91: write degrees"
    )


def test_a_thousand_faults_are_told_by_the_first_and_counted() -> None:
    fault = told(*(Malformed(f"position[{n}]", n, "write it") for n in range(1000)))

    assert fault.field.count("position") == MOST_TOLD
    assert str(fault).endswith(f"… and {1000 - MOST_TOLD} more")


def test_no_secret_is_told_among_others() -> None:
    fault = told(Malformed("id", 1, "write it"), Malformed("token", "s3cret", "remove it"))

    assert "s3cret" not in str(fault)
