"""The README's examples through the client that openapi-python-client made of the document."""

import os
import uuid

from typed import AuthenticatedClient, Client
from typed.api.accounts import sign_up
from typed.api.analyses import start_analysis
from typed.api.gate import gate
from typed.api.sessions import current_session, log_in
from typed.models import GateQuestion, LogInBody, SignUpBody, StartAnalysisBody

BASE = os.environ["CONFORMANCE_URL"]
EMAIL, PASSWORD = f"typed-{uuid.uuid4().hex}@example.com", "correct horse battery staple"

anyone = Client(base_url=BASE)
user = sign_up.sync(client=anyone, body=SignUpBody(email=EMAIL, password=PASSWORD))
assert user.email == EMAIL, user
opened = log_in.sync(client=anyone, body=LogInBody(email=EMAIL, password=PASSWORD))
assert opened.user.id == user.id and opened.token, opened

backend = AuthenticatedClient(base_url=BASE, token=os.environ["CONFORMANCE_KEY"])
decided = gate.sync(client=backend, body=GateQuestion(token=opened.token))
assert decided.allowed and decided.user.id == user.id, decided

device = AuthenticatedClient(base_url=BASE, token=opened.token)
seen = current_session.sync(client=device)
assert seen.session.id == opened.session.id and seen.session.current, seen
first = start_analysis.sync_detailed(client=device, body=StartAnalysisBody(filename="squat.mp4"), idempotency_key="upload-1")
assert first.status_code == 201 and first.parsed.allowance.held == 1, first
second = start_analysis.sync_detailed(client=device, body=StartAnalysisBody(filename="squat.mp4"), idempotency_key="upload-2")
assert second.status_code == 429 and second.parsed.code == "allowance_exhausted", second
print("typed client: signed up, logged in, asked the gate, spent the allowance")
