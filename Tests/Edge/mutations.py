"""Lines of the shipped configurations that are taken away or spoiled, and the claims that must then fail.

A claim that nothing can break proves nothing.
"""

from proxies import Caddy, Envoy, Nginx


def without(line):
    """Takes the line away that holds `line`."""

    def edit(text):
        return "".join(kept for kept in text.splitlines(keepends=True) if line not in kept)

    return edit


def instead(old, new):
    return lambda text: text.replace(old, new)


MUTATIONS = (
    (Nginx, "the app's Gatehouse-Plan is not set", without("proxy_set_header Gatehouse-Plan"), ("allowed", "spoofed")),
    (Nginx, "underscores are let through", instead("  server {", "  underscores_in_headers on;\n  server {"), ("spoofed",)),
    (Nginx, "the client's method is not told", without("proxy_set_header X-Forwarded-Method"), ("cross_site",)),
    (Nginx, "the client's fields go along with the question", without("proxy_pass_request_headers"), ("instructions",)),
    (Nginx, "a 429 is not asked for as 403", without("proxy_set_header Gatehouse-Refuse   403"), ("kept_connections",)),
    (Nginx, "X-Forwarded-For is the client's", instead("$remote_addr;", "$http_x_forwarded_for;"), ("address",)),
    (Nginx, "every OPTIONS is a preflight", instead("~^OPTIONS .", "~^OPTIONS"), ("preflight",)),
    (Caddy, "nothing is stripped", without("request_header -Gatehouse*"), ("spoofed", "preflight", "instructions")),
    (Caddy, "the client's method is not told", without("header_up X-Forwarded-Method"), ("cross_site",)),
    (Caddy, "the question keeps the client's query", instead("/v1/auth/api?", "/v1/auth/api"), ("profile",)),
    (Caddy, "RateLimit is not passed on", without("header RateLimit "), ("standing",)),
    (Caddy, "the errors are Caddy's own", instead("not vars gate passed", "vars gate passed"), ("away",)),
    (Envoy, "nothing is stripped", without("remove_on_match"), ("spoofed", "preflight", "instructions")),
    (Envoy, "underscores are let through", without("headers_with_underscores_action"), ("spoofed",)),
    (Envoy, "the method is not declared the client's own", instead("value: own", "value: other"), ("cross_site",)),
    (Envoy, "the question keeps the client's path", instead("path_override: /v1/auth/api", "path_prefix: /v1/auth/api"), ("profile",)),
    (Envoy, "X-Forwarded-For of the client stays", without("remove: x-forwarded-for"), ("address",)),
    (Envoy, "Gatehouse away lets everyone in", instead("failure_mode_allow: false", "failure_mode_allow: true"), ("away",)),
)  # fmt: skip
