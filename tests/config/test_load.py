from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import nvr.config
from nvr.config import (
    CameraSettings,
    Config,
    ConfigError,
    RecordedCamera,
    Secret,
    SpaceFloor,
    from_wire,
    load,
    recorded_from_wire,
    to_wire,
)

SECRET = "t0p-s3cret"


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def problems(folder: Path, text: str) -> list[str]:
    """What loading says, without the path: ``line: key: what; remedy``. Never with the password in it."""
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text))
    said = [str(problem).removeprefix(f"{folder / 'config.toml'}:") for problem in caught.value.problems]
    assert str(caught.value).count("\n") == len(said) - 1
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)
    return said


def camera(text: str) -> str:
    return f'[[camera]]\nid = "a"\nurl = "rtsp://h/x"\n{text}'


def test_empty_file_is_all_defaults(tmp_path: Path) -> None:
    config = load(write(tmp_path, ""))
    assert config.server.host == "127.0.0.1"
    assert config.server.worker_count >= 1
    assert config.storage.roots == (tmp_path / "data/footage",)
    assert config.storage.catalogue == tmp_path / "data/catalogue.sqlite"
    assert config.storage.segment_duration_us == 300_000_000
    assert config.storage.segment_bytes == 10**9
    assert config.retention.max_age_us == 30 * 86_400_000_000
    assert (config.cameras, config.warnings) == ((), ())


def test_paths_begin_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[storage]\nroots = ["a", "/b/../c"]\ncatalogue = "../d/e.sqlite"')
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage = load(Path("../config.toml")).storage
    assert [root.resolve() for root in storage.roots] == [tmp_path / "a", Path("/c")]
    assert storage.catalogue.resolve() == tmp_path.parent / "d/e.sqlite"


def test_everything_set(tmp_path: Path) -> None:
    config = load(
        write(
            tmp_path,
            """
            [server]
            workers = 3
            zone = "Asia/Jakarta"
            node = "n1"
            secure_cookies = true
            [storage]
            free_space_floor = "5%"
            [retention]
            max_age = "60d"
            max_bytes = "1TB"
            [[camera]]
            id = "gate-1"
            name = "North gate"
            url = "rtsp://192.0.2.1:8554/live"
            username = "adm@in"
            password = "a@b:c/d#e%41"
            labels = { district = "North", "ISP" = "x" }
            audio = true
            source = "av"
            transport = "udp"
            stall_timeout = "20s"
            min_age = "40d"
            """,
        )
    )
    assert config.server.worker_count == 3
    assert config.storage.free_space_floor == SpaceFloor.parse("5%")
    (gate,) = config.cameras
    assert gate.labels == {"district": "North", "ISP": "x"}
    assert gate.password == Secret("a@b:c/d#e%41")
    kept = config.retention.of(gate)
    assert (kept.max_age_us, kept.min_age_us, kept.max_bytes) == (60 * 86_400_000_000, 40 * 86_400_000_000, 10**12)
    assert config.secrets == ("a@b:c/d#e%41",)
    assert [warning.key for warning in config.warnings] == ["camera[gate-1].password"]


def test_all_problems_at_once(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        f"""\
[servr]
[server]
port = "80"
hots = "x"
[storage]
segment_duration = 300
roots = ["a", "a/b"]
[[camera]]
id = "A b"
url = "rtsp://u:{SECRET}@h:99999/x"
[[camera]]
id = "c"
password = 5
[[camera]]
id = "c"
url = "rtsp://h/x"
""",
    )
    assert [line.split(": ")[:2] for line in said] == [
        ["1", "servr"],
        ["3", "server.port"],
        ["4", "server.hots"],
        ["6", "storage.segment_duration"],
        ["7", "storage.roots[2]"],
        ["9", "camera[A b].id"],
        ["10", "camera[A b].url"],
        ["11", "camera[c].url"],
        ["13", "camera[c].password"],
        ["15", "camera[c].id"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[servr]", "1: servr: unknown section; did you mean server?"),
        ("[zzz]",
         "1: zzz: unknown section; known are server, acme, storage, retention, evidence, alerts, backup, network,"),
        ("[cameras]", "1: cameras: unknown section; did you mean camera?"),
        ("zzz = 1",
         "1: zzz: unknown key; known are server, acme, storage, retention, evidence, alerts, backup, network,"),
        ("server = 1", "1: server: must be a table; write [server] and its keys on lines of their own"),
        ("[camera]\nid = 'a'", "1: camera: is a single table; write [[camera]], in double brackets, for each camera"),
        ("camera = [1]", "1: camera: must be tables; write [[camera]] and its keys on lines of their own"),
        ("[server]\nprot = 1", "2: server.prot: unknown key; did you mean port?"),
        ("[server]\nport = 0", "2: server.port: must be at least 1; write a larger number"),
        ("[server]\nport = 8080.0", "2: server.port: must be a whole number; write it without quotes"),
        ("[server]\nhost = 'localhost:8080'",
         '2: server.host: has more than a host in it; write "localhost", and a port under its own key'),
        ("[server]\nhost = 'a b'",
         '2: server.host: is not a host; write a name or an address such as "127.0.0.1", "0.0.0.0" or "::"'),
        ("[server]\nhost = '*'",
         '2: server.host: is not a host; for all addresses of this machine write "0.0.0.0" or "::"'),
        ("[server]\nhost = '256.1.1.1'",
         '2: server.host: is not an address; write four numbers from 0 to 255, such as "127.0.0.1"'),
        ("[server]\nport = \u201c80\u201d",
         '2: not valid TOML: Invalid value at column 8; write straight quotes ("), not \u201c, as word'),
        ("[\0s\0e\0", (
            "1: not valid TOML: Invalid initial character for a key part at column 2;"
            " save the file as UTF-8: it holds zero bytes"
        )),
        ("[server]\nnode = 'N-1'", "2: server.node: is not a node id; use 1 to 16 small letters and digits"),
        ("[server]\nsecure_cookies = 'no'",
         '2: server.secure_cookies: must be "auto", true or false; write one of these'),
        ("[server]\nlog_level = 'x'",
         "2: server.log_level: must be one of 'debug', 'info', 'warning', 'error'; write one of these"),
        ("[storage]\nroots = []", "2: storage.roots: must have at least 1 entry; add one"),
        ("[storage]\nroots = 'a'", "2: storage.roots: must be a list; put it in [ ]"),
        ("[storage]\nroots = [\n'a',\n1]",
         '4: storage.roots[2]: must be a path; write it in quotes, such as "data/footage"'),
        ("[storage]\nroots = ['a', './a']", "2: storage.roots[2]: is the same folder as root 1; remove one of them"),
        ("[storage]\nroots = ['a/b', 'a']",
         "2: storage.roots[2]: contains root 1; use folders that don't contain each other"),
        ("[storage]\nroots = ['data']",
         "1: storage.catalogue: lies in root 1, among footage; put it in a folder outside all roots"),
        ("[storage]\nroots = ['config.toml']",
         "2: storage.roots[1]: {folder}/config.toml is not a folder; name a folder"),
        ("[storage]\nsegment_duration = '2h'",
         '2: storage.segment_duration: must be between "1s" and "1h"; it is "2h"'),
        ("[storage]\nsegment_bytes = '5B'", '2: storage.segment_bytes: must be at least "1MB"; it is "5B"'),
        ("[retention]\nmax_age = true", (
            '2: retention.max_age: must be text; write a number with a unit (us, ms, s, m, h, d, w), such as "30d",'
            ' "5m" or "1h 30m"'
        )),
        ("[retention]\nmin_age = '31d'", (
            "2: retention.min_age: min_age 31d is longer than max_age 30d;"
            " footage can't be kept longer than it may exist: lower min_age or raise max_age"
        )),
        (camera("max_age_us = 5"), "4: camera[a].max_age_us: unknown key; did you mean max_age?"),
        (camera("labels = 'x'"), "4: camera[a].labels: must be a table; write it as { key = value }"),
        (camera("[camera.labels]\nx = 1"), "5: camera[a].labels.x: must be text; put it in quotes"),
        (camera("name = ' '"),
         "4: camera[a].name: must be one line of 1 to 200 printable characters; shorten or correct it"),
        (camera("password = 'x'"), "4: camera[a].password: has no username to go with it; add username"),
        (camera("username = ''"),
         "4: camera[a].username: must be at least one printable character; correct or remove it"),
        (camera("password = \"x\\ny\"\nusername = 'u'"),
         "4: camera[a].password: holds a control character, such as a line end; remove it"),
        ("[[camera]]\nid = 'a'", '1: camera[a].url: is missing; add url = "rtsp://192.0.2.10/stream1"'),
        ("[[camera]]\nurl = 'rtsp://h'", '1: camera[1].id: is missing; add id = "gate-1"'),
        (
            f"[[camera]]\nid = 'a'\nurl = 'rtsp://u:{SECRET}@h/x'\npassword = '{SECRET}'",
            "3: camera[a].url: has credentials, and so have the keys username and password; remove those in the url",
        ),
    ],
)  # fmt: skip
def test_each_problem(tmp_path: Path, text: str, expected: str) -> None:
    (said,) = problems(tmp_path, text)
    expected = expected.replace("{folder}", str(tmp_path))
    assert said.startswith(expected)


def test_min_age_of_a_camera_against_the_common_max_age(tmp_path: Path) -> None:
    text = "[retention]\nmax_age = '10d'\nmin_age = '5d'\n" + camera("min_age = '11d'") + "\n"
    text += "[[camera]]\nid = 'b'\nurl = 'rtsp://h'\nmax_age = '4d'"
    assert [line.split(":")[:2] for line in problems(tmp_path, text)] == [
        ["7", " camera[a].min_age"],
        ["11", " camera[b].max_age"],
    ]


def test_root_through_a_link_is_the_same_root(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    (said,) = problems(tmp_path, "[storage]\nroots = ['a', 'b/c']")
    assert "lies inside root 1" in said


def test_unknown_zone_suggests(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "[server]\nzone = 'Asia/Jakrata'")
    assert '"Asia/Jakarta"' in said
    for name in ("Asia", "/etc/passwd", "", "../UTC", "right/UTC"):
        assert "not an IANA time zone" in problems(tmp_path, f"[server]\nzone = '{name}'")[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("GMT+7", '"Asia/Jakarta" (UTC+07:00)'),
        ("UTC+07:00", '"Asia/Jakarta" (UTC+07:00)'),
        ("+8", '"Asia/Makassar" (UTC+08:00)'),
        ("WIT", '"Asia/Jayapura" (UTC+09:00)'),
        ("utc-3", "(UTC-03:00)"),
        ("GMT+5:45", '"Asia/Kathmandu" (UTC+05:45)'),
        ("asia/jakarta", 'such as "Asia/Jakarta" (UTC+07:00)'),
        ("Jakarta ", 'such as "Asia/Jakarta" (UTC+07:00)'),
    ],
)
def test_an_offset_suggests_zones_of_that_offset(tmp_path: Path, written: str, meant: str) -> None:
    (said,) = problems(tmp_path, f"[server]\nzone = '{written}'")
    assert meant in said and "Etc/" not in said


def test_an_unknown_city_suggests_the_servers_country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvr.config.zone._machines", lambda *_: ["Asia/Makassar"])
    (said,) = problems(tmp_path, "[server]\nzone = 'Asia/Semarang'")
    assert '"Asia/Jakarta" (UTC+07:00)' in said and "Samarkand" not in said
    monkeypatch.setattr("nvr.config.zone._machines", lambda *_: ["Etc/GMT-7"])
    (said,) = problems(tmp_path, "[server]\nzone = 'Asia/Semarang'")
    assert '"Asia/Jakarta" (UTC+07:00)' in said


def test_zones_whose_sign_misleads_are_warned_of(tmp_path: Path) -> None:
    (warning,) = load(write(tmp_path, "[server]\nzone = 'Etc/GMT+7'")).warnings
    assert "UTC-07:00" in str(warning) and '"Etc/GMT-7" if UTC+07:00 is meant' in str(warning)
    assert not load(write(tmp_path, "[server]\nzone = 'Etc/UTC'")).warnings


def test_a_sync_interval_that_cannot_be_kept_is_warned_of(tmp_path: Path) -> None:
    (warning,) = load(write(tmp_path, "[storage]\nsync_interval = '1s'")).warnings
    assert "storage.sync_interval: is less than can be kept" in str(warning)
    assert not load(write(tmp_path, "[storage]\nsync_interval = '3s'")).warnings


def test_a_TZ_that_cannot_be_taken_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "WIB-7")
    (warning,) = load(write(tmp_path, "")).warnings
    assert '"WIB-7"' in str(warning)
    assert not load(write(tmp_path, "[server]\nzone = 'Asia/Jakarta'")).warnings


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 8081\r\n")
    assert load(path).server.port == 8081


def test_broken_toml_says_where(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "[server]\nport = 1\nport = = 2\n")
    assert said.startswith("3: not valid TOML: ")
    assert "at column 8" in said
    (said,) = problems(tmp_path, "[server]\nroots = [1,\n")
    assert said.startswith(("2: ", "3: "))


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file; write one .*--config"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="can't be read"):
        load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# gr\xfc\xdfe")
    with pytest.raises(ConfigError, match="byte 4 is not UTF-8"):
        load(tmp_path / "latin.toml")


def test_credentials_move_out_of_the_url(tmp_path: Path) -> None:
    config = load(write(tmp_path, f"[[camera]]\nid = 'a'\nurl = 'rtsp://us%40er:{SECRET}%2F@h:554/x?y=1'"))
    (moved,) = config.cameras
    assert (moved.url, moved.username, moved.password) == ("rtsp://h:554/x?y=1", "us@er", Secret(f"{SECRET}/"))
    (warning,) = config.warnings
    assert (warning.line, warning.key) == (3, "camera[a].url")
    assert SECRET not in str(warning)


def test_warns_of_a_password_that_reads_as_a_port(tmp_path: Path) -> None:
    config = load(write(tmp_path, "[[camera]]\nid = 'a'\nurl = 'rtsp://admin:123/4@192.0.2.1/x'"))
    assert 'host "admin"' in str(config.warnings[0])


@pytest.mark.parametrize(("mode", "count"), [(0o644, 2), (0o640, 1), (0o600, 1)])
def test_warns_of_a_readable_file_with_passwords(tmp_path: Path, mode: int, count: int) -> None:
    config = load(write(tmp_path, camera("username = 'u'\npassword = 'p'"), mode))
    assert len(config.warnings) == count
    assert not load(write(tmp_path, camera(""), 0o644)).warnings


def test_secrets_print_nowhere(tmp_path: Path) -> None:
    config = load(write(tmp_path, camera(f"username = 'u'\npassword = '{SECRET}'")))
    for text in (repr(config), str(config), config.model_dump_json(), f"{config.cameras[0].password}"):
        assert SECRET not in text
        assert "***" in text


def test_wire_round_trip(tmp_path: Path) -> None:
    text = camera(f"username = 'u'\npassword = '{SECRET}'\nlabels = {{ a = 'ü\\n' }}".replace("\\n", ""))
    config = load(write(tmp_path, text + "\n[storage]\nfree_space_floor = '2.5%'"))
    wire = to_wire(config)
    assert "\n" not in wire
    assert from_wire(wire) == config.model_copy(update={"warnings": ()})
    told, camera_ = recorded_from_wire(to_wire(config.cameras[0])), config.cameras[0]
    names = [name for name in dir(RecordedCamera) if not name.startswith("_")]
    assert len(names) == 14
    assert [getattr(told, name) for name in names] == [getattr(camera_, name) for name in names]
    assert "***" in repr(told) and SECRET not in repr(told)


def test_wire_leaves_warnings_behind(tmp_path: Path) -> None:
    config = load(write(tmp_path, "[[camera]]\nid = 'a'\nurl = 'rtsp://u:p@h'"))
    assert config.warnings
    assert from_wire(to_wire(config)) == config.model_copy(update={"warnings": ()})


def test_settings_made_by_code() -> None:
    camera = CameraSettings(id="a", url="rtsp://u:p@h/x", stall_timeout_us=2_000_000)
    assert (camera.name, camera.username, camera.stall_timeout_us) == ("a", "u", 2_000_000)
    assert Config(cameras=(camera,)).retention.of(camera).max_age_us == 30 * 86_400_000_000


def test_what_is_told_of_a_proxy(tmp_path: Path) -> None:
    server = load(
        write(
            tmp_path,
            """
            [server]
            base_path = "/watch/nvr"
            trusted_proxies = ["127.0.0.1", "2001:db8::/32", "10.0.3.0/28"]
            hosts = ["CCTV.example.org.", "*.example.net", "*"]
            """,
        )
    ).server
    assert server.base_path == "/watch/nvr"
    assert server.trusted_proxies == ("127.0.0.1/32", "2001:db8::/32", "10.0.3.0/28")
    assert server.hosts == ("cctv.example.org", "*.example.net", "*")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('base_path = "nvr"', "a / before it"),
        ('base_path = "/nvr/"', "none behind"),
        ('base_path = "/"', "none behind"),
        ('base_path = "/../x"', "none behind"),
        ('base_path = "/a b"', "none behind"),
        ('base_path = "/api"', "choose another"),
        ('trusted_proxies = ["10.0.3.1/28"]', '"10.0.3.0/28"'),
        ('trusted_proxies = ["localhost"]', "is no address or network"),
        ('trusted_proxies = ["0.0.0.0/0"]', "would believe everybody"),
        ('hosts = ["https://cctv.example.org"]', "without https:// and port"),
        ('hosts = ["cctv.example.org:8080"]', "without https:// and port"),
        ('hosts = ["a.*.org"]', "without https:// and port"),
    ],
)
def test_what_can_not_be_told_of_a_proxy(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        load(write(tmp_path, f"[server]\n{line}\n"))


@pytest.mark.parametrize(
    ("lines", "warned"),
    [
        ('host = "0.0.0.0"', True),
        ('host = "::"', True),
        ('host = "192.168.1.4"', True),
        ('host = "cctv"', True),
        ('host = "127.0.0.2"', False),
        ('host = "::1"', False),
        ('host = "localhost"', False),
        ('host = "0.0.0.0"\ntrusted_proxies = ["10.0.3.2"]', False),
        ('host = "0.0.0.0"\nsecure_cookies = true', False),
    ],
)
def test_a_network_without_encryption_is_warned_of(tmp_path: Path, lines: str, warned: bool) -> None:
    found = [warning for warning in load(write(tmp_path, f"[server]\n{lines}\n")).warnings if "WITHOUT" in str(warning)]
    assert bool(found) == warned


def test_what_is_named_is_no_module() -> None:
    """Once a module is imported, its package has it under its name, and asks nobody for another thing of that name."""
    modules = {module.name for module in pkgutil.iter_modules(nvr.config.__path__)}
    for module in modules:
        importlib.import_module(f"nvr.config.{module}")
    assert not [name for name in nvr.config.__all__ if isinstance(getattr(nvr.config, name), ModuleType)]
