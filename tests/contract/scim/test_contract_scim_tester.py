"""scim2-tester, a strict public checker, against the running door over HTTP (`docs/reference/scim.md` 4).

It makes requests for every attribute that the door advertises, and stops without an error where discovery fails. So the
test also says which checks must have run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import httpx2
import pytest
from contract.scim.door import ALONE, GROUP, USER
from contract.scim.pushed_groups import PUSHING_BOTH, built_pushing

if TYPE_CHECKING:
    from scim2_tester.utils import CheckResult

pytestmark = pytest.mark.xdist_group("scim2-tester")  # whose import takes a second, once, where it is used

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

CHECKS = {
    "service_provider_config_endpoint",
    "query_all_resource_types",
    "query_all_schemas",
    "random_url",
    "object_creation",
    "object_query",
    "object_query_without_id",
    "object_query_with_attributes",
    "object_list_with_attributes",
    "object_replacement",
    "object_deletion",
    "check_add_attribute",
    "check_remove_attribute",
    "check_replace_attribute",
}
PATCHES = ("check_add_attribute", "check_remove_attribute", "check_replace_attribute")

# The checker creates and deletes a user for nearly every check, each of whom is harmed.
ROOMY = {"brake": {"floor": 10_000, "stated_ratio": 1.0}}
MODES = {"both doors, with groups": PUSHING_BOTH, "scim alone, without groups": ALONE}


@pytest.fixture
def no_public_ca():
    """Override the fixture of all contract tests: the checker's client refuses to start without a CA."""


@pytest.fixture(params=MODES)
async def server(request, tmp_path):
    async with built_pushing(tmp_path, {**MODES[request.param], **ROOMY}) as built:
        yield built


def checked(url, token) -> list[CheckResult]:
    """Run every check; the checker waits in real time, the world's clock stands."""
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import check_server

    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=url, headers=headers, timeout=20) as http:
        return check_server(SyncSCIMClient(http))


def advertised(schema):
    """The names of the attributes of a schema that a client may write and read back."""
    return {
        attribute["name"]
        for attribute in schema["attributes"]
        if attribute["mutability"] == "readWrite" and attribute["returned"] != "never"
    }


async def test_a_strict_checker_finds_no_fault_has_checked_everything_and_leaves_nothing_behind(server):
    from scim2_tester import Status

    schemas = {one["id"]: one for one in (await server.ask("GET", "/Schemas")).body["Resources"]}
    results = await asyncio.to_thread(checked, server.url, server.token)
    wrong = [
        (one.title, one.status, one.reason) for one in results if one.status not in {Status.SUCCESS, Status.SKIPPED}
    ]
    assert wrong == []
    of_users = [one for one in results if one.resource_type == "User"]
    of_groups = {one.title for one in results if one.resource_type == "Group" and one.status is Status.SUCCESS}
    ran = Counter(one.title for one in results if one.status is Status.SUCCESS)
    assert CHECKS - ran.keys() == set()
    # Search from the root is not offered.
    assert {one.title for one in results if one.status is Status.SKIPPED} <= {"search_with_attributes"}
    of_each = {"object_creation", "object_query", "object_replacement", "object_deletion", *PATCHES}
    assert of_each <= {one.title for one in of_users if one.status is Status.SUCCESS}
    has_groups = bool(server.world.settings.access_lists.default_owners)
    assert (GROUP in schemas) is has_groups
    assert of_groups >= (of_each if has_groups else set())
    writable = len(advertised(schemas[USER])) + len(advertised(schemas[ENTERPRISE]))
    for title in PATCHES:
        patched = [one for one in of_users if one.title == title]
        assert len(patched) >= writable - len({"userName", "active"}), (title, len(patched), writable)
    # Nothing of what it made is left.
    assert (await server.ask("GET", "/Users")).body["totalResults"] == 0
    assert (await server.ask("GET", "/Groups")).body.get("totalResults", 0) == 0
    assert not server.world.teleport.cluster.access_lists.all_stored()
    assert not server.world.owned()
    server.world.clock.advance(60)
    report = await server.world.run()
    assert report.succeeded
    assert not [(change.action, change.name) for change in report.plan.changes]
