"""Questions for answers that neither an option nor a file gave: imports, owners of lists, filters, SCIM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.enroll.answers import Answers
from teleport_okta.model.name_filter import NameFilters

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.enroll.answers import Changes
    from teleport_okta.enroll.console import Console

    Names = Callable[[], Awaitable[list[str]]]

_SHOWN: Final = 10


async def completed(answers: Answers, talk: Console, *, groups: Names, apps: Names) -> Answers:
    """Ask for missing answers, and return all. `groups` and `apps` list the names to try filters on.

    Raises ValueError for an unusable answer, and the errors of the listings.
    """
    given = answers.model_dump(exclude_none=True)
    imports = given.get("apps_and_groups")
    if imports is None:
        imports = given["apps_and_groups"] = await talk.agrees("Import Okta's groups and apps?", default=True)
    if imports and "access_lists" not in given and not answers.owners:
        given["access_lists"] = await talk.agrees("Keep access lists for them?", default=False)
    if imports and (given.get("access_lists") or answers.owners):
        if not answers.owners:
            owners = await talk.ask(
                "Owners of new access lists? Teleport users, separated by commas (they need not exist yet)"
            )
            given["owners"] = _several(owners)
        if answers.group_filters is None:
            given["group_filters"] = await _filters(talk, "groups", groups)
        if answers.app_filters is None:
            given["app_filters"] = await _filters(talk, "apps", apps)
    if answers.scim_url is None and await talk.agrees("Let Okta provision through SCIM?", default=False):
        given |= await _scim(talk)
    return Answers.model_validate(given)


async def first_configuration(talk: Console) -> Changes:
    """Ask for the least that a configuration file needs: addresses, and the files of the credentials."""
    teleport: dict[str, object] = {
        "addr": await talk.ask("Address of Teleport's proxy or auth server (host:port)"),
        "identity": await talk.ask("Identity file of the bot (from tbot)"),
        "join_token": await talk.ask("File of the join token of type okta (tctl tokens add --type=okta)"),
    }
    okta: dict[str, object] = {"org_url": await talk.ask("Address of the Okta organisation (https://…)")}
    if await talk.agrees("Is the credential of Okta an API token? Otherwise it is a service app", default=False):
        okta["api_token"] = await talk.ask("File of the API token")
    else:
        okta["client_id"] = await talk.ask("Client ID of the service app (0oa…)")
        okta["private_key"] = await talk.ask("File of its private key (PEM, or the JWK that Okta shows)")
        okta["private_key_id"] = await talk.ask("The key's id (kid); empty for a JWK")
    return {
        section: {key: value for key, value in values.items() if value}
        for section, values in {"teleport": teleport, "okta": okta}.items()
    }


async def _filters(talk: Console, what: str, names: Names) -> tuple[str, ...]:
    """Ask for filters and show which names pass, until the administrator agrees."""
    known = await names()
    while True:
        text = await talk.ask(f"Which {what} may have a list? Filters, separated by commas; empty: all {len(known)}")
        filters = _several(text)
        try:
            passing = NameFilters.of(filters)
        except ValueError as error:
            talk.say(f"{error}: write a glob (eng-*), or an RE2 expression from ^ to $")
            continue
        found = sorted(name for name in known if passing.why(name) is not None)
        talk.say(f"{len(found)} of {len(known)} {what} pass: {', '.join(found[:_SHOWN])}{' …' * (len(found) > _SHOWN)}")
        if await talk.agrees("Use these filters?", default=True):
            return filters


async def _scim(talk: Console) -> dict[str, object]:
    """Ask for the address of the SCIM endpoint, and where TLS ends."""
    found: dict[str, object] = {
        "scim_url": await talk.ask("Base URL by which Okta reaches it (https://…/scim/v2)"),
        "scim_listen": await talk.ask("Address at which it listens here (host:port)"),
    }
    if await talk.agrees("Does a proxy in front of it terminate TLS?", default=False):
        return found | {"scim_behind_proxy": True}
    certificate = await talk.ask("PEM file of its certificate (empty: plain HTTP, only for this machine)")
    if not certificate:
        return found
    return found | {"scim_certificate": certificate, "scim_key": await talk.ask("PEM file of its private key")}


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
