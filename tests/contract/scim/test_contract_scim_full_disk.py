"""A pass cannot store SCIM records: people are still read, planned and locked."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.state.state_errors import StateFullError
from teleport_okta.sync.scim_records import bound_by_name
from worlds import person


async def full(*_given, **_named):
    raise StateFullError("the disk is full", remedy="make room")


async def test_a_record_that_cannot_be_bound_counts_all_the_same(door, monkeypatch):
    await door.provision("ada@x.io")
    store = door.world.parts.store
    (record,) = (await store.scim_users.everybody()).values()
    monkeypatch.setattr(store.scim_users, "bind", full)
    people = [person("00uADA", "ada@x.io"), person("00uTWO", "ADA@x.io")]
    assert await bound_by_name(store, {record.okta_id: record}, people) == {"00uADA": replace(record, okta_id="00uADA")}


async def test_a_pass_that_cannot_take_records_over_locks_a_leaver(door, monkeypatch):
    ada, bob, *_ = await door.world.hired("ada@x.io", "bob@x.io", "cy@x.io", "dan@x.io")
    await door.provision("bob@x.io", okta_id=bob.id)
    await door.restart(loses_state=True)
    monkeypatch.setattr(door.world.parts.store.scim_users, "put_all", full)
    door.world.okta.deactivate(ada.id)
    await door.world.run()
    assert set(door.world.locks()) == {"ada@x.io"}
