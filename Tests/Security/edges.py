"""The face: fields of every answer, methods, numbers, names, and what a log makes of hostile text."""

import json
import pathlib

from Harness.service import PASSWORD, Service, some_client

FIELDS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "strict-transport-security": "max-age=31536000",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
NUMBERS = ["-1", "0", "2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "1e309", "1.5", '"1"', "true", "[1]"]


def run(claims, long):
    with Service() as gatehouse:
        user = gatehouse.new_user()
        every_answer(gatehouse, user, claims)
        methods(gatehouse, claims)
        cookie(gatehouse, user, claims)
        origins(gatehouse, user, claims)
        addresses(gatehouse, user, claims)
        assignments(gatehouse, user, claims)
        numbers(gatehouse, user, claims)
        together(gatehouse, user, claims)
        log(gatehouse, claims)


# ASVS: 3.4.1, 3.4.3, 3.4.4, 3.4.5, 3.4.6, 4.1.1, 4.1.2, 13.4.6, 14.2.2, 14.3.2, 16.5.1
def every_answer(gatehouse, user, claims):
    answers = {
        "200": gatehouse.ask("GET", "/v1/session", None, user.token),
        "201": gatehouse.ask("POST", "/v1/sessions", {"email": user.email, "password": PASSWORD}),
        "400": gatehouse.ask("GET", "/v1/session?x=1", None, user.token),
        "401": gatehouse.ask("GET", "/v1/session"),
        "404": gatehouse.ask("GET", "/.git/config"),
        "405": gatehouse.ask("PUT", "/v1/session", {}, user.token),
        "422": gatehouse.ask("POST", "/v1/users", {"email": "x", "password": "y"}),
    }
    for status, answer in answers.items():
        lacking = {name: answer.headers.get(name) for name, value in FIELDS.items() if answer.headers.get(name) != value}
        holds = str(answer.status) == status and not lacking
        claims(f"a {status} forbids caching, sniffing, framing and referring, and asks for TLS", holds, lacking or answer)
        wanted = "application/json" if answer.status < 300 else "application/problem+json"
        claims("it says what its body is", answer.headers.get("content-type", "").startswith(wanted) and answer.json is not None, answer.headers)
        told = {"server", "x-powered-by", "via", "location"} & set(answer.headers)
        claims("and nothing of what serves it, nor where else to go", not told, told)


# ASVS: 4.1.4, 13.4.4, 13.4.1, 13.4.2, 13.4.5
def methods(gatehouse, claims):
    document = gatehouse.ask("GET", "/openapi.json").json
    wrong = []
    for path, operations in document["paths"].items():
        where = path.replace("{policy}", "api").replace("{id}", "usr_aaaaaaaaaaaaaa").replace("{profile}", "api")
        if path.startswith("/v1/auth/"):
            continue  # any method of the client is asked about there
        for method in ("TRACE", "CONNECT", "PUT", "PROPFIND", "LINK"):
            if method.lower() in operations:
                continue
            answer = gatehouse.ask(method, where)
            # CONNECT names a host, not a path: it is no valid request.
            if not (answer.status == 405 and answer.headers.get("allow")) and not (method == "CONNECT" and answer.status == 400):
                wrong.append((method, path, answer))
    claims(f"each of {len(document['paths'])} addresses knows its methods and refuses the others", not wrong, wrong[:3])
    for path in ("/.git/config", "/.env", "/metrics", "/debug", "/v1/admin/users", "/v1/", "/", "//v1/session", "/v1/../etc/passwd", "/index.html"):
        answer = gatehouse.ask("GET", path)
        claims(f"GET {path} finds nothing", answer.status in (400, 404), answer)


# ASVS: 3.3.1, 3.3.2, 3.3.3, 3.3.4, 3.3.5, 4.2.5, 14.3.1
def cookie(gatehouse, user, claims):
    body = {"email": user.email, "password": PASSWORD, "transport": "cookie"}
    answer = gatehouse.ask("POST", "/v1/sessions", body, gatehouse.key("accounts"), some_client())
    value, *attributes = answer.headers["set-cookie"].split("; ")
    wanted = {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    claims("the cookie is __Host-, Secure, HttpOnly, SameSite, and the token is nowhere else",
           value.startswith("__Host-gatehouse=gh_") and set(attributes) == wanted and answer.json["token"] is None, answer.headers)  # fmt: skip
    claims("it is under 4,096 bytes", len(answer.headers["set-cookie"]) < 4096)
    out = gatehouse.ask("DELETE", "/v1/session", None, None, {"Cookie": value, "Sec-Fetch-Site": "same-origin"})
    name, *attributes = out.headers.get("set-cookie", "").split("; ")
    emptied = name == "__Host-gatehouse=" and "Max-Age=0" in attributes and wanted <= set(attributes)
    claims("logging out takes it away, with the same attributes", out.status == 204 and emptied, out.headers)
    claims("and leaves the app's own cookies alone", "clear-site-data" not in out.headers, out.headers)


# ASVS: 3.4.2, 3.5.1, 3.5.2, 3.5.3
def origins(gatehouse, user, claims):
    for origin in ("https://evil.example", "null", "http://127.0.0.1"):
        answer = gatehouse.ask("GET", "/v1/session", None, user.token, {"Origin": origin})
        told = [name for name in answer.headers if name.startswith("access-control-")]
        claims(f"Origin {origin} is told nothing of cross-origin reading", not told and origin not in str(answer.headers), answer.headers)
    token = gatehouse.log_in(user.email)
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
        headers = {"Cookie": f"__Host-gatehouse={token}", "Content-Type": kind, "Origin": "https://evil.example"}
        answer = gatehouse.ask("DELETE", "/v1/session", None, None, headers)
        claims(f"a form of another site ({kind}) changes nothing", answer.status == 403, answer)
    claims("so the session goes on", gatehouse.ask("GET", "/v1/session", None, token).status == 200)


# ASVS: 14.2.1, 15.3.7
def addresses(gatehouse, user, claims):
    for query in (f"token={user.token}", f"access_token={user.token}", f"Authorization=Bearer%20{user.token}"):
        answer = gatehouse.ask("GET", f"/v1/session?{query}")
        claims(f"a token in the address ({query.split('=')[0]}) is none", answer.status == 401, answer)
    answer = gatehouse.ask("GET", "/v1/sessions?limit=1&limit=2", None, user.token)
    claims("a parameter that stands twice is refused", answer.status == 400, answer)
    answer = gatehouse.ask("GET", "/v1/session", None, user.token, {"Cookie": f"__Host-gatehouse={user.token}"})
    claims("so are two credentials", answer.status == 400 and answer.json["code"] == "ambiguous_credentials", answer)


# ASVS: 2.2.1, 2.2.2, 15.3.3
def assignments(gatehouse, user, claims):
    email = "assigned@example.com"
    for field, value in (("plan", "pro"), ("status", "active"), ("role", "admin"), ("email_verified", True), ("id", "usr_aaaaaaaaaaaaaa"), ("used", 0)):
        made = gatehouse.ask("POST", "/v1/users", {"email": email, "password": PASSWORD, field: value})
        changed = gatehouse.ask("PATCH", "/v1/user", {field: value}, user.token)
        claims(f"nobody gives themselves {field}", made.status == changed.status == 422, (made, changed))


# ASVS: 1.4.2
def numbers(gatehouse, user, claims):
    work, wrong = gatehouse.key("work"), []
    from Harness import wire

    for number in NUMBERS:
        text = '{"user_id":"%s","metric":"video_analysis","amount":%s}' % (user.id, number)
        stream = wire.Stream(gatehouse.apis[0].port, 10)
        head = f"POST /v1/reservations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {work}\r\nContent-Type: application/json\r\n"
        stream.socket.sendall(f"{head}Idempotency-Key: n-{NUMBERS.index(number)}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        status = int(stream.line().split(b" ")[1])
        stream.socket.close()
        if status not in (400, 422, 429):
            wrong.append((number, status))
    claims("an amount that is no whole number in its range is 400 or 422, or more than is left", not wrong, wrong)
    claims("the process is the one that was started", gatehouse.apis[0].running)


# ASVS: 2.2.3
def together(gatehouse, user, claims):
    made = gatehouse.ask("POST", "/v1/analyses", {"filename": "a.mp4"}, user.token, {"Idempotency-Key": "together"})
    path, error = f"/v1/analyses/{made.json['analysis']['id']}", {"code": "x", "message": "y"}
    for report in ({"status": "completed"}, {"status": "running", "result": {}}, {"status": "failed", "error": error, "result": {}}):
        answer = gatehouse.ask("PATCH", path, report, gatehouse.key("work"))
        claims(f"a report that is {report['status']} with {len(report) - 1} more fields, wrong ones for it, is 422", answer.status == 422, answer)


# ASVS: 16.1.1, 16.2.1, 16.2.2, 16.2.3, 16.2.4, 16.3.1, 16.3.2, 16.3.3, 16.4.1
def log(gatehouse, claims):
    hostile = 'mia\r\n{"level":"critical","message":"forged"}\x1b[2J@example.com'
    for email in (hostile, "nobody@example.com"):
        gatehouse.ask("POST", "/v1/sessions", {"email": email, "password": PASSWORD}, None, {"User-Agent": 'x"\\ {"forged":1}', "X-Request-Id": "audit-1"})
    gatehouse.ask("POST", "/v1/gate", {"token": "x"}, "ghk_wrong", {"X-Request-Id": "audit-2"})
    gatehouse.ask("GET", "/v1/users?email=a@example.com", None, gatehouse.key("gate"), {"X-Request-Id": "audit-3"})
    cookie = {"Cookie": "__Host-gatehouse=gh_x", "Origin": "https://evil.example", "X-Request-Id": "audit-4"}
    gatehouse.ask("DELETE", "/v1/sessions", None, None, cookie)
    lines = pathlib.Path(gatehouse.apis[0].log).read_text().splitlines()
    events = []
    for line in lines:
        if line.startswith("{"):
            events.append(json.loads(line))
    forged = [event for event in events if "forged" in event or event.get("message") == "forged"]
    claims("no text of a caller begins a line of the log or names a field of it", not forged, forged)
    claims("no line holds a control character", not any(ord(c) < 32 or ord(c) == 127 for line in lines for c in line))
    refused = [event for event in events if event.get("request_id") == "audit-1"]
    claims("a login that failed is a line with time, level, request id, network and the account as a digest",
           refused and all({"at", "level", "message", "network", "account"} <= set(event) for event in refused), events[-5:])  # fmt: skip
    claims("without the address or the password", not any("nobody@example.com" in line or PASSWORD in line for line in lines))
    for number, what in ((2, "a key that is none of ours"), (3, "a scope that a key lacks"), (4, "a request of another site")):
        found = any(event.get("request_id") == f"audit-{number}" for event in events)
        claims(f"{what} is a line as well", found, events[-5:])
    claims("instants are UTC in RFC 3339", all(event["at"].endswith("Z") and "T" in event["at"] for event in events))
