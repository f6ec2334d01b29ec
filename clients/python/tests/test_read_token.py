"""`read_token` takes and refuses what Gatehouse itself takes and refuses: each case is put to both."""

import http.client

import pytest
from gatehouse import COOKIE, GatehouseError, InvalidRequest, Refused, Unauthenticated, read_token

ORIGIN = "https://app.example.com"
BEARER, JAR = "Authorization: Bearer {token}", f"Cookie: {COOKIE}={{token}}"
CASES = [
    # method, header lines, what comes of it: None is let in
    ("POST", [BEARER], None),
    ("POST", ["authorization: bearer   {token}"], None),
    ("GET", [JAR], None),
    ("HEAD", [JAR], None),
    ("GET", [f"Cookie: a=b; {COOKIE}={{token}}; c=d"], None),
    ("GET", [], "unauthenticated"),
    ("GET", ["Authorization: Basic bWlhOng="], "unauthenticated"),
    ("GET", ["Authorization: Bearer eyJhbGciOi"], "unauthenticated"),
    ("GET", ["Authorization: Bearer"], "unauthenticated"),
    ("GET", ["Authorization: {token}"], "unauthenticated"),
    ("GET", ["Authorization: Bearer {token} {token}"], "unauthenticated"),
    ("GET", [f"Cookie: x{COOKIE}={{token}}"], "unauthenticated"),
    ("GET", [f"Cookie: {COOKIE}="], "unauthenticated"),
    ("GET", [f"Cookie: {COOKIE.lower()}={{token}}"], "unauthenticated"),
    ("GET", ["Authorization: Basic bWlhOng=", JAR], None),
    ("GET", ["Authorization: Bearer eyJhbGciOi", JAR], None),
    ("GET", [BEARER, JAR], "ambiguous_credentials"),
    ("GET", ["Authorization: Bearer ghk_1abc", JAR], "ambiguous_credentials"),
    ("GET", [BEARER, BEARER], "ambiguous_credentials"),
    ("GET", [BEARER, "Authorization: Basic bWlhOng="], "ambiguous_credentials"),
    ("GET", [JAR, JAR], "ambiguous_credentials"),
    ("GET", [f"Cookie: {COOKIE}={{token}}; {COOKIE}=gh_1other"], "ambiguous_credentials"),
    ("POST", [JAR], "csrf_rejected"),
    ("DELETE", [JAR], "csrf_rejected"),
    ("POST", [f"Cookie: {COOKIE}="], "csrf_rejected"),
    ("POST", [JAR, "Sec-Fetch-Site: same-origin"], None),
    ("POST", [JAR, "Sec-Fetch-Site: none"], None),
    ("POST", [JAR, "Sec-Fetch-Site: same-site"], "csrf_rejected"),
    ("POST", [JAR, "Sec-Fetch-Site: cross-site"], "csrf_rejected"),
    ("POST", [JAR, "Sec-Fetch-Site: Same-Origin"], "csrf_rejected"),
    ("POST", [JAR, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"], "csrf_rejected"),
    ("POST", [JAR, "Origin: https://evil.example.com"], "csrf_rejected"),
    ("POST", [JAR, "Origin: null"], "csrf_rejected"),
    ("POST", [JAR, "Origin: "], "csrf_rejected"),
    ("POST", [BEARER, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example.com"], None),
]


def theirs(service, method, lines):
    """The code with which Gatehouse itself answers such a request; None for success. /v1/session has GET, HEAD; rotate has POST."""
    path = {"POST": "/v1/session/rotate", "DELETE": "/v1/session"}.get(method, "/v1/session")
    connection = http.client.HTTPConnection("127.0.0.1", service.apis[0].port, timeout=30)
    connection.putrequest(method, path)
    for line in lines:
        name, _, value = line.partition(": ")
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status < 300:
        return None
    return next(code for code in ("unauthenticated", "ambiguous_credentials", "csrf_rejected") if code.encode() in body)


def ours(method, lines, origins=()):
    try:
        return read_token(method, [tuple(line.split(": ", 1)) for line in lines], origins) and None
    except GatehouseError as error:
        assert type(error) is {401: Unauthenticated, 403: Refused, 400: InvalidRequest}[error.status]
        return error.code


@pytest.mark.parametrize("method, lines, outcome", CASES)
def test_the_guard_and_gatehouse_agree(service, method, lines, outcome):
    filled = [line.replace("{token}", service.new_user().token) for line in lines]
    assert ours(method, filled) == outcome
    if method != "HEAD":
        assert theirs(service, method, filled) == outcome


def test_an_allowed_origin_vouches_for_a_cookie_and_no_other_does():
    cookie = f"Cookie: {COOKIE}=gh_1abc"
    assert ours("POST", [cookie, f"Origin: {ORIGIN}"], [ORIGIN]) is None
    for origin in ("https://app.example.com.evil.com", "http://app.example.com", "https://APP.example.com", f"{ORIGIN}, {ORIGIN}", ""):
        assert ours("POST", [cookie, f"Origin: {origin}"], [ORIGIN]) == "csrf_rejected"
    assert ours("post", [cookie], [ORIGIN]) == ours("PROPFIND", [cookie], [ORIGIN]) == "csrf_rejected"


def test_the_token_is_given_as_it_was_sent():
    assert read_token("GET", [("AUTHORIZATION", "Bearer gh_1abc")]) == "gh_1abc"
    assert read_token("GET", [("cookie", f"a=1; {COOKIE}=gh_1abc")]) == "gh_1abc"
    assert read_token("GET", [("cookie", f"{COOKIE}=gh_1a; gatehouse=gh_1b")], cookie="gatehouse") == "gh_1b"
