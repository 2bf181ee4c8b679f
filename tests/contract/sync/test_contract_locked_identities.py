"""A pass while one of our identities is locked: the quarantine, the log and `status` name the lock and its message."""

from __future__ import annotations

import pytest
from teleport.legacy.types.types_pb2 import LockTarget, LockV2
from teleport_okta.teleport.teleport_errors import LockedError


def lock(office, **target):
    """Let people set a lock on one of our identities."""
    made = LockV2()
    made.CopyFrom(office.teleport.administrator.create_lock("incident", "somebody", message="ticket 4711"))
    made.Spec.Target.CopyFrom(LockTarget(**target))
    office.teleport.cluster.locks.upsert(made)


async def test_what_only_a_locked_bot_may_change_is_in_quarantine_with_the_lock(office, caplog):
    office.person("ada@x.io")
    office.teleport.administrator.sso_login("ada@x.io")
    bot = office.world.parts.teleport.bot.identity.subject
    lock(office, User=bot)
    named = f"the bot identity ({bot}) is locked by lock incident: ticket 4711"
    report = await office.next_pass()
    [row] = report.plan.quarantined
    assert (row.name, row.remedy) == ("ada@x.io", f"the bot identity may not use it: access denied: {named}")
    assert [state.problem for state in office.world.parts.full_pass.identities] == ["", named]
    assert named in caplog.messages
    office.teleport.administrator.delete_lock("incident")
    assert not (await office.next_pass()).plan.quarantined
    assert [state.problem for state in office.world.parts.full_pass.identities] == ["", ""]


async def test_a_pass_of_a_locked_host_fails_with_the_lock_and_the_log_says_it_once(office, caplog):
    office.person("ada@x.io")
    await office.settled()
    host = office.world.parts.teleport.host.identity
    lock(office, ServerID=host.host_id)
    caplog.clear()
    caplog.set_level("INFO", logger="teleport_okta")
    with pytest.raises(LockedError, match=r"the host identity \(.*\) is locked by lock incident: ticket 4711"):
        await office.next_pass()
    named = f"the host identity ({host.subject}) is locked by lock incident: ticket 4711"
    assert [state.problem for state in office.world.parts.full_pass.identities] == [named, ""]
    assert caplog.messages.count(named) == 1
    renewing = [record for record in caplog.records if record.name.endswith("app_server_renewal")]
    assert [record.levelname for record in renewing] == ["WARNING"]
    office.teleport.administrator.delete_lock("incident")
    assert (await office.next_pass()).succeeded
    assert caplog.messages.count("the host identity is not locked any more") == 1
