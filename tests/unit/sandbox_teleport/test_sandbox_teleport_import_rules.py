"""Okta import rules, as `docs/reference/teleport.md` 4.15 has them."""

import pytest
from teleport.legacy.types.types_pb2 import OktaImportRuleMatchV1, OktaImportRuleV1
from teleport.okta.v1.okta_service_pb2 import (
    CreateOktaImportRuleRequest,
    DeleteOktaImportRuleRequest,
    GetOktaImportRuleRequest,
    ListOktaImportRulesRequest,
    UpdateOktaImportRuleRequest,
)


def rule(name="red", priority=10, *matches):
    message = OktaImportRuleV1()
    message.Header.Metadata.Name = name
    message.Spec.Priority = priority
    message.Spec.Mappings.add(Match=matches or [OktaImportRuleMatchV1(AppIDs=["0oa1"])], AddLabels={"team": "red"})
    return message


async def created(client, message):
    return await client.okta.CreateOktaImportRule(CreateOktaImportRuleRequest(import_rule=message))


async def updated(client, message):
    return await client.okta.UpdateOktaImportRule(UpdateOktaImportRuleRequest(import_rule=message))


async def deleted(client, name):
    return await client.okta.DeleteOktaImportRule(DeleteOktaImportRuleRequest(name=name))


async def got(client, name):
    return await client.okta.GetOktaImportRule(GetOktaImportRuleRequest(name=name))


async def test_a_rule_is_stored_as_it_was_sent(bot, host):
    reply = await created(bot, rule())
    stored = await got(host, "red")
    assert stored == reply
    assert (stored.Header.Kind, stored.Header.Version, stored.Spec.Priority) == ("okta_import_rule", "v1", 10)
    assert list(stored.Spec.Mappings[0].Match[0].AppIDs) == ["0oa1"]


async def test_a_name_that_is_taken_is_refused(bot, refusal):
    await created(bot, rule())
    assert await refusal(created(bot, rule())) == ("ALREADY_EXISTS", 'okta_import_rule "red" already exists')


async def test_an_update_asks_for_no_revision(bot):
    first = await created(bot, rule())
    second = await updated(bot, rule(priority=20))
    assert second.Spec.Priority == 20
    assert second.Header.Metadata.Revision != first.Header.Metadata.Revision


@pytest.mark.parametrize("call", [got, deleted, lambda client, name: updated(client, rule(name))])
async def test_a_missing_rule_is_not_found(bot, refusal, call):
    assert await refusal(call(bot, "red")) == ("NOT_FOUND", 'okta_import_rule "red" doesn\'t exist')


async def test_a_deleted_rule_is_gone(bot):
    await created(bot, rule())
    await deleted(bot, "red")
    assert not (await bot.okta.ListOktaImportRules(ListOktaImportRulesRequest())).import_rules


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (rule(""), "missing parameter Name"),
        (rule(priority=-1), "priority must be a positive number"),
        (OktaImportRuleV1(Header=rule().Header), "mappings is empty"),
        (
            rule("red", 1, OktaImportRuleMatchV1(AppIDs=["0oa1"], GroupIDs=["00g1"])),
            "only one of App IDs or Group IDs can be set",
        ),
    ],
)
async def test_missing_and_wrong_values_are_refused(bot, refusal, message, text):
    assert await refusal(created(bot, message)) == ("INVALID_ARGUMENT", text)


@pytest.mark.parametrize("field", ["AppNameRegexes", "GroupNameRegexes"])
@pytest.mark.parametrize("call", [created, updated])
async def test_a_name_that_is_no_re2_expression_is_refused(bot, refusal, field, call):
    code, text = await refusal(call(bot, rule("red", 1, OktaImportRuleMatchV1(**{field: ["^(?=look)ahead$"]}))))
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("error compiling regexes for Okta import rule red\n\terror parsing regexp: ")


@pytest.mark.parametrize("name", ["Wiki*", "(", "*-prod", "^Wiki.*$"])
async def test_a_name_without_anchors_is_a_glob_and_always_in_order(bot, name):
    await created(bot, rule("red", 1, OktaImportRuleMatchV1(AppNameRegexes=[name])))


async def test_ids_and_names_of_both_sorts_may_stand_in_one_match(bot):
    match = OktaImportRuleMatchV1(AppIDs=["0oa1"], AppNameRegexes=["^W$"], GroupNameRegexes=["^R$"])
    await created(bot, rule("red", 0, match))


async def test_pages_hold_200_rules_and_their_token_is_where_the_next_one_starts(bot, sandbox):
    sandbox.cluster.import_rules.seed(rule(f"rule-{number:03}") for number in range(201))
    page = await bot.okta.ListOktaImportRules(ListOktaImportRulesRequest(page_size=1000))
    assert (len(page.import_rules), page.next_page_token) == (200, "rule-200")


@pytest.mark.parametrize("call", [created, updated, lambda client, message: deleted(client, "red")])
async def test_the_okta_service_may_only_read_rules(host, refusal, call):
    code, text = await refusal(call(host, rule()))
    assert code == "PERMISSION_DENIED"
    assert text.endswith('on "okta_import_rule"')


async def test_the_community_edition_has_none(start, connect, refusal):
    async with start(edition="oss") as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        assert (await refusal(created(bot, rule())))[0] == "UNIMPLEMENTED"


async def test_the_administrator_can_leave_a_rule_that_does_not_compile(sandbox, bot):
    sandbox.administrator.resources.create_import_rule(
        "broken", mappings=[{"match": [{"app_name_regexes": ["^($"]}]}], checked=False
    )
    assert list((await got(bot, "broken")).Spec.Mappings[0].Match[0].AppNameRegexes) == ["^($"]
