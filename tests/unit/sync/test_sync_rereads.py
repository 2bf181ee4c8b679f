"""The cheapest reads that settle a batch of hints: how many looks, and how many reads of Okta they take."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.model.log_event import USER, LogEvent, Target
from teleport_okta.model.reasons import DeactivatedInOkta, NoLongerAssigned, PersonDeleted
from teleport_okta.model.scope import Scope
from teleport_okta.sync.event_alarms import Source
from teleport_okta.sync.event_hints import content_of
from teleport_okta.sync.key_reads import AppRead, GroupRead, PersonRead
from teleport_okta.sync.rereads import LOOKS, claims_that_count, looks_of, wide_looks_of
from worlds import NOW

ADA, BOB, CY = "00uADA", "00uBOB", "00uCY"
ENG, GIT, SAML = "00gENG", "0oaGIT", "0oaSAML"
NOTHING = GroupRead(row=False, members=False, grants=False)
NO_APP = AppRead(row=False, all_people=False, granting=False)


def member(of, group=ENG, claim=Claim.THERE, **more):
    return Hint(HintKind.MEMBER, of, group, claim, NOW, **more)


def app_person(of, app=GIT, claim=Claim.THERE, **more):
    return Hint(HintKind.APP_PERSON, of, app, claim, NOW, **more)


def suspended(of=ADA, **more):
    return Hint(HintKind.STATUS, of, claim=Claim.GONE, **{"published": NOW, **more})


def assigned(of=ADA, **more):
    return Hint(HintKind.PERSON, of, claim=Claim.THERE, **{"published": NOW, **more})


def unassigned(of=ADA, **more):
    return Hint(HintKind.PERSON, of, claim=Claim.GONE, **{"published": NOW, **more})


def person_read(*hints):
    [look] = looks_of(hints, {})
    assert look.scope == Scope.of(users=[hints[0].of])
    return look.reads.of_person(hints[0].of)


def reads_of(looks, sizes=None):
    """Count the calls of Okta that looks take: pages of listings, and reads by id."""
    sizes, count = sizes or {}, Counter()

    def pages(okta_id, a_page):
        return max(1, -(-sizes.get(okta_id, 0) // a_page))

    for look in looks:
        if look.reads.people_listed:
            count["people"] += pages(SAML, 500)
        else:
            count["person"] += len(look.reads.people)
        groups_of = set()
        for okta_id, read in look.reads.groups.items():
            count["group"] += read.row
            count["grants"] += read.grants
            count["members"] += pages(okta_id, 1000) if read.members else 0
            groups_of |= set() if read.members else read.people
        count["groups of a person"] += len(groups_of)
        for okta_id, read in look.reads.apps.items():
            count["app"] += read.row
            count["people of an app"] += pages(okta_id, 500) if read.all_people else 0
            count["assignment"] += 0 if read.all_people else len(read.people)
    return {name: number for name, number in count.items() if number}


def test_no_hints_make_no_looks():
    assert looks_of([], {}) == []
    assert wide_looks_of([]) == []


def test_each_person_is_a_look_of_their_own():
    looks = looks_of([Hint(HintKind.PERSON, one) for one in (ADA, BOB)], {})
    assert [look.scope for look in looks] == [Scope.of(users=[ADA]), Scope.of(users=[BOB])]
    assert reads_of(looks) == {"person": 2}


def test_all_that_is_hinted_of_a_person_is_one_look():
    hints = [Hint(HintKind.PERSON, ADA), suspended(), Hint(HintKind.OBJECT, ADA)]
    [look] = looks_of(hints, {})
    assert look.hints == tuple(hints)


def test_one_person_in_many_groups_is_one_read_of_their_groups():
    hints = [member(ADA, f"00g{number}") for number in range(40)]
    [look] = looks = looks_of(hints, {f"00g{number}": 5000 for number in range(40)})
    assert look.hints == tuple(hints)
    assert reads_of(looks) == {"groups of a person": 1}
    assert look.reads.of_group("00g7") == replace(NOTHING, people=frozenset({ADA}), there=frozenset({ADA}))


@pytest.mark.parametrize(("people", "size"), [(2, 0), (2, 1000), (4, 3000), (500, 20_000)])
def test_many_people_of_one_group_are_one_listing_of_it(people, size):
    hints = [member(f"00u{number}", claim=Claim.GONE) for number in range(people)]
    [look] = looks = looks_of(hints, {ENG: size})
    assert reads_of(looks, {ENG: size}) == {"members": max(1, -(-size // 1000))}
    assert look.reads.of_group(ENG).left == frozenset(hint.of for hint in hints)


@pytest.mark.parametrize(("people", "size"), [(1, 0), (2, 1001), (3, 3000)])
def test_few_people_of_a_large_group_are_read_by_person(people, size):
    looks = looks_of([member(f"00u{number}") for number in range(people)], {ENG: size})
    assert reads_of(looks, {ENG: size}) == {"groups of a person": people}


def test_a_group_that_is_listed_anyway_takes_the_hints_of_its_members_along():
    [look] = looks = looks_of([Hint(HintKind.MEMBERS, ENG), member(ADA), member(BOB, claim=Claim.GONE)], {ENG: 5000})
    assert len(look.hints) == 3
    assert reads_of(looks, {ENG: 5000}) == {"members": 5}


def test_a_group_by_itself_is_no_reason_to_list_its_members():
    looks = looks_of([Hint(HintKind.GROUP, ENG), member(ADA)], {})
    assert reads_of(looks) == {"group": 1, "groups of a person": 1}


def test_a_mixed_batch_lists_the_crowd_and_reads_the_wanderer_by_person():
    crowd = [member(f"00u{number}") for number in range(300)]
    wanderer = [member(ADA, f"00g{number}") for number in range(30)]
    assert reads_of(looks_of([*crowd, *wanderer], {})) == {"members": 1, "groups of a person": 1}


@pytest.mark.parametrize(("people", "size"), [(2, 0), (10, 9000)])
def test_a_few_people_in_the_same_many_groups_are_read_by_person(people, size):
    groups = [f"00g{number}" for number in range(40)]
    sizes = dict.fromkeys(groups, size)
    hints = [member(f"00u{number}", group) for number in range(people) for group in groups]
    assert sum(reads_of(looks_of(hints, sizes), sizes).values()) <= people


def test_bursts_on_one_app_are_one_listing():
    [look] = looks = looks_of([app_person(f"00u{number}") for number in range(300)], {GIT: 400})
    assert len(look.hints) == 300
    assert reads_of(looks, {GIT: 400}) == {"people of an app": 1}


@pytest.mark.parametrize(("people", "size"), [(1, 0), (2, 400), (3, 1000)])
def test_few_people_of_an_app_are_read_one_by_one(people, size):
    looks = looks_of([app_person(f"00u{number}", claim=Claim.GONE) for number in range(people)], {GIT: size})
    assert reads_of(looks, {GIT: size}) == {"assignment": people}
    assert len(looks[0].reads.of_app(GIT).left) == people


@pytest.mark.parametrize(("people", "size"), [(4, 0), (4, 500), (7, 2000), (300, 20_000)])
def test_bursts_on_the_app_that_people_come_from_are_one_listing_too(people, size):
    hints = [assigned(f"00u{number}") for number in range(people)]
    [look] = looks = looks_of(hints, {SAML: size}, SAML)
    assert sorted(look.hints, key=hints.index) == hints
    assert look.scope == Scope.of(users=[hint.of for hint in hints])
    assert look.reads.of_person("00u0") == PersonRead(is_there=True, doubt=True)
    assert reads_of(looks, {SAML: size}) == {"people": max(1, size // 500)}


@pytest.mark.parametrize(("people", "size", "app_id"), [(3, 500, SAML), (42, 20_000, SAML), (300, 500, "")])
def test_few_people_and_those_of_the_whole_organisation_are_read_one_by_one(people, size, app_id):
    looks = looks_of([assigned(f"00u{number}") for number in range(people)], {SAML: size}, app_id)
    assert len(looks) == people
    assert reads_of(looks, {SAML: size}) == {"person": people}


def test_a_person_who_is_read_by_status_or_is_deleted_needs_no_listing():
    deleted = Hint(HintKind.STATUS, BOB, claim=Claim.DELETED, published=NOW)
    hints = [*(assigned(f"00u{number}") for number in range(9)), suspended(ADA), Hint(HintKind.PERSON, BOB), deleted]
    looks = {look.scope: look for look in looks_of(hints, {}, SAML)}
    assert len(looks) == 3
    assert looks[Scope.of(users=[ADA])].reads.of_person(ADA).by_status
    assert looks[Scope.of(users=[BOB])].reads.of_person(BOB).is_deleted
    assert [look.reads.people_listed for look in looks.values()].count(True) == 1


def test_an_app_by_itself_and_its_people_are_one_look():
    hints = [Hint(HintKind.APP, GIT), Hint(HintKind.APP_PEOPLE, GIT), app_person(ADA)]
    [look] = looks = looks_of(hints, {})
    assert len(look.hints) == 3
    assert reads_of(looks) == {"app": 1, "people of an app": 1}


def test_what_a_group_grants_is_one_read_for_all_its_apps():
    apps = [f"0oa{number}" for number in range(20)]
    [look] = looks = looks_of([Hint(HintKind.GRANT, ENG, app_id) for app_id in apps], {})
    assert look.scope == Scope.of(groups=[ENG], apps=apps)
    assert reads_of(looks) == {"grants": 1}


def test_the_read_is_given_an_event_of_a_deletion():
    group, app = looks_of([Hint(HintKind.GROUP, ENG, claim=Claim.DELETED), Hint(HintKind.APP, GIT)], {})
    assert group.reads.of_group(ENG).is_deleted
    assert not app.reads.of_app(GIT).is_deleted
    [app] = looks_of([Hint(HintKind.APP, GIT, claim=Claim.DELETED), Hint(HintKind.APP_PEOPLE, GIT)], {})
    assert app.reads.of_app(GIT).is_deleted


def test_a_change_by_another_client_needs_no_read_of_okta_but_of_a_person():
    hints = [Hint(HintKind.OBJECT, one) for one in (ADA, ENG, GIT)]
    looks = looks_of(hints, {})
    assert [look.scope for look in looks] == [Scope.of(users=[ADA]), Scope.of(groups=[ENG]), Scope.of(apps=[GIT])]
    assert reads_of(looks) == {"person": 1}
    assert looks[1].reads.of_group(ENG) == NOTHING
    assert looks[2].reads.of_app(GIT) == NO_APP


@pytest.mark.parametrize("kind", [HintKind.ALL, HintKind.PEOPLE, HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS])
def test_what_names_nobody_is_an_errand(kind):
    assert looks_of([Hint(kind)], {}) == []
    [errand] = wide_looks_of([Hint(kind), Hint(HintKind.PERSON, ADA)])
    assert (errand.hints, errand.scope, errand.is_urgent) == ((Hint(kind),), Scope.of(), False)


def test_every_hint_is_in_exactly_one_look_or_errand():
    hints = [Hint(kind, ENG, GIT) for kind in HintKind] + [member(ADA), member(BOB), app_person(CY), suspended()]
    seen = [hint for look in (*looks_of(hints, {}), *wide_looks_of(hints)) for hint in look.hints]
    assert sorted(hint.key for hint in seen) == sorted(hint.key for hint in hints)


def test_leavers_go_before_everything_else():
    hints = [Hint(HintKind.PERSON, BOB), Hint(HintKind.GROUP, ENG), app_person(CY), suspended(ADA), unassigned(CY)]
    looks = looks_of(hints, {})
    assert [look.is_urgent for look in looks] == [True, True, False, False, False]
    assert [look.scope for look in looks[:2]] == [Scope.of(users=[ADA]), Scope.of(users=[CY])]


def test_a_profile_is_read_with_the_assignment_and_nothing_is_in_doubt():
    assert person_read(Hint(HintKind.PERSON, ADA)) == PersonRead()


def test_a_suspension_is_read_by_the_status_and_counts_from_when_it_was_published():
    assert person_read(suspended()) == PersonRead(by_status=True, published=NOW, doubt=True)
    assert person_read(Hint(HintKind.STATUS, ADA)) == PersonRead(by_status=True)


def test_the_end_of_an_assignment_is_stated_by_its_event():
    expected = PersonRead(ended=NoLongerAssigned(), published=NOW, doubt=True)
    assert person_read(unassigned()) == expected


def test_a_deletion_needs_no_read():
    read = person_read(Hint(HintKind.PERSON, ADA), Hint(HintKind.STATUS, ADA, claim=Claim.DELETED))
    assert read == PersonRead(is_deleted=True, ended=PersonDeleted())


def test_a_person_who_came_is_not_ended_by_a_read_while_that_is_in_doubt():
    assert person_read(assigned()) == PersonRead(is_there=True, doubt=True)
    assert person_read(assigned(looks=len(LOOKS))) == PersonRead(is_there=True)


def test_after_the_last_look_a_read_is_believed():
    assert sum(LOOKS) == 30
    assert not person_read(suspended(looks=len(LOOKS))).doubt
    [look] = looks_of([member(ADA, looks=len(LOOKS))], {})
    assert look.reads.of_group(ENG).there == frozenset()


@pytest.mark.parametrize("back", [HintKind.PERSON, HintKind.STATUS])
def test_of_what_is_said_of_a_person_the_latest_counts(back):
    came_back = Hint(back, ADA, claim=Claim.BACK, published=NOW + timedelta(seconds=1))
    read = person_read(came_back, suspended())
    assert (read.published, read.ended) == (None, None)
    later = NOW + timedelta(seconds=2)
    read = person_read(came_back, suspended(published=later))
    assert (read.published, read.ended) == (later, None)


def test_only_a_person_with_hints_of_the_status_alone_is_read_by_status():
    assert person_read(suspended(), Hint(HintKind.STATUS, ADA)).by_status
    for other in (Hint(HintKind.PERSON, ADA), Hint(HintKind.OBJECT, ADA), assigned(), unassigned()):
        assert not person_read(suspended(), other).by_status


def test_events_without_a_time_are_ranked_by_when_they_came():
    came, went = assigned(published=None, generation=1), unassigned(published=None, generation=1)
    assert person_read(came, replace(went, generation=2)).ended
    assert person_read(replace(came, generation=2), went).is_there


def test_a_person_who_is_assigned_while_suspended_is_suspended():
    read = person_read(suspended(), assigned(published=NOW + timedelta(seconds=1)))
    assert (read.published, read.is_there) == (NOW, True)


def test_a_person_who_is_back_in_okta_may_have_lost_the_assignment():
    back = Hint(HintKind.STATUS, ADA, claim=Claim.BACK, published=NOW + timedelta(seconds=1))
    assert claims_that_count([suspended(), unassigned(), back]) == [back, unassigned()]
    read = person_read(suspended(), unassigned(), back)
    assert (read.published, read.ended) == (NOW, NoLongerAssigned())


@pytest.mark.parametrize("kind", ["user.lifecycle.deactivate", "user.lifecycle.delete.initiated"])
def test_the_event_states_the_end_of_a_person_whom_no_read_finds(kind):
    told = content_of(LogEvent("u1", kind, NOW, "SUCCESS", (Target(USER, ADA),)), Source("0oaSAML"))
    assert person_read(*told.hints).ended == DeactivatedInOkta()


def test_in_a_listing_only_those_are_in_doubt_who_were_not_looked_at_twice():
    [look] = looks_of([member(ADA, looks=len(LOOKS)), member(BOB)], {})
    assert look.reads.of_group(ENG).there == frozenset({BOB})
