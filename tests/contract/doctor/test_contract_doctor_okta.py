"""Findings of `doctor` about Okta."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from contract.doctor.doctor_world import clinic_of
from teleport_okta.sandbox.okta.http_proxy import HttpProxy


@pytest.fixture
async def with_token(tmp_path):
    async with clinic_of(tmp_path, service_app=False) as built:
        yield built


async def test_the_organisation_its_tls_and_its_limits_are_shown(clinic):
    report = await clinic.examine()
    assert clinic.okta.id in report.says("Okta/organisation")
    assert "okta.ca" in report.says("Okta/TLS")
    assert "/api/v1/apps 50" in report.says("Okta/rate limits")
    assert "80%" in report.says("Okta/rate limits")


async def test_a_certificate_of_an_unknown_ca_stops_the_checks_of_okta_only(clinic):
    del clinic.sections["okta"]["ca"]
    report = await clinic.examine()
    assert report.bad() == ["Okta/TLS"]
    assert "okta.ca" in report.says("Okta/TLS")
    assert report.severity("Teleport/cluster") == "ok"


async def test_a_missing_organisation_stops_the_checks_of_okta_only(clinic):
    clinic.sections["okta"]["org_url"] = "https://localhost:1"
    report = await clinic.examine()
    assert report.bad() == ["Okta/reachability"]


async def test_an_api_token_is_shown_with_its_owner_and_its_thirty_days(with_token):
    report = await with_token.examine()
    assert "okta.admin@example.com" in report.says("Okta/credential")
    assert "30 days" in report.says("Okta/credential")


async def test_a_revoked_token_is_the_one_error_and_the_rest_is_not_checked(with_token):
    with_token.okta.revoke_token()
    report = await with_token.examine()
    assert "Okta/credential" in report.bad()
    assert report.severity("Okta/organisation") == "ok"
    assert [name for name in report.bad() if name.startswith("Okta")] == ["Okta/credential"]


@pytest.mark.parametrize("required", [True, False])
async def test_proof_of_possession_is_shown(clinic, required):
    clinic.okta.configure_client(clinic.sections["okta"]["client_id"], require_dpop=required)
    report = await clinic.examine()
    assert ("bound to a key (DPoP)" in report.says("Okta/credential")) is required


async def test_a_scope_that_is_missing_is_named_with_where_to_grant_it(clinic):
    clinic.okta.configure_client(clinic.sections["okta"]["client_id"], scopes=["okta.apps.read"])
    report = await clinic.examine()
    assert report.bad() == ["Okta/okta.users.read", "Okta/okta.groups.read", "Okta/okta.logs.read"]
    assert "Okta API Scopes" in report.says("Okta/okta.users.read")


async def test_a_permission_that_is_missing_is_named(clinic):
    clinic.okta.narrow_role(without=["okta.users.read"])
    report = await clinic.examine()
    assert report.severity("Okta/okta.users.read") == "error"
    assert "View users" in report.says("Okta/okta.users.read")


async def test_a_scope_that_nothing_needs_is_a_note(clinic):
    clinic.sections["sync"] |= {"apps_and_groups": False, "follow_log": False}
    clinic.okta.configure_client(
        clinic.sections["okta"]["client_id"], scopes=["okta.apps.read", "okta.users.read", "okta.orgs.read"]
    )
    report = await clinic.examine()
    assert report.bad() == []
    assert report.severity("Okta/okta.groups.read") == "note"


READS = ("okta.users.read", "okta.apps.read", "okta.groups.read", "okta.logs.read")


async def test_a_credential_that_only_reads_is_proven_to_be_enough(clinic):
    """Neither a scope nor a permission to change anything; a pass does its whole work all the same."""
    clinic.okta.configure_client(clinic.sections["okta"]["client_id"], scopes=READS)
    clinic.okta.narrow_role(without=[one for one in clinic.okta.role.permissions if one.endswith(".manage")])
    mark = clinic.okta.mark()
    await clinic.joined()
    assert {call for call in clinic.okta.calls_since(mark).endpoints if not call.startswith("GET ")} == {
        "POST /oauth2/v1/token"
    }
    names = {user.Metadata.Name for user in clinic.teleport.cluster.users.all_stored()}
    assert {person.login for person in clinic.people} <= names
    await clinic.connect()
    report = await clinic.examine()
    assert report.bad() == []
    assert report.severity("Okta/read-only") == "ok"


async def test_scopes_that_are_left_from_an_enrolment_are_named(clinic):
    clinic.okta.configure_client(clinic.sections["okta"]["client_id"], scopes=[*READS, "okta.apps.manage"])
    report = await clinic.examine()
    assert report.bad() == []
    assert "okta.apps.manage is granted" in report.says("Okta/read-only")
    assert "revoke it" in report.says("Okta/read-only")


@pytest.mark.parametrize("service_app", [True, False])
async def test_roles_that_cannot_be_read_are_a_note(tmp_path, service_app):
    async with clinic_of(tmp_path, service_app=service_app) as clinic:
        clinic.okta.narrow_role(without=["okta.iam.read"])
        assert "are unknown" in (await clinic.examine()).says("Okta/admin roles")


async def test_people_whom_a_role_hides_are_reported_as_missing_in_the_listing(well):
    well.okta.narrow_role(hide=[person.id for person in well.people[:15]])
    report = await well.examine()
    assert report.bad() == ["Okta/people shown", "Okta/listing"]
    assert "5 people, where it had 20" in report.says("Okta/listing")
    assert "resource set" in report.says("Okta/listing")


async def test_people_whom_a_role_hides_are_reported_before_any_listing_is_known(clinic):
    """Okta counts the members of Everyone whatever our role: twenty people and the administrator."""
    assert (await clinic.examine()).severity("Okta/people shown") == "ok"
    clinic.okta.narrow_role(hide=[clinic.people[0].id])
    report = await clinic.examine()
    assert report.bad() == ["Okta/people shown"]
    assert "by Okta's count: 21; shown: 20" in report.says("Okta/people shown")


async def test_apps_that_a_role_hides_are_reported_as_missing_in_the_grants_of_a_group(clinic):
    group = clinic.okta.create_group("Engineers")
    for name in ("Wiki", "Forge"):
        clinic.okta.assign_group(clinic.okta.create_app(name).id, group.id)
    assert (await clinic.examine()).severity("Okta/apps shown") == "ok"
    clinic.okta.narrow_role(only=[clinic.okta_app.id])
    report = await clinic.examine()
    assert report.bad() == ["Okta/apps shown"]
    assert "'Engineers' by Okta's count: 2; shown: 0" in report.says("Okta/apps shown")


async def test_a_role_over_chosen_groups_is_found_by_the_group_everyone(clinic):
    group = clinic.okta.create_group("Engineers")
    assert (await clinic.examine()).severity("Okta/group Everyone") == "ok"
    clinic.okta.narrow_role(only=[group.id])
    report = await clinic.examine()
    assert report.severity("Okta/group Everyone") == "note"
    assert report.bad() == []


async def test_a_resource_set_without_people_is_reported_for_the_scope_and_the_app(clinic):
    clinic.okta.narrow_role(only=["00uNobody"])
    report = await clinic.examine()
    assert report.bad() == ["Okta/okta.users.read", "Okta/people shown", "Okta/assignments"]
    assert "resource set" in report.says("Okta/okta.users.read")


async def test_something_that_is_no_okta_is_not_shown_the_credential(clinic):
    async def answer(request):
        seen.append(request.headers.get("Authorization"))
        return web.Response(text="<html>", content_type="text/html")

    seen = []
    async with RawTestServer(answer) as other:
        clinic.sections["okta"]["org_url"] = str(other.make_url("")).rstrip("/")
        report = await clinic.examine()
    assert report.bad() == ["Okta/organisation"]
    assert "okta.org_url" in report.says("Okta/organisation")
    assert set(seen) == {None}


async def test_a_listing_that_would_cost_too_much_is_not_read(well, monkeypatch):
    monkeypatch.setattr("teleport_okta.doctor.okta_rights.MOST_PAGES", 0)
    report = await well.examine()
    assert "`teleport-okta plan` compares" in report.says("Okta/listing")


async def test_a_resource_set_without_the_app_is_an_error_of_the_app(clinic):
    clinic.okta.narrow_role(hide=[clinic.okta_app.id])
    report = await clinic.examine()
    assert report.severity("Okta/app") == "error"


async def test_an_app_that_is_not_active_is_an_error(clinic):
    clinic.okta.deactivate_app(clinic.okta_app.id)
    report = await clinic.examine()
    assert report.severity("Okta/app") == "error"
    assert "activate the app" in report.says("Okta/app")


async def test_an_app_without_people_is_a_warning(clinic):
    for person in clinic.people:
        clinic.okta.unassign(clinic.okta_app.id, person.id)
    report = await clinic.examine()
    assert report.bad() == ["Okta/assignments"]
    assert "nobody is assigned" in report.says("Okta/assignments")


async def test_an_assignment_by_a_group_is_shown(clinic):
    clinic.okta.assign_group(clinic.okta_app.id, clinic.okta.groups.everyone)
    assert "the group Everyone" in (await clinic.examine()).says("Okta/assignments")


async def test_an_app_of_another_kind_is_weak_unless_users_are_local(clinic):
    other = clinic.okta.create_app("Wiki", signOnMode="BOOKMARK")
    clinic.sections["okta"]["app_id"] = other.id
    assert (await clinic.examine()).severity("Okta/app") == "warning"
    clinic.sections["sync"]["local_users"] = True
    assert (await clinic.examine()).severity("Okta/app") == "note"


@pytest.mark.parametrize(("skew", "severity"), [(20, "ok"), (-60, "warning"), (400, "error")])
async def test_a_wrong_clock_is_reported(clinic, skew, severity):
    clinic.okta.skew_clock(skew)
    report = await clinic.examine()
    assert report.severity("Okta/clock") == severity


async def test_with_an_api_token_a_wrong_clock_refuses_nothing(with_token):
    with_token.okta.skew_clock(400)
    assert (await with_token.examine()).severity("Okta/clock") == "warning"


async def test_an_http_proxy_is_named_without_its_password(clinic):
    async with HttpProxy(credentials=("ada", "s3cretword")) as proxy:
        clinic.environment["HTTPS_PROXY"] = proxy.url.replace("//", "//ada:s3cretword@")
        report = await clinic.examine()
        assert report.bad() == []
        assert proxy.url.partition("//")[2].strip("/") in report.says("Okta/HTTP proxy")
        assert "s3cretword" not in report.text()


async def test_an_http_proxy_that_refuses_is_named_with_its_variable(clinic):
    async with HttpProxy(credentials=("ada", "s3cretword")) as proxy:
        clinic.environment["HTTPS_PROXY"] = proxy.url
        report = await clinic.examine()
    assert report.bad() == ["Okta/reachability"]
    assert "HTTPS_PROXY" in report.says("Okta/reachability")
