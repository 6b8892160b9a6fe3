"""Addresses for players that can't send a header, over HTTP: real footage, a real catalogue, a clock that
can be set."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import httpx
import pytest
import uvicorn
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.access import rows
from nvr.access.model import FootageKind, GrantedFootage
from nvr.access.roles import AccessAction, Role
from nvr.api import ApiSettings, create_app
from nvr.api.footage.segments import segment_media
from nvr.api.footage.watch import still_good
from nvr.api.http.errors import ApiError
from nvr.api.http.services import Services
from nvr.api.http.times import format_time
from nvr.api.server import bind
from nvr.cases import addresses
from storage.catalogue import audit
from storage.catalogue.actors import SERVER_ACTOR
from tests.playback.footage import CAMERA, START_US, Recording, Studio
from tests.playback.frames import encode, number_of
from tests.support.people import create_token
from tests.support.slow_line import slow_clips
from tests.support.waiting import until_async

Client = AsyncTestClient[Any]
S = 1_000_000


@dataclass
class Place:
    """A camera's footage, and a clock that can be set."""

    studio: Studio
    run: Recording
    now_us: int

    def read_clock(self) -> int:
        self.now_us += 1
        return self.now_us

    def token(self, role: Role = Role.INVESTIGATOR, name: str = "t") -> dict[str, str]:
        text = create_token(self.studio.database, name, role, at_us=START_US)
        return {"Authorization": f"Bearer {text}"}

    def entries(self, action: str) -> list[Any]:
        with self.studio.database.read() as conn:
            return list(audit.entries(conn, action=action, limit=1000))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    studio = Studio(tmp_path)
    run = studio.record(encode("h264", 300), START_US, segment_s=4.0)
    yield Place(studio, run, run.end_us + 10 * S)
    studio.database.close()


@pytest.fixture
async def client(place: Place) -> AsyncIterator[Client]:
    settings = ApiSettings(catalogue=str(place.studio.database.path), node="n1")
    async with AsyncTestClient(create_app(settings, now_us=place.read_clock), base_url="http://nvr.test") as made:
        yield made


async def made(client: Client, headers: dict[str, str], start_us: int, end_us: int, **more: Any) -> dict[str, Any]:
    body = {"start": format_time(start_us), "end": format_time(end_us), **more}
    answer = await client.post(f"/api/cameras/{CAMERA}/addresses", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert isinstance(found, dict)
    return found


async def played(client: Client, path: str) -> tuple[bytes, list[tuple[str, str]]]:
    """All that a player fetches by the playlist there, init first, and what it asked for."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    asked: list[tuple[str, str]] = []
    data = b""
    for before, line in itertools.pairwise(answer.text.splitlines()):
        if line.startswith("#EXT-X-MAP:") and not data:
            _, uri, _, size, *_ = line.split('"')
            asked.append((urljoin(path, uri), f"bytes=0-{int(size.removesuffix('@0')) - 1}"))
        elif before.startswith("#EXT-X-BYTERANGE:"):
            size, _, offset = before.removeprefix("#EXT-X-BYTERANGE:").partition("@")
            asked.append((urljoin(path, line), f"bytes={offset}-{int(offset) + int(size) - 1}"))
        else:
            continue
        part = await client.get(asked[-1][0], headers={"Range": asked[-1][1]})
        assert part.status_code == 206, (asked[-1], part.text)
        assert part.headers["cache-control"] == "no-store"
        data += part.content
    return data, asked


async def test_a_player_without_a_header_plays_the_range_and_gets_nothing_beside_it(
    client: Client, place: Place
) -> None:
    start, end = START_US + 5 * S, START_US + 9 * S
    address = await made(client, place.token(), start, end)
    assert (address["state"], address["made_by"], address["camera"]) == ("valid", "token t", CAMERA)
    data, asked = await played(client, address["path"])
    with av.open(io.BytesIO(data)) as container:
        numbers = [number_of(frame) for frame in container.decode(video=0)]
    wanted = [frame.number for frame in place.run.frames if start <= frame.wall_us < end]
    assert set(wanted) <= set(numbers)
    assert len(numbers) <= len(wanted) + 60
    folder = address["path"].rpartition("/")[0]
    # The same files, bytes beside; other files; the whole file.
    for url, range_ in asked[1:]:
        first, last = (int(n) for n in range_.removeprefix("bytes=").split("-"))
        for more in (f"bytes={first}-{last + 200_000}", "bytes=0-9", "bytes=-9"):
            beside = await client.get(url, headers={"Range": more})
            assert beside.status_code in (206, 403), (more, beside.text)
            if beside.status_code == 206:
                a, b = (int(n) for n in beside.headers["content-range"].split()[1].split("/")[0].split("-"))
                assert any(
                    a >= int(r[6:].split("-")[0]) and b <= int(r[6:].split("-")[1]) for u, r in asked[1:] if u == url
                )
        assert (await client.get(url)).json()["code"] == "outside_address"
    for part in place.run.parts:
        name = f"{part.key.start_us}-1-n1.mp4"
        if part.end_us <= start or part.key.start_us >= end:
            answer = await client.get(f"{folder}/segments/{name}", headers={"Range": "bytes=5000-5100"})
            assert answer.json()["code"] == "outside_address"
    clip = await client.get(f"{folder}/clip.mp4")
    with av.open(io.BytesIO(clip.content)) as container:
        assert [number_of(frame) for frame in container.decode(video=0)] == wanted
    some = await client.get(f"{folder}/clip.mp4", headers={"Range": "bytes=10-99"})
    assert (some.status_code, some.content) == (206, clip.content[10:100])
    for at, status in ((start, 200), (end - 1, 200), (start - 1, 403), (end, 403)):
        picture = await client.get(f"{folder}/snapshot.jpg?at={format_time(at)}")
        assert picture.status_code == status, picture.text
    assert (await client.get(f"{folder}/snapshot.jpg")).status_code == 200
    assert (await client.get(f"{folder}/live.m3u8")).json()["code"] == "outside_address"
    missing = await client.get(f"{folder}/inits/{'ab' * 32}.mp4")
    assert missing.json()["code"] == "init_not_found"


async def test_every_border_of_a_range_can_be_played(client: Client, place: Place) -> None:
    token = place.token()
    frames = place.run.frames
    for start, end in [
        (frames[k].wall_us + d, frames[k + n].wall_us + e)
        for k, n in ((0, 1), (40, 3), (99, 110), (250, 49))
        for d in (-1, 0, 1)
        for e in ((0, 1) if d else (0,))
    ]:
        address = await made(client, token, start, end)
        data, _ = await played(client, address["path"])
        with av.open(io.BytesIO(data)) as container:
            numbers = {number_of(frame) for frame in container.decode(video=0)}
        assert {frame.number for frame in frames if start <= frame.wall_us < end} <= numbers
        await client.delete(f"/api/addresses/{address['id']}", headers=token)


async def test_live_shows_what_is_and_not_what_was(client: Client, place: Place) -> None:
    now_us = time.time_ns() // 1000
    place.now_us = now_us
    growing = place.studio.growing(encode("h264", 200), now_us - 8 * S, segment_s=60, epoch=2)
    for _ in itertools.islice(growing, 10):
        pass
    answer = await client.post(f"/api/cameras/{CAMERA}/addresses", json={"live": True}, headers=place.token())
    address = answer.json()
    assert address["start"] is None
    data, asked = await played(client, address["path"])
    assert data[4:8] == b"ftyp" and len(asked) > 1
    folder = address["path"].rpartition("/")[0]
    old = place.run.parts[0]
    was = await client.get(f"{folder}/segments/{old.key.start_us}-1-n1.mp4", headers={"Range": "bytes=5000-5100"})
    assert was.json()["code"] == "outside_address"
    assert (await client.get(f"{folder}/snapshot.jpg")).status_code == 200
    for asking in ("playlist.m3u8", "clip.mp4", f"snapshot.jpg?at={format_time(now_us)}"):
        assert (await client.get(f"{folder}/{asking}")).json()["code"] == "outside_address"


ENDINGS = [
    "revoked", "over", "token removed", "token over", "user removed", "user comes again", "role lost",
]  # fmt: skip


@pytest.mark.parametrize("how", ENDINGS)
async def test_an_address_ends(client: Client, place: Place, how: str) -> None:
    db = place.studio.database
    headers = place.token()
    if how in ("user removed", "user comes again", "role lost"):
        sari = accounts.create_user(db, "sari", "a long password", Role.INVESTIGATOR, at_us=START_US)
        cookie = accounts.create_session(db, sari, at_us=place.now_us)
        headers = {"Cookie": f"nvr_session={cookie}", "Origin": "http://nvr.test"}
    elif how == "token over":
        ends_us = place.now_us + 600 * S
        _, text = accounts.issue_token(db, "t", Role.INVESTIGATOR, at_us=START_US, ends_us=ends_us)
        headers = {"Authorization": f"Bearer {text}"}
    address = await made(client, headers, START_US, START_US + 4 * S)
    folder = address["path"].rpartition("/")[0]
    _, asked = await played(client, address["path"])
    assert (await client.get(f"{folder}/clip.mp4")).status_code == 200
    if how == "revoked":
        assert (await client.delete(f"/api/addresses/{address['id']}", headers=headers)).status_code == 204
    elif how == "over":
        place.now_us += 3601 * S
    elif how == "token over":
        place.now_us += 600 * S
    elif how == "token removed":
        with db.read() as conn:
            (token,) = conn.execute("SELECT id FROM token").fetchone()
        accounts.remove_token(db, token)
    elif how == "role lost":
        with db.write() as conn:
            rows.revoke_grants_of(conn, sari.id, by=SERVER_ACTOR, at_us=place.now_us)
            rows.insert_grant(
                conn, holder=sari.id, role="viewer", cameras="*", by=SERVER_ACTOR, at_us=place.now_us, reason="less"
            )
        assert (await client.get(f"{folder}/clip.mp4")).json()["code"] == "forbidden"
        await played(client, address["path"])
        return
    else:
        accounts.remove_user(db, "sari")
        if how == "user comes again":
            accounts.create_user(db, "sari", "a long password", Role.ADMIN, at_us=place.now_us)
    for url, range_ in [(address["path"], ""), *asked, (f"{folder}/clip.mp4", ""), (f"{folder}/snapshot.jpg", "")]:
        answer = await client.get(url, headers={"Range": range_} if range_ else {})
        assert (answer.status_code, answer.json()["code"]) == (404, "address_not_valid"), url
    unknown = await client.get(f"/api/watch/{'x' * 43}/playlist.m3u8")
    assert unknown.json() == answer.json() | {"instance": unknown.json()["instance"]}
    listed = (await client.get("/api/addresses", headers=place.token(Role.ADMIN, "admin"))).json()["addresses"]
    assert [one["state"] for one in listed] == [{"revoked": "revoked", "over": "over"}.get(how, "ended")]
    assert len(place.entries("address_refused")) == 1


async def test_what_is_being_sent_breaks_off_when_it_is_revoked(place: Place) -> None:
    services = Services(ApiSettings(catalogue=str(place.studio.database.path), node="n1"), now_us=place.read_clock)
    token = accounts.issue_token(place.studio.database, "t", Role.VIEWER)[0]
    with place.studio.database.write() as conn:
        address, secret = addresses.make(
            conn,
            CAMERA,
            start_us=START_US,
            end_us=START_US + 4 * S,
            until_us=place.now_us + 60 * S,
            maker=addresses.Maker(token.actor, token.id),
            now_us=place.now_us,
        )
    media = segment_media(services, CAMERA, f"{place.run.parts[0].key.start_us}-1-n1.mp4")
    assert still_good(services, secret)
    # What only others may do breaks off as well: who made it is a viewer.
    assert not still_good(services, secret, AccessAction.CLIP)
    looking = asyncio.create_task(services.streams.run())
    with services.streams.sending(lambda: still_good(services, secret)) as stream:
        stream.check()
        with place.studio.database.write() as conn:
            addresses.revoke(conn, address.id, by=token.actor, now_us=place.now_us)
        await until_async(lambda: stream.ended, within_s=1)
        with pytest.raises(ApiError, match="has ended"):
            stream.check()
    looking.cancel()
    await asyncio.wait([looking])
    media.close()
    services.db.close()


def test_a_download_under_way_breaks_off_at_the_socket(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    slow_clips(monkeypatch, piece_bytes=300, pause_s=0.05)
    app = create_app(ApiSettings(catalogue=str(place.studio.database.path), node="n1"), now_us=place.read_clock)
    sockets = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    running = threading.Thread(target=server.run, kwargs={"sockets": sockets}, daemon=True)
    running.start()
    headers, got = place.token(), 0
    base = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    try:
        with httpx.Client(base_url=base, timeout=30) as http:
            body = {"start": format_time(START_US), "end": format_time(place.run.end_us)}
            address = http.post(f"/api/cameras/{CAMERA}/addresses", json=body, headers=headers).json()
            with http.stream("GET", address["path"].replace("playlist.m3u8", "clip.mp4")) as answer:
                size = int(answer.headers["content-length"])
                with pytest.raises(httpx.RemoteProtocolError):
                    for number, piece in enumerate(answer.iter_raw(300)):
                        got += len(piece)
                        if number == 3:
                            httpx.delete(f"{base}/api/addresses/{address['id']}", headers=headers)
            assert 0 < got < size
            assert http.get("/api/health").status_code == 200
    finally:
        server.should_exit = True
        running.join(10)
    assert not [record for record in caplog.records if record.exc_info]


async def test_the_log_has_who_made_used_and_revoked_it_once_and_no_secret(
    client: Client, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = place.token()
    address = await made(client, headers, START_US, START_US + 8 * S)
    secret = address["path"].split("/")[3]
    for _ in range(3):
        await played(client, address["path"])
    await client.get(f"/api/watch/{secret}/clip.mp4")
    answers = [
        await client.get(f"/api/watch/{secret}/snapshot.jpg?at=now"),
        await client.get(f"/api/watch/{secret}/nothing"),
        await client.post(f"/api/watch/{secret}/playlist.m3u8"),
        await client.get(f"/api/watch/{secret}/clip.mp4?gaps=x"),
        await client.get(f"/api/watch/{secret}/playlist.m3u8?run=x"),
        await client.get("/api/addresses", headers=headers),
    ]
    await client.delete(f"/api/addresses/{address['id']}", headers=headers)
    answers.append(await client.get(address["path"]))
    used = [json.loads(entry.detail) for entry in place.entries("address_used")]
    assert sorted(entry["what"] for entry in used) == ["clip", "play", "snapshot"]
    assert {entry["made_by"] for entry in used} == {"token t"}
    assert {entry.actor for entry in place.entries("address_used")} == {f"address {address['id']}"}
    for action in ("address_made", "address_revoked"):
        assert [entry.actor for entry in place.entries(action)] == ["token t"]
    for answer in answers:
        assert secret not in answer.text, answer.text
        assert answer.headers["referrer-policy"] == "no-referrer"
    # httpx is the player here.
    assert not [r for r in caplog.records if secret in r.getMessage() and r.name != "httpx"]
    for path in place.studio.database.path.parent.glob("catalogue.sqlite*"):
        assert secret.encode() not in path.read_bytes()


async def test_an_address_of_a_token_is_bound_to_what_the_token_was_given(client: Client, place: Place) -> None:
    """Its user may have all of it: what binds the token itself binds what was made by it, then and later."""
    db = place.studio.database
    sari = accounts.create_user(db, "sari", "a long password", Role.INVESTIGATOR, at_us=START_US)
    bound = GrantedFootage(FootageKind.RANGE, start_us=START_US, end_us=START_US + 4 * S)
    token, text = accounts.issue_token(
        db, "t", Role.INVESTIGATOR, user=sari.id, at_us=START_US, cameras=f"id={CAMERA}", footage=bound
    )
    headers = {"Authorization": f"Bearer {text}"}
    address = await made(client, headers, START_US, START_US + 4 * S)
    await played(client, address["path"])
    with db.write() as conn:
        rows.revoke_grants_of(conn, f"token-{token.id}", by=SERVER_ACTOR, at_us=place.now_us)
    answer = await client.get(address["path"])
    assert answer.status_code in (403, 404), answer.text
    assert (await client.get(address["path"].replace("playlist.m3u8", "clip.mp4"))).status_code in (403, 404)


async def test_rights_and_bounds(client: Client, place: Place) -> None:
    viewer, other = place.token(Role.VIEWER, "v"), place.token(Role.INVESTIGATOR, "o")
    address = await made(client, viewer, START_US, START_US + 4 * S)
    folder = address["path"].rpartition("/")[0]
    await played(client, address["path"])
    # A viewer may not have clips, so their addresses do not either.
    assert (await client.get(f"{folder}/clip.mp4")).status_code == 403
    assert (await client.get("/api/addresses", headers=other)).json()["addresses"] == []
    assert (await client.delete(f"/api/addresses/{address['id']}", headers=other)).json()["code"] == "address_not_found"
    url = f"/api/cameras/{CAMERA}/addresses"
    range_ = {"start": format_time(START_US), "end": format_time(START_US + S)}
    for body, code in [
        ({}, "invalid_address"),
        ({"live": True, **range_}, "invalid_address"),
        ({"live": True, "expires_s": 59}, "invalid_address"),
        ({"live": True, "expires_s": 86_401}, "invalid_address"),
        ({"live": True, "expires_s": 10**18}, "invalid_request"),
        ({"live": True, "expires_s": -1}, "invalid_address"),
        ({**range_, "end": range_["start"]}, "empty_range"),
        ({**range_, "end": format_time(START_US + 90_001 * S)}, "range_too_long"),
        ({"live": "perhaps"}, "invalid_request"),
    ]:
        refused = await client.post(url, json=body, headers=viewer)
        assert refused.json()["code"] == code, (body, refused.text)
    assert (await client.post(url, json={"live": True})).status_code == 401
    nowhere = await client.post("/api/cameras/nowhere/addresses", json={"live": True}, headers=viewer)
    assert nowhere.json()["code"] == "camera_not_found"
    for _ in range(addresses.MOST_OF_ONE - 1):
        await made(client, viewer, START_US, START_US + S)
    refused = await client.post(url, json={"live": True}, headers=viewer)
    assert refused.json()["code"] == "too_many_addresses"
    assert (await client.post(url, json={"live": True}, headers=other)).status_code == 201
    place.now_us += 3601 * S
    assert (await client.post(url, json={"live": True}, headers=viewer)).status_code == 201
    # Made and revoked again and again they fill no table: those that are over are kept for a month.
    with place.studio.database.write() as conn:
        row = dict(conn.execute("SELECT * FROM address WHERE made_by = 'token v' LIMIT 1").fetchone())
        for number in range(addresses.MOST_KEPT_OF_ONE):
            row |= {"id": f"many-{number}", "secret": f"many-{number}", "revoked_us": row["made_us"]}
            conn.execute(f"INSERT INTO address ({','.join(row)}) VALUES ({','.join('?' * len(row))})", [*row.values()])
    refused = await client.post(url, json={"live": True}, headers=viewer)
    assert refused.json()["code"] == "too_many_addresses"
    assert "within a month" in refused.json()["detail"]
    place.now_us += 32 * 86_400 * S
    assert (await client.post(url, json={"live": True}, headers=viewer)).status_code == 201
