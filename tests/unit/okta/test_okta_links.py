from __future__ import annotations

import pytest
from teleport_okta.okta.links import links

SELF = "https://acme.okta.com/api/v1/users?limit=2"
NEXT = "https://acme.okta.com/api/v1/users?after=00u1,2&limit=2"


@pytest.mark.parametrize(
    "headers",
    [
        [f'<{SELF}>; rel="self"', f'<{NEXT}>; rel="next"'],
        [f'<{SELF}>; rel="self", <{NEXT}>; rel="next"'],
        [f"<{NEXT}>;rel=next,<{SELF}>;rel=self"],
        [f'<{SELF}>; title="a, b; c"; rel="self"', f'<{NEXT}>; REL = "Next prefetch"'],
    ],
)
def test_links_are_found_over_several_lines_and_joined_by_commas(headers: list[str]) -> None:
    found = links(headers)
    assert found["self"] == SELF
    assert found["next"] == NEXT


def test_of_two_links_of_one_relation_the_first_counts() -> None:
    assert links([f"<{NEXT}>; rel=next", f"<{SELF}>; rel=next"]) == {"next": NEXT}


@pytest.mark.parametrize("headers", [[], [""], ["nonsense"], [f"<{NEXT}>"], [f'<{NEXT}>; title="next"']])
def test_a_header_without_a_link_and_relation_is_ignored(headers: list[str]) -> None:
    assert links(headers) == {}
