"""The RTSP server's manners: requests, sessions, credentials, and clients that can't hurt one another."""

import asyncio
import itertools
import struct
import time

import pytest

from nvr.demo.rtsp import AccessUnit, Auth, DemoRequest, LiveStream, RtspServer
from nvr.demo.rtsp.auth import LoginVerdict
from tests.support.cameras.wire import WireClient, access_units, parse_rtp

SETS = (b"\x67\x42\xc0\x1e\xda", b"\x68\xce\x3c\x80")


def _unit(number: int, *, keyframe: bool = False, size: int = 100) -> AccessUnit:
    nal = (b"\x65" if keyframe else b"\x41") + number.to_bytes(4) + bytes([1]) * size
    return AccessUnit(number * 9000, (nal,), keyframe, time.time_ns() // 1000)


def _number(nals: list[bytes]) -> int:
    return int.from_bytes(nals[-1][1:5])


async def _publish(stream: LiveStream, *, group: int = 10, size: int = 100, every_s: float = 0.005) -> None:
    for number in itertools.count():
        stream.publish(_unit(number, keyframe=number % group == 0, size=size))
        await asyncio.sleep(every_s)  # sleep: the stream's frame rate


def _watch(url: str, count: int) -> list[int]:
    """The numbers of the first `count` units a client gets."""
    with WireClient(url) as client:
        client.play()
        media = (parse_rtp(packet) for channel, packet in client.packets() if channel == 0)
        return [_number(nals) for _, nals in itertools.islice(access_units(media, "h264"), count)]


async def test_the_conversation() -> None:
    stream = LiveStream("h264", 90_000, SETS)

    def talk(server: RtspServer) -> None:
        url = server.url("/live")
        with WireClient(url) as client:
            assert "GET_PARAMETER" in client.request("OPTIONS").header("public")
            assert client.request("DESCRIBE", server.url("/other")).status == 404
            assert client.request("SETUP", url + "/trackID=9", Transport="RTP/AVP/TCP").status == 404
            assert client.request("SETUP", url + "/trackID=0", Transport="RTP/AVP;unicast").status == 461
            assert client.request("PLAY").status == 454
            assert client.request("RECORD").status == 501
            description = client.request("DESCRIBE", url + "/")
            assert description.header("content-base") == url + "/"
            answer = client.play()
            assert answer.header("range") == "npt=now-"
            info = dict(part.split("=", 1) for part in answer.header("rtp-info").split(";"))
            # The report comes before the first packet, which is the one RTP-Info told of.
            (channel, report), (_, first) = itertools.islice(client.packets(), 2)
            assert (channel, report[1]) == (1, 200)
            packet = parse_rtp(first)
            assert (str(packet.sequence), str(packet.timestamp)) == (info["seq"], info["rtptime"])
            assert client.request("GET_PARAMETER").status == 200
            # An interleaved packet from the client (a receiver report) is no request.
            client.socket.sendall(struct.pack("!cBH", b"$", 1, 8) + bytes(8))
            assert client.request("OPTIONS").status == 200
            assert client.request("TEARDOWN").status == 200
            assert client.socket.recv(1) == b""

    async with RtspServer({"/live": [stream]}) as server:
        publishing = asyncio.create_task(_publish(stream))
        await asyncio.to_thread(talk, server)
        publishing.cancel()


async def test_a_client_joins_now_or_gets_the_group_so_far() -> None:
    async def first_of(burst: bool) -> list[int]:
        stream = LiveStream("h264", 90_000, SETS, burst=burst)
        for number in range(15):
            stream.publish(_unit(number, keyframe=number % 10 == 0))
        async with RtspServer({"/live": [stream]}) as server:
            watching = asyncio.create_task(asyncio.to_thread(_watch, server.url("/live"), 6))
            for number in itertools.count(15):
                if watching.done():
                    return watching.result()
                await asyncio.sleep(0.02)  # sleep: the stream's frame rate
                stream.publish(_unit(number))
        raise AssertionError

    assert (await first_of(burst=True))[:5] == [10, 11, 12, 13, 14]
    now = await first_of(burst=False)
    assert now == list(range(now[0], now[0] + 6))
    assert now[0] >= 15


async def test_a_slow_client_is_dropped_and_no_other_notices() -> None:
    stream = LiveStream("h264", 90_000, SETS)
    async with RtspServer({"/live": [stream]}) as server:
        publishing = asyncio.create_task(_publish(stream, size=60_000, every_s=0.002))
        slow = await asyncio.to_thread(WireClient, server.url("/live"))
        try:
            await asyncio.to_thread(slow.play)
            got = await asyncio.to_thread(_watch, server.url("/live"), 300)
            assert got == list(range(got[0], got[0] + 300))
            async with asyncio.timeout(10):
                await server.idle()
        finally:
            slow.__exit__()
            publishing.cancel()


async def test_a_silent_session_ends_and_a_kept_one_does_not() -> None:
    stream = LiveStream("h264", 90_000, SETS)

    def silent(url: str) -> float:
        with WireClient(url) as client:
            assert "timeout=1" in client.request("SETUP", url + "/trackID=0", Transport="RTP/AVP/TCP").header("session")
            began = time.monotonic()
            assert client.socket.recv(1) == b""
            return time.monotonic() - began

    def kept(url: str) -> None:
        with WireClient(url) as client:
            end = time.monotonic() + 2.2
            while time.monotonic() < end:
                assert client.request("GET_PARAMETER").status == 200
                time.sleep(0.1)  # sleep: asks in time, for longer than the session lasts by itself

    async with RtspServer({"/live": [stream]}, session_timeout_s=1.0, enforce_timeout=True) as server:
        url = server.url("/live")
        lasted, _ = await asyncio.gather(asyncio.to_thread(silent, url), asyncio.to_thread(kept, url))
    assert 0.9 < lasted < 5


async def test_nonsense_ends_only_its_own_connection() -> None:
    async with RtspServer({"/live": [LiveStream("h264", 90_000, SETS)]}) as server:
        for nonsense in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\r\n\r\nx\r\n\r\n",
            b"OPTIONS * RTSP/1.0\r\nbroken\r\n\r\n",
            bytes(70_000),
        ):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(nonsense)
            async with asyncio.timeout(30):
                with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                    await reader.readexactly(1)
            writer.close()
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        assert (await reader.readline()).startswith(b"RTSP/1.0 200")
        writer.close()


async def test_a_closed_port_is_refused_but_kept() -> None:
    server = RtspServer({"/live": [LiveStream("h264", 90_000, SETS)]})
    async with server:
        port = server.port
        await server.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(server.host, port)
        with pytest.raises(OSError, match="in use"):
            await asyncio.start_server(lambda reader, writer: None, server.host, port, reuse_address=False)
        await server.open()
        _, writer = await asyncio.open_connection(server.host, port)
        writer.close()


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_digest_by_the_book(algorithm: str) -> None:
    # RFC 7616 3.9.1, with the nonce of its example.
    auth = Auth("Mufasa", "Circle of Life", realm="http-auth@example.org", algorithm=algorithm)  # type: ignore[arg-type]
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    auth._nonces[nonce] = 0
    response = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }[algorithm]
    header = (
        f'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm}, '
        f'nonce="{nonce}", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, '
        f'response="{response}"'
    )
    assert auth.judge(DemoRequest("GET", "/dir/index.html", {"authorization": header})) is LoginVerdict.ACCEPTED
    assert auth.judge(DemoRequest("PUT", "/dir/index.html", {"authorization": header})) is LoginVerdict.REFUSED
