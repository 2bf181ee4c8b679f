from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.errors import ConfigError
from teleport_okta.okta.client_from_settings import client_of, credential_of
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.settings import OktaSettings

if TYPE_CHECKING:
    from pathlib import Path


def settings(**changes: object) -> OktaSettings:
    return OktaSettings.model_validate({"org_url": "https://acme.okta.com", "api_token": "00aToken"} | changes)


def test_the_client_of_the_settings_talks_to_their_organisation() -> None:
    client = client_of(settings(), clock=VirtualClock(), rng=Random(1))
    assert str(client.address) == "https://acme.okta.com"


def test_a_token_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("00aToken\n")
    assert isinstance(credential_of(settings(api_token=str(tmp_path / "token")), rng=Random(1)), ApiToken)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"org_url": "http://acme.okta.com"}, "okta.org_url"),
        ({"api_token": "/nowhere/token"}, "okta.api_token"),
        ({"ca": "/nowhere/ca.pem"}, "okta.ca"),
        ({"api_token": None, "client_id": "0oa1", "private_key": "/nowhere/key.pem"}, "okta.private_key"),
    ],
)
def test_what_cannot_be_used_is_a_configuration_error_that_names_the_key(
    changes: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        client_of(settings(**changes), clock=VirtualClock(), rng=Random(1))
