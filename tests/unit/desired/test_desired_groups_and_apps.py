"""What should become of groups and apps: user groups, app servers and candidates, and what is left out and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.groups_and_apps import desired_directory, lists_wanted
from teleport_okta.desired.import_labels import ImportLabels
from teleport_okta.model.directory import BUILT_IN
from teleport_okta.model.directory_reasons import (
    AppInactive,
    AppNotLaunchable,
    AppOfOkta,
    EveryoneNotNamed,
    NoAppFilter,
    NoGroupFilter,
)
from teleport_okta.model.okta import MalformedRow
from worlds_directory import ADA, app, group, imports, organization, roster, unread

EVERYONE = group("00gALL", "Everyone", [ADA], type=BUILT_IN)


def desired(*rows, settings=None, **listings):
    return desired_directory(organization(*rows, **listings), settings or imports(), ImportLabels(()))


def test_a_group_is_wanted_with_the_launchable_apps_that_it_grants():
    found = desired(group("00gENG", grants=["0oaGIT", "0oaOFF"]), app("0oaGIT"), app("0oaOFF", links=()))
    assert [one.app.id for one in found.groups["00gENG"].apps] == ["0oaGIT"]
    assert found.apps["0oaGIT"].group_ids == ("00gENG",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "INACTIVE"}, AppInactive("INACTIVE")),
        ({"links": ()}, AppNotLaunchable()),
        ({"name": "saasure"}, AppOfOkta("saasure")),
    ],
)
def test_an_app_that_cannot_be_launched_is_neither_app_server_nor_list(changes, why):
    found = desired(app("0oaGIT", **changes), settings=imports(left_out=frozenset({"saasure"})))
    assert not found.apps
    assert not found.candidates
    assert found.left_out == {"0oaGIT": why}
    assert found.left_out == found.no_list


def test_an_app_that_is_left_out_is_present_nevertheless():
    assert "0oaGIT" in desired(app("0oaGIT", status="INACTIVE")).present


def test_a_candidate_has_its_people_and_says_which_filter_let_it_pass():
    found = desired(group("00gENG", "Engines", [ADA], grants=["0oaGIT"]), app("0oaGIT"), settings=imports())
    assert found.candidates["00gENG"].why == "*"
    assert found.candidates["00gENG"].people == {ADA}
    assert found.candidates["00gENG"].app_ids == ("0oaGIT",)


def test_a_group_or_an_app_that_passes_no_filter_is_no_candidate_and_has_the_reason():
    settings = imports(group_filters=["Eng*"], app_filters=["Git"])
    found = desired(group("00gENG"), group("00gOPS"), app("0oaGIT"), app("0oaWIKI"), settings=settings)
    assert found.candidates.keys() == {"00gENG", "0oaGIT"}
    assert found.no_list == {"00gOPS": NoGroupFilter(), "0oaWIKI": NoAppFilter()}


def test_group_filters_and_app_filters_are_apart():
    found = desired(group("00gGIT", "Git"), app("0oaGIT", "Git"), settings=imports(app_filters=["None"]))
    assert found.candidates.keys() == {"00gGIT"}


@pytest.mark.parametrize("filters", [(), ["*"], ["Every*"], ["^.*$"]])
def test_everyone_is_a_user_group_and_no_candidate(filters):
    found = desired(EVERYONE, settings=imports(group_filters=filters))
    assert found.groups.keys() == {"00gALL"}
    assert not found.candidates
    assert found.no_list["00gALL"] == EveryoneNotNamed()


@pytest.mark.parametrize("name", ["Everyone", "^Everyone$"])
def test_everyone_is_a_candidate_where_a_filter_names_it_exactly(name):
    found = desired(EVERYONE, settings=imports(group_filters=["Eng*", name]))
    assert found.candidates["00gALL"].why == name


def test_a_group_that_people_called_everyone_is_like_any_other():
    assert desired(group("00gFAKE", "Everyone", [ADA])).candidates.keys() == {"00gFAKE"}


@pytest.mark.parametrize("kind", [BUILT_IN, "APP_GROUP"])
def test_groups_of_other_types_are_imported_likewise(kind):
    found = desired(group("00gADM", "Administrators", [ADA], type=kind))
    assert found.groups.keys() == found.candidates.keys() == {"00gADM"}


def test_a_group_whose_members_we_may_not_read_is_set_aside_and_not_fatal():
    found = desired(unread(group("00gADM"), "403 E0000006", refused=True), group("00gENG", members=[ADA]))
    assert [row.okta_id for row in found.quarantined] == ["00gADM"]
    assert "access_lists.group_filters" in found.quarantined[0].remedy
    assert found.candidates["00gADM"].unread == "403 E0000006"
    assert not found.candidates["00gENG"].unread


def test_a_group_whose_apps_may_not_be_read_is_reported_and_left_as_it_is():
    refused = replace(group("00gENG", members=[ADA]), grants=roster((), problem="403 E0000006", refused=True))
    found = desired(refused)
    assert [(row.kind, row.okta_id) for row in found.quarantined] == [("user_group", "00gENG")]
    assert "okta.apps.read" in found.quarantined[0].remedy
    assert found.groups["00gENG"].apps is None


def test_a_group_whose_members_were_not_asked_for_is_no_news():
    found = desired(group("00gENG", members=None))
    assert found.candidates["00gENG"].unread
    assert not found.quarantined


def test_a_roster_that_broke_off_says_nothing_not_even_what_it_had():
    broken = replace(group("00gENG"), grants=roster(["0oaGIT"], problem="page 2: 503"))
    found = desired(broken, app("0oaGIT"))
    assert found.groups["00gENG"].apps is None
    assert found.candidates["00gENG"].app_ids is None
    assert found.apps["0oaGIT"].group_ids == ()


def test_granted_apps_that_the_listing_lacks_are_distinguished_from_those_left_out():
    found = desired(group("00gENG", grants=["0oaGIT", "0oaOFF", "0oaGONE"]), app("0oaGIT"), app("0oaOFF", links=()))
    assert found.candidates["00gENG"].unlisted == {"0oaGONE"}


def test_a_malformed_row_is_set_aside_and_its_object_still_present():
    found = desired(group("00gENG"), malformed_groups=[MalformedRow("00gBAD", "no profile")])
    assert found.groups.keys() == {"00gENG"}
    assert "00gBAD" in found.present
    assert found.is_unreadable("00gBAD")
    assert not found.is_unreadable("00gENG")
    assert not found.is_unreadable("00gGONE")
    assert [row.okta_id for row in found.quarantined] == ["00gBAD"]


def test_a_group_whose_id_is_no_name_is_set_aside_and_the_others_go_on():
    found = desired(group("00g/BAD", "Bad"), group("00gENG"))
    assert found.groups.keys() == {"00gENG"}
    assert [row.okta_id for row in found.quarantined] == ["00g/BAD"]
    assert "00g/BAD" in found.present


def test_only_rosters_that_lists_need_are_wanted():
    settings = imports(group_filters=["Eng*"])
    rows = (group("00gENG"), group("00gOPS"), app("0oaGIT"), app("0oaOFF", status="INACTIVE"))
    okta = organization(*rows)
    assert lists_wanted(okta.groups.rows, okta.apps.rows, settings) == ({"00gENG"}, {"0oaGIT"})
    off = replace(settings, roles_off="access_lists.enabled is false")
    assert lists_wanted(okta.groups.rows, okta.apps.rows, off) == (set(), set())
