from __future__ import annotations

import pytest
from teleport_okta.teleport.gates import GATES, gate_for


@pytest.mark.parametrize("version", ["18.0.0", "18.0.0-rc.1", "v18.1.2", "18.1.3-beta.1", "18.0.2+ent"])
def test_user_groups_are_off_where_they_can_crash_the_server(version: str) -> None:
    gate = gate_for("user_groups", version)

    assert gate is not None
    assert "18.1.3" in gate.remedy


@pytest.mark.parametrize("version", ["17.7.9", "18.1.3", "18.1.3+ent", "18.2.0-alpha.1", "19.0.0"])
def test_user_groups_are_on_everywhere_else(version: str) -> None:
    assert gate_for("user_groups", version) is None


@pytest.mark.parametrize("version", ["", "unknown", "18"])
def test_an_unreadable_version_is_taken_for_an_affected_one(version: str) -> None:
    assert gate_for("user_groups", version) is not None


def test_a_feature_without_faults_has_no_gate() -> None:
    assert gate_for("users", "18.0.0") is None


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.feature)
def test_every_gate_says_why_what_to_do_and_who_says_so(gate: object) -> None:
    assert all(getattr(gate, field) for field in ("why", "remedy", "source"))
