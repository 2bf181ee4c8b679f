"""Findings about a credential that may do more than read."""

from __future__ import annotations

import pytest
from teleport_okta.config import parse
from teleport_okta.doctor.okta_credential import check_extent, of_roles, of_scopes
from teleport_okta.okta.okta_errors import Failure, OktaForbiddenError, OktaNotFoundError, OktaScopeError
from teleport_okta.okta.pages import Page

TOKEN = parse({"okta": {"org_url": "https://acme.okta.com", "api_token": "00secret", "app_id": "0oaA"}}).okta
REFUSED = OktaForbiddenError(Failure("GET", "/x", 403), "was not permitted")


class Answers:
    """A client that answers by path, or by the scope that is asked with; whatever is not given is not found."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    async def get(self, path, **_):
        return {"id": "00uA"}

    async def first_page(self, path, _query, *, scope=None):
        self.asked.append(path)
        answer = self.answers.get(scope or path.rpartition("/")[2])
        if answer is None:
            raise OktaNotFoundError(Failure("GET", path, 404), "found nothing")
        if isinstance(answer, Exception):
            raise answer
        return Page(answer, None)


def service_app(tmp_path):
    key = tmp_path / "key.pem"
    key.touch()
    credential = {"client_id": "0oaC", "private_key": str(key)}
    return parse({"okta": {"org_url": "https://acme.okta.com", "app_id": "0oaA"} | credential}).okta


def not_granted(scope):
    failure = Failure("POST", "/oauth2/v1/token", 400)
    return OktaScopeError(failure, "gave no token", asked=(scope,), missing=(scope,), remedy="grant it")


SCOPES = ("okta.apps.manage", "okta.groups.manage", "okta.users.manage")


def test_without_any_scope_to_manage_it_only_reads_which_is_enough():
    finding = of_scopes(dict.fromkeys(SCOPES, False))
    assert (finding.severity.value, "which is enough" in finding.what) == ("ok", True)


def test_more_than_read_scopes_are_named_with_their_use_and_can_be_revoked():
    finding = of_scopes({SCOPES[0]: True, SCOPES[1]: False, SCOPES[2]: True})
    assert finding.severity.value == "note"
    assert "okta.apps.manage and okta.users.manage are granted" in finding.what
    assert "enroll` alone uses okta.apps.manage" in finding.what
    assert "revoke them" in finding.remedy


def test_a_scope_that_only_another_tool_uses_is_not_said_to_be_for_enrolment():
    finding = of_scopes(dict.fromkeys(SCOPES, False) | {"okta.users.manage": True})
    assert "enroll" not in finding.what


def test_unknown_scopes_are_not_reported_as_enough():
    finding = of_scopes(dict.fromkeys(SCOPES, False) | {"okta.users.manage": None})
    assert "not checked" in finding.what


async def test_a_scope_is_granted_if_okta_issues_a_token_even_without_the_role(tmp_path):
    answers = Answers(
        **{"okta.apps.manage": REFUSED, "okta.groups.manage": [], "okta.users.manage": not_granted("okta.users.manage")}
    )
    scopes, _ = await check_extent(answers, service_app(tmp_path))
    assert "okta.apps.manage and okta.groups.manage are granted" in scopes.what


async def test_roles_that_cannot_be_read_are_shown_as_unknown(tmp_path):
    for client, settings in ((Answers(), TOKEN), (Answers(roles=REFUSED), TOKEN), (Answers(), service_app(tmp_path))):
        finding = (await check_extent(client, settings))[-1]
        assert (finding.check, finding.severity.value) == ("admin roles", "note")
        assert "are unknown" in finding.what


async def test_the_roles_of_a_tokens_owner_and_of_a_service_app_are_read_if_allowed(tmp_path):
    rows = [{"type": "SUPER_ADMIN", "label": "Super Administrator"}, "nonsense", {"type": 7}]
    client = Answers(roles=rows)
    [of_owner] = await check_extent(client, TOKEN)
    assert client.asked == ["/api/v1/users/00uA/roles"]
    assert (of_owner.severity.value, "Super Administrator" in of_owner.what) == ("warning", True)
    client = Answers(**{"okta.roles.read": rows})
    of_app = (await check_extent(client, service_app(tmp_path)))[-1]
    assert client.asked[-1] == "/oauth2/v1/clients/0oaC/roles"
    assert (of_app.severity.value, "Super Administrator" in of_app.what) == ("note", True)


@pytest.mark.parametrize(
    ("types", "is_bounded", "severity"),
    [
        (["READ_ONLY_ADMIN"], False, "ok"),
        (["READ_ONLY_ADMIN", "REPORT_ADMIN"], True, "ok"),
        (["READ_ONLY_ADMIN", "ORG_ADMIN"], False, "warning"),
        (["SUPER_ADMIN"], True, "note"),
        (["APP_ADMIN"], False, "note"),
        (["CUSTOM"], False, "note"),
        ([], False, "note"),
    ],
)
def test_roles_by_what_they_allow(types, is_bounded, severity):
    assert of_roles([(one, "") for one in types], whose="whose", is_bounded=is_bounded).severity == severity
