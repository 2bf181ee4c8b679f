"""Which settings count while a service runs with others than the file: nothing is applied with either unless told."""

from __future__ import annotations

import pytest
from teleport_okta.cli.whose_settings import OtherSettingsError, Whose, agree_before_applying, answers_for
from teleport_okta.config import parse

SETTINGS = parse({"okta": {"org_url": "https://a.okta.com", "api_token": "00x", "app_id": "0oaA"}})
ROLES = ("sync.default_roles",)


class Service:
    """A service whose settings differ from the file in some keys, and after a reload in others."""

    def __init__(self, different, after_reload=()):
        self.different = different
        self.after_reload = after_reload
        self.reloads = 0

    async def differing(self, digests):
        assert "sync.default_roles" in digests
        return self.different

    async def reload(self):
        self.reloads += 1
        self.different = self.after_reload
        return ()


async def test_nothing_is_applied_with_other_settings_unless_told_which():
    service = Service(ROLES)
    with pytest.raises(OtherSettingsError, match=r"other settings than the file: sync\.default_roles"):
        await agree_before_applying(service, SETTINGS, None)
    assert service.reloads == 0


async def test_the_service_takes_over_the_file_only_when_told():
    service = Service(ROLES)
    await agree_before_applying(service, SETTINGS, Whose.SERVICE)
    assert service.reloads == 0
    await agree_before_applying(service, SETTINGS, Whose.FILE)
    assert service.reloads == 1


async def test_settings_that_need_a_restart_are_refused():
    with pytest.raises(OtherSettingsError, match=r"cannot take over .*: teleport\.addr"):
        await agree_before_applying(Service(("teleport.addr",), ("teleport.addr",)), SETTINGS, Whose.FILE)


@pytest.mark.parametrize("key", ["log.severity", "metrics.listen", "storage.data_dir", "teleport.join_token"])
async def test_settings_that_affect_no_plan_differ_in_silence(key, capsys):
    await agree_before_applying(Service((key,)), SETTINGS, None)
    assert await answers_for(Service((key,)), SETTINGS, None)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("whose", "answers"), [(None, False), (Whose.FILE, False), (Whose.SERVICE, True)])
async def test_a_plan_is_of_the_file_unless_told_otherwise_and_names_the_keys(whose, answers, capsys):
    assert await answers_for(Service(ROLES), SETTINGS, whose) is answers
    assert "note: the running service has other settings: sync.default_roles; " in capsys.readouterr().err
