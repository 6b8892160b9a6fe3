"""The seal, byte for byte, beside examples computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.evidence.seal import oeff
from nvr.evidence.seal.oeff import ExportUnit, SealSource, append_signature, make_meta, parse_meta, signed_view
from storage.format.boxes import BoxError

# 2026-01-01T00:00:00Z
AT_S = 1_767_225_600
UNIT = ExportUnit("NVR", AT_S, "op", (SealSource(1, "Door"),))


def test_suep_and_cstb_are_the_bytes_of_the_format() -> None:
    assert oeff._suep(UNIT).hex() == (
        "0000002b73756570" "01000000" "4e565200" "00" "00" "00000000e57b6980" "6f7000" "00000001" "0001"
        "446f6f7200" "00" "00" "00"
    )  # fmt: skip
    assert oeff._cstb(1, AT_S * 1_000_000).hex() == "0000001863737462000000010000000101dc7ab192810000"


def test_ipro_is_as_long_as_its_parts() -> None:
    meta, at = make_meta(UNIT, 1, AT_S * 1_000_000, b"C" * 700, 256)
    found = parse_meta(meta)
    ipro = meta[found.ipro :]
    assert len(ipro) == 322 + 700 == int.from_bytes(ipro[:4], "big")
    assert ipro[4:14] == b"ipro\0\0\0\0\0\1"
    assert ipro[14:18] == (308 + 700).to_bytes(4, "big")
    assert ipro[22:42].hex() == "000000147363686d000000006f65666600010000"
    assert found.signatures[0].signature == (at, at + 256)
    assert meta[at - 8 : at].hex() == "000001087369626f"
    assert found.signatures[0].certificate == b"C" * 700
    assert found.start_us == AT_S * 1_000_000


text = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=30)


@given(
    name=text,
    operator=text,
    names=st.lists(text, min_size=1, max_size=3),
    start_us=st.integers(0, 1 << 52),
    keys=st.lists(st.tuples(st.binary(min_size=1, max_size=50), st.integers(1, 512), text), min_size=1, max_size=4),
)
def test_what_is_made_is_read_and_earlier_signatures_see_what_they_saw(
    name: str, operator: str, names: list[str], start_us: int, keys: list[tuple[bytes, int, str]]
) -> None:
    sources = tuple(SealSource(number, each) for number, each in enumerate(names, 1))
    unit = ExportUnit(name, AT_S, operator, sources)
    states = []
    meta = b""
    for number, (certificate, size, remark) in enumerate(keys):
        if number:
            meta, at = append_signature(meta, certificate, size, remark)
        else:
            meta, at = make_meta(unit, 1, start_us, certificate, size, remark)
        states.append(meta)
        meta = meta[:at] + b"S" * size + meta[at + size :]
    found = parse_meta(meta)
    assert found.unit == unit
    assert found.start_us == start_us
    assert [(s.certificate, s.remark) for s in found.signatures] == [(c, r) for c, _, r in keys]
    for number, state in enumerate(states):
        assert signed_view(meta, found, number) == state


def test_anything_else_is_refused() -> None:
    meta, _ = make_meta(UNIT, 1, 0, b"C" * 20, 256)
    for cut in range(len(meta)):
        with pytest.raises(BoxError):
            parse_meta(meta[:cut])
    with pytest.raises(BoxError):
        parse_meta(meta + b"\0")
    with pytest.raises(ValueError, match="65536"):
        make_meta(ExportUnit("NVR", 0, "", (SealSource(65536, "Door"),)), 65536, 0, b"C", 256)
