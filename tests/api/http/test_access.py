"""Every route, every method, every role."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from litestar import Litestar, get
from litestar.enums import HttpMethod
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from nvr.access.roles import BUILT_IN, Role
from nvr.api.http.codes import CODES
from nvr.api.http.permissions import ACTIONS, PUBLIC
from nvr.api.http.routing import RouteError, check_rights
from tests.api.catalogue import World
from tests.http_reference import made

Client = AsyncTestClient[Litestar]

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
# The walk must not lock itself out, remove who asks, or be refused for what it says instead of who says it.
PUBLIC_ROUTES = {
    ("POST", "/api/login"),
    ("GET", "/api/health"),
    ("GET", "/api/public/cameras"),
    ("GET", "/api/public/cameras/{camera}"),
    ("GET", "/api/public/cameras/{camera}/picture.jpg"),
    ("GET", "/api/public/cameras/{camera}/live.m3u8"),
    ("GET", "/api/public/cameras/{camera}/live/{name}"),
    ("POST", "/api/public/cameras/{camera}/report"),
    ("GET", "/api/public/hidden"),
    ("GET", "/public"),
    ("GET", "/embed"),
    ("GET", "/verifier.html"),
    ("GET", "/api/links/{link}/videos/{name}"),
    ("POST", "/api/links/open"),
    ("GET", "/api/login-ways"),
    ("POST", "/api/login/passkey/options"),
    ("POST", "/api/login/passkey"),
    ("POST", "/api/login/screen"),
    ("GET", "/api/login/with/{provider}"),
    ("GET", "/api/login/with/{provider}/back"),
    ("POST", "/api/login/with/{provider}/logout"),
    ("GET", "/api/links/{link}/download"),
    ("GET", "/api/watch/{secret}/playlist.m3u8"),
    ("GET", "/api/watch/{secret}/live.m3u8"),
    ("GET", "/api/watch/{secret}/segments/{name}"),
    ("GET", "/api/watch/{secret}/inits/{name}"),
    ("GET", "/api/watch/{secret}/clip.mp4"),
    ("GET", "/api/watch/{secret}/snapshot.jpg"),
    ("GET", "/api/certificates"),
    ("GET", "/api/certificates/{name}"),
    ("GET", "/"),
    ("GET", "/{name}"),
    ("GET", "/assets/{name}"),
}


def declared(app: Litestar) -> dict[tuple[str, str], str]:
    found = {}
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {HttpMethod.OPTIONS}:
                path = re.sub(r":\w+}", "}", route.path)
                found[str(getattr(method, "value", method)), path] = handler.opt["action"]
    return found


def test_what_is_public_is_the_page_the_login_and_the_health(app: Litestar) -> None:
    assert {route for route, role in declared(app).items() if role == PUBLIC} == PUBLIC_ROUTES


@pytest.mark.parametrize("asking", [None, *Role])
async def test_every_route_method_and_role(app: Litestar, client: Client, world: World, asking: Role | None) -> None:
    roles = declared(app)
    headers = {} if asking is None else world.bearer(asking)
    for path in {path for _, path in roles}:
        for method in METHODS:
            answer = await client.request(method, path.replace("{", "").replace("}", ""), headers=headers)
            needed = roles.get(("GET" if method == "HEAD" else method, path))
            what = f"{method} {path} as {asking}: {answer.status_code} {answer.text}"
            if needed is None:
                assert answer.status_code == 405, what
            elif needed == PUBLIC:
                assert answer.status_code not in (401, 403, 405, 500), what
            elif asking is None:
                assert answer.status_code == 401, what
            elif ACTIONS[needed] and BUILT_IN[asking].isdisjoint(ACTIONS[needed]):
                assert answer.status_code == 403, what
            else:
                assert answer.status_code not in (401, 405, 500), what
                assert answer.status_code != 403 or path.endswith("/password"), what
            if answer.status_code >= 400 and method != "HEAD":
                problem = answer.json()
                assert answer.headers["content-type"] == "application/problem+json"
                assert CODES[problem["code"]][0] == problem["status"] == answer.status_code, what
            if method == "HEAD":
                assert answer.content == b"", what
            assert "default-src 'self'" in answer.headers["content-security-policy"], what


def test_a_route_without_a_right_is_refused_at_start_up() -> None:
    @get("/forgotten", sync_to_thread=False)
    def forgotten() -> str:
        return "secret"

    with pytest.raises(RouteError, match=r"GET /forgotten declares no right"):
        check_rights(Litestar([forgotten], openapi_config=None))


async def test_head_has_the_headers_of_get(client: Client, world: World) -> None:
    path = "/api/cameras/gate"
    get_answer = await client.get(path, headers=world.bearer("viewer"))
    head_answer = await client.head(path, headers=world.bearer("viewer"))
    assert head_answer.status_code == 200
    assert head_answer.headers["content-length"] == get_answer.headers["content-length"]


@pytest.mark.parametrize(
    "header",
    ["Bearer nvr_wrong", "Bearer ", "Basic dmVyYTp2ZXJh", "Bearer " + "x" * 5000, "nonsense"],
)
async def test_a_wrong_authorization_is_never_let_in(client: Client, header: str) -> None:
    answer = await client.get("/api/cameras", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_every_route_and_every_code_is_documented(app: Litestar) -> None:
    text = (Path(__file__).parents[3] / "docs/reference/http.md").read_text()
    rows = dict(re.findall(r"^\| `((?:GET|POST|PATCH|DELETE) [^`]+)` \| ([\w, ]+) \|", text, re.MULTILINE))
    ours = {}
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            for method in handler.http_methods - {HttpMethod.OPTIONS}:
                path = re.sub(r":\w+}", "}", route.path)
                scope = "" if handler.opt["scope"] == "none" else f", {handler.opt['scope']}"
                ours[f"{getattr(method, 'value', method)} {path}"] = handler.opt["action"] + scope
    assert rows == ours
    assert made(text) == text, "python -m tests.http_reference --write"


async def test_the_schema_names_every_route_with_its_errors(app: Litestar, client: Client, world: World) -> None:
    schema = (await client.get("/api/schema", headers=world.bearer("viewer"))).json()
    described = {
        (method.upper(), path)
        for path, item in schema["paths"].items()
        for method in item
        if method in ("get", "post", "patch", "delete")
    }
    ours = {(m, p) for m, p in declared(app) if p.startswith("/api/") and p != "/api/schema"}
    assert described == ours
    for (method, path), role in declared(app).items():
        if (method, path) in ours:
            operation = schema["paths"][path][method.lower()]
            assert operation["summary"]
            assert role == PUBLIC or {"401", "403"} <= operation["responses"].keys()
            # What any request may be answered with.
            assert {"400", "413", "421", "429", "500", "503"} <= operation["responses"].keys()


async def test_describing_the_routes_does_not_open_them(client: Client, world: World) -> None:
    assert (await client.get("/api/schema", headers=world.bearer("viewer"))).status_code == 200
    assert (await client.get("/api/cameras")).status_code == 401
    assert (await client.get("/api/users", headers=world.bearer("viewer"))).status_code == 403
