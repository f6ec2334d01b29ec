"""A client for Gatehouse: sessions, rate limits and daily allowances for app backends. One file, the standard library alone.

    from gatehouse import Gatehouse

    gatehouse = Gatehouse("http://127.0.0.1:8080", key="ghk_…")
    answer = gatehouse.gate(token, limits=["api"], reserve="video_analysis")
    if answer.allowed:
        ...                                   # answer.user.id, answer.reservation.id
        gatehouse.commit(answer.reservation.id)
    else:
        answer.raise_for_refusal()            # a typed error: answer.error.code, .status, .detail, .retry_after

`Gatehouse` may be shared by threads, `AsyncGatehouse` has the same methods as coroutines. `FastAPIGuard` and `FlaskGuard` gate a
route. Every failure is a `GatehouseError`; where no decision could be had it is `Unavailable`: refuse, and try again later.
Tokens and keys are in no `repr`, no message and no log of this module.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import functools
import hashlib
import http.client
import io
import ipaddress
import json
import logging
import os
import re
import socket
import ssl
import threading
import time
import typing
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from enum import Enum
from typing import Any, Awaitable, Callable, ClassVar, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Type, TypeVar, Union
from urllib.parse import quote, unquote, urlencode, urlsplit

if typing.TYPE_CHECKING:
    from typing_extensions import Concatenate, ParamSpec

    P = ParamSpec("P")

# The version of the service that the client belongs to.
__version__ = "1.0.0-dev"
__all__ = [
    "Gatehouse", "AsyncGatehouse", "FastAPIGuard", "FlaskGuard", "read_token", "read_forwarded", "Forwarded", "problem_response",
    "GatehouseError", "Unavailable", "InvalidAnswer", "Refused", "Unauthenticated", "LimitReached", "KeyRejected", "InvalidRequest",
    "NotFound", "Conflict", "Decision", "GateAnswer", "Limit", "Require", "Reserve", "Page",
]  # fmt: skip

COOKIE = "__Host-gatehouse"
_ANSWER_BYTES_MAX = 64 << 20
_IDLE_SECONDS_MAX = 30  # a kept connection older than this is not used again; Gatehouse closes at 75
_FORWARDED = ("RateLimit-Policy", "RateLimit", "Retry-After", "WWW-Authenticate")
_TOKEN = re.compile(r"gh_[A-Za-z0-9_-]{1,512}\Z")
_VISIBLE = re.compile(r"[\x21-\x7e]+\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_log = logging.getLogger("gatehouse")
T = TypeVar("T")

# ---------------------------------------------------------------------------------------------------------------- errors


class GatehouseError(Exception):
    """Gatehouse said no, or nothing. The attributes are those of its problem (RFC 9457).

    `code` is for programs (`rate_limited`), `detail` for people, `status` the HTTP status, `retry_after` seconds or None,
    `request_id` the name of the request in Gatehouse's log, `extras` what else the problem says (`resets_at`, `plans`, …),
    `headers` what to pass on to the user with it (`RateLimit`, `Retry-After`, `WWW-Authenticate`).
    """

    def __init__(self, problem: Mapping[str, Any], headers: Optional[Mapping[str, str]] = None):
        known = dict(problem)
        self.problem: Dict[str, Any] = dict(problem)
        self.code = str(known.pop("code", "unavailable"))
        status = known.pop("status", 503)
        self.status = status if isinstance(status, int) and 400 <= status <= 599 else 503
        self.title = str(known.pop("title", self.code))
        self.detail = str(known.pop("detail", self.title))
        self.type = str(known.pop("type", "about:blank"))
        request_id = known.pop("request_id", None)
        self.request_id: Optional[str] = None if request_id is None else str(request_id)
        self.extras: Dict[str, Any] = known
        given = {name.lower(): value for name, value in (headers or {}).items()}
        self.headers: Dict[str, str] = {name: given[name.lower()] for name in _FORWARDED if name.lower() in given}
        after = self.headers.get("Retry-After", "")
        self.retry_after: Optional[int] = int(after) if after.isdigit() and len(after) < 10 else None
        super().__init__(f"{self.code}: {self.detail} (status {self.status}, request {self.request_id})")

    @property
    def fields(self) -> List[Dict[str, Any]]:
        """Of `invalid_fields`: every wrong field with `field`, `pointer`, `code` and `message`."""
        errors = self.extras.get("errors")
        return [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else []


class Unavailable(GatehouseError):
    """No decision could be had: refuse, and try again after `retry_after` seconds. `outcome_unknown` is true when the request was
    sent and its answer lost, so that it may have had its effect: repeat it with the same `idempotency_key`."""

    outcome_unknown = False


class InvalidAnswer(Unavailable):
    """The answer is not one of Gatehouse: does `base_url` point elsewhere?"""


class Refused(GatehouseError):
    """The user may not: 401, 403 and 429, or whatever else a gate refused with. Pass it on."""


class Unauthenticated(Refused):
    """No valid session (`unauthenticated`), or the wrong email or password (`invalid_login`)."""


class LimitReached(Refused):
    """`rate_limited` or `allowance_exhausted`: again after `retry_after` seconds; None: waiting does not help."""


class KeyRejected(GatehouseError):
    """The service key is not valid (`invalid_key`) or lacks a scope (`scope_missing`): a matter of the backend, not of its user."""


class InvalidRequest(GatehouseError):
    """The request was not readable (400) or not right (422): see `fields`."""


class NotFound(GatehouseError):
    """There is no such thing, or it is another user's."""


class Conflict(GatehouseError):
    """The thing is not in the state for this (409), or spent (410)."""


def _error(problem: Mapping[str, Any], headers: Optional[Mapping[str, str]] = None) -> GatehouseError:
    """The error that a problem stands for."""
    code, status = problem.get("code"), problem.get("status")
    by_status: Dict[Any, Type[GatehouseError]] = {
        401: Unauthenticated, 403: Refused, 404: NotFound, 409: Conflict, 410: Conflict, 429: LimitReached,
    }  # fmt: skip
    if code in ("invalid_key", "scope_missing"):
        return KeyRejected(problem, headers)
    if code == "cost_exceeds_limit":
        return Refused(problem, headers)
    if not isinstance(status, int) or not 400 <= status <= 499:
        return Unavailable(problem, headers)
    return by_status.get(status, InvalidRequest)(problem, headers)


def _made(code: str, status: int, title: str, detail: str, headers: Optional[Mapping[str, str]] = None) -> GatehouseError:
    """A problem that Gatehouse would have answered, made here."""
    members = {"type": f"urn:gatehouse:problem:{code}", "title": title, "status": status, "code": code, "detail": detail}
    return _error({**members, "request_id": None}, headers)


def _away(detail: str, kind: Type[Unavailable] = Unavailable, outcome_unknown: bool = False) -> Unavailable:
    code = "invalid_answer" if kind is InvalidAnswer else "unavailable"
    members = {"type": f"urn:gatehouse:problem:{code}", "title": "The service is not available", "status": 503, "code": code}
    error = kind({**members, "detail": detail, "request_id": None}, {"Retry-After": "1"})
    error.outcome_unknown = outcome_unknown or kind is InvalidAnswer
    return error


def problem_response(error: GatehouseError) -> Tuple[int, Dict[str, str], bytes]:
    """Status, headers and body with which a backend passes `error` on to its user. A fault of the backend's own, such as a
    rejected key, becomes a 503 without details."""
    hidden = isinstance(error, (KeyRejected, Unavailable)) or error.status >= 500
    shown = _away("The gate can't decide now. Try again in a moment.") if hidden else error
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store", **shown.headers}
    if hidden:
        shown.problem["request_id"] = error.request_id
        headers["Retry-After"] = str(error.retry_after or 1)
    return shown.status, headers, json.dumps(shown.problem).encode()


# --------------------------------------------------------------------------------------------------------------- answers


class Decision(str, Enum):
    """The gate's decision. A word of a newer Gatehouse that is not among these is `UNKNOWN`, which refuses."""

    ALLOW = "allow"
    UNAUTHENTICATED = "unauthenticated"
    SUSPENDED = "suspended"
    REAUTHENTICATION_REQUIRED = "reauthentication_required"
    EMAIL_UNVERIFIED = "email_unverified"
    PLAN_REQUIRED = "plan_required"
    COST_EXCEEDS_LIMIT = "cost_exceeds_limit"
    RATE_LIMITED = "rate_limited"
    ALLOWANCE_EXHAUSTED = "allowance_exhausted"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> Decision:
        return cls.UNKNOWN


class _Record:
    """An answer. `raw` is all of its JSON, also members that this version of the client doesn't know."""

    raw: ClassVar[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class User(_Record):
    id: str
    external_id: Optional[str]
    email: str
    email_verified: bool
    pending_email: Optional[str]
    name: Optional[str]
    time_zone: str
    plan: str
    plan_ends_at: Optional[datetime]
    status: str
    created_at: datetime


@dataclass(frozen=True)
class Mail(_Record):
    """The mail to send to `to`, the stored address. The token exists nowhere else."""

    to: str
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True)
class Event(_Record):
    """Something that happened to a user, such as `user.deleted`; `external_id` is the app's own id as it was then."""

    id: str
    type: str
    occurred_at: datetime
    user_id: str
    external_id: Optional[str]
    data: Dict[str, Any]


@dataclass(frozen=True)
class Session(_Record):
    """One device's login. `session_class` is `web`, `remember` or `mobile`."""

    id: str
    session_class: str = field(metadata={"key": "class"})
    transport: str
    current: bool
    device: Optional[str]
    user_agent: Optional[str]
    ip: Optional[str]
    created_at: datetime
    last_seen_at: datetime
    authenticated_at: datetime
    idle_expires_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class CurrentSession(_Record):
    session: Session
    user: User


@dataclass(frozen=True)
class Renewed(_Record):
    """A session with a new `token`; with transport `cookie` it is None, and `set_cookie` is the header to pass on."""

    token: Optional[str] = field(repr=False)
    session: Session
    set_cookie: Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class Login(_Record):
    """A new session; `token` and `set_cookie` as in `Renewed`. `sessions_ended` others ended because of the plan's cap."""

    token: Optional[str] = field(repr=False)
    session: Session
    user: User
    sessions_ended: int
    set_cookie: Optional[str] = field(default=None, repr=False)


@dataclass(frozen=True)
class Allowance(_Record):
    """Where a user stands with a metric; `limit` and `remaining` are None where the plan sets no bound."""

    metric: str
    limit: Optional[int]
    used: int
    held: int
    remaining: Optional[int]
    resets_at: datetime
    bonus: int = 0


@dataclass(frozen=True)
class Standing(_Record):
    """Where a user or an address stands with a policy."""

    policy: str
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int
    exceeded: bool
    shadow: bool


@dataclass(frozen=True)
class GateUser(_Record):
    id: str
    external_id: Optional[str]
    plan: str
    status: str
    email_verified: bool


@dataclass(frozen=True)
class GateSession(_Record):
    id: str
    session_class: str = field(metadata={"key": "class"})
    authenticated_at: datetime
    idle_expires_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class GateReservation(_Record):
    id: str
    metric: str
    amount: int
    status: str
    lease_expires_at: Optional[datetime]


@dataclass(frozen=True)
class GateAnswer(_Record):
    """The gate's decision. It is true in a condition only when it is `allowed`; `headers` are to be passed on either way.

    `token` is the session token that was asked about, for calls that act for the user (`rotate`, `log_out`, `usage`, …). `set_cookie`
    and `clear_cookie` are values of a `Set-Cookie` header for the app's own answers.
    """

    decision: Decision
    allowed: bool = False
    source: str = "unknown"
    retry_after_seconds: Optional[int] = None
    user: Optional[GateUser] = None
    session: Optional[GateSession] = None
    limits: List[Standing] = field(default_factory=list)
    allowances: List[Allowance] = field(default_factory=list)
    reservation: Optional[GateReservation] = None
    headers: Dict[str, Any] = field(default_factory=dict)
    problem: Optional[Dict[str, Any]] = None
    token: Optional[str] = field(default=None, repr=False, compare=False, metadata={"ours": True})

    def __post_init__(self) -> None:
        certain = self.allowed is True and self.decision is Decision.ALLOW and self.user is not None and self.problem is None
        object.__setattr__(self, "allowed", certain)
        object.__setattr__(self, "headers", {str(name): str(value) for name, value in self.headers.items()})

    def __bool__(self) -> bool:
        return self.allowed

    @property
    def set_cookie(self) -> Optional[str]:
        """Keeps the session in the browser's cookie, as a login with transport `cookie` does; None unless allowed."""
        if not self.allowed or self.token is None:
            return None
        age = None
        if self.session is not None and self.session.session_class == "remember":
            age = max(0, int((self.session.expires_at - datetime.now(timezone.utc)).total_seconds()))
        return _cookie(self.token, age)

    @property
    def clear_cookie(self) -> str:
        """Takes the cookie away, after the session has ended."""
        return _cookie("", 0)

    @property
    def error(self) -> Optional[GatehouseError]:
        """The refusal as an error, None when allowed."""
        if self.allowed:
            return None
        if self.problem is not None and self.decision is not Decision.ALLOW:
            return _error(self.problem, self.headers)
        return _made("refused", 403, "Refused", f"The gate decided {self.raw.get('decision')!r}.", self.headers)

    def raise_for_refusal(self) -> GateAnswer:
        """Raises `error` if there is one."""
        if error := self.error:
            raise error
        return self


@dataclass(frozen=True)
class LimitAnswer(_Record):
    """The answer of `check_limit`; true in a condition only when it is `allowed`."""

    allowed: bool
    policy: str
    limit: int
    window_seconds: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: Optional[int]

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Analysis(_Record):
    """A metered job. `status`: pending, running, completed, failed, expired or cancelled."""

    id: str
    user_id: str
    status: str
    filename: Optional[str]
    metadata: Dict[str, Any]
    metric: str
    amount: int
    reservation_id: str
    lease_expires_at: Optional[datetime]
    result: Any
    error: Optional[Dict[str, Any]]
    created_at: datetime
    finished_at: Optional[datetime]


@dataclass(frozen=True)
class AnalysisAnswer(_Record):
    analysis: Analysis
    allowance: Allowance


@dataclass(frozen=True)
class Reservation(_Record):
    """Units held for a job. `status`: held, committed, released or expired."""

    id: str
    user_id: str
    metric: str
    amount: int
    committed: int
    status: str
    period_starts_at: datetime
    lease_expires_at: Optional[datetime]
    created_at: datetime
    finished_at: Optional[datetime]


@dataclass(frozen=True)
class ReservationAnswer(_Record):
    reservation: Reservation
    allowance: Allowance


@dataclass(frozen=True)
class Usage(_Record):
    plan: str
    time_zone: str
    period: Dict[str, Any]
    data: List[Allowance]


@dataclass(frozen=True)
class UsageDay(_Record):
    date: str
    used: int
    limit: Optional[int]


@dataclass(frozen=True)
class UsageHistory(_Record):
    metric: str
    time_zone: str
    data: List[UsageDay]


@dataclass(frozen=True)
class UsageEvent(_Record):
    id: str
    action: str
    metric: Optional[str]
    amount: Optional[int]
    occurred_at: datetime
    metadata: Dict[str, Any]


@dataclass(frozen=True)
class Readiness(_Record):
    """`status`: ready, degraded (`redis` says what is wrong there, all is served), starting, draining or down (the ledger takes no writes)."""

    status: str
    redis: str
    ledger: str


@dataclass(frozen=True)
class Page(_Record, typing.Generic[T]):
    """One page of a list; pass `next_cursor` on to get the next, None is the end."""

    data: List[T]
    next_cursor: Optional[str]


def _raw(record: T, value: Mapping[str, Any]) -> T:
    object.__setattr__(record, "raw", value)
    return record


@functools.cache
def _shape(kind: type) -> List[Tuple[str, str, Any, bool]]:
    hints = typing.get_type_hints(kind)
    return [
        (item.name, item.metadata.get("key", item.name), hints[item.name],
         item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING)
        for item in dataclasses.fields(kind)
        if not item.metadata.get("ours")  # not a member of the answer
    ]  # fmt: skip


def _read(kind: Any, value: Any, place: str) -> Any:
    """`value` as a `kind`. Unknown members stay in `raw`; what is missing or of another type is an `InvalidAnswer`."""
    if kind is Any:
        return value
    if typing.get_origin(kind) is Union:
        return None if value is None else _read(typing.get_args(kind)[0], value, place)
    if typing.get_origin(kind) is list and isinstance(value, list):
        return [_read(typing.get_args(kind)[0], item, place) for item in value]
    if typing.get_origin(kind) is dict and isinstance(value, dict):
        return value
    if kind is Decision:
        return Decision(value) if isinstance(value, str) else Decision.UNKNOWN
    if kind is datetime and isinstance(value, str):
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            pass
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        taken = {}
        for name, key, wanted, required in _shape(typing.cast(type, kind)):
            if key in value:
                taken[name] = _read(wanted, value[key], f"{place}.{key}")
            elif required:
                raise _away(f"The answer lacks {place}.{key}.", InvalidAnswer)
        return _raw(typing.cast(type, kind)(**taken), value)
    if kind in (str, int, bool) and type(value) is kind:
        return value
    raise _away(f"{place} of the answer is not of its type.", InvalidAnswer)


# -------------------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True)
class Limit:
    """Units of a policy that a call costs."""

    policy: str
    cost: int = 1


@dataclass(frozen=True)
class Require:
    """Requirements on a session beyond being valid."""

    plan: Optional[str] = None
    authenticated_within_seconds: Optional[int] = None
    email_verified: bool = False


@dataclass(frozen=True)
class Reserve:
    """Units of a metric to hold until they are committed or released. The same `idempotency_key` gives the same reservation of the
    same user. `Gatehouse.reserve` takes keys of its own, which all users of a service key share."""

    metric: str
    amount: int = 1
    idempotency_key: Optional[str] = None
    lease_seconds: Optional[int] = None


Limits = Sequence[Union[str, Tuple[str, int], Limit]]
_UNSET: Any = type("Unset", (), {"__repr__": lambda _: "<unchanged>"})()


def _without_none(**members: Any) -> Dict[str, Any]:
    return {name.rstrip("_"): value for name, value in members.items() if value is not None}


def _text(name: str, value: Any) -> str:
    """`value`, a text. A ValueError that names the argument for anything else: it says what to change where a TypeError of ours would not."""
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text, not {type(value).__name__}.")
    return value


def _instant(value: Union[datetime, date, str, None]) -> Optional[str]:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("Give an instant with a time zone, such as datetime.now(timezone.utc).")
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return value.isoformat() if isinstance(value, date) else value


def _cookie(token: str, seconds: Optional[int]) -> str:
    age = "" if seconds is None else f"; Max-Age={seconds}"
    return f"{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax{age}"


def _limits(limits: Limits) -> List[Limit]:
    """Each of `limits` as a `Limit`. A ValueError if it is not a list: a text would be read letter by letter."""
    if isinstance(limits, (str, bytes, Mapping, Limit)) or not isinstance(limits, Iterable):
        raise ValueError(f'limits is a list such as ["api", ("upload", 3)], not {type(limits).__name__}.')
    each = []
    for item in limits:
        if isinstance(item, tuple) and len(item) == 2:
            item = Limit(*item)
        limit = Limit(item) if isinstance(item, str) else item
        if not isinstance(limit, Limit) or not isinstance(limit.policy, str) or type(limit.cost) is not int:
            raise ValueError(f'each of limits is a policy, ("policy", cost) or Limit, not {item!r}.')
        each.append(limit)
    return each


def _reserve(reserve: Union[Reserve, str]) -> Reserve:
    held = Reserve(reserve) if isinstance(reserve, str) else reserve
    if not isinstance(held, Reserve):
        raise ValueError(f"reserve is a metric or a Reserve, not {type(reserve).__name__}.")
    return held


def _questions(questions: Any) -> List[Dict[str, Any]]:
    """The bodies of a batch. A ValueError names the first that is no question."""
    if isinstance(questions, (str, bytes, Mapping)) or not isinstance(questions, Iterable):
        raise ValueError(f"questions is a list of tokens or mappings, not {type(questions).__name__}.")
    bodies = []
    for item in questions:
        if isinstance(item, str):
            item = {"token": item}
        if not isinstance(item, Mapping) or "token" not in item:
            raise ValueError(f"each of questions is a token or a mapping with one, not {type(item).__name__}.")
        if unknown := [str(name) for name in item if name not in _QUESTION_NAMES]:
            raise ValueError(f"a question has {', '.join(_QUESTION_NAMES)}, and no {unknown[0]}.")
        bodies.append(_question(**item))
    return bodies


_QUESTION_NAMES = ("token", "limits", "require", "client_ip", "user_agent", "peek")


def _question(
    token: str, limits: Optional[Limits] = None, require: Optional[Require] = None, reserve: Union[Reserve, str, None] = None,
    client_ip: Optional[str] = None, user_agent: Optional[str] = None, peek: bool = False,
) -> Dict[str, Any]:  # fmt: skip
    agent = None if user_agent is None else _text("user_agent", user_agent)[:1024]
    body = _without_none(token=_text("token", token), client_ip=client_ip, user_agent=agent or None)
    if limits is not None:
        body["limits"] = [dataclasses.asdict(item) for item in _limits(limits)]
    if require is not None:
        if not isinstance(require, Require):
            raise ValueError(f'require is a Require such as Require(plan="pro"), not {type(require).__name__}.')
        body["require"] = dataclasses.asdict(require)
    if reserve is not None:
        held = _reserve(reserve)
        key = held.idempotency_key or str(uuid.uuid4())
        body["reserve"] = _without_none(metric=held.metric, amount=held.amount, idempotency_key=key, lease_seconds=held.lease_seconds)
    if peek:
        body["peek"] = True
    return body


# ----------------------------------------------------------------------------------------------------------- connections


class _Reader(io.RawIOBase):
    """The reading side of a connection's socket: no answer, however slow, is waited for past the connection's deadline."""

    def __init__(self, raw: Any, sock: socket.socket, connection: _Connection):
        self._raw, self._socket, self._connection = raw, sock, connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._socket.settimeout(self._connection.seconds_left())
        count = self._raw.readinto(buffer) or 0
        self._connection.received += count
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *, connection: _Connection, **more: Any):
        super().__init__(sock, **more)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock, connection))


class _Connection(http.client.HTTPConnection):
    """One kept connection, to a host or to a Unix socket, used by one call at a time."""

    def __init__(self, address: _Address):
        super().__init__(address.host, address.port)
        self.address, self.deadline, self.received, self.used_at, self.uses = address, 0.0, 0, 0.0, 0
        self.response_class = functools.partial(_Response, connection=self)  # type: ignore[assignment]

    def seconds_left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("no whole answer in time")
        return left

    def connect(self) -> None:
        patience = min(self.seconds_left(), self.address.connect_timeout)
        if self.address.path is not None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(patience)
            self.sock.connect(self.address.path)
            return
        self.sock = socket.create_connection((self.address.host, self.address.port), patience)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.address.tls is not None:
            self.sock = self.address.tls.wrap_socket(self.sock, server_hostname=self.address.host)

    def is_alive(self) -> bool:
        """Whether the other side has neither closed nor said anything that nobody asked for."""
        if self.sock is None or time.monotonic() - self.used_at > _IDLE_SECONDS_MAX:
            return False
        if isinstance(self.sock, ssl.SSLSocket):
            return True
        try:
            self.sock.settimeout(0)
            self.sock.recv(1, socket.MSG_PEEK)
            return False
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False


class _Address:
    def __init__(self, base_url: str, connect_timeout: float):
        self.connect_timeout = connect_timeout
        self.path: Optional[str] = None
        self.tls: Optional[ssl.SSLContext] = None
        self.prefix = ""
        parts = urlsplit(base_url)
        if parts.scheme == "unix":
            self.path, self.host, self.port = unquote(parts.path), "gatehouse", 80
        elif parts.scheme in ("http", "https") and parts.hostname and not parts.query and "@" not in parts.netloc:
            self.host, self.port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
            self.tls = ssl.create_default_context() if parts.scheme == "https" else None
            self.prefix = parts.path.rstrip("/")
        else:
            raise ValueError("base_url must be like http://127.0.0.1:8080 or unix:/run/gatehouse.sock.")


class _Pool:
    """At most `size` connections at once; those that rest are kept for the next call. Nothing is shared with a forked process."""

    def __init__(self, address: _Address, size: int):
        self._address, self._size = address, size
        self._start()

    def _start(self) -> None:
        self._process, self._lock, self._slots = os.getpid(), threading.Lock(), threading.BoundedSemaphore(self._size)
        self._idle: List[_Connection] = []

    def take(self, deadline: float, fresh: bool) -> _Connection:
        if self._process != os.getpid():
            self._start()
        if not self._slots.acquire(timeout=max(0, deadline - time.monotonic())):
            raise _away(f"All {self._size} connections to Gatehouse were busy for too long.")
        connection = None
        while connection is None:
            with self._lock:
                connection = self._idle.pop() if self._idle and not fresh else _Connection(self._address)
            if connection.uses and not connection.is_alive():
                connection.close()
                connection = None
        connection.deadline, connection.received = deadline, 0
        return connection

    def give(self, connection: _Connection, keep: bool) -> None:
        if keep:
            connection.used_at, connection.uses = time.monotonic(), connection.uses + 1
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()
        self._slots.release()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


@dataclass(frozen=True)
class Answer:
    """The result of a call: `status`, `headers` by lower-case name, `json` ({} without a body)."""

    status: int
    headers: Dict[str, str] = field(repr=False)
    json: Any = field(repr=False)


# ---------------------------------------------------------------------------------------------------------------- client


class Gatehouse:
    """A Gatehouse at `base_url`: `http://127.0.0.1:8080`, `https://…` or `unix:/path/to.sock`. Share one among all threads.

    `key` is a service key with the scopes of what you call: `gate`, `work`, `accounts`. A call takes at most `timeout` seconds in all,
    `connect_timeout` of them to connect; at most `connections` calls run at once. A call that is safe to repeat (it only reads, or has
    an idempotency key) is sent a second time when a kept connection turns out to have been closed before anything was answered.
    """

    def __init__(
        self, base_url: str = "http://127.0.0.1:8080", key: Optional[str] = None, *, timeout: float = 5.0, connect_timeout: float = 1.0,
        connections: int = 32,
    ):  # fmt: skip
        if key is not None and not _VISIBLE.match(_text("key", key)):
            raise ValueError("The service key has characters that no key has: is a line end in it?")
        self.base_url, self.timeout, self.connections = base_url, timeout, connections
        self._key = key
        self._address = _Address(base_url, connect_timeout)
        self._pool = _Pool(self._address, connections)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r}, key={'ghk_…' if self._key else None!r})"

    def __enter__(self) -> Gatehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections that rest."""
        self._pool.close()

    # The gate: scope `gate`

    def gate(
        self, token: str, *, limits: Optional[Limits] = None, require: Optional[Require] = None, reserve: Union[Reserve, str, None] = None,
        client_ip: Optional[str] = None, user_agent: Optional[str] = None, peek: bool = False, request_id: Optional[str] = None,
    ) -> GateAnswer:  # fmt: skip
        """Tells who the token's user is, whether they may call now, and whether they may use this feature today. `limits` such as
        `["api", ("upload", 3)]` (default: one unit of `api`), `reserve` a metric or a `Reserve`; with `peek` nothing is spent.
        A refusal is an answer, not an exception."""
        body = _question(token, limits, require, reserve, client_ip, user_agent, peek)
        if not _TOKEN.match(token):
            refusal = _no_session(token)
            return GateAnswer(Decision.UNAUTHENTICATED, headers=refusal.headers, problem=refusal.problem)
        answer = self._call("POST", "/v1/gate", body, repeatable=peek or reserve is not None, request_id=request_id)
        return _asked(self._as(GateAnswer, answer), token)

    def gate_batch(self, questions: Sequence[Union[str, Mapping[str, Any]]]) -> List[GateAnswer]:
        """Up to 1,000 decisions in the order of `questions`: tokens, or mappings with the arguments of `gate` (without `reserve`).
        One that could not be decided is not allowed, and its `error` says why."""
        bodies = _questions(questions)
        peeks = all(body.get("peek") for body in bodies)
        results = self._call("POST", "/v1/gate/batch", {"requests": bodies}, repeatable=peeks).json.get("results")
        if not isinstance(results, list) or len(results) != len(bodies) or not all(isinstance(item, dict) for item in results):
            raise _away("The answer to a batch has another number of results than questions.", InvalidAnswer)
        answers = [_read(GateAnswer, {"decision": "unknown", **item}, "results") for item in results]
        return [_asked(answer, body["token"]) for answer, body in zip(answers, bodies)]

    def check_limit(self, policy: str, subject: str, *, cost: int = 1, peek: bool = False) -> LimitAnswer:
        """Counts `cost` units of a policy for any subject, such as `org:42`."""
        body = {"subject": subject, "cost": cost, "peek": peek}
        return self._as(LimitAnswer, self._call("POST", f"/v1/limits/{_segment(policy)}/check", body, repeatable=peek))

    # Accounts: scope `accounts`

    def sign_up(
        self, email: str, password: str, *, name: Optional[str] = None, time_zone: Optional[str] = None, external_id: Optional[str] = None,
        client_ip: Optional[str] = None, user_agent: Optional[str] = None,
    ) -> User:  # fmt: skip
        """A new user. `Conflict` (`email_taken`), `InvalidRequest` with its `fields` (`password_common`). Needs a key where
        `signup.enumeration` is `hide`: without one the answer says nothing of the account."""
        body = _without_none(email=email, password=password, name=name, time_zone=time_zone, external_id=external_id)
        return self._as(User, self._call("POST", "/v1/users", body, headers=_on_behalf(client_ip, user_agent)))

    def log_in(
        self, email: str, password: str, *, session_class: str = "web", transport: str = "bearer", device: Optional[str] = None,
        client_ip: Optional[str] = None, user_agent: Optional[str] = None,
    ) -> Login:  # fmt: skip
        """A new session. Give the user's `client_ip`, else all your users share one address's login limit. With `transport="cookie"`
        pass `set_cookie` on as the header Set-Cookie. `Unauthenticated` (`invalid_login`), `LimitReached`."""
        body = _without_none(email=email, password=password, class_=session_class, transport=transport, device=device)
        answer = self._call("POST", "/v1/sessions", body, headers=_on_behalf(client_ip, user_agent))
        return self._with_cookie(Login, answer)

    def user(self, user_id: str) -> User:
        """The user with this id, or `NotFound`."""
        return self._as(User, self._call("GET", f"/v1/users/{_segment(user_id)}"))

    def find_user(self, *, email: Optional[str] = None, external_id: Optional[str] = None) -> Optional[User]:
        """The user with this email or with the app's own id, or None."""
        query = _without_none(email=email, external_id=external_id)
        found = self._page(User, self._call("GET", "/v1/users", query=query)).data
        return found[0] if found else None

    def set_external_id(self, user_id: str, external_id: Optional[str]) -> User:
        """Gives the user the app's own id. `Conflict` (`external_id_taken`)."""
        return self._as(User, self._call("PATCH", f"/v1/users/{_segment(user_id)}", {"external_id": external_id}))

    def set_plan(self, user_id: str, plan: str, *, ends_at: Union[datetime, str, None] = None, reason: Optional[str] = None) -> User:
        """Moves the user to a plan, until `ends_at` or without end. True on the next request everywhere."""
        body = {"plan": plan, "plan_ends_at": _instant(ends_at), **_without_none(reason=reason)}
        return self._as(User, self._call("PUT", f"/v1/users/{_segment(user_id)}/plan", body))

    def user_sessions(self, user_id: str, *, limit: Optional[int] = None, cursor: Optional[str] = None) -> Page[Session]:
        """The user's devices, the last seen first; none is marked as the current one."""
        query = _without_none(limit=limit, cursor=cursor)
        return self._page(Session, self._call("GET", f"/v1/users/{_segment(user_id)}/sessions", query=query))

    def end_user_sessions(self, user_id: str, *, reason: Optional[str] = None) -> int:
        """Ends all of the user's sessions, on every process; how many ended."""
        answer = self._call("DELETE", f"/v1/users/{_segment(user_id)}/sessions", _without_none(reason=reason) or None)
        return int(_read(int, answer.json.get("ended"), "ended"))

    def end_user_session(self, user_id: str, session_id: str) -> None:
        """Ends one of the user's sessions, or `NotFound`."""
        self._call("DELETE", f"/v1/users/{_segment(user_id)}/sessions/{_segment(session_id)}")

    def user_usage(self, user_id: str) -> Usage:
        """The user's standing with every metric today."""
        return self._as(Usage, self._call("GET", f"/v1/users/{_segment(user_id)}/usage"))

    def suspend_user(self, user_id: str, reason: str) -> User:
        """Refuses every use of the user's sessions, from the next request on."""
        return self._as(User, self._call("POST", f"/v1/users/{_segment(user_id)}/suspension", {"reason": reason}))

    def lift_suspension(self, user_id: str, *, reason: Optional[str] = None) -> User:
        """Lets a suspended user log in again; their sessions have ended."""
        body = _without_none(reason=reason) or None
        return self._as(User, self._call("DELETE", f"/v1/users/{_segment(user_id)}/suspension", body))

    def delete_user(self, user_id: str, *, reason: Optional[str] = None) -> None:
        """Deletes the user and all that belongs to them."""
        self._call("DELETE", f"/v1/users/{_segment(user_id)}", _without_none(reason=reason) or None)

    def request_verification(self, user_id: str) -> Optional[Mail]:
        """The mail that verifies the user's pending address, else the present one; None when there is nothing to verify, and for a
        suspended user. `LimitReached` beyond policy `mail_account`: three an hour by default."""
        return self._mail(self._call("POST", "/v1/email-verifications", {"user_id": user_id}))

    def complete_verification(self, token: str, *, client_ip: Optional[str] = None) -> User:
        """The address is verified, and the present one if it was pending. `Conflict` (`token_spent`, `email_taken`)."""
        headers = _on_behalf(client_ip, None)
        return self._as(User, self._call("POST", "/v1/email-verifications/complete", {"token": token}, headers=headers))

    def request_reset(self, email: str, *, client_ip: Optional[str] = None) -> Optional[Mail]:
        """The mail for a user who forgot the password; None for an address without an active account, which nobody must be told.
        `LimitReached` beyond policy `mail_account`: three an hour by default."""
        return self._mail(self._call("POST", "/v1/password-resets", {"email": email}, headers=_on_behalf(client_ip, None)))

    def complete_reset(self, token: str, password: str, *, client_ip: Optional[str] = None) -> User:
        """The password is set and every session ended. `Conflict` (`token_spent`); `InvalidRequest` leaves the token good."""
        body = {"token": token, "password": password}
        return self._as(User, self._call("POST", "/v1/password-resets/complete", body, headers=_on_behalf(client_ip, None)))

    def events(self, *, limit: Optional[int] = None, cursor: Optional[str] = None) -> Page[Event]:
        """The events of all users, the oldest first. `next_cursor` is never None: keep it, and go on there."""
        return self._page(Event, self._call("GET", "/v1/events", query=_without_none(limit=limit, cursor=cursor)))

    # On behalf of a session: its token

    def session(self, token: str) -> CurrentSession:
        """The session of the token, with its user. Costs one unit of policy `api`, as all calls with a token do, but for reads by
        a client whose key has scope `accounts`. `Unauthenticated` when it has ended."""
        return self._as(CurrentSession, self._token_call(token, "GET", "/v1/session"))

    def log_out(self, token: str) -> None:
        """Ends the session, at once and everywhere; also when it has ended already."""
        self._token_call(token, "DELETE", "/v1/session")

    def rotate(self, token: str) -> Renewed:
        """A new token for the session. The old one stays valid until the new one is first used, then 30 s."""
        return self._renewed(self._token_call(token, "POST", "/v1/session/rotate"))

    def reauthenticate(
        self, token: str, password: str, *, client_ip: Optional[str] = None, user_agent: Optional[str] = None
    ) -> Renewed:  # fmt: skip
        """Checks the password again, for calls that need a recent one. Gives a new token: only with that token the password counts as
        recent. Give the user's `client_ip`, as to `log_in`."""
        headers = _on_behalf(client_ip, user_agent)
        return self._renewed(self._token_call(token, "POST", "/v1/session/reauthenticate", {"password": password}, headers=headers))

    def sessions(self, token: str, *, limit: Optional[int] = None, cursor: Optional[str] = None) -> Page[Session]:
        """The user's devices, the current one first."""
        query = _without_none(limit=limit, cursor=cursor)
        return self._page(Session, self._token_call(token, "GET", "/v1/sessions", query=query))

    def end_session(self, token: str, session_id: str) -> None:
        """Ends one of the user's sessions. Another than the caller's own needs a password of the last 15 minutes, else `Refused`
        (`reauthentication_required`)."""
        self._token_call(token, "DELETE", f"/v1/sessions/{_segment(session_id)}")

    def end_sessions(self, token: str, *, include_current: bool = False) -> int:
        """Ends the user's other sessions, which needs a recent password as `end_session` does, or all, which does not; how many."""
        query = {"include_current": "true"} if include_current else {}
        return int(_read(int, self._token_call(token, "DELETE", "/v1/sessions", query=query).json.get("ended"), "ended"))

    def account(self, token: str) -> User:
        """The session's user."""
        return self._as(User, self._token_call(token, "GET", "/v1/user"))

    def change_account(
        self, token: str, *, name: Optional[str] = _UNSET, time_zone: Optional[str] = None, email: Optional[str] = None,
        pending_email: None = _UNSET,
    ) -> User:  # fmt: skip
        """Changes what is given. `email` waits as `pending_email` until it is verified, which another account's address never is, and
        needs a password of the last 5 minutes; `pending_email=None` drops the one that waits. `LimitReached` beyond policy `email_change`:
        ten an hour by default."""
        body = _without_none(time_zone=time_zone, email=email)
        for member, value in (("name", name), ("pending_email", pending_email)):
            if value is not _UNSET:
                body[member] = value
        return self._as(User, self._token_call(token, "PATCH", "/v1/user", body))

    def change_password(
        self, token: str, current_password: str, new_password: str, *, client_ip: Optional[str] = None, user_agent: Optional[str] = None
    ) -> Renewed:  # fmt: skip
        """Ends all other sessions and gives this one a new token. Give the user's `client_ip`, as to `log_in`."""
        body = {"current_password": current_password, "new_password": new_password}
        return self._renewed(self._token_call(token, "PUT", "/v1/user/password", body, headers=_on_behalf(client_ip, user_agent)))

    def delete_account(self, token: str) -> None:
        """Deletes the user and all that belongs to them. Needs a password of the last 5 minutes."""
        self._token_call(token, "DELETE", "/v1/user")

    def export_account(self, token: str) -> Dict[str, Any]:
        """All that is stored of the user, as plain JSON. Needs a password of the last 5 minutes."""
        return typing.cast(Dict[str, Any], self._token_call(token, "GET", "/v1/user/export").json)

    def usage(self, token: str) -> Usage:
        """Today's standing with every metric."""
        return self._as(Usage, self._token_call(token, "GET", "/v1/usage"))

    def usage_history(self, token: str, start: Union[date, str], end: Union[date, str], *, metric: Optional[str] = None) -> UsageHistory:
        """A row a day of the user's zone, `end` exclusive, at most 400 days."""
        query = _without_none(metric=metric, from_=_instant(start), to=_instant(end))
        return self._as(UsageHistory, self._token_call(token, "GET", "/v1/usage/history", query=query))

    def usage_events(
        self, token: str, *, start: Union[datetime, str, None] = None, end: Union[datetime, str, None] = None,
        limit: Optional[int] = None, cursor: Optional[str] = None,
    ) -> Page[UsageEvent]:  # fmt: skip
        """The user's usage events, newest first."""
        query = _without_none(from_=_instant(start), to=_instant(end), limit=limit, cursor=cursor)
        return self._page(UsageEvent, self._token_call(token, "GET", "/v1/usage/events", query=query))

    # Metered work: scope `work`. Without an idempotency key a fresh one is made for the call.

    def start_analysis(
        self, *, user_id: Optional[str] = None, token: Optional[str] = None, idempotency_key: Optional[str] = None,
        filename: Optional[str] = None, metadata: Optional[Mapping[str, Any]] = None, lease_seconds: Optional[int] = None,
        reservation_id: Optional[str] = None,
    ) -> AnalysisAnswer:  # fmt: skip
        """A new analysis of a user, or of a session by its token. It takes the reservation that the gate made, else reserves one
        `video_analysis`: `LimitReached` (`allowance_exhausted`)."""
        body = _without_none(user_id=user_id, filename=filename, metadata=metadata, lease_seconds=lease_seconds, reservation_id=reservation_id)
        return self._as(AnalysisAnswer, self._call("POST", "/v1/analyses", body, bearer=token, idempotency_key=_key(idempotency_key)))

    def report_running(self, analysis_id: str, *, lease_seconds: Optional[int] = None) -> AnalysisAnswer:
        """Renews the lease of a job that still runs. Without a renewal until the lease ends, its unit returns by itself."""
        return self._report(analysis_id, _without_none(status="running", lease_seconds=lease_seconds))

    def report_completed(self, analysis_id: str, result: Any, *, rereserve: bool = False) -> AnalysisAnswer:
        """The job is done: keeps `result` and commits its unit. `Conflict` (`reservation_expired`) after its lease, unless a unit can be
        taken again with `rereserve`."""
        return self._report(analysis_id, _without_none(status="completed", result=result, rereserve=rereserve or None))

    def report_failed(self, analysis_id: str, code: str, message: str) -> AnalysisAnswer:
        """The job failed: its unit returns to the user."""
        return self._report(analysis_id, {"status": "failed", "error": {"code": code, "message": message}})

    def analysis(self, analysis_id: str, *, token: Optional[str] = None) -> Analysis:
        """One analysis; with a token only one of its user's."""
        return self._as(Analysis, self._call("GET", f"/v1/analyses/{_segment(analysis_id)}", bearer=token))

    def analyses(
        self, *, user_id: Optional[str] = None, token: Optional[str] = None, status: Optional[str] = None,
        start: Union[datetime, str, None] = None, end: Union[datetime, str, None] = None, include_result: bool = False,
        limit: Optional[int] = None, cursor: Optional[str] = None,
    ) -> Page[Analysis]:  # fmt: skip
        """A user's analyses, newest first, created in [start, end); with `result` only on request."""
        query = _without_none(
            user_id=user_id, status=status, from_=_instant(start), to=_instant(end), include="result" if include_result else None,
            limit=limit, cursor=cursor)  # fmt: skip
        return self._page(Analysis, self._call("GET", "/v1/analyses", query=query, bearer=token))

    def delete_analysis(self, analysis_id: str, *, token: Optional[str] = None) -> None:
        """An open analysis is cancelled and its unit returns, a finished one is deleted."""
        self._call("DELETE", f"/v1/analyses/{_segment(analysis_id)}", bearer=token)

    def reserve(
        self, user_id: str, metric: str, *, amount: int = 1, idempotency_key: Optional[str] = None, lease_seconds: Optional[int] = None,
        commit: bool = False,
    ) -> ReservationAnswer:  # fmt: skip
        """Holds units until they are committed or released; with `commit` they are used at once. `LimitReached`."""
        body = _without_none(user_id=user_id, metric=metric, amount=amount, lease_seconds=lease_seconds, commit=commit or None)
        return self._as(ReservationAnswer, self._call("POST", "/v1/reservations", body, idempotency_key=_key(idempotency_key)))

    def commit(self, reservation_id: str, amount: Optional[int] = None) -> ReservationAnswer:
        """The units are used: all, or `amount` of them and the rest returns."""
        return self._reservation(reservation_id, "commit", _without_none(amount=amount))

    def release(self, reservation_id: str) -> ReservationAnswer:
        """The units return to the user."""
        return self._reservation(reservation_id, "release", {})

    def extend(self, reservation_id: str, lease_seconds: int) -> ReservationAnswer:
        """The units stay held for so long from now."""
        return self._reservation(reservation_id, "extend", {"lease_seconds": lease_seconds})

    def record_events(self, events: Iterable[Mapping[str, Any]], *, idempotency_key: Optional[str] = None) -> int:
        """Up to 1,000 facts for the users' histories, each with `user_id`, `action` and perhaps `occurred_at`, `metadata`."""
        body = {"events": [{**event, **_without_none(occurred_at=_instant(event.get("occurred_at")))} for event in events]}
        answer = self._call("POST", "/v1/usage/events", body, idempotency_key=_key(idempotency_key))
        return int(_read(int, answer.json.get("accepted"), "accepted"))

    # Anything

    def ready(self) -> Readiness:
        """How Gatehouse is; also when it is not ready. `Unavailable` when it does not answer."""
        answer = self._exchange("GET", f"{self._address.prefix}/readyz", None, {}, repeatable=True)
        if answer.status not in (200, 503):
            raise _away(f"/readyz answered {answer.status}.", InvalidAnswer)
        return self._as(Readiness, answer)

    def call(
        self, method: str, path: str, body: Optional[Mapping[str, Any]] = None, *, token: Optional[str] = None,
        query: Optional[Mapping[str, Any]] = None, headers: Optional[Mapping[str, str]] = None, idempotency_key: Optional[str] = None,
    ) -> Answer:  # fmt: skip
        """Any other call of the API, with `token` or else the key; errors are those of all methods."""
        return self._call(method, path, body, bearer=token, query=query, headers=headers, idempotency_key=idempotency_key)

    # How it is done

    def _report(self, analysis_id: str, body: Dict[str, Any]) -> AnalysisAnswer:
        return self._as(AnalysisAnswer, self._call("PATCH", f"/v1/analyses/{_segment(analysis_id)}", body))

    def _reservation(self, reservation_id: str, verb: str, body: Dict[str, Any]) -> ReservationAnswer:
        return self._as(ReservationAnswer, self._call("POST", f"/v1/reservations/{_segment(reservation_id)}/{verb}", body))

    def _mail(self, answer: Answer) -> Optional[Mail]:
        return typing.cast(Optional[Mail], _read(Optional[Mail], answer.json.get("mail"), "mail"))

    def _renewed(self, answer: Answer) -> Renewed:
        return self._with_cookie(Renewed, answer)

    def _with_cookie(self, kind: Type[T], answer: Answer) -> T:
        record: Any = self._as(kind, answer)
        given = dataclasses.replace(record, set_cookie=answer.headers.get("set-cookie"))
        return _raw(typing.cast(T, given), answer.json)

    @staticmethod
    def _as(kind: Type[T], answer: Answer) -> T:
        return typing.cast(T, _read(kind, answer.json, kind.__name__))

    @staticmethod
    def _page(kind: Type[T], answer: Answer) -> Page[T]:
        data = _read(List[kind], answer.json.get("data"), "data")  # type: ignore[valid-type]
        return _raw(Page(data, _read(Optional[str], answer.json.get("next_cursor"), "next_cursor")), answer.json)

    def _token_call(self, token: str, method: str, path: str, body: Optional[Mapping[str, Any]] = None, **more: Any) -> Answer:
        return self._call(method, path, body, bearer=token, **more)

    def _call(
        self, method: str, path: str, body: Optional[Mapping[str, Any]] = None, *, bearer: Optional[str] = None,
        query: Optional[Mapping[str, Any]] = None, headers: Optional[Mapping[str, str]] = None, idempotency_key: Optional[str] = None,
        request_id: Optional[str] = None, repeatable: bool = False,
    ) -> Answer:  # fmt: skip
        if bearer is not None and not _TOKEN.match(_text("token", bearer)):
            raise _no_session(bearer)
        lines = dict(headers or {})
        if secret := bearer or self._key:
            lines["Authorization"] = f"Bearer {secret}"
        if bearer is not None and self._key is not None:
            lines["Gatehouse-Key"] = self._key  # the backend vouches for the call
        if idempotency_key is not None:
            if not _VISIBLE.match(_text("idempotency_key", idempotency_key)):
                raise _made("idempotency_key_invalid", 400, "The Idempotency-Key is not valid", "An Idempotency-Key has visible ASCII characters.")
            lines["Idempotency-Key"] = idempotency_key
        if request_id is not None and _REQUEST_ID.match(_text("request_id", request_id)):
            lines["X-Request-Id"] = request_id
        data = None
        if body is not None:
            try:
                data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
            except TypeError as error:
                raise ValueError(f"An argument can't be sent as JSON: {error}.") from error
            lines["Content-Type"] = "application/json"
        target = f"{self._address.prefix}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        repeatable = repeatable or method in ("GET", "HEAD") or idempotency_key is not None
        answer = self._exchange(method, target, data, lines, repeatable)
        if 200 <= answer.status <= 299 and isinstance(answer.json, dict):
            return answer
        if answer.status >= 400 and isinstance(answer.json, dict) and isinstance(answer.json.get("code"), str):
            raise _error({**answer.json, "status": answer.status}, answer.headers)
        if answer.status >= 500:
            raise _away(f"{method} {path} was answered with {answer.status}.", outcome_unknown=True)
        raise _away(f"{method} {path} was answered with {answer.status} and no JSON of Gatehouse's.", InvalidAnswer)

    def _exchange(self, method: str, target: str, data: Optional[bytes], lines: Dict[str, str], repeatable: bool) -> Answer:
        deadline = time.monotonic() + self.timeout
        lines = {"User-Agent": f"gatehouse-python/{__version__}", "Accept": "application/json", **lines}
        again = False
        while True:
            connection, whole, sent = self._pool.take(deadline, fresh=again), False, False
            try:
                if connection.sock is None:
                    connection.connect()
                sent = True
                connection.sock.settimeout(connection.seconds_left())
                connection.request(method, target, data, lines)
                response = connection.getresponse()
                body = _whole_body(response)
                answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, _parsed(body))
                whole = not response.will_close
                return answer
            except socket.timeout:
                raise _away(f"{method} {target.split('?')[0]}: no whole answer within {self.timeout} s.", outcome_unknown=sent) from None
            except (http.client.RemoteDisconnected, ConnectionError) as error:
                if connection.uses and connection.received == 0 and repeatable:
                    again = True  # the kept connection was closed while it rested; a fresh one is not repeated
                    continue
                where = "the connection was lost" if sent else "it can't be reached"
                raise _away(f"{method} {target.split('?')[0]}: {where} ({type(error).__name__}).", outcome_unknown=sent) from None
            except (http.client.HTTPException, ValueError, RecursionError) as error:
                # Their texts repeat what came, or what was sent.
                text = f"{method} {target.split('?')[0]}: the answer is not HTTP with JSON ({type(error).__name__})."
                raise _away(text, InvalidAnswer, outcome_unknown=True) from None
            except OSError as error:
                raise _away(f"{method} {target.split('?')[0]}: {error.strerror or type(error).__name__}.", outcome_unknown=sent) from None
            finally:
                self._pool.give(connection, whole)


def _whole_body(response: http.client.HTTPResponse) -> bytes:
    promised = response.length
    parts, count = [], 0
    while part := response.read(65_536):
        parts.append(part)
        count += len(part)
        if count > _ANSWER_BYTES_MAX:
            raise ValueError("the answer is too long")
    if promised is not None and count < promised:
        raise http.client.IncompleteRead(b"", promised - count)
    return b"".join(parts)


def _parsed(body: bytes) -> Any:
    return json.loads(body) if body else {}


def _segment(text: str) -> str:
    return quote(_text("an id or a name in a path", text), safe="")


def _key(idempotency_key: Optional[str]) -> str:
    return str(uuid.uuid4()) if idempotency_key is None else idempotency_key


def _on_behalf(client_ip: Optional[str], user_agent: Optional[str]) -> Dict[str, str]:
    headers = {"Gatehouse-Client-IP": _address(client_ip)} if client_ip else {}
    agent = "".join(character for character in user_agent or "" if " " <= character <= "~")[:1024].strip()
    if agent:
        headers["Gatehouse-Client-User-Agent"] = agent
    return headers


def _address(text: str) -> str:
    """One IP address without a zone; ValueError for anything else."""
    return str(ipaddress.ip_address(text.partition("%")[0]))


def _asked(answer: GateAnswer, token: str) -> GateAnswer:
    object.__setattr__(answer, "token", token)
    return answer


def _no_session(sent: Optional[str]) -> GatehouseError:
    """The refusal where a session token is missing; `sent` is what came in its place, if anything."""
    detail = "The session token is not valid: it is unknown, has expired or was ended. Log in again."
    if not sent:
        detail = f"No session token came: send Authorization: Bearer gh_… or the cookie {COOKIE}."
    elif sent.startswith("ghk_"):
        detail = "A service key came in place of a session token, which begins with gh_."
    challenge = 'Bearer realm="gatehouse"' + (', error="invalid_token"' if sent else "")
    return _made("unauthenticated", 401, "Not logged in", detail, {"WWW-Authenticate": challenge})


# ----------------------------------------------------------------------------------------------------------------- async


def _in_thread(method: Callable[Concatenate[Gatehouse, P], T]) -> Callable[Concatenate[AsyncGatehouse, P], Awaitable[T]]:
    """The coroutine that runs a method of `Gatehouse` on a thread of the client's own."""

    @functools.wraps(method)
    async def run(self: AsyncGatehouse, *args: Any, **named: Any) -> Any:
        asked_at = time.monotonic()

        def work() -> Any:
            if time.monotonic() - asked_at > self.blocking.timeout:
                raise _away(f"All {self.blocking.connections} connections to Gatehouse were busy for too long.")
            return method(self.blocking, *args, **named)

        return await asyncio.get_running_loop().run_in_executor(self._executor(), work)

    return typing.cast("Callable[Concatenate[AsyncGatehouse, P], Awaitable[T]]", run)


class AsyncGatehouse:
    """`Gatehouse` for asyncio: the same arguments and methods, each a coroutine.

    The calls run on threads of this client's own, at most `connections`, so that a slow Gatehouse takes no thread from the app's others;
    they share the kept connections of `blocking`, which may be given to share them with synchronous code too.
    """

    def __init__(
        self, base_url: str = "http://127.0.0.1:8080", key: Optional[str] = None, *, timeout: float = 5.0, connect_timeout: float = 1.0,
        connections: int = 32, blocking: Optional[Gatehouse] = None,
    ):  # fmt: skip
        self.blocking = blocking or Gatehouse(base_url, key, timeout=timeout, connect_timeout=connect_timeout, connections=connections)
        self._threads: Tuple[int, Optional[ThreadPoolExecutor]] = (0, None)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Async{self.blocking!r}"

    async def __aenter__(self) -> AsyncGatehouse:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections that rest and ends the threads."""
        self.blocking.close()
        with self._lock:
            (_, threads), self._threads = self._threads, (0, None)
        if threads is not None:
            threads.shutdown(wait=False)

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            process, threads = self._threads
            if threads is None or process != os.getpid():
                threads = ThreadPoolExecutor(self.blocking.connections, thread_name_prefix="gatehouse")
                self._threads = (os.getpid(), threads)
            return threads

    gate = _in_thread(Gatehouse.gate)
    gate_batch = _in_thread(Gatehouse.gate_batch)
    check_limit = _in_thread(Gatehouse.check_limit)
    sign_up = _in_thread(Gatehouse.sign_up)
    log_in = _in_thread(Gatehouse.log_in)
    user = _in_thread(Gatehouse.user)
    find_user = _in_thread(Gatehouse.find_user)
    set_external_id = _in_thread(Gatehouse.set_external_id)
    set_plan = _in_thread(Gatehouse.set_plan)
    user_sessions = _in_thread(Gatehouse.user_sessions)
    end_user_sessions = _in_thread(Gatehouse.end_user_sessions)
    end_user_session = _in_thread(Gatehouse.end_user_session)
    user_usage = _in_thread(Gatehouse.user_usage)
    suspend_user = _in_thread(Gatehouse.suspend_user)
    lift_suspension = _in_thread(Gatehouse.lift_suspension)
    delete_user = _in_thread(Gatehouse.delete_user)
    request_verification = _in_thread(Gatehouse.request_verification)
    complete_verification = _in_thread(Gatehouse.complete_verification)
    request_reset = _in_thread(Gatehouse.request_reset)
    complete_reset = _in_thread(Gatehouse.complete_reset)
    events = _in_thread(Gatehouse.events)
    session = _in_thread(Gatehouse.session)
    log_out = _in_thread(Gatehouse.log_out)
    rotate = _in_thread(Gatehouse.rotate)
    reauthenticate = _in_thread(Gatehouse.reauthenticate)
    sessions = _in_thread(Gatehouse.sessions)
    end_session = _in_thread(Gatehouse.end_session)
    end_sessions = _in_thread(Gatehouse.end_sessions)
    account = _in_thread(Gatehouse.account)
    change_account = _in_thread(Gatehouse.change_account)
    change_password = _in_thread(Gatehouse.change_password)
    delete_account = _in_thread(Gatehouse.delete_account)
    export_account = _in_thread(Gatehouse.export_account)
    usage = _in_thread(Gatehouse.usage)
    usage_history = _in_thread(Gatehouse.usage_history)
    usage_events = _in_thread(Gatehouse.usage_events)
    start_analysis = _in_thread(Gatehouse.start_analysis)
    report_running = _in_thread(Gatehouse.report_running)
    report_completed = _in_thread(Gatehouse.report_completed)
    report_failed = _in_thread(Gatehouse.report_failed)
    analysis = _in_thread(Gatehouse.analysis)
    analyses = _in_thread(Gatehouse.analyses)
    delete_analysis = _in_thread(Gatehouse.delete_analysis)
    reserve = _in_thread(Gatehouse.reserve)
    commit = _in_thread(Gatehouse.commit)
    release = _in_thread(Gatehouse.release)
    extend = _in_thread(Gatehouse.extend)
    record_events = _in_thread(Gatehouse.record_events)
    ready = _in_thread(Gatehouse.ready)
    call = _in_thread(Gatehouse.call)


# ---------------------------------------------------------------------------------------------------------------- guards


@dataclass(frozen=True)
class Forwarded:
    """The user that a request is from, as the proxy's question to `/v1/auth/{profile}` found."""

    user_id: str
    external_id: Optional[str]
    plan: str
    session_id: str


def read_forwarded(headers: Iterable[Tuple[str, str]]) -> Optional[Forwarded]:
    """Reads the user of a request, whom a proxy that asks Gatehouse names in `Gatehouse-User`, `-External-Id`, `-Plan` and `-Session`, each decoded;
    None without a user. Use it only where every request comes through that proxy, which replaces what a client sends of these."""
    fields: Dict[str, List[str]] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value)

    def one(name: str) -> str:
        values = fields.get(name, [])
        if len(values) > 1:
            raise _made("malformed_request", 400, "The request could not be read", f"The header {name} stands twice.")
        return unquote(values[0], errors="strict") if values else ""

    user_id = one("gatehouse-user")
    if not user_id:
        return None
    return Forwarded(user_id, one("gatehouse-external-id") or None, one("gatehouse-plan"), one("gatehouse-session"))


def read_token(method: str, headers: Iterable[Tuple[str, str]], allowed_origins: Sequence[str] = (), cookie: str = COOKIE) -> str:
    """The session token of a request: `Authorization: Bearer gh_…` or the cookie `__Host-gatehouse`, never both. With Gatehouse's
    `cookie.secure: false`, for trying things out over http, the cookie is called `gatehouse`.

    Raises what Gatehouse would answer: `InvalidRequest` (`ambiguous_credentials`), `Refused` (`csrf_rejected`) for a cookie and an
    unsafe method that neither Sec-Fetch-Site nor an allowed Origin vouches for, `Unauthenticated`. Other schemes are ignored.
    """
    fields: Dict[str, List[str]] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), []).append(value.strip())
    sent = fields.get("authorization", [])
    schemes = [value.partition(" ") for value in sent]
    bearers = [secret.strip() for scheme, _, secret in schemes if scheme.lower() == "bearer" and secret.strip().startswith(("gh_", "ghk_"))]
    pairs = [pair.strip() for value in fields.get("cookie", []) for pair in value.split(";")]
    cookies = [pair[len(cookie) + 1 :] for pair in pairs if pair.startswith(cookie + "=")]
    if len(sent) > 1 or len(cookies) > 1 or (bearers and cookies):
        detail = f"Send one credential: either the Authorization header or the cookie {cookie}."
        raise _made("ambiguous_credentials", 400, "More than one credential was sent", detail)
    if cookies and method.upper() not in ("GET", "HEAD", "OPTIONS", "TRACE"):
        site, origin = ", ".join(fields.get("sec-fetch-site", [])), ", ".join(fields.get("origin", []))
        if site not in ("same-origin", "none") and not (origin and origin in allowed_origins):
            detail = "A request with the cookie that changes something must come from the same origin or from an allowed one."
            if not site and not origin:
                detail += " Neither Sec-Fetch-Site nor Origin says where this one comes from: browsers send them; others send the token as a bearer."
            raise _made("csrf_rejected", 403, "The request is not shown to come from the app's own site", detail)
    token = (bearers or cookies or [""])[0]
    if not _TOKEN.match(token):
        raise _no_session(token)
    return token


class _Guard:
    """The common part of both guards. `client_ip` finds the client's address in a request; by default it is the peer's, as the framework and
    its proxy settings see it."""

    def __init__(
        self, client: Union[Gatehouse, AsyncGatehouse], *, allowed_origins: Sequence[str] = (),
        client_ip: Optional[Callable[[Any], Optional[str]]] = None, cookie: str = COOKIE,
    ):  # fmt: skip
        if isinstance(allowed_origins, str):
            raise ValueError("allowed_origins is a list of origins such as https://app.example.com.")
        self.client, self.allowed_origins, self._client_ip, self._cookie = client, tuple(allowed_origins), client_ip, cookie

    def _arguments(
        self, request: Any, method: str, headers: Sequence[Tuple[str, str]], peer: Optional[str], limits: Optional[Limits],
        require: Optional[Require], reserve: Union[Reserve, str, None],
    ) -> Dict[str, Any]:  # fmt: skip
        token = read_token(method, headers, self.allowed_origins, self._cookie)
        first = {name.lower(): value for name, value in reversed(headers)}
        try:
            client_ip: Optional[str] = _address((self._client_ip(request) if self._client_ip else peer) or "")
        except ValueError:
            client_ip = None
        if reserve is not None:
            reserve = _reserve(reserve)
        if reserve is not None and (key := first.get("idempotency-key")):
            # Gatehouse keeps the keys of two users apart. Made of nothing that changes between two tries, as the token does; and never
            # equal to a key that the app itself chose for this user.
            mixed = hashlib.sha256(b"guard " + key.strip().strip('"').encode("utf-8", "replace")).digest()
            reserve = dataclasses.replace(reserve, idempotency_key=base64.urlsafe_b64encode(mixed).decode())
        return {
            "token": token, "limits": limits, "require": require, "reserve": reserve, "client_ip": client_ip,
            "user_agent": first.get("user-agent"), "request_id": first.get("x-request-id"),
        }  # fmt: skip

    @staticmethod
    def _fault(error: GatehouseError) -> GatehouseError:
        """The problem that the user gets when the gate's own call failed: its own only if it is about their Idempotency-Key."""
        if isinstance(error, Unavailable) or error.code in ("idempotency_key_reused", "idempotency_key_invalid"):
            return error
        _log.error("the gate's question was refused, so every request is: %s", error)
        return _away("The gate can't decide now. Try again in a moment.")


class FastAPIGuard(_Guard):
    """Gates routes of FastAPI (or Starlette) apps.

        guard = FastAPIGuard(AsyncGatehouse(key="ghk_…"), allowed_origins=["https://app.example.com"])
        guard.install(app)

        @app.post("/videos")
        async def upload(caller: GateAnswer = Depends(guard(limits=["api", "upload"], reserve="video_analysis"))): ...

    A refusal is answered with Gatehouse's problem, status and headers; an answer carries RateLimit. Without a decision: 503.
    """

    def install(self, app: Any) -> None:
        """Makes `app` answer every `GatehouseError` as a problem, those of its own calls too, and add RateLimit to its answers."""
        from starlette.responses import Response

        async def answer(_: Any, error: GatehouseError) -> Response:
            status, headers, body = problem_response(error)
            return Response(body, status, headers)

        app.add_exception_handler(GatehouseError, answer)
        app.add_middleware(_RateLimitHeaders)

    def __call__(
        self, *, limits: Optional[Limits] = None, require: Optional[Require] = None, reserve: Union[Reserve, str, None] = None
    ) -> Callable[..., Awaitable[GateAnswer]]:
        """A dependency whose value is the allowed `GateAnswer`. The user's Idempotency-Key, if they send one, makes `reserve` safe to
        repeat. Wrong `limits` are a ValueError at once."""
        _ = None if limits is None else _limits(limits)
        from starlette.requests import Request

        client = self.client if isinstance(self.client, AsyncGatehouse) else AsyncGatehouse(blocking=self.client)

        async def gate(request: Any) -> GateAnswer:
            if _RateLimitHeaders.PLACE not in request.scope:
                raise RuntimeError("Call guard.install(app) on this app before it serves.")
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
            peer = request.client.host if request.client else None
            arguments = self._arguments(request, request.method, headers, peer, limits, require, reserve)
            try:
                answer = await client.gate(**arguments)
            except GatehouseError as error:
                raise self._fault(error) from None
            answer.raise_for_refusal()
            request.scope[_RateLimitHeaders.PLACE].update(answer.headers)
            return answer

        gate.__annotations__ = {"request": Request, "return": GateAnswer}
        return gate


class _RateLimitHeaders:
    """ASGI middleware: what the gate said of the limits goes into the answer, unless that says it itself."""

    PLACE = "gatehouse.headers"

    def __init__(self, app: Any):
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = scope.setdefault(self.PLACE, {})

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start" and headers:
                present = {name.lower() for name, _ in message.get("headers", [])}
                more = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in headers.items() if name in _FORWARDED]
                message = {**message, "headers": [*message.get("headers", []), *(pair for pair in more if pair[0] not in present)]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


class FlaskGuard(_Guard):
    """Gates views of Flask apps.

        guard = FlaskGuard(Gatehouse(key="ghk_…"), allowed_origins=["https://app.example.com"])
        guard.install(app)

        @app.post("/videos")
        @guard(limits=["api", "upload"], reserve="video_analysis")
        def upload():
            guard.caller.user.id                # the allowed GateAnswer

    A refusal is answered with Gatehouse's problem, status and headers; an answer carries RateLimit. Without a decision: 503.
    """

    def __init__(self, client: Gatehouse, **more: Any):
        super().__init__(client, **more)
        self._blocking = client

    def install(self, app: Any) -> None:
        """Makes `app` answer every `GatehouseError` as a problem, those of its own calls too."""
        app.register_error_handler(GatehouseError, self._answer)

    @property
    def caller(self) -> GateAnswer:
        """The decision that let the present request in."""
        import flask

        return typing.cast(GateAnswer, flask.g.gatehouse)

    @staticmethod
    def _answer(error: GatehouseError) -> Any:
        import flask

        status, headers, body = problem_response(error)
        return flask.Response(body, status, headers)

    def __call__(
        self, *, limits: Optional[Limits] = None, require: Optional[Require] = None, reserve: Union[Reserve, str, None] = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """A decorator for a view, below its route. The user's Idempotency-Key, if they send one, makes `reserve` safe to repeat.
        Wrong `limits` are a ValueError at once."""
        _ = None if limits is None else _limits(limits)
        import flask

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def gated(*args: Any, **named: Any) -> Any:
                request = flask.request
                try:
                    arguments = self._arguments(request, request.method, list(request.headers), request.remote_addr, limits, require, reserve)
                    try:
                        answer = self._blocking.gate(**arguments)
                    except GatehouseError as error:
                        raise self._fault(error) from None
                    answer.raise_for_refusal()
                except GatehouseError as refusal:
                    return self._answer(refusal)
                flask.g.gatehouse = answer
                flask.after_this_request(functools.partial(_add_headers, answer.headers))
                return flask.current_app.ensure_sync(view)(*args, **named)

            return gated

        return decorate


def _add_headers(headers: Mapping[str, str], response: Any) -> Any:
    for name in _FORWARDED:
        if name in headers:
            response.headers.setdefault(name, headers[name])
    return response
