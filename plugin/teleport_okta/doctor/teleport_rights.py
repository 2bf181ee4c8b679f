"""The features of the cluster, and the permissions of our two identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.access_lists import of_limit
from teleport_okta.doctor.findings import Section, attempted, settled
from teleport_okta.doctor.identities import WITHOUT_HOST
from teleport_okta.teleport.authorities import read_host_cas
from teleport_okta.teleport.bot_rights import NEEDED_OF_BOT, Use, own_rules
from teleport_okta.teleport.features import read_cluster
from teleport_okta.teleport.gates import GATES, NEWEST, OLDEST, ServerTooOldError, version_warnings
from teleport_okta.teleport.writers import present_writers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.teleport import Cluster, Feature
    from teleport_okta.settings import SyncSettings
    from teleport_okta.teleport.bot_rights import Rules
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.greeting import Greeting
    from teleport_okta.teleport.writers import Writer

HERE: Final = Section.TELEPORT

_NEEDED_FEATURES: Final = frozenset({"users", "locks", "roles"})
_OF_BOT: Final = frozenset({"adoption", "plugin", "access_requests"})
_PURPOSES: Final = {
    "users": "the host lists and writes synced users",
    "locks": "the host locks people who leave or are suspended",
    "roles": "the host reads roles, and writes those of access lists",
    "adoption": "the bot changes existing users",
    "app_servers": "the host keeps Okta's apps as app servers",
    "user_groups": "the host keeps Okta's groups as user groups",
    "access_lists": "the host keeps access lists for groups and apps",
    "okta_service": "the host reads import rules",
    "review_requests": "owners of access lists may review requests",
    "plugin": "the bot reads plugins, ours and hosted ones",
    "access_requests": "the bot fulfils access requests, later",
}
"""Which identity needs the permission for a feature, and its purpose."""

_WITHOUT: Final = {
    "app_servers": "no app servers are kept",
    "user_groups": "no user groups are kept",
    "access_lists": "no access lists are kept; without them, users have the member roles themselves",
    "okta_service": "no import rules add labels",
    "review_requests": "owners of access lists cannot review requests",
    "plugin": "our settings cannot be in a plugin",
}
"""The effect if a feature is off; no other feature is needed yet."""

_ROLE: Final = "docs/teleport-role.md has the whole role"


def of_greeting(greeting: Greeting, sync: SyncSettings, *, is_known: bool = True) -> Iterator[Finding]:
    """Report the cluster, and check its version and whether people can sign in as configured.

    `is_known`: the name of the connector is known, and does not depend on a plugin that cannot be read.
    """
    edition = "Enterprise" if greeting.is_enterprise else "Community edition, or Enterprise without entitlements"
    yield HERE.ok("cluster", f"{greeting.cluster}, {edition}")
    yield from of_version(greeting.version)
    if sync.local_users:
        if greeting.has_saml:
            what = "sync.local_users is true, although this cluster has SAML: people are not created for its connector"
            yield HERE.note("sign-in", what, "set sync.local_users = false to let people sign in through Okta")
        else:
            yield HERE.ok("sign-in", "as local users (sync.local_users)")
    elif greeting.has_saml:
        yield HERE.ok(
            "sign-in", f"through SAML connector {sync.connector!r}" if is_known else "through SAML connectors"
        )
    else:
        what = "sync.local_users is false, but this cluster has no SAML sign-in"
        remedy = "set sync.local_users = true, and invite people with `tctl users reset NAME`"
        yield HERE.error("sign-in", what, remedy)


def of_version(version: str) -> Iterator[Finding]:
    """Check that a server's version is supported, and report the gates that it closes."""
    check = "version"
    try:
        warnings = version_warnings(version)
    except ServerTooOldError as error:
        yield HERE.failed(check, error)
        return
    for warning in warnings:
        yield HERE.warning(check, warning, f"look for a release of teleport-okta for {version}")
    if not warnings:
        yield HERE.ok(check, f"{version}; {OLDEST} to {NEWEST} are supported")
    for gate in GATES:
        if gate.closes(version):
            what = f"{gate.feature} is off on {version}: {gate.why}"
            yield HERE.warning("version gate", what, gate.remedy)


async def _cluster(host: Connection, bot: Connection | None) -> Cluster | None:
    """Try each feature with one harmless call; None for a server that is too old."""
    try:
        return await read_cluster(host, bot)
    except ServerTooOldError:
        return None


def of_features(cluster: Cluster | None, *, with_bot: bool) -> list[Finding]:
    """Report each feature; gates and SAML have findings of their own."""
    if cluster is None:
        return [HERE.unchecked("features", "the server is too old")]
    elsewhere = {"saml", *(gate.feature for gate in GATES if gate.closes(cluster.version))}
    features = [feature for feature in cluster.features if feature.name not in elsewhere]
    findings = [of_feature(feature, with_bot=with_bot) for feature in features]
    return [*findings, of_limit(cluster.access_list_limit)] if cluster.has("access_lists") else findings


def of_feature(feature: Feature, *, with_bot: bool = True) -> Finding:
    """Report a feature, its purpose, and how severe it is if it is off.

    Without a bot, `identities` has the remedy.
    """
    check = f"feature {feature.name}"
    purpose = _PURPOSES.get(feature.name, "")
    if feature.enabled:
        return HERE.ok(check, f"on: {purpose}" if purpose else "on")
    if feature.name in _OF_BOT and not with_bot:
        return HERE.note(check, f"off, because no bot identity can be used: {purpose}")
    off = f"unknown: {feature.reason}" if feature.unknown else f"off: {feature.reason}"
    if feature.name in _NEEDED_FEATURES:
        return HERE.error(
            check, f"{off}; needed: {purpose}", "join again, with a token of `tctl tokens add --type=okta`"
        )
    if feature.name == "adoption":
        what = f"{off}; people who logged in before the sync are reported, not adopted"
        return HERE.warning(check, what, f"give the bot a role that may change users; {_ROLE}")
    return HERE.note(check, f"{off}; {_WITHOUT.get(feature.name, 'nothing needs it yet')}")


def without_host(*, joined: bool) -> Finding:
    """Report what is off without a host identity."""
    check = "features"
    if not joined:
        return HERE.note(check, f"off until the first start has joined; {WITHOUT_HOST}")
    return HERE.unchecked(check, f"the cluster accepts no host identity; {WITHOUT_HOST}")


async def check_bot_rights(bot: Connection, *, is_enterprise: bool, is_managed: bool) -> list[Finding]:
    """Compare the rules of the bot's roles with what we need of them."""
    return list(of_rules(await own_rules(bot), is_enterprise=is_enterprise, is_managed=is_managed))


def of_rules(rules: Rules, *, is_enterprise: bool = True, is_managed: bool = False) -> Iterator[Finding]:
    """Report for each kind what the bot lacks; a need of the service is a warning, one of a command only a note.

    `is_managed`: a plugin resource has the settings, and gets the status.
    """
    weighty = {Use.SERVICE, Use.MANAGED} if is_managed else {Use.SERVICE}
    for need in NEEDED_OF_BOT:
        if need.enterprise and not is_enterprise:
            continue
        check = f"bot may {need.kind}"
        verbs = ", ".join(need.verbs)
        missing = rules.missing(need)
        if not missing:
            by = "" if need.use is Use.SERVICE else f" ({need.use})"
            yield HERE.ok(check, f"{verbs}, {need.purpose}{by}")
            continue
        what = f"the bot's roles do not allow {', '.join(missing)} on {need.kind}, needed {need.purpose}"
        remedy = f"add it to a role of the bot: resources: [{need.kind}], verbs: [{verbs}]; {_ROLE}"
        if need.use in weighty:
            yield HERE.warning(check, what, remedy)
        else:
            yield HERE.note(check, f"{what} by {need.use}", remedy)


def of_writers(writers: Sequence[Writer]) -> list[Finding]:
    """Report which process holds the lease now."""
    check = "writer"
    if not writers:
        return [HERE.ok(check, "no process holds the lease now")]
    return [HERE.ok(check, f"for {writer.owner}: {writer.holder}") for writer in writers]


async def check_rotation(host: Connection) -> list[Finding]:
    """Check whether the host CA is being rotated, and whether our host identity has followed."""
    check = "CA rotation"
    cas = await read_host_cas(host)
    if not cas.suits(cas.without_others(host.identity)):  # the bot's file may contain a CA that is no longer used
        what = f"the host identity does not match the present CAs (phase {cas.phase or 'none'})"
        return [HERE.warning(check, what, "start the service: it renews the identity by itself within a minute")]
    if cas.is_rotating:
        return [HERE.note(check, f"the host CA is being rotated (phase {cas.phase}); the host identity follows")]
    return [HERE.ok(check, "none now")]


@dataclass(frozen=True, slots=True)
class Rights:
    """The findings, the proxy's address as the cluster reports it, and the organisations with a process that writes.

    What could not be read is empty.
    """

    findings: list[Finding]
    proxy_address: str = ""
    written_for: frozenset[str] = frozenset()


async def settled_rights(
    host: Connection | None,
    bot: Connection | None,
    *,
    joined: bool,
    now: datetime,
    is_enterprise: bool = True,
    is_managed: bool = False,
) -> Rights:
    """Run the checks that need an identity, independently."""
    reader = host or bot
    if reader is None:
        everything = "features, permissions, writer, CA rotation"
        return Rights([without_host(joined=joined), HERE.unchecked(everything, "there is no identity to ask with")])
    findings, cluster = [], None
    if host is None:
        findings.append(without_host(joined=joined))
    else:
        cluster, failure = await attempted(HERE, "features", _cluster(host, bot), otherwise=None)
        findings += failure or of_features(cluster, with_bot=bot is not None)
    if bot is None:
        findings.append(HERE.unchecked("bot's permissions", "there is no bot identity to ask with"))
    else:
        looking = check_bot_rights(bot, is_enterprise=is_enterprise, is_managed=is_managed)
        findings += await settled(HERE, "bot's permissions", looking)
    none: tuple[Writer, ...] = ()
    writers, failure = await attempted(HERE, "writer", present_writers(reader, now), otherwise=none)
    findings += failure or of_writers(writers)
    if host is None:
        findings.append(HERE.unchecked("CA rotation", "only the host identity may see the CAs"))
    else:
        findings += await settled(HERE, "CA rotation", check_rotation(host))
    proxy_address = "" if cluster is None else cluster.proxy_address
    return Rights(findings, proxy_address, frozenset(writer.owner for writer in writers))
