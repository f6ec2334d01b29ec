"""What schemathesis must know: which credential an operation takes, and things that exist."""

import os

import schemathesis

TOKEN, KEY = os.environ["CONFORMANCE_TOKEN"], os.environ["CONFORMANCE_KEY"]
KNOWN = {"user_id": os.environ["CONFORMANCE_USER"]}


def credential(operation):
    """The credential of an operation's first security requirement; None where none is needed."""
    for requirement in operation.definition.raw.get("security", []):
        if "key" in requirement:
            return KEY
        if "token" in requirement:
            return TOKEN
    return None


@schemathesis.auth()
class Credentials:
    def get(self, case, context):
        return credential(case.operation)

    def set(self, case, data, context):
        if data:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def map_body(context, body):
    # Half of what names a user names one that is there.
    if isinstance(body, dict) and "user_id" in body and hash(str(body)) % 2:
        body["user_id"] = KNOWN["user_id"]
    return body
