"""The whole product under a path, behind a real nginx and a real Caddy with HTTPS, by the configurations of the guide
as they stand."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import httpx
import pytest

from nvr.api.http.times import format_time
from tests.support.cameras.clips import Clip
from tests.support.cameras.fixtures import h264_clip
from tests.support.cameras.running import running
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.chrome import Page, chromium
from tests.support.ports import free_port
from tests.support.server import NVR, Server

__all__ = ["h264_clip"]

pytestmark = pytest.mark.browser

GUIDE = Path(__file__).parents[2] / "docs/guide/behind-a-proxy.md"
PASSWORD = "tugu-muda-1945-semarang"


def of_guide(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


class City(Server):
    """Under a path, behind a proxy on this machine."""

    def write_config(self) -> None:
        super().write_config()
        text = self.config.read_text()
        told = of_guide("toml").replace("[server]", "").strip()
        text = text.replace("[server]", f"[server]\n{told}").replace(
            'id = "gate"', 'id = "gate"\nlabels = { public = "yes" }'
        )
        self.config.write_text(f"{text}\n[public]\nenabled = true\n")


@dataclass
class Proxied:
    server: Server
    token: str
    folder: Path


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, h264_clip: Clip) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("city")
    with ExitStack() as stack:
        url = stack.enter_context(running(ScriptedCamera(h264_clip, at_end="repeat")))
        server = City(folder, [{"id": "gate", "url": url}], segment_duration="4s", workers=1)
        server.start()
        stack.callback(server.stop)
        server.until(lambda: server.prepared() and "page at" in server.log.read_text(), what="a start")

        def nvr(*words: str) -> str:
            done = subprocess.run([NVR, *words, "--config", server.config], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            return done.stdout

        token = nvr("tokens", "create", "--role", "admin").split()[-1]
        nvr("users", "add", "sari", "--role", "investigator", "--password", PASSWORD, "--no-change")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-keyout", folder / "key.pem", "-out", folder / "fullchain.pem"],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        server.until(lambda: len(server.closed("gate")) >= 2, what="footage")
        yield Proxied(server, token, folder)


def nginx(city: Proxied, port: int) -> list[str | Path]:
    text = of_guide("nginx")
    for before, after in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/nvr", str(city.folder)),
        ("127.0.0.1:8080", f"127.0.0.1:{city.server.port}"),
        ("/var/log/nginx", str(city.folder)),
    ):
        assert before in text
        text = text.replace(before, after)
    folders = "".join(
        f"{name}_temp_path {city.folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"pid {city.folder}/nginx.pid;\nerror_log {city.folder}/nginx-error.log;\nevents {{}}\nhttp {{\n"
        f"{folders}{text}\n}}\n"
    )
    path = city.folder / "nginx.conf"
    path.write_text(whole)
    return [
        "nginx",
        "-p",
        city.folder,
        "-e",
        city.folder / "nginx-error.log",
        "-c",
        path,
        "-g",
        "daemon off; master_process off;",
    ]


def caddy(city: Proxied, port: int) -> list[str | Path]:
    text = of_guide("caddy")
    site = (
        f"https://localhost:{port}, https://127.0.0.1:{port} {{\n"
        f"\ttls {city.folder}/fullchain.pem {city.folder}/key.pem"
    )
    for before, after in (
        ("cctv.example.org {", site),
        ("127.0.0.1:8080", f"127.0.0.1:{city.server.port}"),
        ("/var/log/caddy", str(city.folder)),
    ):
        assert before in text
        text = text.replace(before, after)
    path = city.folder / "Caddyfile"
    path.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{text}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", path]


PROXIES: dict[str, tuple[Callable[[Proxied, int], list[str | Path]], str]] = {
    "nginx": (nginx, "nginx-light"),
    "caddy": (caddy, "caddy"),
}


@pytest.fixture
def base(request: pytest.FixtureRequest, city: Proxied) -> Iterator[str]:
    """The address of the product, through a proxy."""
    command, package = PROXIES[request.param]
    if shutil.which(request.param) is None:
        pytest.skip(f"NOT TESTED behind {request.param}: apt-get install {package}")
    port = free_port()
    home = {"HOME": str(city.folder), "XDG_DATA_HOME": str(city.folder), "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}
    log = city.folder / f"{request.param}.out"
    with log.open("wb") as out:
        process = subprocess.Popen(command(city, port), stdout=out, stderr=out, env=home)
    try:

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        city.server.until(listens, what=request.param)
        yield f"https://localhost:{port}/nvr/"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def played(http: httpx.Client, url: str) -> int:
    """Fetches all that a playlist names, relative to it; how many media segments."""
    answer = http.get(url)
    assert answer.status_code == 200, answer.text
    count, range_ = 0, ""
    for line in answer.text.splitlines():
        if line.startswith("#EXT-X-MAP:"):
            assert http.get(urljoin(url, line.split('"')[1])).status_code == 200
        elif line.startswith("#EXT-X-BYTERANGE:"):
            size, _, offset = line.removeprefix("#EXT-X-BYTERANGE:").partition("@")
            range_ = f"bytes={offset}-{int(offset) + int(size) - 1}"
        elif line and not line.startswith("#"):
            part = http.get(urljoin(url, line), headers={"Range": range_})
            assert part.status_code == 206 and part.content[4:8] == b"moof"
            count += 1
    return count


def packets(address: str) -> int:
    """How many an FFmpeg of today finds there."""
    with av.open(address, options={"tls_verify": "0"}) as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


@pytest.mark.parametrize("base", PROXIES, indirect=True)
def test_all_of_it_goes_through(base: str, city: Proxied, tmp_path: Path) -> None:
    first = city.server.closed("gate")[1]
    span = {"start": format_time(first.key.start_us), "end": format_time(first.end_us)}
    # From an address that is no proxy's, claiming to be another.
    transport = httpx.HTTPTransport(verify=False, local_address="127.0.0.2")
    base = base.replace("localhost", "127.0.0.1")
    claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    with httpx.Client(base_url=base, transport=transport, timeout=120, headers=claimed) as http:
        assert http.get(base.removesuffix("/"), follow_redirects=False).headers["location"].endswith("/nvr/")
        origin = {"Origin": base.removesuffix("/nvr/")}
        login = http.post("api/login", json={"username": "sari", "password": PASSWORD}, headers=origin)
        assert login.status_code == 200, login.text
        cookie = login.headers["set-cookie"]
        assert "Path=/nvr/" in cookie and "Secure" in cookie
        assert http.post("api/login", json={"username": "sari", "password": "x"}, headers=origin).status_code == 401
        assert http.get("api/me").json()["user"] == "sari"
        page = http.get("").text
        for path in re.findall(r'(?:src|href)="([^"]+)"', page):
            assert http.get(urljoin(base, path)).status_code == 200, path
        assert played(http, f"{base}api/cameras/gate/playlist.m3u8?start={span['start']}&end={span['end']}") >= 1
        assert played(http, f"{base}api/cameras/gate/live.m3u8") >= 1
        clip = http.get("api/cameras/gate/clip.mp4", params=span)
        part = http.get("api/cameras/gate/clip.mp4", params=span, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, clip.content[100:200])
        schema = http.get("api/schema").json()
        assert schema["servers"] == [{"url": "/nvr"}]
        public = http.get("api/public/cameras").json()["cameras"][0]
        assert http.get(urljoin(base, public["picture"])).headers["content-type"] == "image/jpeg"
        made = http.post("api/cameras/gate/addresses", json=span, headers=origin)
        assert made.status_code == 201, made.text
        path = made.json()["path"]
        secret = path.split("/")[-2]
    with httpx.Client(verify=False, timeout=120) as stranger:
        assert played(stranger, urljoin(base, path)) >= 1
        assert stranger.get(urljoin(base, path.replace("playlist.m3u8", "clip.mp4"))).content == clip.content
        if shutil.which("ffprobe"):
            # As with a certificate that is known: FFmpeg does not ask for one unless it is told to.
            done = subprocess.run(
                ["ffprobe", "-v", "error", "-show_streams", urljoin(base, path)], capture_output=True, timeout=60
            )
            assert done.returncode == 0 and b"h264" in done.stdout, done.stderr
        audit = stranger.get(f"{base}api/audit", headers={"Authorization": f"Bearer {city.token}"}).json()["entries"]
    # HTTP Basic in the address, by the machine's FFmpeg and by PyAV's.
    query = f"start={span['start']}&end={span['end']}"
    basic = f"{base.replace('//', f'//x:{city.token}@')}api/cameras/gate/playlist.m3u8?{query}"
    assert packets(basic) >= 50
    if shutil.which("ffprobe"):
        asked = [
            "ffprobe",
            "-v",
            "error",
            "-count_packets",
            "-show_entries",
            "stream=nb_read_packets",
            "-of",
            "csv=p=0",
            basic,
        ]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and int(done.stdout.split()[0]) >= 50, done.stderr
    failed = next(entry for entry in audit if entry["action"] == "login_failed")
    assert failed["address"] == "127.0.0.2"
    logs = "".join(path.read_text(errors="replace") for path in city.folder.glob("*.log"))
    assert "/api/watch/-/playlist.m3u8" in logs
    assert secret not in logs


@pytest.mark.parametrize("base", ["nginx", pytest.param("caddy", marks=pytest.mark.nightly)], indirect=True)
def test_the_page_plays_in_a_browser(base: str, city: Proxied, tmp_path_factory: pytest.TempPathFactory) -> None:
    with chromium(tmp_path_factory.mktemp("chromium"), more=["--ignore-certificate-errors"]) as page:
        page.driver.get(base)
        page.get("login-user").send_keys("sari")
        page.get("login-password").send_keys(PASSWORD)
        page.click("login-submit")
        page.click("nav-cameras")
        page.until(lambda: len(page.all("camera-row")) == 1, what="the camera")
        page.click("view-grid")
        page.until(lambda: _thumbnail(page) > 0, what="its picture")
        at = format_time((city.server.closed("gate")[0].key.start_us // 1000 + 500) * 1000)
        page.driver.get(f"{base}#/cameras/gate?at={at}")
        page.get("camera-page")
        page.plays()
        page.click("live")
        page.plays()
        page.click("address-make")
        address = str(page.get("address-value").get_attribute("value"))
        assert address.startswith(f"{base}api/watch/")
        listed = str(page.get("address-open").get_attribute("href"))
        assert listed.startswith("data:audio/x-mpegurl") and "%2Fapi%2Fwatch%2F" in listed
        with httpx.Client(verify=False, timeout=120) as stranger:
            assert played(stranger, address) >= 1
            page.click("address-revoke")
            page.until(lambda: stranger.get(address).status_code == 404, what="the address shows nothing any more")
        page.shoot("behind-a-proxy")
        page.driver.get(f"{base}public")
        page.until(lambda: page.all("public-camera"), what="what citizens see")
        console = page.console()
        assert "Uncaught" not in console
        # Nothing is missing under the path; that nobody was logged in at first was found out by asking.
        assert all("/api/me" in line for line in console.splitlines() if "Failed to load" in line), console


def _thumbnail(page: Page) -> int:
    script = "const i = document.querySelector('.thumb img'); return i && i.complete ? i.naturalWidth : 0"
    found: Any = page.driver.execute_script(script)
    return int(found)


def test_a_running_server_takes_up_names(city: Proxied) -> None:
    """Whoever is locked out after an upgrade must not have to interrupt recording."""
    server = city.server
    url, by_name = f"http://127.0.0.1:{server.port}/nvr/api/health", {"Host": "cctv.example.org"}
    spoken = {"X-Forwarded-For": "203.0.113.9"}
    server.write_config()
    text = server.config.read_text()
    server.config.write_text(text.replace('trusted_proxies = ["127.0.0.1"]', "trusted_proxies = []"))
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: httpx.get(url, headers=by_name | spoken).status_code == 421, what="no proxy is trusted")
    server.config.write_text(text.replace("[server]", '[server]\nhosts = ["cctv.example.org"]'))
    server.process.send_signal(signal.SIGHUP)
    server.until(lambda: httpx.get(url, headers=by_name).status_code == 200, what="the name is taken")
    assert "takes effect at the next start" not in server.log.read_text()
