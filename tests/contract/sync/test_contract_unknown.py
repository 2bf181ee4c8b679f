"""What cannot be read of Teleport is unknown: it stays as it is, it is said by name, and leavers leave all the same."""

from __future__ import annotations


def rule(office, expressions, **labels):
    """Let somebody write an import rule for apps that these expressions name; a server checks none of them."""
    office.administrator.create_import_rule(
        "red", checked=False, mappings=[{"match": [{"app_name_regexes": expressions}], "add_labels": labels}]
    )


async def test_p42b_a_rule_that_somebody_breaks_takes_no_labels_away(office):
    rule(office, ["^Figma$"], env="prod")
    app = office.app("Figma", "ada@x.io")
    await office.settled()
    office.administrator.delete_import_rule("red")
    rule(office, ["^Figma$", "^($"], env="prod")
    report = await office.next_pass()
    assert not report.plan.changes
    assert [row.name for row in report.plan.quarantined] == ["red"]
    assert office.server(app).Metadata.Labels["env"] == "prod"
    office.administrator.delete_import_rule("red")
    assert (await office.next_pass()).succeeded
    assert "env" not in office.server(app).Metadata.Labels
