"""Findings about access lists: owners, and the licence's limit."""

from __future__ import annotations

import pytest
from teleport_okta.config import parse
from teleport_okta.doctor.access_lists import of_limit, of_owners, of_settings


def settings_with(**sections):
    okta = {"org_url": "https://example.okta.com", "api_token": "secret", "app_id": "0oaEXAMPLE"}
    return parse({"okta": okta, **sections})


def test_without_an_owner_a_note_says_that_no_list_is_made():
    [finding] = of_settings(settings_with())
    assert (finding.severity, finding.section.value) == ("note", "configuration")
    assert "access_lists.default_owners" in finding.what


@pytest.mark.parametrize(
    "sections",
    [
        {"access_lists": {"default_owners": ["ada"]}},
        {"access_lists": {"enabled": False}},
        {"sync": {"apps_and_groups": False}},
    ],
)
def test_without_lists_or_with_an_owner_there_is_no_note(sections):
    assert not list(of_settings(settings_with(**sections)))


def test_each_owner_who_is_no_user_is_a_warning():
    found = list(of_owners(("ada", "grace", "alan"), ["ada", "alan"]))
    assert [finding.severity.value for finding in found] == ["warning", "warning"]
    assert "'ada'" in found[0].what
    [well] = of_owners(("ada",), [])
    assert (well.severity, well.what) == ("ok", "ada")


def test_a_limit_on_lists_is_shown_with_a_remedy():
    assert of_limit(None).severity == "ok"
    limited = of_limit(5)
    assert (limited.severity, "5" in limited.what, "group_filters" in limited.remedy) == ("note", True, True)
