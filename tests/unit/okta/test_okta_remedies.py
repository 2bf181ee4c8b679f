"""Every error of a call to Okta says what can be done about it, also where whoever raises it knows nothing better."""

from __future__ import annotations

import pytest
from teleport_okta.okta import okta_errors
from teleport_okta.okta.okta_errors import Failure, OktaError

KINDS = [
    kind
    for kind in vars(okta_errors).values()
    if isinstance(kind, type) and issubclass(kind, OktaError) and kind is not okta_errors.OktaScopeError
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_without_a_remedy_of_its_own_has_that_of_its_kind(kind: type[OktaError]) -> None:
    error = kind(Failure("GET", "/api/v1/users"), "failed")
    assert error.remedy == kind.remedy_text != ""
    assert str(error) == f"GET /api/v1/users failed ({kind.remedy_text})"


def test_a_remedy_that_is_given_wins() -> None:
    assert OktaError(Failure("GET", "/"), "failed", remedy="pray").remedy == "pray"
