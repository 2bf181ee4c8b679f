"""SCIM users: every operation, from the parsed request to the answer.

A write is stored first, then applied in Teleport, and then answered. If it cannot be applied, a grant is undone and the
client gets the answer to try again; a denial stays, and is tried again without the client.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.keys import Keys
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.hint import HintKind
from teleport_okta.model.names import name_problem
from teleport_okta.model.provisioned import ProvisionedGroup, ProvisionedUser, Verdict, scim_id
from teleport_okta.scim.calls import ScimAnswer, Verb
from teleport_okta.scim.identity import id_without_okta, okta_id_named
from teleport_okta.scim.listing import list_answer
from teleport_okta.scim.protocol.bodies import read_user
from teleport_okta.scim.protocol.patching import patch_user
from teleport_okta.scim.protocol.projection import Projection
from teleport_okta.scim.protocol.rendering import user_json
from teleport_okta.scim.resources import ScimUser, UserContent
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request, later, refused
from teleport_okta.state.scim_users import folded
from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from teleport_okta.clock import Clock
    from teleport_okta.model.hint import Hint
    from teleport_okta.scim.calls import Json, ScimCall
    from teleport_okta.scim.provisioner import Provisioner
    from teleport_okta.state.store import Store

_SCANNED_AT_ONCE: Final = 200
"""Users that a filter without an index checks before it yields to other tasks."""


class Users:
    """Answers operations on users. `base_url` ends without a slash."""

    def __init__(self, store: Store, provisioner: Provisioner, *, base_url: str, clock: Clock) -> None:
        self._users = store.scim_users
        self._groups = store.scim_groups
        self._provisioner = provisioner
        self._base_url = base_url
        self._clock = clock
        self._turns = Keys(clock)

    async def handle(self, call: ScimCall) -> ScimAnswer:
        """Answer one operation. Raises ScimError and StateError."""
        projection = Projection.read(call.query)
        match call.verb:
            case Verb.LIST:
                return await list_answer(call.query, self, "User", scanned_at_once=_SCANNED_AT_ONCE)
            case Verb.GET:
                return await self._shown(await self._found(call.resource_id), projection)
            case Verb.CREATE:
                return await self._create(call, projection)
            case Verb.REPLACE | Verb.PATCH:
                return await self._change(call, projection)
            case Verb.DELETE:
                return await self._delete(call.resource_id)

    async def page(self, *, skip: int, most: int) -> tuple[int, Sequence[ProvisionedUser]]:
        """Return how many users there are, and some of them (`Listed`)."""
        found = await self._users.page(skip=skip, most=most)
        return found.total, found.users

    async def looked_up(self, attribute: str, value: str) -> Sequence[ProvisionedUser] | None:
        """Return the users with a value of an attribute; None without an index of it (`Listed`)."""
        match attribute:
            case "userName":
                found = await self._users.named(value)
            case "id":
                found = await self._users.get(value)
            case "externalId":
                return await self._users.with_external_id(value)
            case _:
                return None
        return [] if found is None else [found]

    async def shown(self, resources: Sequence[ProvisionedUser], projection: Projection) -> list[Json]:
        """Return users as JSON (`Listed`)."""
        groups = await self._groups_of(resources, projection)
        return [projection.apply(self._json(user, groups)) for user in resources]

    async def _create(self, call: ScimCall, projection: Projection) -> ScimAnswer:
        content = read_user(call.body, replaces=None)
        _check_name(content.user_name)
        while True:
            okta_id = await self._person_of(content)
            async with self._turn_of(okta_id, content.user_name):
                if await self._person_of(content) != okta_id:
                    # Another request came first, and changed which person this is.
                    continue
                made = await self._create_person(okta_id, content, call)
            answer = await self._shown(made, projection)
            return replace(answer, status=HTTPStatus.CREATED, location=f"{self._base_url}/Users/{made.id}")

    async def _create_person(self, okta_id: str, content: UserContent, call: ScimCall) -> ProvisionedUser:
        # With `gather`, both are read in one transaction.
        before, named = await asyncio.gather(self._users.of_person(okta_id), self._users.named(content.user_name))
        _refuse_duplicates(content, before, named)
        now = self._clock.now()
        number = 0 if before is None else before.incarnation + before.is_deleted
        is_new = before is None or before.is_deleted
        made = ProvisionedUser(
            id=scim_id(await self._organization_id(), okta_id, number) if is_new or before is None else before.id,
            okta_id=okta_id,
            user_name=content.user_name,
            spelling=_spelling(content.user_name, None if is_new else before),
            external_id=content.external_id,
            attributes=content.attributes,
            created=now if is_new or before is None else before.created,
            modified=now,
            denied_at=self._provisioner.okta_now() if content.active is False else None,
            incarnation=number,
            is_answered=False,
        )
        await self._bring_about(before, made)
        if call.is_awaited():
            await self._users.put(replace(made, is_answered=True), at=self._clock.now())
        return made

    async def _change(self, call: ScimCall, projection: Projection) -> ScimAnswer:
        first = await self._found(call.resource_id)
        async with self._turn_of(first.okta_id):
            before = await self._found(call.resource_id)
            content = replace(_content(before), active=None)
            if call.verb is Verb.PATCH:
                after = patch_user(content, call.body, own_id=before.id)
            else:
                after = read_user(call.body, replaces=content)
            if after.user_name != before.user_name:
                _check_name(after.user_name)
            async with AsyncExitStack() as stack:
                if folded(after.user_name) != folded(before.user_name):
                    await stack.enter_async_context(self._turn_of_name(after.user_name))
                    await self._refuse_taken_name(after.user_name)
                _refuse_another_person(after, before)
                denied_at = before.denied_at
                if after.active is not None:
                    # A repeated denial gets the present time: assignments that were made before it do not end it.
                    denied_at = None if after.active else self._provisioner.okta_now()
                changed = replace(
                    before,
                    user_name=after.user_name,
                    spelling=_spelling(after.user_name, before),
                    external_id=after.external_id,
                    attributes=after.attributes,
                    denied_at=denied_at,
                )
                if _comes_into_lists(before, changed):
                    changed = replace(changed, is_answered=False)
                if changed.active is not before.active or replace(changed, denied_at=before.denied_at) != before:
                    changed = replace(changed, modified=self._clock.now())
                if after.active is None and not before.active:
                    # The request does not mention access, and Okta's API may have ended the denial: do not lock again.
                    await self._users.put(changed, hints=self._hints(changed), at=self._clock.now())
                else:
                    await self._bring_about(before, changed)
                    if not changed.is_answered and call.is_awaited():
                        await self._users.put(replace(changed, is_answered=True), at=self._clock.now())
        return await self._shown(changed, projection)

    async def _delete(self, resource_id: str) -> ScimAnswer:
        first = await self._found(resource_id)
        async with self._turn_of(first.okta_id):
            before = await self._found(resource_id)
            denied = replace(before, denied_at=self._provisioner.okta_now())
            await self._bring_about(before, denied)
            await self._groups.take_out(denied.id)
            await self._users.put(replace(denied, is_deleted=True), at=self._clock.now())
        return ScimAnswer(HTTPStatus.NO_CONTENT)

    async def _bring_about(self, before: ProvisionedUser | None, after: ProvisionedUser) -> None:
        """Store a request, and apply it in Teleport. Raises ScimError and StateError."""
        unkept: StateError | None = None
        try:
            await self._users.put(after, hints=self._hints(after), at=self._clock.now())
        except StateError as error:
            if after.active:
                raise
            # A person who must not have access is locked even if the request cannot be stored.
            unkept = error
        is_new = after.active and (before is None or not (before.active and before.is_answered))
        groups = await self._lists_of(after) if is_new else ()
        settlement = await self._provisioner.settle(after.okta_id, is_wanted=after.active, is_new=is_new, groups=groups)
        is_renamed = not is_new and _comes_into_lists(before, after)
        if is_renamed and settlement.verdict is Verdict.DONE and (groups := await self._lists_of(after)):
            # Not in the plan before: the removal of the old name from a list would be planned twice.
            settlement = await self._provisioner.settle(after.okta_id, is_wanted=True, groups=groups)
            settlement = replace(settlement, is_begun=True)
        if unkept is not None:
            raise unkept
        if settlement.verdict is Verdict.DONE:
            if not after.active and await self._lists_of(after):
                # Otherwise it is unknown which memberships must end.
                await self._provisioner.check_lists_are_read()
            return
        if after.active and not settlement.is_begun:
            is_refused = settlement.verdict is Verdict.CONFLICT
            await self._take_back(None if is_refused and _is_begun_creation(before) else before, after)
        raise refused(settlement)

    def _hints(self, user: ProvisionedUser) -> list[Hint]:
        return self._provisioner.hints(HintKind.PERSON, user.okta_id)

    async def _lists_of(self, user: ProvisionedUser) -> list[str]:
        """Return the lists of pushed groups in which a returning or renamed person is a member."""
        groups = (await self._groups.groups_of([user.id])).get(user.id, ())
        return [group.list_name for group in groups if not group.okta_id]

    async def _take_back(self, before: ProvisionedUser | None, after: ProvisionedUser) -> None:
        """Undo the stored request, if nothing of it was applied."""
        if before is None:
            await self._users.forget(after.okta_id)
        else:
            await self._users.put(before, at=self._clock.now())

    async def _found(self, resource_id: str) -> ProvisionedUser:
        found = await self._users.get(resource_id)
        if found is None:
            raise ScimError(HTTPStatus.NOT_FOUND, "There is no user with this id.")
        return found

    async def _person_of(self, content: UserContent) -> str:
        """Return the Okta id of the person of a creation, or a substitute."""
        okta_id = okta_id_named(content.external_id) or await self._returning(content)
        return okta_id or self._provisioner.person_named(content.user_name) or await self._free_id(content)

    async def _returning(self, content: UserContent) -> str:
        """Return the Okta id of the only inactive user with this external id; empty if there is none, or several."""
        if content.external_id is None:
            return ""
        found = [user for user in await self._users.with_external_id(content.external_id) if not user.active]
        return found[0].okta_id if len(found) == 1 else ""

    async def _free_id(self, content: UserContent) -> str:
        """Return a substitute for an Okta id. A renamed user may still have the first choice."""
        first = id_without_okta(content)
        number, okta_id = 0, first
        while (taken := await self._users.of_person(okta_id)) is not None:
            if taken.is_deleted or folded(taken.user_name) == folded(content.user_name):
                break
            number += 1
            okta_id = f"{first}-{number}"
        return okta_id

    async def _refuse_taken_name(self, user_name: str) -> None:
        if await self._users.named(user_name) is not None:
            raise _taken(user_name)

    async def _organization_id(self) -> str:
        try:
            return await self._provisioner.organization_id()
        except TeleportOktaError as error:
            raise later(str(error)) from error

    @asynccontextmanager
    async def _turn_of(self, okta_id: str, user_name: str | None = None) -> AsyncIterator[None]:
        """Lock a person, and then a name, until the block ends.

        All writers lock in this order, so that no two wait for each other.
        """
        async with self._turns.hold(f"person {okta_id}"):
            if user_name is None:
                yield
            else:
                async with self._turn_of_name(user_name):
                    yield

    @asynccontextmanager
    async def _turn_of_name(self, user_name: str) -> AsyncIterator[None]:
        async with self._turns.hold(f"name {folded(user_name)}"):
            yield

    async def _shown(self, user: ProvisionedUser, projection: Projection) -> ScimAnswer:
        return ScimAnswer(HTTPStatus.OK, (await self.shown([user], projection))[0])

    async def _groups_of(
        self, users: Sequence[ProvisionedUser], projection: Projection
    ) -> Mapping[str, list[ProvisionedGroup]]:
        if not projection.wants("groups"):
            return {}
        return await self._groups.groups_of([user.id for user in users])

    def _json(self, user: ProvisionedUser, groups: Mapping[str, list[ProvisionedGroup]]) -> Json:
        shown = ScimUser(user.id, _content(user), created=user.created, modified=user.modified)
        named = [(group.id, group.display_name) for group in groups.get(user.id, ())]
        return user_json(shown, named, base_url=self._base_url)


def _content(user: ProvisionedUser) -> UserContent:
    return UserContent(
        user_name=user.user_name, external_id=user.external_id, active=user.active, attributes=user.attributes
    )


def _comes_into_lists(before: ProvisionedUser | None, after: ProvisionedUser) -> bool:
    """Whether a person gets memberships under a new name, or for the first time."""
    return after.active and (before is None or not before.active or before.name != after.name)


def _is_begun_creation(user: ProvisionedUser | None) -> bool:
    """Whether this is a first creation that was begun and not answered, so that there is nothing to restore."""
    return user is not None and not user.is_answered and not user.incarnation and user.created == user.modified


def _spelling(user_name: str, before: ProvisionedUser | None) -> str:
    """Return the spelling of the name in Teleport, if it differs: a change of case does not rename the user there."""
    is_same = before is not None and folded(before.user_name) == folded(user_name)
    return before.name if before is not None and is_same and before.name != user_name else ""


def _check_name(user_name: str) -> None:
    problem = name_problem(user_name)
    if problem:
        raise bad_request(ScimType.INVALID_VALUE, f"userName cannot be the name of a Teleport user: {problem}.")


def _refuse_duplicates(content: UserContent, before: ProvisionedUser | None, named: ProvisionedUser | None) -> None:
    """Refuse a creation if the name is taken, or the person has a user already. Raises ScimError.

    An inactive user is activated under the same id, and so is one whose creation was begun and not answered.
    """
    if named is not None and (before is None or named.id != before.id):
        raise _taken(content.user_name)
    if before is None or before.is_deleted:
        return
    if _is_another_external_id(content, before):
        raise _taken(content.user_name)
    if before.active and before.is_answered:
        detail = f"There is a user of this person already: {before.id}."
        raise ScimError(HTTPStatus.CONFLICT, detail, ScimType.UNIQUENESS)


def _is_another_external_id(content: UserContent, before: ProvisionedUser) -> bool:
    """Whether the external id shows that the client means another person than the stored one."""
    given, had = content.external_id, before.external_id
    return given is not None and had is not None and given not in {had, before.okta_id}


def _refuse_another_person(after: UserContent, before: ProvisionedUser) -> None:
    named = okta_id_named(after.external_id)
    if named and okta_id_named(before.external_id) and named != okta_id_named(before.external_id):
        raise bad_request(
            ScimType.MUTABILITY, "externalId is the Okta id of another person: a user stands for one person for good."
        )


def _taken(user_name: str) -> ScimError:
    return ScimError(HTTPStatus.CONFLICT, f"There is a user named {user_name} already.", ScimType.UNIQUENESS)
