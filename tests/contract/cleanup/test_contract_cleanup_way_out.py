"""The vendor's documented removal, end to end: unassign everybody in Okta, let the sync delete, remove the rest."""

from __future__ import annotations

import pytest
from contract.cleanup.removing import built_removal, kinds
from teleport_okta.model import labels

CROWD = 20


@pytest.mark.parametrize("edition", ["ent", "oss"])
async def test_everybody_is_unassigned_the_brake_holds_one_approval_admits_it_and_cleanup_does_the_rest(
    tmp_path, edition
):
    async with built_removal(tmp_path, edition=edition) as removal:
        world, okta = removal.world, removal.office.okta
        for number in range(CROWD):
            removal.office.person(f"u{number:02}@x.io")
        await removal.office.settled()
        removal.surround()
        before, people = removal.of_others(), set(world.owned())
        for user in [one for one in okta.users.all if one.profile["login"] in people]:
            okta.unassign(world.okta_app.id, user.id)

        held = await removal.office.next_pass()
        assert not held.succeeded
        assert set(world.owned()) == people, "the brake holds all of them"
        assert sum(row.kind == "user" for row in held.plan.findings.held) == len(people)
        digest = held.plan.findings.held_digest
        await world.parts.store.approvals.approve(digest, at=world.clock.now(), by="root")

        await removal.office.next_pass()
        assert (await removal.office.next_pass()).succeeded
        assert not world.owned()
        stopped = {lock.Spec.Target.User for lock in removal.cluster.locks.all_stored()}
        assert stopped >= people
        left = kinds(removal.ours())
        assert not left.keys() & {"user", "access_list"}
        assert left["user_group"] > 0
        assert left["app_server"] > 0

        report = await removal.removed()
        assert report.left_nothing
        assert kinds(removal.ours()) == {"lock": len(people)}
        changed = {key for key in before if removal.of_others().get(key) != before[key]}
        assert not changed
        assert all(
            lock.Metadata.Labels.get(labels.OWNER) == removal.owner or lock.Metadata.Name == "by-hand"
            for lock in removal.cluster.locks.all_stored()
        )
