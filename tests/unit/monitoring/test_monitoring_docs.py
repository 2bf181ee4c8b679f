"""docs/monitoring.md lists exactly our metrics, with labels and help, and its alert rules use only these."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from teleport_okta.model.follow_status import Following
from teleport_okta.observe.health import Health
from teleport_okta.observe.metrics import Metrics

PAGE = (Path(__file__).parents[3] / "docs" / "monitoring.md").read_text(encoding="utf-8")
OURS = "teleport_okta_"


@pytest.fixture
def declared():
    """Every metric of ours, as the page has it: name, labels, meaning."""
    metrics = Metrics()
    metrics.follow(tuple, lambda: True)
    metrics.follow_health(Health().components)
    rows = {}
    now = datetime.now(UTC)
    with (
        metrics.followed_certificates(lambda: {"scim": now}),
        metrics.followed_log(lambda: Following(state="following")),
    ):
        for collector in list(metrics.registry._collector_to_names):
            if not hasattr(collector, "describe"):  # that of the process, which is not ours
                continue
            for family in collector.describe():
                labels = getattr(family, "_labelnames", getattr(collector, "_labelnames", ()))
                if family.name.startswith(OURS):
                    suffix = "_total" if family.type == "counter" else ""
                    rows[family.name + suffix] = (", ".join(labels), family.documentation)
    return rows


def test_the_table_is_what_the_process_shows(declared):
    found = re.findall(rf"^\| `({OURS}\w+)(?:\{{([^}}]*)\}})?` \| (.*) \|$", PAGE, re.MULTILINE)
    assert {name: (labels, meaning) for name, labels, meaning in found} == declared
    assert len(found) == len(declared)


def test_the_alert_rules_use_existing_metrics(declared):
    names = set(re.findall(rf"\b{OURS}\w+", PAGE))
    series = {*declared, *(f"{name}_bucket" for name in declared)}
    assert names <= series
