"""Every fault of reading at every step of a sealed export and of its comparison afterwards: no package is made of what
could not be read, and none is called wrong because the recorded footage could not be."""

from __future__ import annotations

import logging
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nvr.cases.exports import CheckOutcome
from nvr.evidence.making.package import make_package
from nvr.evidence.making.planning import plan_export
from nvr.evidence.making.readback import read_back
from nvr.evidence.seal.errors import EvidenceError
from nvr.evidence.seal.signing import Signer
from nvr.playback.index_cache import IndexCache, OpenSegment
from nvr.texts import say
from storage.catalogue import segments
from storage.catalogue.segments import Key
from storage.tiers.local import LocalTier
from tests.evidence.made import UNIT, Made, request_of
from tests.nightly import IS_NIGHT, seed
from tests.playback.worlds import World
from tests.storage.faulty_reads import READ_FAULTS, FaultyReads, ReadFault
from tests.storage.read_matrix import Log

EVERY = 1 if IS_NIGHT else 40


def chosen(name: str, steps: int) -> range:
    """Some of the steps, by the run's seed; at night all."""
    every = min(EVERY, max(1, steps // 3))
    return range(1 + random.Random(f"{seed()} {name}").randrange(every), steps + 1, every)


def export(world: World, signer: Signer, folder: Path, disk: FaultyReads) -> list[str]:
    """Makes a package of two runs; returns its warnings."""
    database = world.studio.database
    cache = IndexCache(database, tier=LocalTier(disk))
    end_us = world.runs[0].end_us
    request = replace(request_of(end_us - 1_500_000, end_us + 7_900_000), id="export-1")
    plan = plan_export(database, cache, request, now_us=world.end_us + 10_000_000)
    package = make_package(plan, cache, signer, UNIT, folder)
    undelivered = [problem for camera in package.manifest["cameras"] for problem in camera["not_delivered"]]
    return [*map(str, package.warnings), *map(str, undelivered)]


def footage(folder: Path) -> list[bytes]:
    """The exported films without their seals, which are signed anew each time."""
    return [path.read_bytes().partition(b"meta")[0] for path in sorted(folder.glob("*.mp4"))]


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_an_export_is_what_was_recorded_or_none(fault: ReadFault, world: World, signer: Signer, tmp_path: Path) -> None:
    healthy = FaultyReads()
    assert not export(world, signer, tmp_path / "truth", healthy)
    truth, outcomes = footage(tmp_path / "truth"), Counter[str]()
    logging.getLogger("nvr.playback").addHandler(log := Log())
    try:
        for at in chosen(fault, len(healthy.read_steps)):
            disk, folder = FaultyReads(at, fault), tmp_path / f"{at}"
            where = f"step {at} ({healthy.read_steps[at - 1]})"
            log.text = ""
            try:
                warnings = export(world, signer, folder, disk)
            except (EvidenceError, OSError) as error:
                outcomes["refused"] += 1
                assert disk.has_struck and fault not in ("short read", "slow"), (where, error)
                assert not folder.exists(), where
                assert disk.path is not None
                named = f"{error} {log.text}"
                assert disk.path.name in named or fault in ("flipped", "EMFILE"), (where, named)
            else:
                outcomes["made"] += 1
                # What is not in it is said in it.
                assert footage(folder) == truth or (disk.has_struck and warnings), (where, warnings)
            finally:
                disk.restore()
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        logging.getLogger("nvr.playback").removeHandler(log)
    if fault == "EIO for good":
        assert outcomes["refused"]


@pytest.mark.parametrize("fault", [fault for fault in READ_FAULTS if fault not in ("flipped", "truncated")])
def test_a_package_is_not_wrong_because_the_footage_cannot_be_read(
    fault: ReadFault, world: World, signer: Signer, small: Made
) -> None:
    database = world.studio.database

    def finding(disk: FaultyReads) -> Callable[[Key], OpenSegment]:
        cache = IndexCache(database, tier=LocalTier(disk))

        def find(key: Key) -> OpenSegment:
            with database.read() as conn:
                segment = segments.get(conn, key)
            assert segment is not None
            return cache.open(segment)

        return find

    healthy = FaultyReads()
    assert read_back(small.path, finding(healthy), [signer.certificate]).outcome is CheckOutcome.GOOD
    for at in chosen(fault, len(healthy.read_steps)):
        disk = FaultyReads(at, fault)
        where = f"step {at} ({healthy.read_steps[at - 1]})"
        try:
            found = read_back(small.path, finding(disk), [signer.certificate])
        except OSError:
            assert fault == "EMFILE", where
            continue
        finally:
            disk.restore()
        assert found.outcome in (CheckOutcome.GOOD, CheckOutcome.PARTLY), (where, found)
        assert all(say(detail, "id") != str(detail) for detail in found.details), (where, found)
        is_said = any("can't be compared" in str(detail) for detail in found.details)
        assert is_said == (found.outcome is CheckOutcome.PARTLY), (where, found)
        if fault not in ("gone", "short read", "slow") and disk.has_struck:
            assert found.outcome is CheckOutcome.PARTLY, where
            assert not any("no longer recorded" in str(detail) for detail in found.details), (where, found)
