"""The doctor's look at a SCIM endpoint, as part of an examination."""

from __future__ import annotations

import pytest
from contract.doctor.doctor_world import clinic_of
from teleport_okta import app
from teleport_okta.config import parse
from teleport_okta.model.findings import Findings
from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.scim.tokens import digest_of, new_token
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.sync.status import Status
from unit.scim.scim_client import scim_world

SCIM = {"listen": "127.0.0.1:8443", "public_url": "https://scim.example.com/scim/v2"}


@pytest.fixture
async def provisioned(tmp_path):
    """An installation with a SCIM endpoint beside Okta's API."""
    async with clinic_of(tmp_path, scim=SCIM) as clinic:
        yield clinic


async def make_token(clinic):
    async with app.opened_store(parse(clinic.sections)) as store:
        await store.scim_tokens.add(digest_of(new_token().encode()), at=clinic.clock.now())


async def test_without_a_token_it_is_broken_and_with_one_it_is_not(provisioned):
    assert (await provisioned.examine()).severity("SCIM/tokens") == "error"
    await make_token(provisioned)
    report = await provisioned.examine()
    assert report.severity("SCIM/tokens") == "ok"
    assert report.severity("SCIM/public_url") == "note"
    assert report.bad() == []


async def test_scim_alone_needs_no_credential_for_oktas_api(tmp_path):
    async with clinic_of(tmp_path, scim=SCIM, sync={"source": "scim"}) as clinic:
        await make_token(clinic)
        for key in ("client_id", "private_key", "private_key_id", "app_id"):
            clinic.sections["okta"].pop(key, None)
        report = await clinic.examine()
        assert report.severity("Okta/permissions") == "note"
        assert report.bad() == []


class Availability:
    """A service with a SCIM endpoint, which counts what comes without a good token, and tells of it."""

    def __init__(self):
        self.address = ""
        self.failures = 0

    def answered(self, _asked, _status, _seconds, *, has_token):
        self.failures += not has_token

    async def status(self):
        door = ScimDoor(address=self.address, failures=self.failures)
        return Status("0.1.0", "idle", None, (), Findings(), door=door)


async def test_the_request_from_outside_reaches_the_running_service_and_is_counted(tmp_path):
    service = Availability()
    async with scim_world(tmp_path / "scim", observed_by=lambda _clock: service) as world:
        service.address = str(world.bound)
        scim = {"listen": f"127.0.0.1:{world.bound.port}", "public_url": f"{world.bound}/scim/v2"}
        async with clinic_of(tmp_path, scim=scim) as clinic:
            await clinic.joined()
            async with serving(AdminService(service, None), clinic.data):
                report = await clinic.examine()
    assert "leads to this service" in report.says("SCIM/public_url")
    assert service.failures == 1
