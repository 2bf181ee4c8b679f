"""Errors of access lists and their members, each with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.teleport.teleport_errors import PermissionDeniedError, RpcError, TeleportError, UnknownFailureError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_NAMED: Final = 5
"""How many names a message lists."""


class AccessListLimitError(PermissionDeniedError):
    """The cluster's licence allows no further access list."""

    remedy_text = (
        "delete lists that are not needed, narrow access_lists.group_filters and app_filters, "
        "or ask Teleport for Identity Governance; users, groups and apps are synced all the same"
    )


class ListIsNestedError(PermissionDeniedError):
    """A list cannot be deleted while it is a member or an owner of others. `parents` are the known ones."""

    def __init__(self, method: str, subject: str, details: str, *, parents: tuple[str, ...]) -> None:
        where = ", ".join(parents) or "another list"
        super().__init__(
            method,
            subject,
            details,
            what=f"{subject} cannot be deleted while it is a member or an owner of {where}",
            remedy=f"take it out of {where} in Teleport; then it goes by itself",
        )
        self.parents = parents


class OnlyOwnersError(RpcError):
    """Some lists are the only owners of another list, and Teleport refuses a list without an owner."""

    def __init__(self, method: str, subject: str, owners: Collection[str]) -> None:
        who = ", ".join(sorted(owners))
        super().__init__(
            method,
            subject,
            "",
            what=f"{subject} has no owner but {who}, so they cannot be taken out of its owners",
            remedy=f"give {subject} another owner in Teleport",
        )


class ListingJumpsError(RpcError):
    """The listing of all members skips some, because a member's own list name is not that of the list that has it."""

    def __init__(self, method: str, list_name: str, member_name: str) -> None:
        super().__init__(
            method,
            "members of access lists",
            "",
            what=f"the listing of all members jumps to {list_name}/{member_name}, which does not exist",
            remedy=f"find the access list that {member_name!r} really is in, and remove that member: it names the "
            f"wrong list, {list_name!r}, as its own",
        )


class PageTokenError(UnknownFailureError):
    """The page tokens of a listing do not lead through it."""


class MembersNotStoredError(RpcError):
    """A list was created with other members than we sent. `missing` and `unwanted` are the names."""

    def __init__(
        self, method: str, subject: str, *, sent: int, missing: Sequence[str], unwanted: Sequence[str]
    ) -> None:
        problems = [
            f"{len(names)} {words} ({_some(names)})"
            for names, words in ((missing, "are missing"), (unwanted, "were not asked for"))
            if names
        ]
        super().__init__(
            method,
            subject,
            "",
            what=f"{method} on {subject} answered ok, but of {sent} members {' and '.join(problems)}",
            remedy="the next pass adds the missing ones; see the auth server's log if it happens again",
        )
        self.missing = tuple(missing)
        self.unwanted = tuple(unwanted)


class NotImportedError(TeleportError):
    """A membership is not an imported one any more: an administrator changed it, and must remove it."""

    def __init__(self, list_name: str, member_name: str) -> None:
        super().__init__(
            f"member {member_name!r} of access list {list_name!r} was not imported, or was changed in Teleport since",
            remedy="remove the member in Teleport if it should not be there",
        )


def _some(names: Sequence[str]) -> str:
    named = ", ".join(names[:_NAMED])
    return f"{named}, …" if len(names) > _NAMED else named
