"""User groups, app servers and import rules that people and other agents create, over the control interface."""

import pytest


async def test_a_user_group_is_made_edited_listed_and_deleted_by_hand(control, sandbox):
    await control.post("/user_groups", json={"name": "00g1", "applications": ["wiki"], "labels": {"team": "red"}})
    await control.patch("/user_groups/00g1", json={"applications": ["mail"]})
    async with control.get("/user_groups") as reply:
        (group,) = await reply.json()
    assert group["Spec"] == {"Applications": ["mail"]}
    assert group["Header"]["Metadata"]["Labels"] == {"team": "red"}
    await control.delete("/user_groups/00g1")
    assert sandbox.cluster.user_groups.stored("00g1") is None


async def test_an_app_server_of_another_host_is_made_edited_listed_and_deleted_by_hand(control, sandbox, clock):
    body = {"name": "wiki", "host_id": "agent", "uri": "https://wiki.example", "expires": clock() + 600}
    await control.post("/app_servers", json=body)
    await control.patch("/app_servers/agent/wiki", json={"labels": {"team": "red"}, "user_groups": ["00g1"]})
    async with control.get("/app_servers/agent/wiki") as reply:
        app = (await reply.json())["Spec"]["App"]
    assert (app["Metadata"]["Labels"], app["Spec"]["UserGroups"]) == ({"team": "red"}, ["00g1"])
    async with control.get("/app_servers") as reply:
        assert [server["Spec"]["HostID"] for server in await reply.json()] == ["agent"]
    await control.delete("/app_servers/agent/wiki")
    assert len(sandbox.cluster.app_servers) == 0


async def test_an_import_rule_is_made_and_deleted_by_hand(control, sandbox):
    mapping = {"match": [{"app_ids": ["0oa1"], "group_name_regexes": ["^R.*$"]}], "add_labels": {"team": "red"}}
    await control.post("/okta_import_rules", json={"name": "red", "priority": 5, "mappings": [mapping]})
    async with control.get("/okta_import_rules/red") as reply:
        spec = (await reply.json())["Spec"]
    assert spec["Priority"] == 5
    assert spec["Mappings"][0]["Match"] == [{"AppIDs": ["0oa1"], "GroupNameRegexes": ["^R.*$"]}]
    await control.delete("/okta_import_rules/red")
    assert sandbox.cluster.import_rules.stored("red") is None


async def test_a_rule_that_does_not_compile_is_stored_only_unchecked(control, sandbox):
    body = {"name": "red", "mappings": [{"match": [{"app_name_regexes": ["^($"]}]}]}
    async with control.post("/okta_import_rules", json=body) as reply:
        assert (reply.status, "error parsing regexp" in (await reply.json())["error"]) == (409, True)
    async with control.post("/okta_import_rules", json={**body, "checked": False}) as reply:
        assert reply.status == 201
    assert sandbox.cluster.import_rules.stored("red") is not None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PATCH", "/user_groups/00g9", 404),
        ("DELETE", "/user_groups/00g9", 404),
        ("GET", "/app_servers/agent/none", 404),
        ("PATCH", "/app_servers/agent/none", 404),
        ("DELETE", "/app_servers/agent/none", 404),
        ("DELETE", "/okta_import_rules/none", 404),
        ("POST", "/app_servers", 404),
    ],
)
async def test_a_missing_object_is_named_in_the_error(control, method, path, status):
    async with control.request(method, path, json={}) as reply:
        assert reply.status == status
        assert (await reply.json())["error"].startswith("there is no")


async def test_the_control_interface_lists_crashes_and_rebuilds_a_cache(control, sandbox):
    await control.post("/user_groups", json={"name": "00g1"})
    await control.post("/listings/rebuild", json={"kind": "user_group", "seconds": 5})
    assert sandbox.cluster.user_groups.cached("00g1") is None
    async with control.get("/") as reply:
        assert (await reply.json())["crashes"] == []
