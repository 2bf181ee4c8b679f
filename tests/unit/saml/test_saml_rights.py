from __future__ import annotations

import pytest
from teleport_okta.saml.errors import MissingRightsError
from teleport_okta.saml.rights import CONNECTORS, PLUGINS, check_rights
from teleport_okta.teleport.bot_rights import Rule, Rules

BOTH = (CONNECTORS, PLUGINS)
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


def test_what_no_rule_grants_is_named_with_what_it_is_for() -> None:
    rules = Rules((Rule(("saml", "plugin"), ("list", "read")),))
    with pytest.raises(MissingRightsError) as refused:
        check_rights(rules, BOTH)
    assert refused.value.what == (
        "the bot's roles do not allow it to create `saml`, update `saml`, create `plugin`, update `plugin`"
    )
    assert "read, create, update `saml`, to create the SAML connector" in refused.value.remedy
    assert "docs/teleport-role.md" in refused.value.remedy


def test_plugins_do_not_matter_where_there_are_none() -> None:
    assert check_rights(Rules((Rule(("saml",), ("*",)),)), (CONNECTORS,)) == ()


def test_a_denial_counts_whatever_is_allowed() -> None:
    denied = Rules((EVERYTHING,), (Rule(("plugin",), ("update",)),))
    with pytest.raises(MissingRightsError, match="allow it to update `plugin`"):
        check_rights(denied, BOTH)


def test_a_denial_of_one_name_of_connectors_leaves_the_other() -> None:
    deny = (Rule(("saml",), ("create",)),)
    assert check_rights(Rules((Rule(("auth_connector", "saml"), ("*",)),), deny), (CONNECTORS,)) == ()
    with pytest.raises(MissingRightsError, match="create `saml`"):
        check_rights(Rules((Rule(("saml",), ("*",)),), deny), (CONNECTORS,))


@pytest.mark.parametrize(
    "rules",
    [
        Rules((Rule(("saml",), ("read", "update")), Rule(("saml",), ("create",), conditional=True))),
        Rules((Rule(("saml",), ("*",)),), (Rule(("saml",), ("create",), conditional=True),)),
    ],
)
def test_a_rule_under_a_condition_proves_nothing_and_forbids_nothing(rules: Rules) -> None:
    assert check_rights(rules, (CONNECTORS,)) == ("create `saml`",)
