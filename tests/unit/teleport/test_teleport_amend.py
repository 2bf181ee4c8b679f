from __future__ import annotations

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.teleport.amend import ATTEMPTS, merged, overtaking
from teleport_okta.teleport.teleport_errors import InvalidArgumentError, RevisionConflictError

READ = {"ours": "1", "theirs": "1"}


@pytest.mark.parametrize(
    ("current", "wanted", "result"),
    [
        (READ, {"ours": "2", "theirs": "1"}, {"ours": "2", "theirs": "1"}),
        (READ, {"theirs": "1"}, {"theirs": "1"}),
        (READ, {**READ, "new": "1"}, {**READ, "new": "1"}),
        ({"ours": "1", "theirs": "2"}, {"ours": "2", "theirs": "1"}, {"ours": "2", "theirs": "2"}),
        ({**READ, "later": "1"}, {"theirs": "1"}, {"theirs": "1", "later": "1"}),
        ({"ours": "1"}, {"ours": "2", "theirs": "1"}, {"ours": "2"}),
        ({}, {"ours": "2", "theirs": "1"}, {"ours": "2"}),
    ],
    ids=["changed", "removed", "added", "changed by others", "added by others", "removed by others", "all removed"],
)
def test_labels_of_now_get_our_changes_and_keep_those_of_others(
    current: dict[str, str], wanted: dict[str, str], result: dict[str, str]
) -> None:
    assert merged(current, READ, wanted) == result


async def test_a_change_is_tried_again_while_it_is_overtaken_and_not_for_other_reasons() -> None:
    clock, tries = VirtualClock(), 0

    async def change() -> str:
        nonlocal tries
        tries += 1
        if tries < ATTEMPTS:
            raise RevisionConflictError("m", "s", "overtaken")
        return "done"

    assert await overtaking(change, clock) == "done"

    async def refused() -> str:
        raise InvalidArgumentError("m", "s", "no")

    before = clock.monotonic()
    with pytest.raises(InvalidArgumentError):
        await overtaking(refused, clock)
    assert clock.monotonic() == before
