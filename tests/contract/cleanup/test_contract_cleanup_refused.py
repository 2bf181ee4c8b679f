"""When a cleanup refuses: a sync is active or may be, or the digest differs."""

from __future__ import annotations

import pytest
from cluster_world import WayIn
from contract.cleanup.removing import built_removal, kinds
from hands import edit_user
from teleport_clients import connect
from teleport_okta.cleanup.blockers import SyncActiveError
from teleport_okta.cleanup.run import CleanupChangedError
from teleport_okta.cleanup.target import OrganizationUnknownError
from teleport_okta.errors import ConfigError
from teleport_okta.model import labels
from teleport_okta.sandbox.teleport.presets import BOT_ROLE
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.lease import Holder


async def refused(removal, words, remedy):
    """A cleanup refuses with these words and changes nothing; a look says the same."""
    shown = await removal.previewed()
    before = removal.held()
    with pytest.raises(SyncActiveError, match=words) as caught:
        await (await removal.cleanup()).apply(shown.plan.digest)
    assert remedy in caught.value.remedy
    assert removal.held() == before
    [activity] = shown.blockers
    assert activity.error.what == caught.value.what


@pytest.mark.parametrize(("hosted", "remedy"), [(True, "delete it"), (False, "switch its user sync off")])
async def test_a_plugin_that_syncs_this_organisation(removal, hosted, remedy):
    removal.add_plugin(hosted=hosted)
    await refused(removal, "plugin 'okta' syncs", remedy)


async def test_a_plugin_that_syncs_an_organisation_of_whose_objects_some_go(removal):
    """Objects keep the address that the organisation had when they were made."""
    for name in removal.world.owned():
        user = removal.world.users()[name]
        carried = dict(user.Metadata.Labels) | {labels.OKTA_ORG: "https://old.okta.com"}
        edit_user(removal.administrator, name, labels=carried)
    removal.add_plugin(url="https://old.okta.com")
    await refused(removal, "syncs https://old.okta.com", "delete it")


async def test_a_plugin_of_another_organisation_or_with_the_sync_off_is_no_reason(removal):
    removal.add_plugin("one", url="https://other.okta.com", hosted=True)
    removal.add_plugin("two", sync_users=False)
    looked = await removal.previewed()
    assert not looked.blockers
    [doubt] = looked.doubts
    assert "plugin 'one' syncs https://other.okta.com" in doubt
    assert (await removal.removed()).left_nothing


async def test_a_bot_that_may_not_see_plugins(removal):
    role = type(removal.cluster.roles.stored(BOT_ROLE))()
    role.CopyFrom(removal.cluster.roles.stored(BOT_ROLE))
    for rule in role.Spec.Allow.Rules:
        rule.Resources[:] = [kind for kind in rule.Resources if kind != "plugin"]
    removal.cluster.roles.upsert(role)
    await refused(removal, "plugins of the cluster may sync", "list and read on plugin")


async def test_only_a_plugin_that_teleport_runs_keeps_leftovers_from_being_removed_alone(removal):
    removal.add_plugin()
    assert not (await removal.previewed(vendor=True, ours=False)).blockers
    removal.add_plugin("hosted", hosted=True)
    assert len((await removal.previewed(vendor=True, ours=False)).blockers) == 1


WITHOUT_BOT = WayIn(trusts="pins")


async def test_no_bot_where_there_may_be_plugins(tmp_path):
    async with built_removal(tmp_path, way=WITHOUT_BOT) as removal:
        await refused(removal, "plugins of the cluster may sync", "teleport.identity")


async def test_no_bot_on_a_community_cluster_keeps_only_what_the_bot_alone_may_change(tmp_path):
    async with built_removal(tmp_path, edition="oss", way=WITHOUT_BOT) as removal:
        removal.administrator.create_user("eve", labels={labels.OWNER: removal.owner, labels.OKTA_ID: "00uEVE"})
        before = removal.held()["user", "eve"]
        report = await removal.removed()
        assert not report.left_nothing
        assert not report.failed
        assert removal.held()["user", "eve"] == before
        assert kinds(removal.ours()) == {"user": 1, "lock": 3}


async def test_another_process_that_writes(removal):
    world = removal.world
    identity = HostStore(world.settings.storage.data_dir).load()
    other = Holder("another-machine, process 7", "seat-of-another")
    async with await connect(removal.office.teleport.address, host=identity, clock=world.clock, holder=other) as second:
        await world.parts.teleport.lease.give_up()
        await second.lease.obtain(removal.owner)
        await refused(removal, "another process writes for .* another-machine, process 7", "stop that process")
        await second.lease.give_up()
    assert (await removal.removed()).left_nothing


async def test_the_right_to_write_of_a_dead_process_on_this_directory_is_no_reason(removal):
    world = removal.world
    await world.parts.teleport.lease.obtain(removal.owner)
    assert not (await removal.previewed()).blockers


# The digest


async def test_another_digest_is_refused_with_the_changes(removal):
    shown = await removal.previewed()
    removal.office.administrator.create_user_group("00gNEW", labels=removal.ours_by_label)
    before = removal.held()
    with pytest.raises(CleanupChangedError, match=rf"not {shown.plan.digest}:\n  new: delete user_group 00gNEW") as it:
        await (await removal.cleanup()).apply(shown.plan.digest)
    assert (await removal.previewed()).plan.digest in it.value.remedy
    assert removal.held() == before


async def test_a_digest_that_was_never_shown_is_refused(removal):
    before = removal.held()
    with pytest.raises(CleanupChangedError, match="no preview of a cleanup with the digest 0123456789abcdef"):
        await (await removal.cleanup()).apply("0123456789abcdef")
    assert removal.held() == before


async def test_a_digest_shown_without_an_option_is_refused_with_it(removal):
    removal.surround()
    shown, before = await removal.previewed(), removal.held()
    with pytest.raises(CleanupChangedError, match="new: delete user vera"):
        await (await removal.cleanup(vendor=True)).apply(shown.plan.digest)
    assert removal.held() == before


async def test_a_person_who_joined_a_list_since_it_was_shown_is_a_change(removal):
    shown = await removal.previewed()
    [*_, (_, name)] = removal.ours("access_list")
    removal.office.people.add_member(name, "zoe")
    with pytest.raises(CleanupChangedError, match=f"new: delete access_list {name}"):
        await (await removal.cleanup()).apply(shown.plan.digest)


# Provenance


async def test_a_deleted_organisation_can_be_given_by_its_id(removal):
    removal.office.okta.fail("unavailable", path="/.well-known/okta-organization")
    with pytest.raises(OrganizationUnknownError) as caught:
        await removal.cleanup()
    assert "--owner 00o" in caught.value.remedy
    with pytest.raises(ConfigError, match="begins with 00o"):
        await removal.cleanup(owner="Acme")
    assert not (await removal.previewed(owner="00oANOTHERONE")).plan.items
    assert (await removal.removed(owner=removal.owner)).left_nothing


async def test_an_organisation_of_leftovers_is_named_together_with_them_only(removal):
    with pytest.raises(ConfigError, match="--vendor was not given"):
        await removal.cleanup(organization="https://other.okta.com")
