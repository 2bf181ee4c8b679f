"""SCIM groups: every operation, from the parsed request to the answer.

A pushed group has an access list of its own, whose grants people decide. But if exactly one group of list sync has the
same name, the pushed group stands for it: the request only causes a new read, and its members come from Okta's API.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.keys import Keys
from teleport_okta.model.hint import HintKind
from teleport_okta.model.provisioned import ProvisionedGroup, Verdict
from teleport_okta.scim.calls import ScimAnswer, Verb
from teleport_okta.scim.identity import group_id
from teleport_okta.scim.listing import list_answer
from teleport_okta.scim.protocol.bodies import read_group
from teleport_okta.scim.protocol.group_patching import patch_group
from teleport_okta.scim.protocol.projection import Projection
from teleport_okta.scim.protocol.rendering import group_json
from teleport_okta.scim.resources import GroupContent, GroupPatch, ScimGroup
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request, refused
from teleport_okta.state.scim_groups import Members
from teleport_okta.state.scim_users import folded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from teleport_okta.clock import Clock
    from teleport_okta.model.provisioned import Settlement
    from teleport_okta.scim.calls import Json, ScimCall
    from teleport_okta.scim.provisioner import Provisioner
    from teleport_okta.state.store import Store

_MEMBERS: Final = "members"

_SCANNED_AT_ONCE: Final = 50
"""Groups that a filter without an index checks before it yields to other tasks."""

_NAMED_IN_ERRORS: Final = 3


class Groups:
    """Answers operations on groups. `base_url` ends without a slash."""

    def __init__(self, store: Store, provisioner: Provisioner, *, base_url: str, clock: Clock) -> None:
        self._users = store.scim_users
        self._groups = store.scim_groups
        self._provisioner = provisioner
        self._base_url = base_url
        self._clock = clock
        self._turns = Keys(clock)

    async def handle(self, call: ScimCall) -> ScimAnswer:
        """Answer one operation. Raises ScimError, and TeleportOktaError for an operation that may succeed later."""
        off = await self._provisioner.groups_off()
        if off:
            raise ScimError(HTTPStatus.NOT_IMPLEMENTED, f"Groups are not offered here: {off}.")
        projection = Projection.read(call.query)
        match call.verb:
            case Verb.LIST:
                return await list_answer(call.query, self, "Group", scanned_at_once=_SCANNED_AT_ONCE)
            case Verb.GET:
                return await self._shown(await self._found(call.resource_id), projection)
            case Verb.CREATE:
                return await self._create(call, projection)
            case Verb.REPLACE | Verb.PATCH:
                return await self._change(call, projection)
            case Verb.DELETE:
                return await self._delete(call)

    async def page(self, *, skip: int, most: int) -> tuple[int, Sequence[ProvisionedGroup]]:
        """Return how many groups there are, and some of them (`Listed`)."""
        found = await self._groups.page(skip=skip, most=most)
        return found.total, found.groups

    async def looked_up(self, attribute: str, value: str) -> Sequence[ProvisionedGroup] | None:
        """Return the groups with a value of an attribute; None without an index of it (`Listed`)."""
        match attribute:
            case "displayName":
                found = await self._groups.named(value)
            case "id":
                found = await self._groups.get(value)
            case "externalId":
                return await self._groups.with_external_id(value)
            case _:
                return None
        return [] if found is None else [found]

    async def shown(self, resources: Sequence[ProvisionedGroup], projection: Projection) -> list[Json]:
        """Return groups as JSON, with members only if the client wants them (`Listed`)."""
        members: Mapping[str, list[str]] = {}
        if projection.wants(_MEMBERS):
            members = await self._groups.members([group.id for group in resources])
        shown = []
        for group in resources:
            shown.append(projection.apply(self._json(group, members)))
            await asyncio.sleep(0)
        return shown

    async def _create(self, call: ScimCall, projection: Projection) -> ScimAnswer:
        content = read_group(call.body)
        async with self._turn_of_name(content.display_name):
            before = await self._groups.named(content.display_name)
            if before is not None and before.is_answered:
                raise _taken(content.display_name)
            await self._check_members(content.members)
            made = await self._made(content, before)
            await self._bring_about(made, Members(all=content.members), is_new=before is None)
            if call.is_awaited():
                await self._groups.put(replace(made, is_answered=True), at=self._clock.now())
        answer = await self._shown(made, projection)
        return replace(answer, status=HTTPStatus.CREATED, location=f"{self._base_url}/Groups/{made.id}")

    async def _made(self, content: GroupContent, before: ProvisionedGroup | None) -> ProvisionedGroup:
        """Return the group to make. A group whose creation was begun and not answered keeps its id."""
        now, name = self._clock.now(), content.display_name
        if before is not None:
            return replace(before, display_name=name, external_id=content.external_id, modified=now)
        organization, number = await self._provisioner.organization_id(), await self._groups.count_of_name(name)
        # After a lost state the count may be too low: the first name of a renamed group is unknown.
        while await self._groups.was_there(group_id(organization, name, number)):
            number += 1
        return ProvisionedGroup(
            id=group_id(organization, name, number),
            display_name=name,
            external_id=content.external_id,
            created=now,
            modified=now,
            okta_id=await self._provisioner.kept_group_named(name),
            is_answered=False,
        )

    async def _change(self, call: ScimCall, projection: Projection) -> ScimAnswer:
        async with self._turn_of(call.resource_id):
            before = await self._found(call.resource_id)
            if call.verb is Verb.PATCH:
                patch = patch_group(call.body, own_id=before.id)
            else:
                content = read_group(call.body)
                patch = GroupPatch(content.display_name, content.external_id or "", content.members)
            name = before.display_name if patch.display_name is None else patch.display_name
            async with self._turn_of_name(name):
                other = await self._groups.named(name)
                if other is not None and other.id != before.id:
                    raise _taken(name)
                await self._check_members((*(patch.members or ()), *patch.added))
                external_id = before.external_id if patch.external_id is None else patch.external_id or None
                after = replace(before, display_name=name, external_id=external_id, modified=self._clock.now())
                await self._bring_about(after, Members(patch.members, patch.added, patch.removed))
                if not before.is_answered and call.is_awaited():
                    await self._groups.put(replace(after, is_answered=True), at=self._clock.now())
        if call.verb is Verb.PATCH and not projection.is_asked_for:
            return ScimAnswer(HTTPStatus.NO_CONTENT)
        return await self._shown(after, projection)

    async def _delete(self, call: ScimCall) -> ScimAnswer:
        """Delete a group and its list. An unfinished deletion continues later, and a repeated request finds it done.

        It is not undone: an administrator could then approve nothing, and the group would get a new list.
        """
        async with self._turn_of(call.resource_id):
            before = await self._groups.being_deleted(call.resource_id) or await self._found(call.resource_id)
            gone = replace(before, is_deleted=True, is_answered=False)
            if not before.okta_id:
                await self._bring_about(gone, Members())
            if call.is_awaited() or before.okta_id:
                # The list belongs to list sync, so there is nothing to delete in Teleport.
                await self._groups.put(replace(gone, is_answered=True), at=self._clock.now())
        return ScimAnswer(HTTPStatus.NO_CONTENT)

    async def _bring_about(self, after: ProvisionedGroup, members: Members, *, is_new: bool = False) -> None:
        """Store a request, and apply it in Teleport. Raises ScimError and StateError.

        Unfinished work continues later, also without the client. A new group of which nothing was made is removed from
        the state.
        """
        hints = self._provisioner.hints(HintKind.GROUP, after.list_name)
        await self._groups.put(after, members, hints=hints, at=self._clock.now())
        settlement = await self._settled(after)
        if settlement.verdict is Verdict.DONE:
            return
        if is_new and not settlement.is_begun:
            await self._groups.forget(after.id)
        raise refused(settlement)

    async def _settled(self, group: ProvisionedGroup) -> Settlement:
        """Settle the list of a group. If the group was unbound from list sync meanwhile, it has a list of its own."""
        settlement = await self._provisioner.settle_group(group.list_name)
        if settlement.verdict is Verdict.DONE and group.okta_id:
            present = await self._groups.get(group.id)
            if present is not None and not present.okta_id:
                return await self._provisioner.settle_group(present.list_name)
        return settlement

    def _turn_of(self, resource_id: str) -> AbstractAsyncContextManager[None]:
        return self._turns.hold(f"group {resource_id}")

    def _turn_of_name(self, display_name: str) -> AbstractAsyncContextManager[None]:
        """Lock a name. A writer locks its group first, then the name, so that no two writers wait for each other."""
        return self._turns.hold(f"name {folded(display_name)}")

    async def _check_members(self, ids: Collection[str]) -> None:
        """Refuse members who are no users. If we dropped them, Okta would show the push as successful."""
        known = await self._users.with_ids(ids)
        unknown = [one for one in ids if one not in known]
        if unknown:
            named = ", ".join(unknown[:_NAMED_IN_ERRORS])
            raise bad_request(ScimType.INVALID_VALUE, f"There is no user with this id: {named}.")

    async def _found(self, resource_id: str) -> ProvisionedGroup:
        found = await self._groups.get(resource_id)
        if found is None:
            await self._provisioner.check_lists_are_read()
            raise ScimError(HTTPStatus.NOT_FOUND, "There is no group with this id.")
        return found

    async def _shown(self, group: ProvisionedGroup, projection: Projection) -> ScimAnswer:
        return ScimAnswer(HTTPStatus.OK, (await self.shown([group], projection))[0])

    def _json(self, group: ProvisionedGroup, members: Mapping[str, list[str]]) -> Json:
        content = GroupContent(group.display_name, group.external_id)
        shown = ScimGroup(group.id, content, created=group.created, modified=group.modified)
        return group_json(shown, members.get(group.id), base_url=self._base_url)


def _taken(display_name: str) -> ScimError:
    return ScimError(HTTPStatus.CONFLICT, f"There is a group named {display_name} already.", ScimType.UNIQUENESS)
