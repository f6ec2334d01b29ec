"""The user that a request is from, as the proxy passes it on."""

import http.client

import pytest
from gatehouse import Forwarded, InvalidRequest, read_forwarded


@pytest.mark.parametrize("external_id", ["1042", "zoë", "zo\\u00eb", "zo%C3%AB", " a b ", "100%", "👩‍🚀", '"quoted", \\', "\t", "é", "e\u0301"])
def test_an_id_of_any_text_comes_back_as_it_was_set(client, service, user, external_id):
    client.set_external_id(user.id, external_id)
    connection = http.client.HTTPConnection("127.0.0.1", service.apis[0].port)
    try:
        connection.request("GET", "/v1/auth/api", headers={"Authorization": f"Bearer {user.token}"})
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
        client.set_external_id(user.id, None)
    forwarded = read_forwarded(answer.getheaders())
    assert (forwarded.user_id, forwarded.external_id, forwarded.plan) == (user.id, external_id, "free")
    assert forwarded.session_id.startswith("ses_")


def test_without_a_user_there_is_nobody_and_twice_is_refused():
    assert read_forwarded([]) is None and read_forwarded([("Gatehouse-User", "")]) is None
    assert read_forwarded([("GATEHOUSE-USER", "usr_1")]) == Forwarded("usr_1", None, "", "")
    with pytest.raises(InvalidRequest):
        read_forwarded([("Gatehouse-User", "usr_1"), ("gatehouse-user", "usr_2")])
