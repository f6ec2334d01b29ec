"""Claims that hold behind every proxy. Each claim is a function of an `Edge` that raises `Broken`; its docstring is the claim."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

from client import COOKIE
from edge import expect, ours
from Harness.service import PASSWORD

CLAIMS = {}
SAME = [("Sec-Fetch-Site", "same-origin")]
LIED = "spoofed"
LIES = [
    (name, LIED)
    for word in ("User", "Plan", "Session", "External-Id", "Status", "Problem", "Method", "Refuse")
    for name in (f"Gatehouse-{word}", f"gatehouse-{word.lower()}", f"GATEHOUSE_{word.upper()}", f"Gatehouse_{word.replace('-', '_')}")
] + [("gatehouse-User_", LIED)]  # fmt: skip


def claim(body):
    CLAIMS[body.__name__] = body
    return body


@claim
def allowed(edge):
    """an allowed request tells the app user, plan and session"""
    user = edge.service.new_user()
    saw = ours(edge.passes(edge.ask("GET", "/page?a=1", bearer=user.token))["headers"])
    expect(saw.get("gatehouse-user") == [user.id] and saw.get("gatehouse-plan") == ["free"], saw)
    expect(re.fullmatch("ses_[0-9a-z]+", saw.get("gatehouse-session", [""])[0]), saw)


@claim
def spoofed(edge):
    """fields that only Gatehouse may set are removed, in every spelling"""
    user = edge.service.new_user()
    saw = ours(edge.passes(edge.ask("GET", "/page", LIES, bearer=user.token))["headers"])
    expect(not any(LIED in value for values in saw.values() for value in values), saw)
    expect(saw.get("gatehouse-user") == [user.id] and saw.get("gatehouse-plan") == ["free"], saw)


@claim
def instructions(edge):
    """no client sends instructions for the question: Gatehouse-Method, -Refuse, X-Forwarded-Method"""
    user = edge.service.new_user()
    lies = [("Gatehouse-Method", "own"), ("Gatehouse_Method", "own"), ("Gatehouse-Refuse", LIED), ("X-Forwarded-Method", "GET")]
    edge.forget()
    edge.refuses(edge.ask("POST", "/page", lies, b"", cookie=user.token), 403, "csrf_rejected")
    edge.ask("GET", "/gatehouse/v1/auth/api", lies, bearer=user.token)
    through = edge.gatehouse.requests()
    expect(len(through) == 2, through)
    question, mounted = (ours(fields) for _, _, fields in through)
    expect(question in ({}, {"gatehouse-refuse": ["403"]}, {"gatehouse-method": ["own"]}), question)
    expect(not mounted, mounted)


@claim
def unauthenticated(edge):
    """without a credential: 401, the problem, WWW-Authenticate; the app hears nothing"""
    edge.forget()
    for fields in ([], [("Authorization", "Bearer gh_nonsense")], [("Authorization", "Basic Zm9vOmJhcg==")]):
        for method in ("GET", "POST"):
            answer = edge.refuses(edge.ask(method, "/page", fields), 401, "unauthenticated")
            expect(answer.headers.get("www-authenticate", "").startswith("Bearer"), answer)


@claim
def ambiguous(edge):
    """token and cookie together: 401"""
    user = edge.service.new_user()
    edge.forget()
    answer = edge.refuses(edge.ask("GET", "/page", bearer=user.token, cookie=user.token), 401)
    expect(answer.json["code"] == "ambiguous_credentials", answer)


@claim
def big_cookies(edge):
    """more cookies than Gatehouse reads, which the proxy passes on well: 403 with the reason, and the next request passes"""
    user = edge.service.new_user()
    edge.forget()
    cookies = [("Cookie", f"c{number}={'x' * 7_000}") for number in range(3)]
    edge.refuses(edge.ask("GET", "/page", cookies, bearer=user.token), 403, "headers_too_large")
    edge.passes(edge.ask("GET", "/page", bearer=user.token))


@claim
def suspended(edge):
    """a suspended user: 403 with the problem"""
    user = edge.service.new_user()
    edge.passes(edge.ask("GET", "/page", bearer=user.token))
    answer = edge.service.operate("PATCH", f"/v1/admin/users/{user.id}", {"status": "suspended", "reason": "a test"})
    expect(answer.status == 200, answer)
    edge.forget()
    edge.refuses(edge.ask("GET", "/page", bearer=user.token), 403, "suspended")


@claim
def limited(edge):
    """over the limit: 429 with the problem, Retry-After and RateLimit"""
    user = edge.service.new_user()
    edge.spend(user)
    edge.forget()
    answer = edge.refuses(edge.ask("GET", "/page", bearer=user.token), 429, "rate_limited")
    expect(1 <= int(answer.headers.get("retry-after", 0)) <= 61, answer)
    expect(answer.headers.get("ratelimit", "").startswith('"api";r=0;t='), answer)
    expect(answer.headers.get("ratelimit-policy") == '"api";q=60;w=60', answer)


@claim
def standing(edge):
    """RateLimit and RateLimit-Policy stand on what is allowed, too"""
    user = edge.service.new_user()
    for left in (59, 58):
        answer = edge.ask("GET", "/page", bearer=user.token)
        expect(re.fullmatch(rf'"api";r={left};t=\d+', answer.headers.get("ratelimit", "")), answer)
        expect(answer.headers.get("ratelimit-policy") == '"api";q=60;w=60', answer)


@claim
def cross_site(edge):
    """the cookie reads from anywhere and changes only from the same origin; a bearer token needs no origin"""
    user = edge.service.new_user()
    for method in ("GET", "HEAD"):
        expect(edge.ask(method, "/page", cookie=user.token).status == 200, method)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        edge.forget()
        for fields in ([], [("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")]):
            edge.refuses(edge.ask(method, "/page", fields, cookie=user.token), 403, "csrf_rejected")
        edge.passes(edge.ask(method, "/page", SAME, cookie=user.token))
    edge.passes(edge.ask("POST", "/page", bearer=user.token))


@claim
def preflight(edge):
    """a preflight goes to the app without a credential and without fields of ours; no other OPTIONS does"""
    asks = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "PUT")]
    saw = edge.passes(edge.ask("OPTIONS", "/page", asks + LIES))
    expect(not [value for values in ours(saw["headers"]).values() for value in values if value], saw)
    edge.forget()
    for method, fields in (("OPTIONS", asks[:1]), ("OPTIONS", []), ("GET", asks), ("POST", asks)):
        edge.refuses(edge.ask(method, "/page", fields), 401)


TARGETS = (
    "/?policy=none", "/page?profile=none&/v1/auth/none", "/v1/auth/none", "/v1/auth/none?a=1", "//", "//v1/auth/none", "/x//y", "/%2F",
    "/v1%2Fauth%2Fnone", "/x/../v1/auth/none", "/%2e%2e/v1/auth/none", "/..%2f..%2fv1/auth/none", "/x;/v1/auth/none", "/_gatehouse",
    "/_gatehouse?a=1", "/_gatehouse/none", "/@refused", "/gatehouse", "/GATEHOUSE", "/x?\\..\\none", "http://gatehouse/v1/auth/none",
)  # fmt: skip


@claim
def profile(edge):
    """neither path nor query of a client chooses the profile or gets around the question"""
    user = edge.service.new_user()
    for target in TARGETS:
        edge.forget()
        stranger = edge.ask("GET", target)
        expect(stranger.status >= 300, f"{target}: {stranger}")
        expect(not edge.app.requests(), f"{target} reached the app without a credential")
        edge.ask("GET", target, bearer=user.token)
        for _, asked, _ in edge.gatehouse.requests():
            expect(asked == "/v1/auth/api", f"{target} became the question {asked}")


WAYS_OUT = (
    "/gatehouse/../page", "/gatehouse/%2e%2e/page", "/gatehouse/..%2fpage", "/gatehouse//../page", "/gatehouse/x/../../page",
    "/gatehouse%2f../page", "/gatehouse/..;/page", "/gatehouse/\\..\\page", "/gatehouse/%5c..%5cpage", "/x/../gatehouse/../page",
)  # fmt: skip


@claim
def mount_is_no_way_out(edge):
    """nothing below the mounted path leads to the app without a question"""
    edge.forget()
    for target in WAYS_OUT:
        answer = edge.ask("GET", target)
        expect(answer.status >= 300, f"{target}: {answer}")
        expect(not edge.app.requests(), f"{target} reached the app")


@claim
def away(edge):
    """Gatehouse away or silent: 503, Retry-After, a problem; nothing is let through; then all is well again"""
    user = edge.service.new_user()
    for harm, methods in ((edge.gatehouse.cut, ("GET", "POST", "HEAD")), (edge.gatehouse.hang, ("GET",))):
        edge.forget()
        harm()
        try:
            for method in methods:
                began = time.monotonic()
                answer = edge.refuses(edge.ask(method, "/page", bearer=user.token), 503, "unavailable" if method != "HEAD" else None)
                expect(answer.headers.get("retry-after") == "1", answer)
                expect(time.monotonic() - began < 10, f"{method} took {time.monotonic() - began:.1f} s")
        finally:
            edge.gatehouse.mend()
        edge.passes(edge.ask("GET", "/page", bearer=user.token))


@claim
def undecided(edge):
    """a 503 of Gatehouse itself stays a 503 with Retry-After and a problem"""
    user = edge.service.new_user()
    with edge.another(lambda text: text.replace("/v1/auth/api", "/v1/auth/none")) as lost:
        lost.forget()
        # Envoy says it in its own words.
        code = "unavailable" if lost.proxy.name == "Envoy" else "unknown_profile"
        answer = lost.refuses(lost.ask("GET", "/page", bearer=user.token), 503, code)
        expect(int(answer.headers.get("retry-after", 0)) >= 1, answer)


@claim
def app_away(edge):
    """an app that is away is not blamed on the gate"""
    user = edge.service.new_user()
    edge.app.cut()
    try:
        answer = edge.ask("GET", "/page", bearer=user.token)
    finally:
        edge.app.mend()
    expect(answer.status in (502, 503) and b"gate cannot" not in answer.body, answer)


@claim
def identity(edge):
    """under parallel requests the app never gets another user's name"""
    users = [edge.service.new_user() for _ in range(8)]

    def go(user):
        with edge.client() as client:
            for turn in range(25):
                saw = edge.passes(client.ask("POST" if turn % 2 else "GET", f"/{user.id}", bearer=user.token))
                expect(ours(saw["headers"])["gatehouse-user"] == [user.id] and saw["target"] == f"/{user.id}", saw)

    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(go, users))


@claim
def address(edge):
    """the client's address is the peer's: X-Forwarded-For, Forwarded and X-Real-IP of a client change nothing"""
    user = edge.service.new_user()
    forged = "203.0.113.9"
    for fields in (
        [("X-Forwarded-For", forged)], [("X-Forwarded-For", f"{forged}, 127.0.0.1"), ("X-Forwarded-For", "127.0.0.1")],
        [("Forwarded", f"for={forged}"), ("X-Real-IP", forged), ("X_Forwarded_For", forged)],
    ):  # fmt: skip
        edge.forget()
        answer = edge.ask("POST", "/gatehouse/v1/sessions", fields, {"email": user.email, "password": PASSWORD})
        expect(answer.status == 201 and answer.json["session"]["ip"] == edge.world.address, answer)
        edge.passes(edge.ask("GET", "/page", fields, bearer=user.token))
        told = [value for _, _, sent in edge.gatehouse.requests() for name, value in sent if name == "x-forwarded-for"]
        expect(told == [edge.world.address] * 2, told)


@claim
def kept_connections(edge):
    """a connection outlives refusals, those of requests with a body as well (Envoy may end it, and says so, over an unread body)"""
    user, full = edge.service.new_user(), edge.service.new_user()
    edge.spend(full)
    requests = (
        (401, "GET", {}), (200, "GET", {"bearer": user.token}), (401, "POST", {"body": b"x" * 1000}),
        (403, "POST", {"cookie": user.token, "body": b"x" * 1000}), (429, "GET", {"bearer": full.token}),
        (429, "POST", {"bearer": full.token, "body": b"x" * 1000}), (401, "HEAD", {}), (401, "POST", {"body": b"x", "chunked": True}),
        (200, "POST", {"bearer": user.token, "body": {"a": 1}}),
    )  # fmt: skip
    client = edge.client()
    for status, method, words in requests * 2:
        answer = client.ask(method, "/page", **words)
        expect(answer.status == status, f"{method} {list(words)}: {answer}")
        if not client.is_open:
            excused = not edge.proxy.keeps_unread_bodies and "body" in words and answer.headers.get("connection") == "close"
            expect(excused, f"{method} {list(words)} ended the connection: {answer}")
            client = edge.client()
    client.connection.close()


@claim
def methods(edge):
    """every method arrives as it is, with its body; HEAD has none"""
    user = edge.service.new_user()
    with edge.client() as client:
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT"):
            body = None if method in ("GET", "OPTIONS") else f"body of {method}".encode()
            saw = edge.passes(client.ask(method, "/page?x=%2F", body=body, bearer=user.token))
            expect(saw["method"] == method and saw["target"] == "/page?x=%2F" and saw["body"].encode() == (body or b""), saw)
        for token, status in ((user.token, 200), (None, 401)):
            answer = client.ask("HEAD", "/page", bearer=token)
            expect(answer.status == status and not answer.body, answer)
        edge.passes(client.ask("GET", "/page", bearer=user.token))


@claim
def uploads(edge):
    """an upload beyond a megabyte goes through, counted or in chunks"""
    user = edge.service.new_user()
    body = b"0123456789abcdef" * (1 << 17)
    for chunked in (False, True):
        saw = edge.passes(edge.ask("POST", "/upload", body=body, bearer=user.token, chunked=chunked))
        expect(saw["body"].encode() == body, f"{len(saw['body'])} bytes")


@claim
def request_ids(edge):
    """app and Gatehouse see one request id, and no client's"""
    user = edge.service.new_user()
    edge.forget()
    saw = edge.passes(edge.ask("GET", "/page", [("X-Request-Id", "chosen")], bearer=user.token))
    ids = [value for _, _, sent in edge.gatehouse.requests() for name, value in sent if name == "x-request-id"]
    expect(ids and [value for name, value in saw["headers"] if name.lower() == "x-request-id"] == ids, (ids, saw))
    expect("chosen" not in ids or edge.world.address == "127.0.0.1", ids)


@claim
def mounted(edge):
    """login below the app's own host gives a cookie that the app's pages and the logout take"""
    user = edge.service.new_user()
    with edge.client() as client:
        order = {"email": user.email, "password": PASSWORD, "transport": "cookie"}
        answer = client.ask("POST", "/gatehouse/v1/sessions", SAME, order)
        expect(answer.status == 201 and answer.json["token"] is None, answer)
        name, _, rest = answer.headers.get("set-cookie", "").partition("=")
        token, *attributes = rest.split("; ")
        expect(name == COOKIE and {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes), answer)
        saw = edge.passes(client.ask("GET", "/page", cookie=token))
        expect(ours(saw["headers"])["gatehouse-session"] == [answer.json["session"]["id"]], saw)
        expect(client.ask("GET", "/gatehouse/v1/session", cookie=token).json["user"]["id"] == user.id, "who am I")
        expect(client.ask("DELETE", "/gatehouse/v1/session", cookie=token).status == 403, "a logout from elsewhere")
        expect(client.ask("DELETE", "/gatehouse/v1/session", SAME, cookie=token).status == 204, "logout")
        expect(client.ask("GET", "/page", cookie=token).status == 401, "after the logout")
