"""Explanations: each kind of chain, in a small world that was planned and applied."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.access import TeleportAccessList, TeleportMember
from teleport_okta.model.findings import Findings, Held, Quarantined
from teleport_okta.model.harm import Evidence
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.inheritance import LeftMembership
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.reasons import Verbatim
from teleport_okta.plan.changes import USER_GROUP
from teleport_okta.state.groups_and_apps import SeenList
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.people_seen import SeenPerson
from teleport_okta.state.store import QuarantineEntry
from teleport_okta.sync.explain import explain
from teleport_okta.sync.explain_facts import Facts
from teleport_okta.sync.explanation import ENDED
from worlds import NOW
from worlds_directory import ADA, BOB, CY, IMPORTS, Cluster, app, group, imports, nested, organization, synced, unread

ENG, OPS, FIG, WIKI = "00gENG", "00gOPS", "0oaFIG", "0oaWIKI"
OKTA = organization(
    group(ENG, "Engineers", [ADA, BOB], [FIG]), group(OPS, "Operators", []), app(FIG, "Figma"), app(WIKI, "Wiki", [CY])
)
USERS = {"ada": ADA, "bob": BOB, "cy": CY}
PEOPLE = {okta_id: SeenPerson(okta_id, name, "ACTIVE", NOW, True) for name, okta_id in USERS.items()}


def facts(okta=OKTA, cluster=None, settings=IMPORTS, **changes):
    """The registry of a service after everything was applied."""
    cluster = cluster or synced(okta, settings=settings)
    known = Facts(
        now=NOW,
        is_live=True,
        imports=settings,
        source_app="0oaSAML",
        people=PEOPLE,
        users=USERS,
        okta=okta,
        actual=cluster.actual(settings),
    )
    return replace(known, **changes)


def last_seen(**changes):
    """The facts of the state only."""
    return facts(is_live=False, actual=None, seen_lists={ENG: SeenList(ENG, "Engineers", 2, 0)}, **changes)


def links(link):
    """A link and all that follow."""
    return [link, *(below for one in link.then for below in links(one))]


def chain(known, of, asked):
    """The links of a chain as `kind name: text`, the first one's first."""
    return [f"{one.kind} {one.name}: {one.text}" for one in links(explain(known, of, asked).chain)]


def link(known, of, asked, kind, name):
    """The one link of a kind and name."""
    (found,) = [one for one in links(explain(known, of, asked).chain) if (one.kind, one.name) == (kind, name)]
    return found


def opened(known, of, asked):
    return [(one.kind, one.text) for one in explain(known, of, asked).open]


def entry(kind, name, action, *, okta_id="", at=NOW, **changes):
    return JournalEntry(at, "start", kind, name, okta_id, action, "why", "", "", Result.DONE, **changes)


def test_a_user_follows_from_a_group_through_its_filter_and_list_to_role_and_apps():
    assert chain(facts(), "user", "ada") == [
        "person ada: ACTIVE in Okta when last read, at 2026-01-05T09:00:00Z",
        "app : the app that people come from",
        "user ada: a user of ours",
        "lock ada: ",
        "role okta-requester: given to every user of ours",
        "group Engineers: is in it",
        "filter *: everything passes access_lists.group_filters",
        "access_list Engineers: in its list, because they are in it in Okta",
        f"role {member_role(ENG)}: granted to members",
        "user_group Engineers: may be used",
        f"app Figma: may be used, as {app_server_name(FIG)}",
    ]


def test_a_user_group_that_is_not_there_cannot_be_used_yet():
    without = replace(facts().actual, user_groups={})
    assert "user_group Engineers: may be used, once it is a user group" in chain(facts(actual=without), "user", "ada")
    unread = replace(without, unread={USER_GROUP: "off on 18.0.0"})
    assert "user_group Engineers: may be used, if it is a user group" in chain(facts(actual=unread), "user", "ada")


def test_each_link_names_what_the_journal_may_have_of_it():
    found = link(facts(), "user", "ada", "access_list", "Engineers")
    assert found.keys == (("member", f"{ENG}/ada"), ("access_list", ENG))
    assert link(facts(), "user", "ada", "user", "ada").keys == (("user", "ada"),)
    assert link(facts(), "user", "ada", "app", "Figma").keys == (("app_server", app_server_name(FIG)),)
    assert link(facts(), "user", "ada", "role", member_role(ENG)).keys == (("role", member_role(ENG)),)


def test_an_app_that_a_person_has_individually():
    assert "app Wiki: has it individually" in chain(facts(), "user", "cy")
    assert "access_list Wiki: in its list, because they are in it in Okta" in chain(facts(), "user", "cy")


def test_the_filter_that_lets_a_group_pass_is_named():
    known = facts(settings=imports(group_filters=["none", "Eng*"]))
    assert "filter Eng*: passes access_lists.group_filters" in chain(known, "user", "ada")


def test_the_app_that_people_come_from_says_which_way_a_person_has_it():
    okta = organization(group(ENG, "Engineers", [ADA], ["0oaSAML"]), app("0oaSAML", "Teleport", [BOB]))
    known = facts(okta)
    assert f"app Teleport: the app that people come from; assigned by the group Engineers ({ENG})" in chain(
        known, "user", "ada"
    )
    assert "app Teleport: the app that people come from; assigned individually" in chain(known, "user", "bob")
    everybody = replace(known, source_app=None)
    assert "source : everyone in the organisation is synced" in chain(everybody, "user", "ada")


def people_list(cluster, name, *members):
    """A list that people made, with a role of their own."""
    cluster.lists[name] = TeleportAccessList(name, f"{name} title", grants=("editor",))
    for member in members:
        cluster.add(name, member)


def test_a_list_in_which_people_put_a_person_says_who_why_and_until_when():
    cluster = synced(OKTA)
    people_list(cluster, "own", TeleportMember("ada", reason="on call", added_by="olga", expires=NOW + timedelta(1)))
    found = link(facts(cluster=cluster), "user", "ada", "access_list", "own title")
    assert found.text == "added by olga in Teleport, because: on call; until 2026-01-06T09:00:00Z"
    assert [one.name for one in found.then] == ["editor"]
    assert found.keys == ()


def test_a_membership_that_is_over_grants_nothing():
    cluster = synced(OKTA)
    people_list(cluster, "own", TeleportMember("ada", expires=NOW - timedelta(1)))
    found = link(facts(cluster=cluster), "user", "ada", "access_list", "own title")
    assert "which is over" in found.text
    assert found.then == ()


def test_whom_people_added_to_a_list_of_ours_is_theirs_and_stands_once():
    cluster = synced(OKTA)
    del cluster.members[ENG]["ada"]
    cluster.add(ENG, TeleportMember("ada", added_by="olga"))
    found = link(facts(cluster=cluster), "user", "ada", "access_list", "Engineers")
    assert found.text == "in its list; added by olga in Teleport; people's, so Okta does not take it away"


def test_a_list_that_another_is_nested_in_is_reached_through_it():
    cluster = synced(OKTA)
    people_list(cluster, "outer", nested(ENG))
    people_list(cluster, "outermost", nested("outer"))
    known = facts(cluster=cluster)
    assert f"access_list outer title: through Engineers ({ENG}), which is nested in it" in chain(known, "user", "ada")
    assert "access_list outermost title: through outer title (outer), which is nested in it" in chain(
        known, "user", "ada"
    )
    assert "outer title" not in " ".join(chain(known, "user", "cy"))
    assert "access_list outer title: this list is nested in it, so its members are in both" in chain(
        known, "list", "Engineers"
    )


def test_a_list_of_a_group_in_which_a_person_is_through_a_nested_one():
    cluster = synced(OKTA)
    people_list(cluster, "inner", TeleportMember("ada"))
    del cluster.members[ENG]["ada"]
    cluster.add(ENG, nested("inner"))
    known = facts(cluster=cluster)
    assert "access_list Engineers: in its list through a nested one" in chain(known, "user", "ada")


def test_a_membership_that_is_due():
    cluster = synced(OKTA)
    del cluster.members[ENG]["ada"]
    assert any("not in its list yet" in line for line in chain(facts(cluster=cluster), "user", "ada"))


def test_an_import_that_okta_is_not_known_to_have():
    okta = organization(group(ENG, "Engineers", [BOB], [FIG]), app(FIG, "Figma"))
    known = facts(okta, cluster=synced(OKTA))
    assert any(line.startswith("access_list Engineers: imported; by what") for line in chain(known, "user", "ada"))


def test_requirements_of_a_list_are_said():
    cluster = synced(OKTA)
    cluster.lists[ENG] = replace(cluster.lists[ENG], has_requirements=True)
    assert any(line.startswith("requirements") for line in chain(facts(cluster=cluster), "user", "ada"))


def test_a_person_without_a_user_and_why():
    people = {**PEOPLE, "00uDEE": SeenPerson("00uDEE", "dee", "STAGED", NOW, False)}
    known = facts(people=people)
    assert f"{ENDED} : no user of ours: STAGED, and sync.create_unactivated is false" in chain(known, "user", "dee")


def test_a_leaver_is_explained_by_the_journal():
    left = entry("user", "dee", "delete", okta_id="00uDEE", at=NOW + timedelta(minutes=1))
    people = {**PEOPLE, "00uDEE": SeenPerson("00uDEE", "dee", "ACTIVE", NOW, True)}
    for known in (facts(past=(left,)), facts(past=(left,), people=people)):
        found = explain(known, "user", "dee").chain
        assert found.okta_id == "00uDEE"
        assert [(one.kind, one.text, one.keys) for one in found.then] == [
            (ENDED, "no user of ours", (("user", "dee"),))
        ]
        assert [one.keys for one in found.then[0].then] == [(("lock", "dee"),)]


def test_an_owner_of_lists_has_the_roles_of_owners():
    known = facts(settings=imports(default_owners=("ada",)))
    found = [one for one in links(explain(known, "user", "ada").chain) if one.text == "an owner of it"]
    assert [(one.name, [role.name for role in one.then]) for one in found] == [
        ("Engineers", [reviewer_role(ENG)]),
        ("Wiki", [reviewer_role(WIKI)]),
    ]


def test_a_suspension_that_came_by_an_event_is_newer_than_the_row():
    locked = entry("lock", "ada", "lock", okta_id=ADA, at=NOW + timedelta(1), harm="lock")
    assert chain(facts(past=(locked,)), "user", "ada")[0].endswith("; suspended since, see the lock")
    unlocked = replace(locked, action="unlock")
    assert "suspended" not in chain(facts(past=(unlocked, locked)), "user", "ada")[0]
    assert "suspended" not in chain(facts(past=(replace(locked, time=NOW - timedelta(1)),)), "user", "ada")[0]


def test_a_user_who_is_not_ours():
    known = facts(others=frozenset({"eve"}))
    assert any("not ours" in line for line in chain(known, "user", "eve"))


def test_a_person_comes_before_a_user_of_the_same_name_who_is_not_ours():
    people = {**PEOPLE, "00uX": SeenPerson("00uX", "eve", "ACTIVE", NOW, False)}
    assert explain(facts(people=people, others=frozenset({"eve"})), "user", "eve").chain.okta_id == "00uX"


def test_an_empty_name_is_nothing():
    assert explain(facts(), "user", "").matches == ()


@pytest.mark.parametrize("kind", ["user_group", "app_server", "access_list", "member", "role"])
def test_what_could_not_be_read_is_not_said_to_be_absent(kind):
    cluster = synced(OKTA)
    known = replace(facts(cluster=cluster), actual=cluster.actual(unread=[kind]))
    said = [line for of, name in (("user", "ada"), ("group", ENG), ("app", FIG)) for line in chain(known, of, name)]
    assert any("not known, it could not be read: 503" in line for line in said)
    assert not any("there is none" in line or "is due" in line for line in said)


def test_contended_names_are_listed_with_their_ids():
    people = {one: SeenPerson(one, name, "ACTIVE", NOW, False) for one, name in (("00uX", "Zoe"), ("00uY", "zoE"))}
    known = facts(people=people)
    found = explain(known, "user", "zoe")
    assert found.chain is None
    assert [match.id for match in found.matches] == ["00uX", "00uY"]
    assert explain(known, "user", "zoE").chain.okta_id == "00uY"
    assert explain(known, "user", "00uX").chain.name == "Zoe"


def test_a_person_of_two_names_is_one():
    known = facts(people={**PEOPLE, ADA: SeenPerson(ADA, "countess", "ACTIVE", NOW, True)})
    assert explain(known, "user", "countess").chain.okta_id == ADA
    assert "user ada: a user of ours" in chain(known, "user", "countess")


def test_the_person_who_has_a_name_comes_before_one_who_had_it():
    former = entry("user", "ada", "delete", okta_id="00uFORMER")
    assert explain(facts(past=(former,)), "user", "ada").chain.okta_id == ADA


@pytest.mark.parametrize("of", ["user", "group", "app", "list"])
def test_what_is_nowhere_says_where_it_was_looked_for(of):
    found = explain(facts(), of, "nothing")
    assert (found.chain, found.matches) == (None, ())
    assert "journal" in found.looked_in


def test_looking_for_a_group_before_any_was_read_says_so():
    found = explain(replace(facts(), okta=None, actual=None), "group", "nothing")
    assert "groups, apps and lists were not read yet" in found.looked_in[-1]
    found = explain(replace(facts(), okta=None, actual=None, imports_directory=False), "group", "nothing")
    assert "sync.apps_and_groups is false" in found.looked_in[-1]


def test_a_group_with_a_list():
    lines = chain(facts(), "group", "engineers")
    assert lines[0] == "group Engineers: a group of Okta, listed at 2026-01-05T09:00:00Z"
    assert "people : 2 in the group, users of ours among them: 2; read at 2026-01-05T09:00:00Z" in lines
    assert f"grants : Figma ({FIG}), by Okta" in lines
    assert f"user_group {ENG}: grants Figma" in lines
    assert "access_list Engineers: its list" in lines
    assert "owners : olga" in lines
    assert "members : because of Okta: 2" in lines
    assert "members : added by people: 0" in lines
    assert "member ada: Okta has them in it" in lines


def no_list(known, of, asked):
    return next(line for line in chain(known, of, asked) if line.startswith(f"{ENDED} ") and "no list" in line)


def test_why_a_group_has_no_list():
    assert "no user of ours is in it" in no_list(facts(), "group", OPS)
    assert "no filter of access_lists.group_filters" in no_list(
        facts(settings=imports(group_filters=["x"])), "group", ENG
    )
    okta = organization(unread(group(ENG, "Engineers", [ADA])))
    assert "cannot be read: 503" in no_list(facts(okta), "group", ENG)
    assert "the licence has none" in no_list(facts(settings=imports(lists_off="the licence has none")), "group", ENG)
    assert "due in the next pass" in no_list(facts(cluster=Cluster()), "group", ENG)


def test_people_of_a_group_who_have_no_user_are_named():
    okta = organization(group(ENG, "Engineers", [ADA, "00uDEE", "00uX"]))
    people = {**PEOPLE, "00uDEE": SeenPerson("00uDEE", "dee", "SUSPENDED", NOW, False)}
    lines = chain(facts(okta, people=people), "group", ENG)
    assert "person dee: no user of ours; SUSPENDED in Okta" in lines
    assert "person : no user of ours; not among those to be synced" in lines


def test_a_group_that_is_gone_from_okta_and_still_has_a_list():
    known = facts(organization(), cluster=synced(OKTA))
    assert chain(known, "group", ENG)[0].startswith("group Engineers: not among the groups that Okta listed")
    assert "access_list Engineers: its list" in chain(known, "group", "Engineers")
    unusable = organization(malformed_groups=[MalformedRow(ENG, "the profile is no object")])
    assert "the profile is no object" in chain(facts(unusable, cluster=synced(OKTA)), "group", ENG)[0]
    cut_short = organization(groups={"incomplete": "503 at page 2"})
    assert "proves nothing: 503 at page 2" in chain(facts(cut_short, cluster=synced(OKTA)), "group", ENG)[0]


def test_an_app_with_its_server_the_groups_that_grant_it_and_its_list():
    lines = chain(facts(), "app", "Figma")
    assert "group Engineers: grants the app to its members in Okta" in lines
    assert f"app_server {app_server_name(FIG)}: granted by Engineers" in lines
    assert "no user of ours is in it" in no_list(facts(), "app", "Figma")
    assert "access_list Wiki: its list" in chain(facts(), "app", app_server_name(WIKI))


def test_an_app_that_is_not_active_has_neither_server_nor_list():
    okta = organization(app(FIG, "Figma", status="INACTIVE"))
    lines = chain(facts(okta), "app", FIG)
    assert f"{ENDED} {app_server_name(FIG)}: no app server: the app is INACTIVE in Okta" in lines
    assert "INACTIVE" in no_list(facts(okta), "app", FIG)


def test_a_list_from_its_own_side():
    cluster = synced(OKTA)
    cluster.add(ENG, TeleportMember("cy", added_by="olga"))
    cluster.add(ENG, nested("inner", added_by="olga"))
    lines = chain(facts(cluster=cluster), "list", "Engineers")
    assert lines[0] == "access_list Engineers: a list of ours"
    assert "group Engineers: a group of Okta" in lines
    assert "members : because of Okta: 2" in lines
    assert "members : added by people: 2" in lines
    assert "member cy: added by olga in Teleport" in lines
    assert "access_list inner: nested; added by olga in Teleport" in lines


def test_a_list_that_people_made():
    cluster = synced(OKTA)
    people_list(cluster, "own", TeleportMember("ada"))
    lines = chain(facts(cluster=cluster), "list", "own title")
    assert "does not carry our owner label" in lines[0]
    assert "role editor: granted to members; not ours, so what it allows is not known here" in lines


def test_a_list_that_is_gone_is_explained_by_the_journal():
    found = explain(facts(past=(entry("access_list", "00gGONE", "delete", okta_id="00gGONE"),)), "list", "00gGONE")
    assert found.chain.text == "there is no such list any more"
    assert found.chain.then[0].keys == (("access_list", "00gGONE"),)


def test_large_lists_are_cut_and_counted():
    people = {f"00u{n:03}": f"u{n:03}" for n in range(150)}
    okta = organization(group(ENG, "Engineers", people))
    known = facts(okta, users={})
    lines = chain(known, "group", ENG)
    assert sum(line.startswith("person") for line in lines) == 100


def test_held_and_quarantined_rows_hints_and_left_memberships_are_shown_to_whom_they_are_about():
    rows = (
        Quarantined.from_text("user", "ada", ADA, "refused", "wait"),
        Quarantined.from_text("access_list", "Engineers", ENG, "unread", "permit it"),
        Quarantined.from_text("member", f"{ENG}/ada", "", "it has ended", "remove it"),
    )
    known = facts(
        quarantine=tuple(QuarantineEntry(row, NOW, NOW) for row in rows),
        findings=Findings(
            (
                Held(
                    "member",
                    f"{ENG}/bob",
                    BOB,
                    Verbatim("no longer in it"),
                    Evidence.ABSENT,
                    hold_cause=Verbatim("too many"),
                ),
            )
        ),
        hints=(Hint(HintKind.MEMBER, ADA, ENG, cause="group.user_membership.add u1", tries=2),),
        left=(LeftMembership("cy", "own", "Own"),),
    )
    of_ada, of_bob, of_cy = (opened(known, "user", name) for name in USERS)
    assert [kind for kind, _ in of_ada] == ["quarantine", "quarantine", "waiting"]
    assert of_ada[-1][1] == f"a look at member {ADA} {ENG}, because of group.user_membership.add u1, tried 2 times"
    assert of_bob == [("held", "member: no longer in it (absent); too many")]
    assert [kind for kind, _ in of_cy] == ["left"]
    assert [kind for kind, _ in opened(known, "group", ENG)] == ["held", "quarantine", "quarantine", "waiting"]
    assert [kind for kind, _ in opened(known, "list", ENG)] == ["held", "quarantine", "quarantine", "waiting"]
    assert opened(known, "app", FIG) == []


def test_a_person_who_is_set_aside_has_no_user_and_the_reason_stands_below():
    row = Quarantined.from_text("user", "o'neil", "00uX", "bad name", "change it")
    known = facts(quarantine=(QuarantineEntry(row, NOW, NOW),))
    assert f"{ENDED} : no user of ours: set aside, see below" in chain(known, "user", "o'neil")
    assert "bad name -> change it" in opened(known, "user", "00uX")[0][1]


def test_a_pass_that_waits_concerns_everything():
    known = facts(hints=(Hint(HintKind.ALL, cause="the log was lost"),))
    for of, name in (("user", "ada"), ("group", ENG), ("app", FIG), ("list", ENG)):
        assert [kind for kind, _ in opened(known, of, name)] == ["waiting"]


def test_the_state_alone_tells_what_was_last_seen():
    lines = chain(last_seen(), "user", "ada")
    assert "access_list Engineers: its list, in which they were when last seen" in lines
    assert any(line.startswith(f"role {member_role(ENG)}: granted to members; what it allows") for line in lines)
    lines = chain(last_seen(), "list", "Engineers")
    assert any("2 imported, 0 added by people" in line for line in lines)


def test_the_state_alone_goes_by_the_journal_where_that_is_newer():
    added = entry("member", f"{ENG}/cy", "create", okta_id=CY)
    assert "access_list Engineers: in it, as the journal has it" in chain(last_seen(past=(added,)), "user", "cy")
    removed = entry("member", f"{ENG}/ada", "delete", okta_id=ADA)
    assert any("not in its list any more" in line for line in chain(last_seen(past=(removed,)), "user", "ada"))
