"""Values of the product that the reference lists."""

from __future__ import annotations

import re
from pathlib import Path

from teleport_okta.settings import AppsSettings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "okta.md"


def test_every_app_of_okta_s_own_in_the_reference_is_left_out_by_default():
    listed = re.search(r"^- Okta's own apps that public listings .*?:((?:.*\n(?!- ))*.*)", REFERENCE.read_text(), re.M)
    assert set(re.findall(r"`(\w+)`", listed[1])) == set(AppsSettings().leave_out)
