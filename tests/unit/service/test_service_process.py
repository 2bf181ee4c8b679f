"""The first checks of a service, before it opens its log."""

from __future__ import annotations

import pytest
from teleport_okta.config import parse
from teleport_okta.service.process import serve
from teleport_okta.state.data_dir import DataDirectoryError


async def test_no_log_is_opened_if_the_data_directory_is_refused(tmp_path):
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    data.chmod(0o777)
    okta = {"org_url": "https://example.okta.com", "api_token": "00invented", "app_id": "0oaEXAMPLE"}
    settings = parse({"okta": okta, "storage": {"data_dir": str(data)}, "log": {"output": str(log)}})
    with pytest.raises(DataDirectoryError, match="everybody on this machine can write"):
        await serve(settings)
    assert not log.exists()
