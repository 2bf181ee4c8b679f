"""Semaphores, as `docs/reference/teleport.md` 4.13 and `docs/reference/teleport-observed.md` 2 have them."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.types.types_pb2 import AcquireSemaphoreRequest, SemaphoreFilter, SemaphoreLease

KIND, NAME = "teleport-okta", "00o1"
HELD = ("RESOURCE_EXHAUSTED", "cannot acquire semaphore teleport-okta/00o1 (err-max-leases)")


@pytest.fixture
def acquire(clock):
    async def take(client, *, seconds=60.0, holder="one", **fields):
        request = {"SemaphoreKind": KIND, "SemaphoreName": NAME, "MaxLeases": 1, "Holder": holder, **fields}
        return await client.auth.AcquireSemaphore(AcquireSemaphoreRequest(Expires=at(clock() + seconds), **request))

    return take


@pytest.fixture
def renew(clock):
    async def keep(client, lease, seconds=60.0):
        lease.Expires.CopyFrom(at(clock() + seconds))
        await client.auth.KeepAliveSemaphoreLease(lease)

    return keep


def at(seconds):
    stamp = Timestamp()
    stamp.FromNanoseconds(int(seconds * 1e9))
    return stamp


async def leases(client, **criteria):
    found = await client.auth.GetSemaphores(SemaphoreFilter(**criteria))
    return {
        (semaphore.SubKind, semaphore.Metadata.Name): [lease.Holder for lease in semaphore.Spec.Leases]
        for semaphore in found.Semaphores
    }


async def test_the_host_holds_a_lease_until_the_moment_that_it_chose(host, acquire, clock):
    lease = await acquire(host, seconds=45)
    assert (lease.SemaphoreKind, lease.SemaphoreName, lease.Expires) == (KIND, NAME, at(clock() + 45))
    assert await leases(host) == {(KIND, NAME): ["one"]}


async def test_a_held_semaphore_is_refused_at_once(host, bot, acquire, clock, refusal):
    await acquire(host)
    before = clock()
    assert await refusal(acquire(bot, holder="two")) == HELD
    assert clock() == before


async def test_as_many_leases_as_the_caller_names_are_granted(host, acquire, refusal):
    await acquire(host, MaxLeases=2)
    await acquire(host, MaxLeases=2, holder="two")
    assert await refusal(acquire(host, MaxLeases=2, holder="three")) == HELD


async def test_a_lease_is_free_the_moment_it_expires_and_not_before(host, acquire, clock, refusal):
    await acquire(host, seconds=60)
    clock.advance(59.5)
    assert await refusal(acquire(host, holder="two")) == HELD
    clock.advance(0.5)
    await acquire(host, holder="two")
    assert await leases(host) == {(KIND, NAME): ["two"]}


async def test_a_renewed_lease_is_held_longer(host, acquire, renew, clock, refusal):
    lease = await acquire(host, seconds=60)
    clock.advance(40)
    await renew(host, lease, 60)
    clock.advance(59)
    assert await refusal(acquire(host, holder="two")) == HELD


async def test_an_expired_lease_cannot_be_renewed(host, acquire, renew, clock, refusal):
    lease = await acquire(host, seconds=60)
    clock.advance(60)
    assert await refusal(renew(host, lease)) == (
        "NOT_FOUND",
        "cannot keepalive, semaphore not found: teleport-okta/00o1",
    )


async def test_a_lease_that_another_holder_has_by_now_cannot_be_renewed(host, acquire, renew, clock, refusal):
    lost = await acquire(host, seconds=60)
    clock.advance(60)
    await acquire(host, holder="two")
    text = f'cannot keepalive, lease not found: "{lost.LeaseID}"'
    assert await refusal(renew(host, lost)) == ("NOT_FOUND", text)


async def test_anybody_with_the_permission_may_cancel_a_lease(host, bot, acquire, renew, refusal):
    lease = await acquire(host)
    await bot.auth.CancelSemaphoreLease(lease)
    await acquire(bot, holder="two")
    assert (await refusal(renew(host, lease)))[0] == "NOT_FOUND"


async def test_a_cancelled_lease_cannot_be_cancelled_again(host, acquire, refusal):
    lease = await acquire(host)
    await host.auth.CancelSemaphoreLease(lease)
    text = f'cannot cancel, lease not found: "{lease.LeaseID}"'
    assert await refusal(host.auth.CancelSemaphoreLease(lease)) == ("NOT_FOUND", text)


async def test_an_expiry_in_the_past_is_refused(host, acquire, renew, clock, refusal):
    assert await refusal(acquire(host, seconds=-1)) == ("INVALID_ARGUMENT", "cannot acquire expired semaphore lease")
    lease = await acquire(host)
    code, text = await refusal(renew(host, lease, -20))
    assert (code, text) == ("INVALID_ARGUMENT", f"lease {lease.LeaseID} has expired at 2023-11-14 22:13:00 +0000 UTC")


@pytest.mark.parametrize("missing", ["SemaphoreKind", "SemaphoreName", "MaxLeases"])
async def test_a_request_lists_the_wanted_kinds(host, acquire, refusal, missing):
    expected = ("INVALID_ARGUMENT", f"missing parameter {missing}")
    assert await refusal(acquire(host, **{missing: type(getattr(AcquireSemaphoreRequest(), missing))()})) == expected


async def test_semaphores_of_one_name_and_two_kinds_are_two(host, acquire):
    await acquire(host)
    await acquire(host, SemaphoreKind="other", holder="two")
    assert await leases(host, SemaphoreKind="other") == {("other", NAME): ["two"]}
    assert len(await leases(host, SemaphoreName=NAME)) == 2


async def test_a_deleted_semaphore_is_free(host, bot, acquire, refusal):
    await acquire(host)
    wanted = SemaphoreFilter(SemaphoreKind=KIND, SemaphoreName=NAME)
    await bot.auth.DeleteSemaphore(wanted)
    assert await leases(host) == {}
    expected = ("NOT_FOUND", 'key "/semaphores/teleport-okta/00o1" is not found')
    assert await refusal(bot.auth.DeleteSemaphore(wanted)) == expected


@pytest.mark.parametrize(
    ("call", "request_type", "verb"),
    [
        ("AcquireSemaphore", AcquireSemaphoreRequest, "create"),
        ("KeepAliveSemaphoreLease", SemaphoreLease, "update"),
        ("CancelSemaphoreLease", SemaphoreLease, "update"),
        ("GetSemaphores", SemaphoreFilter, "readnosecrets"),
        ("DeleteSemaphore", SemaphoreFilter, "delete"),
    ],
)
async def test_every_call_needs_its_permission(sandbox, connect, refusal, call, request_type, verb):
    client = connect(sandbox, sandbox.issue_identity("bot-teleport-okta", ["auditor"]).text())
    code, text = await refusal(getattr(client.auth, call)(request_type()))
    assert code == "PERMISSION_DENIED"
    assert text.startswith(f'access denied to perform action "{verb}" on "semaphore"')


async def test_another_process_can_list_and_delete_a_semaphore(host, acquire, renew, control, refusal):
    lease = await acquire(host, holder="replica-1")
    async with control.get("/semaphores") as reply:
        (shown,) = await reply.json()
    assert (shown["SubKind"], shown["Metadata"]["Name"], shown["Spec"]["Leases"][0]["Holder"]) == (
        KIND,
        NAME,
        "replica-1",
    )
    async with control.delete(f"/semaphores/{KIND}/{NAME}") as reply:
        assert reply.status == 200
    assert (await refusal(renew(host, lease)))[0] == "NOT_FOUND"
    async with control.delete(f"/semaphores/{KIND}/{NAME}") as reply:
        assert reply.status == 404
