from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.okta.scripted_okta import ScriptedOkta, scripted_okta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def okta() -> AsyncIterator[ScriptedOkta]:
    """An organisation whose every answer the test writes."""
    async with scripted_okta() as server:
        yield server
