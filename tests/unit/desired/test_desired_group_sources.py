"""Whether list sync keeps no list of a group any more: what is unknown ends no binding."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.group_sources import keeps_no_list
from teleport_okta.desired.policy import Imports
from teleport_okta.model.directory import Directory, Listing, OktaGroup
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.okta import MalformedRow
from worlds import NOW, POLICY

LOOMS = "00gLOOMS"
IMPORTS = Imports(POLICY, "host", group_filters=NameFilters.of(["Looms"]))
ALONE = replace(IMPORTS, pushed_alone=True)


def directory(*names, malformed=(), deleted=()):
    rows = tuple(OktaGroup(LOOMS, "OKTA_GROUP", name) for name in names)
    return Directory(Listing(rows, tuple(malformed), NOW), Listing((), (), NOW), deleted=frozenset(deleted))


def ends(found, imports=IMPORTS, lists=(), *, is_absence_believed=True):
    return keeps_no_list(LOOMS, found, imports, lists, is_absence_believed=is_absence_believed)


def test_a_group_that_passes_the_filters_is_kept_whether_it_has_a_list_or_not():
    assert not ends(directory("Looms"))
    assert not ends(directory("Looms"), lists={LOOMS})


def test_a_group_that_no_filter_lets_pass_has_no_list_once_its_list_is_gone():
    assert ends(directory("Mills"))
    assert not ends(directory("Mills"), lists={LOOMS})


@pytest.mark.parametrize("is_absence_believed", [True, False])
def test_a_group_whose_deletion_is_stated_has_no_list_once_its_list_is_gone(is_absence_believed):
    found = directory(deleted=[LOOMS])
    assert ends(found, is_absence_believed=is_absence_believed)
    assert not ends(found, lists={LOOMS}, is_absence_believed=is_absence_believed)


def test_a_group_that_the_listing_lacks_has_no_list_if_that_is_believed():
    assert ends(directory())
    assert not ends(directory(), is_absence_believed=False)
    assert not ends(directory(malformed=[MalformedRow(LOOMS, "its profile has no name")]))


@pytest.mark.parametrize(
    "unknown",
    [{"lists_off": "access_lists.enabled is false"}, {"roles_off": "denied"}, {"unread": {"access_list": ""}}],
)
def test_while_lists_are_off_or_unread_no_binding_ends(unknown):
    assert not ends(directory("Mills"), replace(IMPORTS, **unknown))
    assert not ends(directory(), replace(IMPORTS, **unknown))


def test_while_nothing_is_imported_every_group_has_no_list_whatever_list_there_is():
    assert ends(directory("Looms"), ALONE, {LOOMS})
