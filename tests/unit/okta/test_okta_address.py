from __future__ import annotations

import pytest
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.errors import OrganizationUrlError
from yarl import URL


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://acme.okta.com", "https://acme.okta.com"),
        ("https://ACME.okta.com/", "https://acme.okta.com"),
        (" https://id.acme-admin.example ", "https://id.acme-admin.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_an_address_of_an_organisation_is_accepted(given: str, used: str) -> None:
    assert str(OrganizationAddress(given)) == used


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://acme-admin.okta.com", "https://acme.okta.com"),
        ("https://acme-admin.oktapreview.com/admin/dashboard", "https://acme.oktapreview.com"),
        ("acme-admin.okta.com", "https://acme.okta.com"),
        ("http://acme.okta.com", "https://acme.okta.com"),
        ("http://10.0.0.1", "https://10.0.0.1"),
        ("http://localhost.example.com", "https://localhost.example.com"),
        ("acme.okta.com", "https://acme.okta.com"),
        ("acme.okta.com:443", "https://acme.okta.com"),
        ("https://acme.okta.com/api/v1", "https://acme.okta.com"),
        ("https://acme.okta.com?x=1", "https://acme.okta.com"),
        ("https://acme.okta.com/#top", "https://acme.okta.com"),
        ("https://ada@acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com:99999", "https://example.okta.com"),
        ("", "https://example.okta.com"),
        ("okta", "https://example.okta.com"),
    ],
)
def test_any_other_address_is_refused_with_the_one_that_was_meant(given: str, meant: str) -> None:
    with pytest.raises(OrganizationUrlError) as refused:
        OrganizationAddress(given)
    assert refused.value.remedy == f"set it to {meant}"
    assert "okta.org_url" in str(refused.value)


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(OrganizationUrlError) as refused:
        OrganizationAddress("https://ada:hunter2@acme.okta.com/?token=hunter3")
    assert "hunter" not in str(refused.value)


def test_links_may_lead_to_the_configured_and_the_canonical_address_only() -> None:
    address = OrganizationAddress("https://id.example.com")
    canonical = URL("https://acme.okta.com/api/v1/users?after=1")
    assert address.leads_to_us(URL("https://id.example.com/api/v1/users?after=1"))
    assert not address.leads_to_us(canonical)
    address.trust("https://acme.okta.com")
    assert address.leads_to_us(canonical)
    for elsewhere in ("http://acme.okta.com/", "https://acme.okta.com:8443/", "https://acme.okta.com.evil.example/"):
        assert not address.leads_to_us(URL(elsewhere))
    assert not address.leads_to_us(URL("/api/v1/users"))


@pytest.mark.parametrize("canonical", ["http://localhost:8080", "http://acme.okta.com", "https://acme-admin.okta.com"])
def test_a_canonical_address_that_is_not_safe_is_not_trusted(canonical: str) -> None:
    address = OrganizationAddress("https://id.example.com")
    with pytest.raises(OrganizationUrlError):
        address.trust(canonical)
    assert not address.leads_to_us(URL(canonical))
