from __future__ import annotations

import pytest
from teleport_okta.saml.acs import acs_url, same_address
from teleport_okta.saml.enrolment_errors import EnrolmentError

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta"


@pytest.mark.parametrize(
    "proxy",
    [
        "teleport.example.com",
        "teleport.example.com:443",
        "Teleport.Example.com",
        "https://teleport.example.com",
        "https://teleport.example.com:443/",
        " teleport.example.com ",
    ],
)
def test_the_usual_port_and_a_browser_s_address_make_no_other_address(proxy: str) -> None:
    assert acs_url(proxy, "okta") == ACS


def test_another_port_stays_and_so_does_the_case_of_the_connector() -> None:
    assert acs_url("teleport.example.com:3080", "Okta") == "https://teleport.example.com:3080/v1/webapi/saml/acs/Okta"
    assert acs_url("[::1]:3080", "okta") == "https://[::1]:3080/v1/webapi/saml/acs/okta"


@pytest.mark.parametrize(
    "proxy",
    [
        "",
        "http://teleport.example.com",
        "https://teleport.example.com/web/login",
        "ada@teleport.example.com",
        "teleport example com",
        "teleport.example.com:0",
        "teleport.example.com:70000",
        "teleport.example.com:",
        "-teleport.example.com",
        "::1",
    ],
)
def test_an_invalid_address_is_refused_before_it_becomes_part_of_an_app(proxy: str) -> None:
    with pytest.raises(EnrolmentError, match=r"not host.*--proxy"):
        acs_url(proxy, "okta")


@pytest.mark.parametrize("other", [ACS, ACS.replace(".com/", ".com:443/"), ACS.replace("teleport", "TELEPORT")])
def test_case_of_the_host_and_the_usual_port_do_not_count(other: str) -> None:
    assert same_address(other, ACS)
    assert same_address(ACS, other)


@pytest.mark.parametrize(
    "other",
    [
        f"{ACS}/",
        f"{ACS}-integration",
        ACS.replace("/okta", "/Okta"),
        ACS.replace("https", "http"),
        ACS.replace(".com/", ".com:3080/"),
        ACS.replace("teleport.example.com", "evil.example.com"),
        f"{ACS}?x=1",
        "",
        "https://teleport.example.com:port/",
        "https://[teleport",
    ],
)
def test_everything_else_does(other: str) -> None:
    assert not same_address(other, ACS)
    assert not same_address(ACS, other)
