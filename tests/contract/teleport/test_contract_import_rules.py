from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.access import ImportMapping, ImportMatch, ImportRule
from teleport_okta.teleport.teleport_errors import FeatureUnavailableError

if TYPE_CHECKING:
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

ENTERPRISE = pytest.mark.parametrize("sandbox", ["ent"], indirect=True)
COMMUNITY = pytest.mark.parametrize("sandbox", ["oss"], indirect=True)


@ENTERPRISE
async def test_a_rule_is_read_as_people_wrote_it_even_if_it_does_not_compile(
    teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    matches = [
        {"app_ids": ["0oa1"]},
        {"group_ids": ["00g1"]},
        {"app_name_regexes": ["^Wi"], "group_name_regexes": ["("]},
    ]
    sandbox.administrator.resources.create_import_rule(
        "blue", priority=7, mappings=[{"match": matches, "add_labels": {"team": "blue"}}], checked=False
    )

    assert await teleport.import_rules.list() == (
        ImportRule(
            "blue",
            priority=7,
            mappings=(
                ImportMapping(
                    matches=(
                        ImportMatch(app_ids=("0oa1",)),
                        ImportMatch(group_ids=("00g1",)),
                        ImportMatch(app_names=("^Wi",), group_names=("(",)),
                    ),
                    labels={"team": "blue"},
                ),
            ),
        ),
    )


@ENTERPRISE
async def test_a_listing_of_several_pages_is_whole(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    mapping = {"match": [{"app_ids": ["0oa1"]}], "add_labels": {"team": "blue"}}
    for number in range(201):
        sandbox.administrator.resources.create_import_rule(f"rule-{number}", mappings=[mapping])

    assert len(await teleport.import_rules.list()) == 201


@COMMUNITY
async def test_a_cluster_without_the_service_says_so(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    with pytest.raises(FeatureUnavailableError):
        await teleport.import_rules.list()
