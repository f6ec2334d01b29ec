"""For schemathesis: which credential an operation takes, and things that exist. Notes every answer for the tally."""

import os

import schemathesis

from Harness import wire
from Harness.service import PASSWORD, some_client

TOKEN, KEY = os.environ["CONFORMANCE_TOKEN"], os.environ["CONFORMANCE_KEY"]
KNOWN = {"user_id": os.environ["CONFORMANCE_USER"]}
# These end the session or the account, or make its password unknown: each case has a user of its own.
ENDING = {"logOut", "endSession", "endSessions", "deleteOwnAccount", "rotate", "reauthenticate", "changePassword", "changeOwnAccount"}


def new_token():
    """The token of a session that nobody else uses."""
    connection = wire.HTTP(int(os.environ["CONFORMANCE_PORT"]))
    try:
        account = {"email": f"case-{os.urandom(8).hex()}@example.com", "password": PASSWORD}
        connection.ask("POST", "/v1/users", account, KEY)
        return connection.ask("POST", "/v1/sessions", account, KEY, some_client()).json["token"]
    finally:
        connection.close()


def credential(operation):
    """The credential of an operation's first security requirement; None where none is needed."""
    for requirement in operation.definition.raw.get("security", []):
        if "key" in requirement:
            return KEY
        if "token" in requirement:
            return new_token() if operation.definition.raw["operationId"] in ENDING else TOKEN
    return None


# Asked anew for each case: a credential that was kept would be that of another operation.
@schemathesis.auth(refresh_interval=None)
class Credentials:
    def get(self, case, context):
        return credential(case.operation)

    def set(self, case, data, context):
        if data:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def map_path_parameters(context, parameters):
    # Half of the profiles are configured.
    if parameters and "profile" in parameters and hash(str(parameters)) % 2:
        parameters["profile"] = "api"
    return parameters


@schemathesis.hook
def map_body(context, body):
    # Half of what names a user names one that is there.
    if isinstance(body, dict) and "user_id" in body and hash(str(body)) % 2:
        body["user_id"] = KNOWN["user_id"]
    return body


@schemathesis.hook
def after_call(context, case, response):
    phase = case.meta.phase.name if case.meta else "examples"
    operation = case.operation.definition.raw["operationId"]
    with open(os.environ["CONFORMANCE_TALLY"], "a") as tally:
        # One write of one short line, so that workers don't mix.
        tally.write(f"{operation} {phase} {response.status_code}\n")
