"""Reviews of access lists (`docs/reference/teleport.md` 4.8 and 4.9)."""

from datetime import UTC, datetime

import pytest
from teleport.accesslist.v1.accesslist_pb2 import Review
from teleport.accesslist.v1.accesslist_service_pb2 import (
    CreateAccessListReviewRequest,
    DeleteAccessListReviewRequest,
    GetAccessListsToReviewRequest,
    ListAccessListReviewsRequest,
)


@pytest.fixture(autouse=True)
def people(sandbox):
    lists = sandbox.administrator.lists
    lists.create("g1")
    lists.add_member("g1", "ada")
    lists.schedule_review("g1", next_date=datetime(2023, 6, 10, tzinfo=UTC).timestamp())
    return lists


def review(clock, *, reviewers=("grace",), **changes):
    message = Review()
    message.header.metadata.name = "any"
    spec = message.spec
    spec.access_list = "g1"
    spec.reviewers.extend(reviewers)
    spec.review_date.FromSeconds(int(clock()))
    for field, value in changes.items():
        if field == "removed_members":
            spec.changes.removed_members.extend(value)
        else:
            setattr(spec.changes, field, value)
    return message


async def create(client, message):
    return await client.access_lists.CreateAccessListReview(CreateAccessListReviewRequest(review=message))


async def listed(client, **page):
    request = ListAccessListReviewsRequest(access_list="g1", **page)
    return await client.access_lists.ListAccessListReviews(request)


async def test_the_next_date_counts_from_the_stored_one_and_not_from_the_review(bot, people, clock):
    reply = await create(bot, review(clock))
    assert reply.next_audit_date.ToDatetime(tzinfo=UTC) == datetime(2023, 12, 1, tzinfo=UTC)
    assert people.stored("g1").spec.audit.next_audit_date == reply.next_audit_date


async def test_a_review_changes_the_recurrence_and_removes_members(bot, people, clock):
    changes = {"review_frequency_changed": 1, "review_day_of_month_changed": 15, "removed_members": ["ada"]}
    reply = await create(bot, review(clock, **changes))
    assert reply.next_audit_date.ToDatetime(tzinfo=UTC) == datetime(2023, 7, 15, tzinfo=UTC)
    assert not people.members("g1")


async def test_changes_that_change_nothing_are_not_kept(bot, clock):
    await create(bot, review(clock, review_frequency_changed=6))
    (kept,) = (await listed(bot)).reviews
    assert not kept.spec.HasField("changes")


async def test_requirements_can_be_changed(bot, people, clock):
    message = review(clock)
    message.spec.changes.membership_requirements_changed.roles.append("access")
    await create(bot, message)
    assert list(people.stored("g1").spec.membership_requires.roles) == ["access"]


async def test_a_review_that_removes_a_missing_member_stops_half_way(bot, clock, refusal):
    call = create(bot, review(clock, removed_members=["bob"]))
    assert await refusal(call) == ("NOT_FOUND", 'access_list_member "bob" doesn\'t exist')
    assert len((await listed(bot)).reviews) == 1


@pytest.mark.parametrize(
    ("field", "text"),
    [("reviewers", "reviewers are missing"), ("review_date", "review date is missing")],
)
async def test_the_required_parts_of_a_review(bot, clock, refusal, field, text):
    message = review(clock)
    message.spec.ClearField(field)
    assert await refusal(create(bot, message)) == ("INVALID_ARGUMENT", text)


async def test_reviews_are_named_by_the_server_and_come_in_pages(bot, clock, people):
    people.create("g2")
    of_another_list = review(clock)
    of_another_list.spec.access_list = "g2"
    await create(bot, of_another_list)
    names = {(await create(bot, review(clock))).review_name for _ in range(3)}
    first = await listed(bot, page_size=2)
    second = await listed(bot, page_size=2, next_token=first.next_token)
    assert {found.header.metadata.name for found in [*first.reviews, *second.reviews]} == names
    assert (len(names), len(first.reviews)) == (3, 2)


async def test_a_review_can_be_deleted(bot, clock, refusal):
    request = DeleteAccessListReviewRequest(
        access_list_name="g1", review_name=(await create(bot, review(clock))).review_name
    )
    await bot.access_lists.DeleteAccessListReview(request)
    assert (await refusal(bot.access_lists.DeleteAccessListReview(request)))[0] == "NOT_FOUND"


async def test_owners_get_the_lists_that_are_due(sandbox, connect, people):
    people.create("later", owners=["grace"])
    people.edit("g1", owners=["grace"])
    sandbox.administrator.create_user("grace", roles=["access"])
    client = connect(sandbox, sandbox.issue_identity("grace", ["access"]).text())
    reply = await client.access_lists.GetAccessListsToReview(GetAccessListsToReviewRequest())
    assert [found.header.metadata.name for found in reply.access_lists] == ["g1"]
