"""What filters would do: by the groups and apps that were last seen, or by a reading of both systems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.desired.preview import PresentList, preview
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER
from teleport_okta.plan.unread import unread_of_directory
from teleport_okta.sync.lists_seen import roles_of

if TYPE_CHECKING:
    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.sync.reading import DirectoryFacts

_NOBODY = ListMembers()


class NothingSeenError(TeleportOktaError):
    """The input of a preview was not read yet, or cannot be read now. Run a pass, or ask with --live."""


def with_filters(settings: Settings, group_filters: tuple[str, ...], app_filters: tuple[str, ...]) -> Settings:
    """Return settings with these filters, and lists switched on; filters of a kind that is empty stay as they are.

    Raises ConfigError for a filter that does not compile.
    """
    try:
        NameFilters.of((*group_filters, *app_filters))
    except ValueError as error:
        raise ConfigError(str(error), remedy="correct the filter; nothing was previewed") from error
    lists = settings.access_lists
    # An owner is invented: without one, no lists would be wanted, and the preview would show nothing.
    changed = lists.model_copy(
        update={
            "enabled": True,
            "default_owners": lists.default_owners or ("nobody",),
            "group_filters": group_filters or lists.group_filters,
            "app_filters": app_filters or lists.app_filters,
        }
    )
    return settings.model_copy(update={"access_lists": changed})


async def preview_of_last_seen(store: Store, settings: Settings) -> FilterPreview:
    """Return what the filters of settings would do to what was last seen. Raises NothingSeenError or StateError."""
    seen = await store.directory.last_seen()
    if seen is None:
        what = "the groups and apps of this organisation have not been read yet"
        raise NothingSeenError(what, remedy="run a pass, or ask with --live")
    present = seen.lists if seen.roles is None else seen.roles
    lists = {okta_id: PresentList(one.okta_id, one.title, one.imported, one.added) for okta_id, one in present.items()}
    imports = Imports(
        policy=Policy(owner="", organization_url="", connector=None),
        host_id="",
        group_filters=NameFilters.of(settings.access_lists.group_filters),
        app_filters=NameFilters.of(settings.access_lists.app_filters),
        left_out=frozenset(settings.apps.leave_out),
        gives_roles=seen.roles is not None,
    )
    return preview(seen.directory, imports, lists, await store.managed())


def preview_of_reading(facts: DirectoryFacts, managed: frozenset[str]) -> FilterPreview:
    """Return what the filters of a reading would do; `managed` are the Okta ids of the people with users of ours.

    Raises NothingSeenError when the access lists could not be read.
    """
    owner, actual = facts.imports.policy.owner, facts.actual
    if actual.is_unread(ACCESS_LIST, MEMBER):
        what = f"access lists cannot be previewed: {'; '.join(unread_of_directory(actual))}"
        raise NothingSeenError(what, remedy="ask again when they can be read")
    lists = {}
    for name, found in actual.access_lists.items():
        if labels.owner_of(found.labels) == owner:
            members = actual.members.get(name, _NOBODY)
            lists[name] = PresentList(name, found.title, members.imports, members.additions)
    for one in roles_of(actual, facts.imports) or ():
        lists[one.okta_id] = PresentList(one.okta_id, one.title, one.imported, one.added)
    return preview(facts.okta, facts.imports, lists, managed)
