"""Which cameras that are down together are one group. Pure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nvr.alerting.folding import belongs, fold
from storage.causes import Cause


def down(*cameras: str, cause: Cause = Cause.UNREACHABLE) -> dict[str, Cause | None]:
    return dict.fromkeys(cameras, cause)


def fleet(**isps: int) -> dict[str, dict[str, str]]:
    return {f"{isp}-{i}": {"isp": isp, "district": f"d{i % 3}"} for isp, count in isps.items() for i in range(count)}


def subjects(found: dict[str, Cause | None], labels: dict[str, dict[str, str]], *by: str, from_: int = 5) -> list[str]:
    return [group.subject for group in fold(found, labels, by=by or ("isp",), from_=from_)]


def test_a_cut_cable_is_one_group() -> None:
    broken = down(*(f"telkom-{i}" for i in range(8)), "biznet-1")
    (group,) = fold(broken, fleet(telkom=8, biznet=30), by=["isp", "district"], from_=5)
    assert (group.subject, len(group.cameras)) == ("isp=telkom", 8)


def test_fewer_than_half_or_than_the_setting_stay_alone() -> None:
    assert subjects(down(*(f"telkom-{i}" for i in range(9))), fleet(telkom=20, biznet=20)) == []
    assert subjects(down(*(f"telkom-{i}" for i in range(4))), fleet(telkom=4, biznet=9)) == []


def test_what_need_not_be_recorded_is_no_part_of_the_whole() -> None:
    # Of an ISP of 1,000 the 50 that are required: labels are theirs alone.
    labels = fleet(telkom=50, biznet=2_000)
    assert subjects(down(*(f"telkom-{i}" for i in range(50))), labels) == ["isp=telkom"]


def test_all_of_them_is_the_fleet_and_a_full_disk_is_its_cause() -> None:
    labels = fleet(telkom=8, biznet=8)
    assert subjects(down(*labels), labels) == [""]
    full = down(*(f"telkom-{i}" for i in range(6)), cause=Cause.DISK_FULL)
    assert subjects(full, fleet(telkom=30)) == ["cause=disk_full"]


def test_cameras_in_a_group_already_count_towards_the_half() -> None:
    labels = fleet(telkom=20)
    more = down(*(f"telkom-{i}" for i in range(6, 12)))
    assert fold(more, labels, by=["isp"], from_=5) == []
    (group,) = fold(more, labels, by=["isp"], from_=5, grouped=[f"telkom-{i}" for i in range(6)])
    assert (group.subject, len(group.cameras)) == ("isp=telkom", 6)


def test_who_belongs() -> None:
    assert belongs("isp=telkom", {"isp": "telkom"}, None)
    assert not belongs("isp=telkom", {"isp": "biznet"}, None)
    assert belongs("", {}, None)
    assert belongs("cause=disk_full", {}, Cause.DISK_FULL)
    assert not belongs("cause=disk_full", {"cause": "disk_full"}, Cause.STALLED)


_CAMERAS = [f"c{i}" for i in range(24)]


@given(
    st.dictionaries(
        st.sampled_from(_CAMERAS), st.sampled_from([None, Cause.UNREACHABLE, Cause.DISK_FULL, Cause.STALLED])
    ),
    st.lists(st.sampled_from(["x", "y", "z"]), min_size=24, max_size=24),
    st.integers(2, 9),
)
def test_every_camera_is_in_at_most_one_group_property(
    broken: dict[str, Cause | None], values: list[str], from_: int
) -> None:
    labels = {camera: {"isp": value} for camera, value in zip(_CAMERAS, values, strict=True)}
    found = fold(broken, labels, by=["isp"], from_=from_)
    members = [camera for group in found for camera in group.cameras]
    assert len(members) == len(set(members))
    assert set(members) <= set(broken)
    assert len({group.subject for group in found}) == len(found)
    assert all(len(group.cameras) >= from_ for group in found)
