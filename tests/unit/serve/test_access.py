"""The table of methods and the lists: no method that changes something is allowed to readers."""

from __future__ import annotations

import pytest
from teleport_okta.serve.access import METHODS, AccessDeniedError, AccessPolicy, Need, UnknownMethodError
from teleport_okta.settings_serve import ServeSettings

READS = {
    "/teleport_okta_api.Admin/GetStatus",
    "/teleport_okta_api.Admin/GetPlan",
    "/teleport_okta_api.Admin/ListHistory",
    "/teleport_okta_api.Admin/PreviewFilters",
    "/teleport_okta_api.Admin/Explain",
    "/teleport_okta_api.Admin/ListScimTokens",
    "/teleport_okta_api.Admin/CompareSettings",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}
WRITES = {f"/teleport_okta_api.Admin/{name}" for name in ("Apply", "Approve", "Release")} | {
    f"/teleport_okta_api.Admin/{name}" for name in ("NewScimToken", "RevokeScimToken", "ReloadSettings")
}


def needing(need):
    return {method for method, needed in METHODS.items() if needed is need}


def test_what_each_method_needs():
    assert needing(Need.READ) == READS
    assert needing(Need.WRITE) == WRITES
    assert {method.split("/")[1] for method in needing(Need.SCIM)} == {"teleport.scim.v1.SCIMService"}
    assert {method.split("/")[1] for method in needing(Need.ENROL)} == {"teleport.okta.v1.OktaService"}


@pytest.mark.parametrize(
    ("key", "allowed"),
    [
        ("readers", {Need.READ}),
        ("writers", {Need.READ, Need.WRITE, Need.ENROL}),
        ("scim_callers", {Need.SCIM}),
    ],
)
def test_what_each_list_allows(key, allowed):
    policy = AccessPolicy(ServeSettings(**{key: ["role:x", "user:ada"]}))
    for method, need in METHODS.items():
        if need in allowed:
            assert policy.demand(method, frozenset({"user:ada", "role:y"})) is need
        else:
            with pytest.raises(AccessDeniedError, match="is not allowed"):
                policy.demand(method, frozenset({"user:ada", "role:y"}))
        with pytest.raises(AccessDeniedError):
            policy.demand(method, frozenset({"user:eve", "role:y", "host-role:x"}))
        with pytest.raises(AccessDeniedError):
            policy.demand(method, frozenset())


@pytest.mark.parametrize("key", ["readers", "writers", "scim_callers"])
@pytest.mark.parametrize(
    "method", ["/x.Y/Z", "", "/teleport_okta_api.Admin/getstatus", "teleport_okta_api.Admin/Apply"]
)
def test_a_method_that_is_not_in_the_table_is_refused(key, method):
    policy = AccessPolicy(ServeSettings(**{key: ["user:ada"]}))
    with pytest.raises(UnknownMethodError):
        policy.demand(method, frozenset({"user:ada"}))
    with pytest.raises(AccessDeniedError):
        policy.demand(method, frozenset({"user:eve"}))
