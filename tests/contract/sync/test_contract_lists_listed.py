"""Lists and members that a listing lacks, or shows out of order, are read in another way first."""

from __future__ import annotations

from contract.sync.office import built_office
from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST, Member
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE, timestamp_at


def dangling(office, list_name, child):
    """Let a list have a nested list that does not exist."""
    member = Member()
    member.header.metadata.name = member.spec.name = child
    member.spec.access_list, member.spec.membership_kind = list_name, MEMBERSHIP_KIND_LIST
    member.spec.added_by = "administrator"
    member.spec.expires.seconds = YEAR_ONE
    member.spec.joined.CopyFrom(timestamp_at(office.world.clock.now().timestamp()))
    office.teleport.cluster.list_members.of(list_name).seed([member])


CROWD = [f"u{number:03}@x.io" for number in range(150)]


async def test_lists_of_more_than_one_page_are_right_where_page_tokens_are_ignored(tmp_path):
    """The cache of the public 18.0.0 answers every token with the first page.

    See `docs/reference/teleport-observed.md` 5.2.
    """
    async with built_office(tmp_path, cluster={"public_member_cache": True}) as office:
        eng, ops = office.group("Eng", *CROWD), office.group("Ops", *CROWD[:100])
        await office.settled()
        assert office.imported(eng) == set(CROWD)
        office.okta.remove_member(ops.id, office.person(CROWD[0]).id)
        office.people.add_member(eng.id, "olga@x.io")
        report = await office.next_pass()
        assert [(c.action, c.kind, c.subject) for c in report.plan.changes] == [
            ("delete", "member", f"{ops.id}/{CROWD[0]}")
        ]
        assert office.imported(ops) == set(CROWD[1:100])
        assert "olga@x.io" in office.members(eng)


async def test_a_nested_list_made_between_two_readings_stays(office):
    """Finding P37: people made and nested a list after lists were listed, and before members were."""
    group = office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    lists = office.world.parts.teleport.access_lists
    listing = lists.list

    async def listed():
        found = await listing()
        lists.list = listing
        office.people.create("theirs", title="Contractors")
        office.people.nest(group.id, "theirs")
        return found

    lists.list = listed
    report = await office.next_pass()
    assert not report.plan.changes
    assert "theirs" in office.members(group)


async def test_a_nested_list_that_the_listing_does_not_show_yet_stays(office):
    """Finding P37b: the listing of lists lags behind."""
    group = office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    office.teleport.cluster.caches("access_list").hold_listings(2.0)
    office.people.create("theirs", title="Contractors")
    office.people.nest(group.id, "theirs")
    assert not (await office.world.run()).plan.changes
    assert "theirs" in office.members(group)


async def test_a_nested_list_that_was_gone_and_is_made_again_before_the_plan_is_applied_stays(office):
    group = office.group("Eng", "ada@x.io", "bob@x.io")
    await office.settled()
    dangling(office, group.id, "theirs")
    lists = office.world.parts.teleport.access_lists
    remove = lists.remove_nested

    async def removed(list_name, child, **how):
        lists.remove_nested = remove
        office.people.create("theirs", title="Contractors")
        return await remove(list_name, child, **how)

    lists.remove_nested = removed
    await office.next_pass()
    assert "theirs" in office.members(group)
    assert not (await office.next_pass()).plan.changes


async def test_who_is_in_a_nested_list_that_no_listing_shows_is_not_added_to_the_parent(office):
    group = office.group("Eng", "ada@x.io")
    office.group("All", "ada@x.io", "bob@x.io")
    await office.settled()
    for kind in ("access_list", "access_list_member"):
        office.teleport.cluster.caches(kind).hold_listings(2.0)
    office.people.create("inner", title="Inner")
    office.people.add_member("inner", "bob@x.io")
    office.people.create("outer", title="Outer")
    office.people.nest("outer", "inner")
    office.teleport.cluster.caches("access_list_member").hold_listings(0.0)
    office.people.nest(group.id, "outer")
    office.okta.add_member(group.id, office.person("bob@x.io").id)
    report = await office.world.run()
    assert not report.plan.changes
    assert set(office.members(group)) == {"ada@x.io", "outer"}


async def test_an_empty_list_goes_where_lists_of_similar_names_show_their_members(tmp_path):
    """The public cache starts the listing of a list at its bare name: the members of `abc-x` come with `abc`."""
    async with built_office(tmp_path, cluster={"public_member_cache": True}) as office:
        group = office.group("Eng", "ada@x.io")
        await office.settled()
        office.people.create(f"{group.id}-x")
        office.people.add_member(f"{group.id}-x", "eve@x.io")
        office.okta.remove_member(group.id, office.person("ada@x.io").id)
        assert (await office.next_pass()).succeeded
        assert group.id not in office.lists()
        assert set(office.members(f"{group.id}-x")) == {"eve@x.io"}


async def test_a_server_that_cannot_page_through_all_members_is_mentioned_once(tmp_path, monkeypatch, caplog):
    """The public cache gives the first page again and again, so members are read list by list, each time."""
    monkeypatch.setattr("teleport_okta.teleport.list_members.PAGE_SIZES", (1,))
    caplog.set_level("INFO")
    async with built_office(tmp_path, cluster={"public_member_cache": True}) as office:
        group = office.group("Eng", "ada@x.io", "bob@x.io")
        await office.settled()
        for _ in range(3):
            await office.next_pass()
        assert set(office.members(group)) == {"ada@x.io", "bob@x.io"}
    assert caplog.text.count("are read list by list") == 1
