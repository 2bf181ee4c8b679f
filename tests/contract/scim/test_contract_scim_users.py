"""Users through SCIM: every answer matches Teleport."""

from __future__ import annotations

import grpc
from teleport_okta.model import labels
from teleport_okta.sandbox.teleport.faults import Fault

ADA = "00uADA45678901234567"


def traits(user):
    return {name: list(found.Values) for name, found in user.Spec.Traits.Values.items()}


async def test_a_provisioned_person_is_a_user_with_traits_and_roles(alone):
    answer = await alone.post_user("ada@x.io", okta_id=ADA, title="Countess")
    assert answer.status == 201
    assert answer.headers["Location"] == answer.body["meta"]["location"]
    assert answer.body["active"] is True
    assert "password" not in answer.body
    user = alone.world.users()["ada@x.io"]
    assert user.Metadata.Labels[labels.OKTA_ID] == ADA
    assert user.Metadata.Labels[labels.SCIM_ID] == answer.body["id"]
    assert user.Metadata.Labels[labels.ORIGIN] == labels.ORIGIN_OKTA
    assert "okta-requester" in user.Spec.Roles
    assert traits(user)["okta/title"] == ["Countess"]


async def test_a_deactivated_person_is_locked_until_provisioned_again_under_the_same_id(alone):
    ada = await alone.provision("ada@x.io", okta_id=ADA)
    answer = await alone.set_active(ada, active=False)
    assert (answer.status, answer.body["active"]) == (200, False)
    assert "ada@x.io" not in alone.world.users()
    lock = alone.world.locks()["ada@x.io"]
    assert lock.Metadata.Labels[labels.SCIM_ID] == ada
    alone.world.clock.advance(40 * 3600)
    assert (await alone.world.run()).succeeded
    assert "ada@x.io" in alone.world.locks()
    assert (await alone.named("ada@x.io"))[0]["active"] is False
    answer = await alone.set_active(ada, active=True)
    assert (answer.status, answer.body["id"]) == (200, ada)
    assert "ada@x.io" in alone.world.users()
    assert not alone.world.locks()


async def test_a_changed_profile_changes_the_traits(alone):
    ada = await alone.provision("ada@x.io", okta_id=ADA, title="Countess")
    body = (await alone.ask("GET", f"/Users/{ada}")).body
    answer = await alone.ask("PUT", f"/Users/{ada}", body | {"title": "Engineer"})
    assert answer.status == 200
    assert traits(alone.world.users()["ada@x.io"])["okta/title"] == ["Engineer"]


async def test_a_rename_makes_the_new_user_first_and_locks_the_old(alone):
    ada = await alone.provision("ada@x.io", okta_id=ADA)
    body = (await alone.ask("GET", f"/Users/{ada}")).body
    answer = await alone.ask("PUT", f"/Users/{ada}", body | {"userName": "countess@x.io"})
    assert (answer.status, answer.body["id"]) == (200, ada)
    assert set(alone.world.owned()) == {"countess@x.io"}
    assert set(alone.world.locks()) == {"ada@x.io"}


async def test_after_a_deletion_the_next_user_of_that_person_has_another_id(alone):
    ada = await alone.provision("ada@x.io", okta_id=ADA)
    assert (await alone.ask("DELETE", f"/Users/{ada}")).status == 204
    assert (await alone.ask("GET", f"/Users/{ada}")).status == 404
    assert set(alone.world.locks()) == {"ada@x.io"}
    assert not alone.world.owned()
    again = await alone.provision("ada@x.io", okta_id=ADA)
    assert again != ada
    assert set(alone.world.owned()) == {"ada@x.io"}
    assert not alone.world.locks()


async def test_a_local_user_of_that_name_is_a_conflict(alone):
    alone.world.teleport.administrator.create_user("ada@x.io")
    answer = await alone.post_user("ada@x.io", okta_id=ADA)
    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    assert "not ours" in answer.detail
    assert not await alone.named("ada@x.io")
    assert not alone.world.owned()


async def test_an_sso_user_is_adopted_in_place(alone):
    alone.world.teleport.administrator.sso_login("ada@x.io", roles=["access"], groups=["ops"])
    await alone.provision("ada@x.io", okta_id=ADA)
    user = alone.world.users()["ada@x.io"]
    assert user.Metadata.Labels[labels.OKTA_ID] == ADA
    assert "access" in user.Spec.Roles
    assert not user.Metadata.HasField("Expires")


async def test_while_teleport_does_not_answer_the_client_gets_429_and_nothing_is_half_done(alone):
    bob = await alone.provision("bob@x.io")
    alone.world.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    answer = await alone.post_user("ada@x.io", okta_id=ADA)
    leaving = await alone.set_active(bob, active=False)
    alone.world.teleport.faults.clear()
    assert answer.status == leaving.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not await alone.named("ada@x.io")
    assert set(alone.world.owned()) == {"bob@x.io"}
    assert (await alone.world.run()).applied
    assert not alone.world.owned()
    assert set(alone.world.locks()) == {"bob@x.io"}


async def test_a_change_of_case_renames_no_user_in_teleport(alone):
    ada = await alone.provision("ada@x.io", okta_id=ADA)
    body = (await alone.ask("GET", f"/Users/{ada}")).body
    answer = await alone.ask("PUT", f"/Users/{ada}", body | {"userName": "Ada@x.io"})
    assert (answer.status, answer.body["userName"]) == (200, "Ada@x.io")
    assert set(alone.world.owned()) == {"ada@x.io"}
    assert not alone.world.locks()
    assert not (await alone.world.run()).outcomes
    renamed = await alone.ask("PUT", f"/Users/{ada}", body | {"userName": "countess@x.io"})
    assert renamed.status == 200
    assert set(alone.world.owned()) == {"countess@x.io"}


async def test_a_creation_that_the_api_forbids_leaves_no_record_though_it_ended_a_user(door):
    (ada,) = await door.world.hired("ada@x.io")
    door.world.okta.deactivate(ada.id)
    answer = await door.post_user("ada@x.io", okta_id=ada.id)
    assert answer.status == 429
    assert not await door.named("ada@x.io")
    assert set(door.world.locks()) == {"ada@x.io"}


async def test_a_user_who_was_deleted_in_teleport_comes_back_with_the_next_pass(alone):
    ada = await alone.provision("ada@x.io", okta_id=ADA)
    alone.world.teleport.administrator.delete_user("ada@x.io")
    alone.world.clock.advance(60)
    assert (await alone.world.run()).applied
    assert alone.world.users()["ada@x.io"].Metadata.Labels[labels.SCIM_ID] == ada
