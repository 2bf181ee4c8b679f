"""Questions at the terminal."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError
from teleport_okta.config import parse
from teleport_okta.config_edit import edited
from teleport_okta.enroll.answers import Answers, managed_changes
from teleport_okta.enroll.prompts import completed, first_configuration


class Person:
    """Answers questions by their first words, and notes what was said."""

    is_asking = True

    def __init__(self, **answers):
        self.answers = {key.replace("_", " "): value for key, value in answers.items()}
        self.asked, self.said = [], []

    def say(self, line):
        self.said.append(line)

    def _answer(self, question, otherwise):
        self.asked.append(question)
        for words, answer in self.answers.items():
            if question.startswith(words):
                return answer.pop(0) if isinstance(answer, list) else answer
        return otherwise

    async def agrees(self, question, *, default=False):
        return self._answer(question, default)

    async def ask(self, question):
        return self._answer(question, "")


async def groups():
    return ["eng-core", "eng-web", "sales"]


async def apps():
    return ["Figma"]


async def test_a_given_answer_is_not_asked():
    person = Person()
    given = Answers(
        apps_and_groups=True,
        owners=("ada",),
        group_filters=("eng-*",),
        app_filters=(),
        scim_url="https://scim.example.com/scim/v2",
    )
    found = await completed(given, person, groups=groups, apps=apps)
    assert person.asked == []
    assert found == given


async def test_filters_are_asked_again_until_they_are_agreed_to():
    person = Person(
        Keep_access_lists=True,
        Owners_of="ada, bob",
        Which_groups=["^[$", "x*", "eng-*"],
        Use_these_filters=[False, True, True],
    )
    found = await completed(Answers(), person, groups=groups, apps=apps)
    assert (found.owners, found.group_filters, found.app_filters) == (("ada", "bob"), ("eng-*",), ())
    assert "2 of 3 groups pass: eng-core, eng-web" in person.said
    assert "0 of 3 groups pass: " in person.said
    assert found.access_lists


async def test_without_groups_and_apps_nothing_more_is_asked_of_them():
    person = Person(Import_Okta=False)
    found = await completed(Answers(), person, groups=groups, apps=apps)
    assert found.apps_and_groups is False
    assert len(person.asked) == 2


async def test_scim_behind_a_proxy_needs_no_certificate():
    person = Person(
        Import_Okta=False,
        Let_Okta=True,
        Base_URL="https://scim.example.com/scim/v2",
        Address_at="0.0.0.0:8443",
        Does_a_proxy=True,
    )
    found = await completed(Answers(), person, groups=groups, apps=apps)
    assert found.scim_changes() == {
        "listen": "0.0.0.0:8443",
        "public_url": "https://scim.example.com/scim/v2",
        "behind_proxy": True,
    }


async def test_an_owner_with_an_impossible_name_is_refused():
    person = Person(Keep_access_lists=True, Owners_of="a b")
    with pytest.raises(ValidationError, match="cannot be a Teleport user"):
        await completed(Answers(), person, groups=groups, apps=apps)


@pytest.mark.parametrize("is_token", [True, False])
async def test_a_first_configuration_can_be_used(is_token):
    person = Person(
        Address_of_Teleport="teleport.example.com:443",
        The_bot="/var/lib/bot/identity",
        File_of_the_join="/secrets/join",
        Address_of_the_Okta="https://acme.okta.com",
        Is_the_credential=is_token,
        File_of_the_API="/secrets/okta",
        Client_ID="0oaCLIENT",
        File_of_its="/secrets/key.pem",
    )
    changes = await first_configuration(person)
    settings = parse(tomllib.loads(edited(edited("", changes, source="x"), managed_changes("okta"), source="x")))
    assert (settings.teleport.addr, settings.okta.org_url) == ("teleport.example.com:443", "https://acme.okta.com")
    assert (settings.okta.api_token is not None) is is_token
