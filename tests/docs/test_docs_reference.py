"""Values of the product that the reference lists."""

from __future__ import annotations

import re
from pathlib import Path

from teleport_okta.settings import AppsSettings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "okta.md"


def test_every_app_of_okta_s_own_in_the_reference_is_left_out_by_default():
    _, _, text = REFERENCE.read_text(encoding="utf-8").partition("- Okta's own apps that public listings")
    listed = re.findall(r"`(\w+)`", text.partition("\n- ")[0])
    assert set(listed) == set(AppsSettings().leave_out)
