"""A key that the service does not accept is a fault of the backend, never of its user."""

import pytest
from gatehouse import Gatehouse, KeyRejected


def test_a_key_that_is_wrong_or_lacks_a_scope_is_the_backends_fault(url, service, user):
    with Gatehouse(url, "ghk_1wrong", timeout=30) as wrong, pytest.raises(KeyRejected, match="invalid_key"):
        wrong.gate(user.token)
    with Gatehouse(url, service.key("work"), timeout=30) as narrow, pytest.raises(KeyRejected, match="scope_missing"):
        narrow.gate(user.token)
