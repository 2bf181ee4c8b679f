"""Answers of an enrolment, and their changes of the configuration file."""

from __future__ import annotations

import tomllib

import pytest
from teleport_okta.config import parse
from teleport_okta.config_edit import edited
from teleport_okta.enroll.answers import local_changes, managed_changes, read_answers
from teleport_okta.enroll.scim_guide import scim_guide
from teleport_okta.errors import ConfigError

TEXT = """[okta]
org_url = "https://acme.okta.com"
api_token = "x"
app_id = "0oaOLD"

[sync]
source = "organization"
suspended = "ignore"

[access_lists]
default_owners = ["bob"]
"""


def configured(changes):
    return parse(tomllib.loads(edited(TEXT, changes, source="x")))


def test_options_replace_answers_of_the_file(tmp_path):
    path = tmp_path / "answers.toml"
    path.write_text('connector = "mine"\nowners = ["ada"]\n')
    answers = read_answers({"connector": "okta"}, path)
    assert (answers.connector, answers.owners) == ("okta", ("ada",))
    assert answers.wishes().sync_access_lists


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"connector": "a b"}, "connector"),
        ({"app_id": "00gGROUP"}, "app_id"),
        ({"owners": ["a b"]}, "cannot be a Teleport user"),
        ({"group_filters": ["^[$"]}, "group_filters"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_answer_that_cannot_be_used_is_named(answer, words):
    with pytest.raises(ConfigError, match=words):
        read_answers(answer, None)


@pytest.mark.parametrize("content", [None, "[", "\xff"])
def test_a_file_of_answers_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "answers.toml"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"answers\.toml"):
        read_answers({}, path)


def test_if_a_plugin_has_the_settings_the_file_has_none_of_them():
    found = configured(managed_changes("okta"))
    assert (found.plugin.name, found.okta.app_id, found.sync.suspended) == ("okta", None, "ignore")
    assert "source" not in found.sync.model_fields_set
    assert not found.access_lists.model_fields_set


def test_without_a_plugin_service_the_file_has_them():
    answers = read_answers({"owners": ["ada"], "group_filters": ["eng-*"], "default_roles": False}, None)
    found = configured(local_changes(answers.wishes(), "0oaAPP"))
    assert (found.okta.app_id, found.sync.source, found.sync.connector) == ("0oaAPP", "saml_app", "okta-integration")
    assert found.sync.default_roles == ()
    assert (found.access_lists.default_owners, found.access_lists.group_filters) == (("ada",), ("eng-*",))
    assert found.plugin.name is None


def test_keys_without_an_answer_stay_in_the_file():
    found = configured(local_changes(read_answers({}, None).wishes(), "0oaAPP"))
    assert found.access_lists.default_owners == ("bob",)
    assert found.sync.suspended == "ignore"


def test_the_guide_has_the_values_for_the_console():
    lines = list(scim_guide("Teleport", "https://scim.example.com/scim/v2", "secret", groups=False))
    text = "\n".join(lines)
    assert "https://scim.example.com/scim/v2" in text
    assert "userName" in text
    assert text.count("secret") == 1
    assert "Push Groups" not in text
    assert "Push Groups" in "\n".join(scim_guide("Teleport", "x", "y", groups=True))
