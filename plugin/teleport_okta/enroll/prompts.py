"""What is asked at the terminal where no flag and no file answered: what is imported, who owns lists, SCIM."""

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
    """Return the answers with what was asked. `groups` and `apps` list the names that filters are tried on.

    Raises ValueError for an answer that cannot be used, and what listing raises.
    """
    given = answers.model_dump(exclude_none=True)
    imports = given.get("apps_and_groups")
    if imports is None:
        imports = given["apps_and_groups"] = await talk.agrees("Import Okta's groups and apps?", default=True)
    if imports and "access_lists" not in given and not answers.owners:
        given["access_lists"] = await talk.agrees("Keep access lists of them?", default=False)
    if imports and (given.get("access_lists") or answers.owners):
        if not answers.owners:
            owners = await talk.ask("Who owns new access lists? Teleport users, with commas (they may come later)")
            given["owners"] = _several(owners)
        if answers.group_filters is None:
            given["group_filters"] = await _filters(talk, "groups", groups)
        if answers.app_filters is None:
            given["app_filters"] = await _filters(talk, "apps", apps)
    if answers.scim_url is None and await talk.agrees("Let Okta provision by SCIM?", default=False):
        given |= await _scim(talk)
    return Answers.model_validate(given)


async def first_configuration(talk: Console) -> Changes:
    """Ask for what a configuration file needs at the least: addresses, and where the credentials are kept."""
    teleport: dict[str, object] = {
        "addr": await talk.ask("Address of Teleport's proxy or auth server (host:port)"),
        "identity": await talk.ask("The bot's identity file (from tbot)"),
        "join_token": await talk.ask("File of the join token of type okta (tctl tokens add --type=okta)"),
    }
    okta: dict[str, object] = {"org_url": await talk.ask("Address of the Okta organisation (https://…)")}
    if await talk.agrees("Is the credential of Okta an API token? Otherwise it is a service app", default=False):
        okta["api_token"] = await talk.ask("File of the API token")
    else:
        okta["client_id"] = await talk.ask("Client ID of the service app (0oa…)")
        okta["private_key"] = await talk.ask("File of its private key (PEM, or the JWK that Okta shows)")
        okta["private_key_id"] = await talk.ask("The key's id (kid); nothing for a JWK")
    return {
        section: {key: value for key, value in values.items() if value}
        for section, values in {"teleport": teleport, "okta": okta}.items()
    }


async def _filters(talk: Console, what: str, names: Names) -> tuple[str, ...]:
    """Ask for filters until they are agreed to, showing what they let pass."""
    known = await names()
    while True:
        text = await talk.ask(f"Which {what} may have a list? Filters with commas; nothing: all {len(known)}")
        filters = _several(text)
        try:
            passing = NameFilters.of(filters)
        except ValueError as error:
            talk.say(f"{error}: write a glob (eng-*), or an RE2 expression from ^ to $")
            continue
        found = sorted(name for name in known if passing.why(name) is not None)
        talk.say(f"{len(found)} of {len(known)} {what} pass: {', '.join(found[:_SHOWN])}{' …' * (len(found) > _SHOWN)}")
        if await talk.agrees("Is that so?", default=True):
            return filters


async def _scim(talk: Console) -> dict[str, object]:
    """Ask where the SCIM endpoint is, and who does its TLS."""
    found: dict[str, object] = {
        "scim_url": await talk.ask("Base URL by which Okta reaches it (https://…/scim/v2)"),
        "scim_listen": await talk.ask("Address at which it listens here (host:port)"),
    }
    if await talk.agrees("Does a proxy in front of it do the TLS?", default=False):
        return found | {"scim_behind_proxy": True}
    certificate = await talk.ask("PEM file of its certificate (nothing: plain HTTP, for this machine alone)")
    if not certificate:
        return found
    return found | {"scim_certificate": certificate, "scim_key": await talk.ask("PEM file of its private key")}


def _several(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
