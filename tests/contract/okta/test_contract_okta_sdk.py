"""Okta's own Python SDK against the sandbox, over HTTPS: what it cannot read is a fault of the sandbox.

The SDK is generated from Okta's OpenAPI description and shares nothing with this project. It verifies the sandbox's
certificate, through a session that trusts the sandbox's CA and nobody else.
"""

from __future__ import annotations

import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rsa_key import RSA_KEY
from teleport_okta.saml.app_body import app_body
from teleport_okta.sandbox.okta import Delays, OktaOrganization, OktaSandbox, Settings, seed_organization

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

pytestmark = pytest.mark.xdist_group("okta-sdk")  # whose import takes seconds, once, where it is used

PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
READ = ["okta.users.read", "okta.groups.read", "okta.apps.read", "okta.orgs.read"]
PEOPLE = 7


@dataclass
class Acme:
    """A small organisation on the machine's time, which waits of the SDK move forward instead of lasting."""

    waited: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = Settings(delays=Delays(search=0, group_job=0, group_job_per_user=0, membership_stamp=0))
        self.org = OktaOrganization(settings, now=lambda: time.time() + sum(self.waited), rng=Random(2))
        self.teleport = seed_organization(self.org, users=PEOPLE, groups=3, apps=3, rng=Random(2))
        self.service_app = self.org.add_client(RSA_KEY.public_key(), "kid-1")
        self.okta = OktaSandbox(self.org, tls=True)

    def group(self) -> str:
        """Return a group with members, assigned to the app."""
        group = self.org.create_group("Engineers").id
        for user in list(self.org.users.all)[:5]:
            self.org.add_member(group, user.id)
        self.org.assign_group(self.teleport.id, group)
        return group

    @asynccontextmanager
    async def client(self, **config: object) -> AsyncIterator[Any]:
        """Open the SDK with the organisation's API token unless told otherwise."""
        from okta.client import Client
        from okta.request_executor import RequestExecutor

        waited = self.waited

        class Executor(RequestExecutor):
            async def pause_for_backoff(self, backoff_time: float) -> None:
                waited.append(backoff_time)

        base = {"orgUrl": self.okta.https_url, "token": self.org.ssws_token, "requestExecutor": Executor}
        client = Client(base | config)
        trust = ssl.create_default_context(cadata=self.okta.ca_pem.decode())
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
            client.get_request_executor().set_session(session)
            yield client

    def as_service_app(self, *, scopes: list[str] = READ, dpop: bool = False) -> dict[str, object]:
        """Return the SDK's settings for ``private_key_jwt``."""
        return {
            "authorizationMode": "PrivateKey",
            "clientId": self.service_app.id,
            "privateKey": PEM,
            "kid": "kid-1",
            "scopes": scopes,
            "dpopEnabled": dpop,
        }


@cache
def proof_key(bits: int) -> bytes:
    """Return the one key of the SDK for proofs, in PEM."""
    key = rsa.generate_private_key(65537, bits)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(autouse=True)
def made_by_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let OpenSSL make the SDK's keys for proofs: its own library, in Python, takes seconds."""

    from Cryptodome.PublicKey import RSA

    monkeypatch.setattr(RSA, "generate", lambda bits: RSA.import_key(proof_key(bits)))


@pytest.fixture
async def acme() -> AsyncIterator[Acme]:
    acme = Acme()
    async with acme.okta:
        yield acme


async def pages_of(listing: Callable[..., Awaitable[Any]], limit: int) -> list[Any]:
    """Read a listing page by page, with the SDK's own paging."""
    from okta.pagination import paginate_pages

    return [page async for page, _, _ in paginate_pages(listing, limit=limit)]


async def sizes(listing: Callable[..., Awaitable[Any]], limit: int) -> list[int]:
    """Return the length of each page."""
    return [len(page) for page in await pages_of(listing, limit)]


async def test_users_come_page_by_page(acme: Acme) -> None:
    async with acme.client() as client:
        assert await sizes(client.list_users, 3) == [3, 3, 1]
    assert acme.org.calls.endpoints["GET /api/v1/users"] == 3


async def test_users_of_every_status_are_read(acme: Acme) -> None:
    statuses = ["STAGED", "PROVISIONED", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT", "SUSPENDED", "DEPROVISIONED"]
    for status, user in zip(statuses, list(acme.org.users.all), strict=False):
        if user.id != acme.org.admin:
            acme.org.set_status(user.id, status)
    async with acme.client() as client:
        users, _, error = await client.list_users(search="status pr")
    assert error is None
    assert {user.id: user.status for user in users} == {user.id: user.status for user in acme.org.users.all}


async def test_groups_come_page_by_page_with_their_numbers(acme: Acme) -> None:
    expected = len(list(acme.org.groups.all))
    async with acme.client() as client:
        pages = await sizes(client.list_groups, 2)
        groups, _, _ = await client.list_groups(expand="stats")
    assert (sum(pages), max(pages), len(pages)) == (expected, 2, -(-expected // 2))
    everyone = next(group for group in groups if group.profile.actual_instance.name == "Everyone")
    assert everyone.type == "BUILT_IN"
    assert everyone.embedded.stats.users_count == PEOPLE


async def test_apps_of_every_kind_come_page_by_page(acme: Acme) -> None:
    acme.org.create_app("Intranet", signOnMode="BOOKMARK", settings={"app": {"url": "https://intranet.example.com"}})
    async with acme.client() as client:
        pages = await pages_of(client.list_applications, 2)
    found = {app.id: (type(app).__name__, app.label) for page in pages for app in page}
    assert set(found) == {app.id for app in acme.org.apps.all}
    assert {kind for kind, _ in found.values()} == {
        "SamlApplication",
        "OpenIdConnectApplication",
        "BookmarkApplication",
    }
    assert found[acme.teleport.id] == ("SamlApplication", "Teleport")


async def test_app_users_come_page_by_page_with_their_users(acme: Acme) -> None:
    async with acme.client() as client:
        listing = partial(client.list_application_users, app_id=acme.teleport.id, expand="user")
        pages = await pages_of(listing, 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert {entry.id for page in pages for entry in page} == {user.id for user in acme.org.users.all}
    first = pages[0][0]
    assert (first.scope, first.status, first.sync_state) == ("USER", "ACTIVE", "DISABLED")
    assert first.embedded["user"]["profile"]["login"] == acme.org.user(first.id).profile["login"]


async def test_members_and_app_groups_are_read(acme: Acme) -> None:
    group = acme.group()
    async with acme.client() as client:
        members = await sizes(partial(client.list_group_users, group_id=group), 2)
        assigned, _, error = await client.list_application_group_assignments(acme.teleport.id)
        apps, _, _ = await client.list_assigned_applications_for_group(group)
    assert members == [2, 2, 1]
    assert (error, [entry.id for entry in assigned][-1:]) == (None, [group])
    assert [app.id for app in apps] == [acme.teleport.id]


async def test_single_objects_are_read(acme: Acme) -> None:
    group, app, admin = acme.group(), acme.teleport.id, acme.org.admin
    async with acme.client() as client:
        user, _, _ = await client.get_user(admin)
        by_login, _, _ = await client.get_user("okta.admin@example.com")
        found_group, _, _ = await client.get_group(group)
        found_app, _, _ = await client.get_application(app)
        assignment, _, _ = await client.get_application_user(app, admin)
        groups, _, _ = await client.list_user_groups(admin)
        links, _, _ = await client.list_app_links(admin)
        org, _, _ = await client.get_org_settings()
    assert (user.id, user.profile.login, by_login.id) == (admin, "okta.admin@example.com", admin)
    assert (found_group.id, found_group.profile.actual_instance.name) == (group, "Engineers")
    assert (found_app.id, found_app.sign_on_mode, found_app.status) == (app, "SAML_2_0", "ACTIVE")
    assert (assignment.id, assignment.scope) == (admin, "USER")
    assert "Everyone" in {found.profile.actual_instance.name for found in groups}
    assert app in {link.app_instance_id for link in links}
    assert (org.id, org.subdomain) == (acme.org.id, "acme")


@pytest.mark.parametrize(
    ("token", "status", "code"), [("invented", 401, "E0000011"), (None, 404, "E0000007"), ("narrowed", 403, "E0000006")]
)
async def test_errors_arrive_with_status_and_code(acme: Acme, token: str | None, status: int, code: str) -> None:
    if token == "narrowed":
        acme.org.narrow_role(without=["okta.users.read"])
    config = {"token": token} if token == "invented" else {}
    async with acme.client(**config) as client:
        user, _, error = await client.get_user("00unobody")
    assert (user, error.status, error.error_code) == (None, status, code)


async def test_a_used_up_limit_is_waited_for_until_its_reset(acme: Acme) -> None:
    acme.org.fail("rate_limit", path="/api/v1/users", count=1)
    async with acme.client() as client:
        users, _, error = await client.list_users()
    assert (error, len(users)) == (None, PEOPLE)
    assert acme.org.calls.statuses == {429: 1, 200: 1}
    [wait] = acme.waited
    assert wait in {61, 62}, "until the reset, and a second more"


async def test_a_service_app_reads_with_a_bearer_token(acme: Acme) -> None:
    async with acme.client(**acme.as_service_app()) as client:
        assert await sizes(client.list_users, 3) == [3, 3, 1]
        assert await sizes(partial(client.list_application_users, app_id=acme.teleport.id), 4) == [4, 3]
    assert acme.org.calls.endpoints["POST /oauth2/v1/token"] == 1


async def test_a_service_app_without_the_scope_is_refused(acme: Acme) -> None:
    async with acme.client(**acme.as_service_app(scopes=["okta.groups.read"])) as client:
        _, _, error = await client.list_users()
    assert (error.status, error.error_code) == (403, "E0000006")


async def test_a_scope_that_is_not_granted_gives_no_token(acme: Acme) -> None:
    acme.org.configure_client(acme.service_app.id, scopes=["okta.groups.read"])
    async with acme.client(**acme.as_service_app()) as client:
        _, _, error = await client.list_users()
    assert (error.status, error.error_code) == (400, "invalid_scope")


async def test_a_service_app_that_must_prove_possession_reads(acme: Acme) -> None:
    acme.org.configure_client(acme.service_app.id, require_dpop=True)
    async with acme.client(**acme.as_service_app(dpop=True)) as client:
        assert await sizes(client.list_users, 3) == [3, 3, 1]
    assert acme.org.calls.endpoints["POST /oauth2/v1/token"] == 2, "once without a nonce, once with it"


async def test_with_dpop_the_sdk_cannot_read_by_login_as_it_cannot_from_okta(acme: Acme) -> None:
    async with acme.client(**acme.as_service_app(dpop=True)) as client:
        user, answer, _ = await client.get_user("okta.admin@example.com")
    assert (user, answer.status_code) == (None, 400), "it proves the path as sent, and Okta the path decoded"


async def test_a_service_app_that_does_not_prove_possession_gets_no_token(acme: Acme) -> None:
    acme.org.configure_client(acme.service_app.id, require_dpop=True)
    async with acme.client(**acme.as_service_app()) as client:
        _, _, error = await client.list_users()
    assert (error.status, error.error_code) == (400, "invalid_dpop_proof")


async def test_the_body_of_the_saml_app_is_of_okta_s_schema_and_creates_it(acme: Acme) -> None:
    from okta.models.saml_application import SamlApplication

    body = app_body("Teleport example", "https://teleport.example.com/v1/webapi/saml/acs/okta")
    read = SamlApplication.from_dict(body)
    assert read is not None
    assert read.settings.sign_on.attribute_statements is not None
    async with acme.client() as client:
        created, _, error = await client.create_application(read)
    assert error is None
    [stored] = [app for app in acme.org.apps.all if app.label == "Teleport example"]
    assert (created.id, created.status, created.credentials.signing.kid) == (stored.id, "ACTIVE", stored.kid)
    sign_on, asked = stored.settings["signOn"], body["settings"]
    assert isinstance(asked, dict)
    assert sign_on == sign_on | asked["signOn"]


async def test_the_keys_of_a_saml_app_are_read_and_generated(acme: Acme) -> None:
    app = acme.org.create_app("Wiki")
    async with acme.client() as client:
        made, _, error = await client.generate_application_key(app.id, validity_years=3)
        keys, _, _ = await client.list_application_keys(app.id)
        first, _, _ = await client.get_application_key(app.id, app.kid)
    assert error is None
    assert [key.kid for key in keys] == [app.kid, made.kid]
    assert (first.kty, first.use, len(first.x5c)) == ("RSA", "sig", 1)
    assert made.expires_at.year == made.created.year + 3


async def test_provisioning_of_a_saml_app_is_unknown_to_the_api(acme: Acme) -> None:
    app = acme.org.create_app("Wiki")
    async with acme.client() as client:
        connection, _, error = await client.get_default_provisioning_connection_for_application(app.id)
        _, _, refused = await client.list_features_for_application(app.id)
    assert (error, connection.status) == (None, "UNKNOWN")
    assert (refused.status, refused.error_code) == (400, "E0000001")
