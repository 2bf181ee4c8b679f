"""An enrolment from nothing to the end, and again."""

from __future__ import annotations

import pytest
from cluster_world import WayIn
from contract.enrolment.enrolment_world import ACS, CONNECTOR, LABEL, built_enrolment_world
from cryptography.hazmat.primitives.serialization import Encoding
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.metadata import read_metadata

MADE = [(name, State.MADE) for name in ("app", "assignment", "connector", "settings")]
UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"


async def test_from_nothing_to_the_end_each_side_holds_exactly_this(world):
    enrolment = world.enrolment()
    found = await enrolment.look()
    assert world.untouched
    steps = [step async for step in enrolment.run(found)]
    assert [(step.name, step.state) for step in steps] == MADE
    assert world.okta_writes == {"POST /api/v1/apps": 1, "PUT /api/v1/apps/{id}/groups/{group}": 1}
    assert world.teleport_writes == {"CreateSAMLConnector": 1, "CreatePlugin": 1}
    assert (enrolment.app.id, world.noted) == (world.app.id, [world.app.id])
    assert world.is_assigned

    shown = await world.app_json()
    varying = ("id", "orn", "name", "created", "lastUpdated", "_links")
    assert {key: value for key, value in shown.items() if key not in varying} == {
        "label": LABEL,
        "status": "ACTIVE",
        "signOnMode": "SAML_2_0",
        "accessibility": {"selfService": False, "errorRedirectUrl": None, "loginRedirectUrl": None},
        "visibility": {
            "autoLaunch": False,
            "autoSubmitToolbar": False,
            "hide": {"iOS": False, "web": False},
            "appLinks": {f"{shown['name']}_link": True},
        },
        "features": [],
        "credentials": {
            "userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"},
            "signing": {"kid": world.app.kid},
        },
        "universalLogout": {
            "status": "DISABLED",
            "supportType": "FULL",
            "identityStack": "NOT_SHARED",
            "protocol": "GLOBAL_TOKEN_REVOCATION",
        },
        "settings": {
            "app": {},
            "notifications": {"vpn": {"network": {"connection": "DISABLED"}, "message": None, "helpUrl": None}},
            "manualProvisioning": False,
            "implicitAssignment": False,
            "emOptInStatus": "NONE",
            "notes": {"admin": None, "enduser": None},
            "signOn": {
                "defaultRelayState": None,
                "ssoAcsUrl": ACS,
                "idpIssuer": "http://www.okta.com/${org.externalKey}",
                "audience": ACS,
                "recipient": ACS,
                "destination": ACS,
                "subjectNameIdTemplate": "${user.userName}",
                "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                "responseSigned": True,
                "assertionSigned": True,
                "signatureAlgorithm": "RSA_SHA256",
                "digestAlgorithm": "SHA256",
                "honorForceAuthn": True,
                "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
                "spIssuer": None,
                "requestCompressed": False,
                "attributeStatements": [
                    {"type": "EXPRESSION", "name": "username", "namespace": UNSPECIFIED, "values": ["user.login"]},
                    {
                        "type": "GROUP",
                        "name": "groups",
                        "namespace": UNSPECIFIED,
                        "filterType": "REGEX",
                        "filterValue": ".*",
                    },
                ],
                "inlineHooks": [],
                "assertionEncryption": {"enabled": False},
                "allowMultipleAcsEndpoints": False,
                "acsEndpoints": [],
                "samlSignedRequestEnabled": False,
                "slo": {"enabled": False},
            },
        },
    }

    connector = world.connectors[CONNECTOR]
    metadata = read_metadata(connector["Spec"].pop("EntityDescriptor").encode(), org_hosts=["localhost"])
    [certificate] = metadata.certificates
    key = world.okta.signing_keys.require(world.app, world.app.kid)
    assert certificate.der == world.okta.signing_keys.certificate(key).public_bytes(Encoding.DER)
    assert connector["Spec"].pop("SigningKeyPair")["PrivateKey"]
    connector["Metadata"].pop("Revision")
    exk = world.app.external_key
    assert connector == {
        "Kind": "saml",
        "Version": "v2",
        "Metadata": {
            "Name": "okta-integration",
            "Namespace": "default",
            "Labels": {
                "teleport.internal/okta-app-id": world.app.id,
                "okta/org": world.org_url,
                "teleport-okta/owner": world.okta.id,
            },
        },
        "Spec": {
            "Issuer": f"http://www.okta.com/{exk}",
            "SSO": f"{world.org_url}/app/{world.app.name}/{exk}/sso/saml",
            "Display": "Okta",
            "AssertionConsumerService": ACS,
            "Audience": ACS,
            "ServiceProviderIssuer": ACS,
            "AttributesToRoles": [{"Name": "groups", "Value": "Everyone", "Roles": ["okta-requester"]}],
        },
    }

    plugin = world.plugins["okta"]
    plugin["metadata"].pop("Revision")
    assert plugin == {
        "kind": "plugin",
        "subKind": "access",
        "version": "v1",
        "metadata": {"Name": "okta", "Namespace": "default", "Labels": {"teleport-okta/owner": world.okta.id}},
        "spec": {
            "okta": {
                "orgUrl": world.org_url,
                "syncSettings": {
                    "syncUsers": True,
                    "ssoConnectorId": "okta-integration",
                    "appId": world.app.id,
                    "appName": world.app.name,
                    "disableBidirectionalSync": True,
                    "userSyncSource": "saml_app",
                },
            }
        },
        "status": {"lastSyncTime": "0001-01-01T00:00:00Z"},
        "credentials": {"staticCredentialsRef": {"Labels": {"teleport-okta/owner": world.okta.id}}},
    }
    assert not world.okta.calls.unknown


async def test_a_second_run_writes_nothing_and_nor_does_one_that_remembers_nothing(world):
    await world.enrol()
    world.mark()
    for noted in (True, False):
        enrolment = world.enrolment(noted=noted)
        found = await enrolment.look()
        assert {step.state for step in enrolment.steps(found)} == {State.DONE}
        assert [step async for step in enrolment.run(found)] == enrolment.steps(found)
        assert enrolment.unproven(found) == []
        assert enrolment.app.id == world.app.id
    assert world.untouched


@pytest.mark.parametrize("missing", ["assignment", "connector", "settings", "app"])
async def test_a_run_does_only_what_is_missing(world, missing):
    await world.enrol()
    whole, made = world.whole, world.app.id
    match missing:
        case "assignment":
            world.okta.unassign_group(world.app.id, world.everyone)
        case "connector":
            world.teleport.administrator.connectors.delete(CONNECTOR)
        case "settings":
            world.teleport.administrator.plugins.delete("okta")
        case "app":
            world.okta.delete_app(world.app.id)
            world.teleport.administrator.connectors.delete(CONNECTOR)
    world.mark()
    steps = await world.enrol()
    done = {"app": {"app", "assignment", "connector", "settings"}}.get(missing, {missing})
    assert {step.name for step in steps if step.state is State.MADE} == done
    assert len(world.okta_writes) + len(world.teleport_writes) == len(done)
    assert world.whole == whole
    assert (world.app.id == made) == (missing != "app")


async def test_answers_are_in_the_new_objects(world):
    await world.enrol(
        connector="corp",
        label="SSO for Teleport",
        role="access",
        plugin="okta-2",
        group_attribute_filter="^teleport-.*",
        sync_access_lists=True,
        default_owners=("ada@x.io",),
        group_filters=("dev-*",),
        app_filters=("^Wiki$",),
        assign_default_roles=False,
    )
    [made] = [one for one in world.okta.apps.all if one.label == "SSO for Teleport"]
    sign_on = made.settings["signOn"]
    assert sign_on["ssoAcsUrl"].endswith("/acs/corp")
    assert sign_on["attributeStatements"][1]["filterValue"] == "^teleport-.*"
    assert world.connectors["corp"]["Spec"]["AttributesToRoles"][0]["Roles"] == ["access"]
    sync = world.settings("okta-2")["syncSettings"]
    assert sync == {
        "syncUsers": True,
        "ssoConnectorId": "corp",
        "syncAccessLists": True,
        "defaultOwners": ["ada@x.io"],
        "appId": made.id,
        "groupFilters": ["dev-*"],
        "appFilters": ["^Wiki$"],
        "appName": made.name,
        "disableBidirectionalSync": True,
        "userSyncSource": "saml_app",
        "disableAssignDefaultRoles": True,
    }


async def test_a_later_run_keeps_changes_of_people_and_applies_the_answers(world):
    await world.enrol()
    edited = {
        "sync_access_lists": True,
        "default_owners": ["ada@x.io"],
        "group_filters": ["dev-*"],
        "enable_system_log_export": True,
        "disable_assign_default_roles": True,
    }
    world.teleport.administrator.plugins.edit("okta", settings={"sync_settings": edited})
    await world.teleport.administrator.connectors.edit(
        CONNECTOR, attributes_to_roles=[{"name": "groups", "value": "Engineers", "roles": ["access"]}], display="Acme"
    )
    before = (world.connectors, world.plugins)
    world.mark()
    assert {step.state for step in await world.enrol()} == {State.DONE}
    assert world.untouched
    assert (world.connectors, world.plugins) == before

    steps = await world.looked(group_filters=("ops-*",))
    assert steps[-1].what == "change the plugin resource 'okta': group_filters: dev-* -> ops-*"
    await world.enrol(group_filters=("ops-*",))
    assert world.teleport_writes == {"UpdatePlugin": 1}
    sync = world.settings()["syncSettings"]
    assert sync == before[1]["okta"]["spec"]["okta"]["syncSettings"] | {"groupFilters": ["ops-*"]}
    assert world.plugins["okta"]["credentials"] == before[1]["okta"]["credentials"]


async def test_a_role_that_is_asked_for_is_given_and_the_rest_of_the_mapping_stays(world):
    await world.enrol()
    admins = {"name": "groups", "value": "Admins", "roles": ["editor"]}
    everyone = {"name": "groups", "value": "Everyone", "roles": ["okta-requester"]}
    await world.teleport.administrator.connectors.edit(CONNECTOR, attributes_to_roles=[admins, everyone])
    before = world.connectors[CONNECTOR]["Spec"]
    world.mark()
    steps = await world.looked(role="access")
    assert "members of Everyone get the role 'access' (before: okta-requester)" in steps[2].what
    await world.enrol(role="access")
    after = world.connectors[CONNECTOR]["Spec"]
    assert [(one["Value"], one["Roles"]) for one in after.pop("AttributesToRoles")] == [
        ("Admins", ["editor"]),
        ("Everyone", ["access"]),
    ]
    before.pop("AttributesToRoles")
    assert after == before
    assert world.teleport_writes == {"UpdateSAMLConnector": 1}
    assert {step.state for step in await world.enrol(role="access")} == {State.DONE}
    assert {step.state for step in await world.enrol()} == {State.DONE}


async def test_user_sync_that_is_off_is_left_and_reported(world):
    await world.enrol()
    world.teleport.administrator.plugins.edit("okta", settings={"sync_settings": {"sync_users": False}})
    world.mark()
    steps = await world.enrol()
    assert world.untouched
    assert [step.name for step in steps if step.state is State.LEFT] == ["user sync"]


@pytest.mark.parametrize("credential", ["private_key_jwt", "DPoP"])
async def test_a_service_app_enrols_as_an_api_token_does(tmp_path, credential):
    way = WayIn(okta_by="https", credential=credential)
    async with built_enrolment_world(tmp_path, way=way) as world:
        assert [(step.name, step.state) for step in await world.enrol()] == MADE
        world.mark()
        assert {step.state for step in await world.enrol()} == {State.DONE}
        assert world.untouched


async def test_a_cluster_without_plugins_leaves_the_record_to_the_configuration(world):
    world.take_plugins_away()
    steps = await world.enrol()
    assert [(step.name, step.state) for step in steps] == [*MADE[:3], ("settings", State.TO_DO)]
    assert steps[-1].what == "write the integration into the configuration file"
    assert world.teleport_writes == {"CreateSAMLConnector": 1}


async def test_without_assign_everyone_assignments_stay_as_they_are(world):
    steps = await world.enrol(assign_everyone=False)
    assert steps[1].state is State.DONE
    assert not world.is_assigned
