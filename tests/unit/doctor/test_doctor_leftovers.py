"""Findings about leftovers: their number of each kind, their organisation, and the remedy."""

from __future__ import annotations

from teleport_okta.cleanup.holdings import Holdings
from teleport_okta.doctor.leftovers import of_leftovers
from teleport_okta.model import labels
from teleport_okta.model.teleport import TeleportRole, TeleportUser

URL = "https://acme.okta.com"
CANONICAL = "https://acme-1.okta.com"
VENDORS = {labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: URL}
OURS = VENDORS | {labels.OWNER: "00oA"}


def holdings(*users, roles=(), **how):
    return Holdings(
        users={name: TeleportUser(name, carried) for name, carried in users},
        roles={name: TeleportRole(name, labels=carried) for name, carried in roles},
        **how,
    )


def findings(held, *, has_passed=True):
    return list(of_leftovers(held, addresses=(URL, CANONICAL), has_passed=has_passed))


def test_objects_of_ours_and_of_people_are_no_leftovers():
    [finding] = findings(holdings(("ada", OURS), ("bob", {})))
    assert (finding.check, finding.severity.value) == ("leftovers", "ok")


def test_they_are_counted_and_the_first_are_named():
    [finding] = findings(holdings(*((f"user-{number}", VENDORS) for number in range(5))))
    assert finding.severity == "warning"
    assert "5 users (user-0, user-1, user-2, … and 2 more)" in finding.what
    assert "cleanup --vendor" in finding.remedy


def test_each_kind_is_shown_by_itself_and_one_is_singular():
    found = findings(holdings(("ada", VENDORS), roles=[("access-x", VENDORS)]))
    assert ["1 role (access-x)" in found[0].what, "1 user (ada)" in found[1].what] == [True, True]


def test_the_organisation_goes_by_either_of_its_addresses():
    other_address = VENDORS | {labels.OKTA_ORG: f"{CANONICAL}/"}
    assert findings(holdings(("ada", other_address)))[0].severity == "warning"


def test_leftovers_of_another_or_no_organisation_are_left_to_people():
    elsewhere = VENDORS | {labels.OKTA_ORG: "https://other.okta.com"}
    unnamed = {labels.ORIGIN: labels.ORIGIN_OKTA}
    found = findings(holdings(("ada", elsewhere), ("bob", unnamed)))
    assert {finding.severity.value for finding in found} == {"note"}
    assert not any("cleanup" in finding.remedy for finding in found)


def test_before_the_first_pass_a_note_says_that_wanted_users_are_taken_over():
    assert "takes over those who are wanted" in findings(holdings(("ada", VENDORS)), has_passed=False)[0].what
    assert "takes over those who are wanted" not in findings(holdings(("ada", VENDORS)))[0].what


def test_preset_roles_are_no_leftovers():
    assert (
        findings(holdings(roles=[("okta-requester", VENDORS | {labels.RESOURCE_TYPE: "system"})]))[0].severity == "ok"
    )


def test_a_kind_that_could_not_be_listed_is_not_called_empty():
    [finding] = findings(holdings(unread={"lock": "access denied"}))
    assert (finding.check, finding.severity.value) == ("leftovers: locks", "note")
