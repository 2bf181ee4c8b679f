"""SCIM attributes under the names of Okta's profile, and back."""

from __future__ import annotations

from teleport_okta.desired.scim_profile import attributes_of, profile_of

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

ATTRIBUTES = {
    "name": {"givenName": "Ada", "familyName": "Byron", "formatted": "Ada Byron"},
    "displayName": "Ada",
    "title": "Countess",
    "emails": [{"value": "home@x.io", "type": "home"}, {"value": "ada@x.io", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "1", "type": "work"}, {"value": "2", "type": "mobile"}, {"value": "3", "type": "fax"}],
    "addresses": [{"locality": "London", "country": "GB", "type": "work"}],
    ENTERPRISE: {"department": "Engines", "manager": {"value": "00uBOS", "displayName": "Charles"}},
    "entitlements": [{"value": "x"}],
}

PROFILE = {
    "login": "ada@x.io",
    "firstName": "Ada",
    "lastName": "Byron",
    "displayName": "Ada",
    "title": "Countess",
    "email": "ada@x.io",
    "primaryPhone": "1",
    "mobilePhone": "2",
    "city": "London",
    "countryCode": "GB",
    "department": "Engines",
    "managerId": "00uBOS",
    "manager": "Charles",
}


def test_attributes_become_the_profile_that_okta_would_show():
    assert profile_of(ATTRIBUTES, "ada@x.io") == PROFILE


def test_of_several_emails_the_primary_one_counts_or_else_the_first():
    emails = [{"value": "a@x.io"}, {"value": "b@x.io"}]
    assert profile_of({"emails": emails}, "ada")["email"] == "a@x.io"


def test_what_has_another_shape_is_left_out():
    assert profile_of({"name": "Ada", "emails": "ada", "phoneNumbers": [7], ENTERPRISE: []}, "ada") == {"login": "ada"}


def test_a_profile_gives_the_attributes_back_that_it_holds():
    again = profile_of(attributes_of(PROFILE), "ada@x.io")
    assert again == {name: value for name, value in PROFILE.items() if name not in {"manager", "managerId"}}
