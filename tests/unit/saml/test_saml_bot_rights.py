from __future__ import annotations

import pytest
from teleport_okta.saml.bot_rights import CONNECTORS, PLUGINS, check_rights, rights_needed
from teleport_okta.saml.enrolment_errors import MissingRightsError
from teleport_okta.teleport.bot_rights import Rule, Rules

BOTH = rights_needed(None, None, has_plugins=True)
TO_CONNECT = rights_needed(None, None, has_plugins=False)
EVERYTHING = Rule(("saml", "plugin"), ("list", "create", "read", "update", "delete"))


@pytest.mark.parametrize(
    "allow",
    [
        (EVERYTHING,),
        (Rule(("*",), ("*",)),),
        (Rule(("saml",), ("read", "create", "update")), Rule(("plugin",), ("list", "read", "create", "update"))),
        (Rule(("saml",), ("read",)), Rule(("auth_connector",), ("create", "update")), Rule(("plugin",), ("*",))),
        (EVERYTHING, Rule(("saml",), ("create",), conditional=True)),
    ],
)
def test_roles_that_allow_all_of_it_pass_however_they_say_so(allow: tuple[Rule, ...]) -> None:
    assert check_rights(Rules(allow), BOTH) == ()


def test_a_missing_right_is_named_with_its_purpose() -> None:
    rules = Rules((Rule(("saml", "plugin"), ("list", "read")),))
    with pytest.raises(MissingRightsError) as refused:
        check_rights(rules, BOTH)
    assert refused.value.what == (
        "the bot's roles do not allow it to update `saml`, create `saml`, update `plugin`, create `plugin`"
    )
    assert "read, update, create `saml`, to make the SAML connector" in refused.value.remedy
    assert "docs/teleport-role.md" in refused.value.remedy


def test_plugins_do_not_matter_where_there_are_none() -> None:
    assert check_rights(Rules((Rule(("saml",), ("*",)),)), TO_CONNECT) == ()


def test_a_denial_wins_over_any_permission() -> None:
    denied = Rules((EVERYTHING,), (Rule(("plugin",), ("update",)),))
    with pytest.raises(MissingRightsError, match="allow it to update `plugin`"):
        check_rights(denied, BOTH)


def test_a_denial_of_one_name_of_connectors_leaves_the_other() -> None:
    deny = (Rule(("saml",), ("create",)),)
    assert check_rights(Rules((Rule(("auth_connector", "saml"), ("*",)),), deny), TO_CONNECT) == ()
    with pytest.raises(MissingRightsError, match="create `saml`"):
        check_rights(Rules((Rule(("saml",), ("*",)),), deny), TO_CONNECT)


@pytest.mark.parametrize(
    "rules",
    [
        Rules((Rule(("saml",), ("read", "update")), Rule(("saml",), ("create",), conditional=True))),
        Rules((Rule(("saml",), ("*",)),), (Rule(("saml",), ("create",), conditional=True),)),
    ],
)
def test_a_rule_with_a_condition_proves_nothing_and_forbids_nothing(rules: Rules) -> None:
    assert check_rights(rules, TO_CONNECT) == ("create `saml`",)


def test_the_right_to_create_is_needed_for_missing_resources() -> None:
    without = Rules((Rule(("saml", "plugin"), ("list", "read", "update")),))
    assert check_rights(without, rights_needed("connector", "plugin", has_plugins=True)) == ()
    with pytest.raises(MissingRightsError, match="allow it to create `plugin`"):
        check_rights(without, rights_needed("connector", None, has_plugins=True))
    with pytest.raises(MissingRightsError, match="allow it to create `saml`"):
        check_rights(without, rights_needed(None, "plugin", has_plugins=True))


def test_without_the_right_to_read_there_is_no_look() -> None:
    assert CONNECTORS.may_look(Rules((Rule(("auth_connector",), ("read",)),)))
    assert PLUGINS.may_look(Rules((Rule(("plugin",), ("list", "read")),)))
    assert not PLUGINS.may_look(Rules((Rule(("plugin",), ("read",)),)))
    assert not CONNECTORS.may_look(Rules((Rule(("saml",), ("update", "create")),)))
