from __future__ import annotations

import pytest
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.okta_errors import OrganizationUrlError
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
        ("https://acme.okta.com:99999", "https://acme.okta.com"),
        ("", "https://example.okta.com"),
        ("okta", "https://example.okta.com"),
        ("acme.okta.com:8443", "https://acme.okta.com:8443"),
        ("http://acme.okta.com:8080", "https://acme.okta.com:8080"),
        ("http://acme.okta.com:80", "https://acme.okta.com"),
        ("http://[2001:db8::1]:8080", "https://[2001:db8::1]:8080"),
        ("https://acme-admin.okta.com:8443", "https://acme.okta.com:8443"),
        ("https://acme.okta.com:8443/api/v1", "https://acme.okta.com:8443"),
        ("https://https://acme.okta.com", "https://acme.okta.com"),
        ("https://http://acme-admin.okta.com:8443/", "https://acme.okta.com:8443"),
        ("HTTPS://https//acme.okta.com", "https://acme.okta.com"),
        ("https://acme.okta.com.com", "https://acme.okta.com"),
        ("https://acme.okta.com.okta.com:8443", "https://acme.okta.com:8443"),
        ("https://acme-admin.okta.com.com", "https://acme.okta.com"),
        ("https://acme.oktapreview.com.oktapreview.com", "https://acme.oktapreview.com"),
        ("https://login.example.com.com", "https://login.example.com"),
        ("https://acme.okta.com.", "https://acme.okta.com"),
        ("https://acme..okta.com", "https://example.okta.com"),
        ("https://-acme.okta.com", "https://example.okta.com"),
        ("https://xn--.okta.com", "https://example.okta.com"),
        ("https://xn--a.okta.com", "https://example.okta.com"),
        ("https://xn--999999999.okta.com", "https://example.okta.com"),
        (f"https://{'a' * 64}.okta.com", "https://example.okta.com"),
        ("https://acme%2eokta.com", "https://example.okta.com"),
        ("https://acme okta.com", "https://example.okta.com"),
        ("https://acme,okta.com", "https://example.okta.com"),
    ],
)
def test_any_other_address_is_refused_with_the_one_that_was_meant(given: str, meant: str) -> None:
    with pytest.raises(OrganizationUrlError) as refused:
        OrganizationAddress(given)
    assert refused.value.remedy == f"set it to {meant}"
    assert "okta.org_url" in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        "https://{yourOktaDomain}",
        "{yourOktaDomain}",
        "https://${yourOktaDomain}/",
        "https://<your-domain>.okta.com",
        "<your-domain>",
        "<your domain>.okta.com",
        "https://%7ByourOktaDomain%7D",
    ],
)
def test_a_placeholder_of_a_guide_is_called_one(given: str) -> None:
    with pytest.raises(OrganizationUrlError, match="contains a placeholder") as refused:
        OrganizationAddress(given)
    assert "the address at which people sign in to Okta" in str(refused.value)


@pytest.mark.parametrize(
    "given", ["https://bücher.example", "https://xn--bcher-kva.example", "https://under_score.example"]
)
def test_names_in_other_alphabets_are_names(given: str) -> None:
    assert OrganizationAddress(given).at("/").raw_host == OrganizationAddress(given).at("/").raw_host.lower()


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(OrganizationUrlError) as refused:
        OrganizationAddress("https://ada:hunter2@acme.okta.com/?token=hunter3")
    assert "hunter" not in str(refused.value)


def test_what_looks_like_no_address_is_not_repeated() -> None:
    with pytest.raises(OrganizationUrlError, match="this contains a placeholder"):
        OrganizationAddress("00aSecret{x}y")


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
