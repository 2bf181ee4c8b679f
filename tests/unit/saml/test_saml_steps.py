from __future__ import annotations

from dataclasses import replace

from teleport_okta.model.connector import RoleMapping
from teleport_okta.model.plugin import OktaPluginSettings, Plugin
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.model.teleport import Cluster
from teleport_okta.saml.connectors import new_connector
from teleport_okta.saml.metadata import read_metadata
from teleport_okta.saml.proven_rights import proven, unproven
from teleport_okta.saml.request import EnrolmentRequest
from teleport_okta.saml.steps import Found, State, Steps
from unit.saml.documents import HOSTS, ORG, certificate, entity, key, provider

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta-integration"
ORG_URL = f"https://{ORG}"
APP = SamlApp("0oaTeleport", "acme_teleport_1", "Teleport", "ACTIVE", "SAML_2_0", ACS)
METADATA = read_metadata(entity().encode(), org_hosts=HOSTS)
ROTATED = read_metadata(entity(provider(key(certificate("rotated")))).encode(), org_hosts=HOSTS)
CONNECTOR = new_connector("okta-integration", ACS, APP, METADATA, role="dev", org_id="00oAcme", org_url=ORG_URL)
SETTINGS = OktaPluginSettings(
    ORG_URL,
    connector="okta-integration",
    sync_users=True,
    source="saml_app",
    app_id=APP.id,
    app_name=APP.name,
)
NOTHING = Found(Cluster("example.com", "18.1.3"), "00oAcme", ACS, role="okta-requester", everyone="00gEveryone")
EVERYTHING = replace(
    NOTHING,
    role="",
    app=APP,
    is_assigned=True,
    connector=CONNECTOR,
    metadata=METADATA,
    plugin=Plugin("okta", SETTINGS),
)


def steps_of(found, **wishes):
    return Steps(EnrolmentRequest(**wishes), org_url=ORG_URL, org_hosts=frozenset(HOSTS)).of(found)


def states(found, **wishes):
    return [(step.name, step.state) for step in steps_of(found, **wishes)]


def step(name, found, **wishes):
    [one] = [one for one in steps_of(found, **wishes) if one.name == name]
    return one


class TestSteps:
    def test_at_first_every_step_is_to_do(self):
        assert states(NOTHING) == [(name, State.TO_DO) for name in ("app", "assignment", "connector", "settings")]

    def test_if_everything_exists_no_step_is_to_do(self):
        assert states(EVERYTHING) == [(name, State.DONE) for name in ("app", "assignment", "connector", "settings")]

    def test_each_is_looked_at_by_itself(self):
        assert step("assignment", replace(EVERYTHING, is_assigned=False)).state is State.TO_DO
        assert step("connector", replace(EVERYTHING, metadata=ROTATED)).state is State.TO_DO
        assert step("settings", replace(EVERYTHING, plugin=None)).state is State.TO_DO
        assert states(replace(EVERYTHING, plugin=None)).count(("settings", State.TO_DO)) == 1

    def test_the_plan_shows_the_role_of_everybody(self):
        assert "'Teleport example.com'" in step("app", NOTHING).what
        assert ACS in step("app", NOTHING).what
        assert "everybody in Okta becomes a user of Teleport" in step("assignment", NOTHING).what
        assert "members of Everyone get the role 'okta-requester'" in step("connector", NOTHING).what

    def test_the_plan_shows_the_settings_of_a_new_plugin(self):
        shown = "create the plugin resource 'okta': sync_users: true; user_sync_source: saml_app; "
        off = "disable_bidirectional_sync: true; disable_assign_default_roles: false"
        assert step("settings", NOTHING).what == (
            f"{shown}disable_sync_app_groups: false; sync_access_lists: false; {off}"
        )
        lists = {"sync_access_lists": True, "default_owners": ("ada", "bob"), "group_filters": ("dev-*",)}
        assert step("settings", NOTHING, **lists).what == (
            f"{shown}disable_sync_app_groups: false; sync_access_lists: true; default_owners: ada, bob; "
            f"group_filters: dev-*; {off}"
        )

    def test_if_everyone_is_not_visible_the_step_has_the_reason_and_a_remedy(self):
        left = step("assignment", replace(NOTHING, everyone=None, unseen="the role hides it"))
        assert left.state is State.LEFT
        assert left.what == "the group Everyone is not assigned to the app: the role hides it"
        assert left.remedy.startswith("assign the group Everyone")

    def test_for_an_existing_app_the_assignment_is_unknown_and_not_missing(self):
        left = step("assignment", replace(EVERYTHING, everyone=None, is_assigned=False, unseen="the role hides it"))
        assert left.what == "we cannot see whether the group Everyone is assigned to the app: the role hides it"
        assert left.remedy.startswith("if it is not: assign the group Everyone")

    def test_without_assign_everyone_assignments_are_left_to_people(self):
        found = replace(EVERYTHING, is_assigned=False)
        assert step("assignment", found, assign_everyone=False).state is State.DONE

    def test_a_connector_without_a_role_gets_one_in_the_steps(self):
        empty = replace(CONNECTOR, role_mappings=())
        found = step("connector", replace(EVERYTHING, connector=empty, role="okta-requester"))
        assert found.state is State.TO_DO
        assert found.what == (
            "change the SAML connector 'okta-integration': members of Everyone get the role 'okta-requester' "
            "(before: none)"
        )

    def test_a_wanted_role_is_shown_with_the_one_before(self):
        found = step("connector", replace(EVERYTHING, metadata=ROTATED, role="access"))
        assert found.what == (
            "change the SAML connector 'okta-integration': write the app's present metadata into it; "
            "members of Everyone get the role 'access' (before: dev)"
        )

    def test_mappings_of_people_are_as_good(self):
        mapped = replace(CONNECTOR, role_mappings=(RoleMapping("groups", "*", ("access",)),))
        assert step("connector", replace(EVERYTHING, connector=mapped)).state is State.DONE

    def test_a_change_of_the_plugin_shows_each_key(self):
        held = replace(SETTINGS, app_id="", app_name="", write_back=True)
        changed = step("settings", replace(EVERYTHING, plugin=Plugin("okta", held)))
        assert changed.state is State.TO_DO
        assert "app_id: none -> 0oaTeleport" in changed.what
        assert "disable_bidirectional_sync: false -> true" in changed.what

    def test_a_plugin_is_changed_for_an_app_that_has_no_id_yet(self):
        held = Plugin("okta", replace(SETTINGS, app_id="", app_name=""))
        changed = step("settings", replace(NOTHING, plugin=held))
        assert changed.state is State.TO_DO
        assert "app_id: that of the new app" in changed.what

    def test_user_sync_that_is_off_is_left_to_people(self):
        off = replace(SETTINGS, sync_users=False, sync_apps_and_groups=False)
        found = replace(EVERYTHING, plugin=Plugin("okta", off))
        assert states(found)[-2:] == [("settings", State.DONE), ("user sync", State.LEFT)]
        assert "tctl edit plugin/okta" in step("user sync", found).remedy

    def test_without_plugins_the_caller_writes_its_file(self):
        found = replace(EVERYTHING, plugin=None, has_plugins=False)
        assert step("settings", found).what == "write the integration into the configuration file"


class TestProofs:
    def test_before_the_first_write_the_rights_to_write_are_unproven(self):
        text = "\n".join(unproven(NOTHING))
        for words in (
            "create the app: Manage applications (okta.apps.manage), over all applications",
            "assign Everyone: Edit groups' application assignments",
            "metadata of the new app",
            "the cluster's proxy at https://teleport.example.com",
            "licence",
        ):
            assert words in text

    def test_with_everything_there_nothing_is_left_to_be_proven(self):
        assert unproven(EVERYTHING) == []

    def test_steps_that_are_not_to_do_need_no_proof(self):
        assert "Everyone" not in "\n".join(unproven(NOTHING, assigns=False))
        assert "Everyone" not in "\n".join(unproven(replace(NOTHING, everyone=None)))
        assert "licence" not in "\n".join(unproven(replace(NOTHING, has_plugins=False)))

    def test_a_right_under_a_condition_is_unproven_and_not_proven(self):
        found = replace(NOTHING, conditional=("create `plugin`",))
        assert any("the bot may create `plugin`" in line for line in unproven(found))
        assert not any("plugin" in line for line in proven(found))
        assert any("`saml`" in line for line in proven(found))

    def test_facts_that_were_read_are_proven(self):
        text = "\n".join(proven(EVERYTHING))
        assert "lets it read apps" in text
        assert "metadata of the app 'Teleport'" in text
        assert "role" not in text.replace("the bot's roles", "")
        assert "the role 'okta-requester' exists" in proven(NOTHING)
