"""Join method kubernetes, as `docs/reference/teleport-observed.md` 4 and Teleport's public source have it."""

import json

import pytest
from google.protobuf.empty_pb2 import Empty
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

CLUSTER = "sandbox.teleport.test"
ACCOUNT = "teleport:okta"
IN_CLUSTER, STATIC = "in-cluster", "static"
REVIEWING = "reviewing kubernetes token with"


@pytest.fixture
def kubernetes(sandbox):
    """The Kubernetes cluster, with one join token of each type for one service account."""
    sandbox.administrator.create_kubernetes_token(IN_CLUSTER, ["Okta"], [ACCOUNT])
    sandbox.administrator.create_kubernetes_token(STATIC, ["Okta"], [ACCOUNT], sandbox.cluster.kubernetes.jwks)
    return sandbox.cluster.kubernetes


@pytest.fixture
def join(sandbox, join_host, kubernetes):
    def attempt(token, id_token=""):
        return join_host(sandbox, Token=token, IDToken=id_token)

    return attempt


@pytest.fixture
def foreign(sandbox, clock):
    """Sign tokens by a key of our own, which a join token of its own knows, with claims that a test may change."""
    key = ECKey.generate_key("P-256", {"kid": "ours"})
    keys = json.dumps({"keys": [key.as_dict(private=False)]})
    sandbox.administrator.create_kubernetes_token("foreign", ["Okta"], [ACCOUNT], keys)

    def sign(**changes):
        claims = {
            "aud": [CLUSTER],
            "iat": int(clock()),
            "exp": int(clock()) + 600,
            "sub": f"system:serviceaccount:{ACCOUNT}",
            "kubernetes.io": {"namespace": "teleport", "serviceaccount": {"name": "okta"}, "pod": {"name": "okta-0"}},
        } | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        return jws.serialize_compact({"alg": "ES256", "kid": "ours"}, json.dumps(kept), key)

    return sign


@pytest.mark.parametrize("token", [IN_CLUSTER, STATIC])
async def test_a_service_joins_by_the_token_of_its_pod(sandbox, join, kubernetes, connect, token):
    identity = await join(token, kubernetes.service_account_token(ACCOUNT, audience=CLUSTER))
    await connect(sandbox, identity).auth.GetDomainName(Empty())


@pytest.mark.parametrize("token", [IN_CLUSTER, STATIC])
async def test_another_service_account_matches_no_rule(join, kubernetes, refusal, token):
    pod = kubernetes.service_account_token("teleport:other", audience=CLUSTER)
    assert await refusal(join(token, pod)) == ("PERMISSION_DENIED", "kubernetes token did not match any allow rules")


@pytest.mark.parametrize("token", [IN_CLUSTER, STATIC])
async def test_a_join_without_the_pods_token_is_refused(join, refusal, token):
    expected = ("INVALID_ARGUMENT", "IDToken not provided for Kubernetes join request")
    assert await refusal(join(token)) == expected


async def test_a_plain_token_takes_no_notice_of_a_pods_token(sandbox, join):
    await join(sandbox.join_token, "whatever")


async def test_the_name_of_a_token_is_checked_before_the_pods_token(join, refusal):
    code, text = await refusal(join("gone"))
    assert (code, text.endswith("token expired or not found")) == ("PERMISSION_DENIED", True)


async def test_a_token_of_this_method_expires_and_is_revoked_like_any_other(sandbox, join, kubernetes, clock, refusal):
    pod = kubernetes.service_account_token(ACCOUNT, audience=CLUSTER)
    sandbox.administrator.create_kubernetes_token("short", ["Okta"], [ACCOUNT], expires=clock() + 60)
    sandbox.administrator.revoke_token(STATIC)
    clock.advance(60)
    for token in ("short", STATIC):
        assert (await refusal(join(token, pod)))[1].endswith("token expired or not found")


async def test_a_role_that_the_token_lacks_is_refused_before_the_pods_token_is_read(sandbox, join, refusal):
    sandbox.administrator.create_kubernetes_token("nodes", ["Node"], [ACCOUNT])
    code, text = await refusal(join("nodes"))
    assert (code, text.endswith('the token does not allow "Okta" role')) == ("INVALID_ARGUMENT", True)


async def test_kubernetes_accepts_its_own_audience_too_and_fixed_keys_do_not(join, kubernetes, refusal):
    pod = kubernetes.service_account_token(ACCOUNT)
    await join(IN_CLUSTER, pod)
    fault = "go-jose/go-jose/jwt: validation failed, invalid audience claim (aud)"
    text = f"{REVIEWING} static_jwks\n\tvalidating jwt claims\n\t\t{fault}"
    assert await refusal(join(STATIC, pod)) == ("UNKNOWN", text)


async def test_an_expired_token_is_refused_by_kubernetes_at_once_and_by_fixed_keys_ten_seconds_later(
    join, kubernetes, clock, refusal
):
    pod = kubernetes.service_account_token(ACCOUNT, audience=CLUSTER, lifetime=600)
    clock.advance(605)
    fault = "[invalid bearer token, service account token has expired]"
    text = f"{REVIEWING} in_cluster\n\tkubernetes failed to validate token: {fault}"
    assert await refusal(join(IN_CLUSTER, pod)) == ("PERMISSION_DENIED", text)
    await join(STATIC, pod)
    clock.advance(6)
    code, text = await refusal(join(STATIC, pod))
    assert (code, text.endswith("validation failed, token is expired (exp)")) == ("UNKNOWN", True)


async def test_a_token_of_a_deleted_pod_fails_its_review(join, kubernetes, refusal):
    pod = kubernetes.service_account_token(ACCOUNT, audience=CLUSTER)
    kubernetes.invalidate(pod)
    assert (await refusal(join(IN_CLUSTER, pod)))[0] == "PERMISSION_DENIED"


async def test_a_token_that_kubernetes_did_not_sign_is_refused(join, kubernetes, foreign, refusal):
    assert (await refusal(join(IN_CLUSTER, foreign())))[0] == "PERMISSION_DENIED"
    code, text = await refusal(join(STATIC, foreign()))
    assert (code, text.endswith("JWK with matching kid not found in JWK Set")) == ("UNKNOWN", True)


async def test_a_changed_token_is_refused(join, foreign, refusal):
    header, _, signature = foreign().split(".")
    payload = foreign(sub="system:serviceaccount:kube-system:admin").split(".")[1]
    code, text = await refusal(join("foreign", f"{header}.{payload}.{signature}"))
    assert (code, text.endswith("error in cryptographic primitive")) == ("UNKNOWN", True)


async def test_a_token_signed_in_another_manner_than_its_key_allows_is_refused(join, foreign, refusal):
    shared = OctKey.generate_key(256)
    forged = jws.serialize_compact({"alg": "HS256", "kid": "ours"}, foreign().split(".")[1], shared)
    code, text = await refusal(join("foreign", forged))
    assert (code, text.endswith("error in cryptographic primitive")) == ("UNKNOWN", True)


async def test_a_value_that_is_no_token_is_refused(join, refusal):
    assert (await refusal(join(STATIC, "nonsense")))[0] == "UNKNOWN"
    assert (await refusal(join(IN_CLUSTER, "nonsense")))[0] == "PERMISSION_DENIED"


async def test_fixed_keys_take_a_token_of_half_an_hour(join, foreign, clock):
    await join("foreign", foreign(exp=int(clock()) + 1800))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kubernetes.io": {"namespace": "teleport"}}, "projected pod bound service account token"),
        ({"exp": None}, "service account token with `exp`"),
        ({"iat": None}, "service account token with `iat`"),
        ({"exp": 1_700_001_801}, "service account token with a TTL of less than 30m0s"),
    ],
    ids=["no pod", "no exp", "no iat", "too long"],
)
async def test_fixed_keys_accept_only_projected_and_short_lived_tokens(join, foreign, refusal, changes, text):
    code, answer = await refusal(join("foreign", foreign(**changes)))
    assert (code, answer) == (
        "INVALID_ARGUMENT",
        f"{REVIEWING} static_jwks\n\tstatic_jwks joining requires the use of {'' if 'pod' in text else 'a '}{text}",
    )


async def test_kubernetes_takes_no_token_that_is_bound_to_no_pod(join, kubernetes, refusal):
    code, text = await refusal(join(IN_CLUSTER, kubernetes.service_account_token(ACCOUNT, pod="")))
    assert (code, "legacy SA tokens are not accepted" in text) == ("INVALID_ARGUMENT", True)


async def test_a_service_account_is_written_with_its_namespace(sandbox):
    with pytest.raises(ValueError, match="namespace:name"):
        sandbox.administrator.create_kubernetes_token("t", ["Okta"], ["okta"])


@pytest.mark.parametrize("kind", [{}, {"type": "static_jwks"}], ids=["in_cluster", "static_jwks"])
async def test_another_process_can_make_tokens_for_a_join(sandbox, join_host, control, kind):
    body = {"name": "k8s", "roles": ["Okta"], "kubernetes": {"allow": [ACCOUNT], **kind}}
    async with control.post("/tokens", json=body) as reply:
        assert reply.status == 201
    account = {"service_account": ACCOUNT, "lifetime": 600}
    async with control.post("/kubernetes/service-account-token", json=account) as reply:
        pod = await reply.text()
    await join_host(sandbox, Token="k8s", IDToken=pod)
    assert (sandbox.cluster.tokens["k8s"].kubernetes.jwks is None) is not bool(kind)


async def test_a_token_may_carry_the_keys_of_another_cluster(sandbox, control):
    keys = {"keys": [ECKey.generate_key("P-256", {"kid": "theirs"}).as_dict(private=False)]}
    body = {"name": "k8s", "roles": ["Okta"], "kubernetes": {"allow": [ACCOUNT], "jwks": keys}}
    async with control.post("/tokens", json=body) as reply:
        assert reply.status == 201
    assert json.loads(sandbox.cluster.tokens["k8s"].kubernetes.jwks) == keys


async def test_a_type_that_is_not_played_is_refused(control):
    body = {"name": "k8s", "roles": ["Okta"], "kubernetes": {"allow": [ACCOUNT], "type": "oidc"}}
    async with control.post("/tokens", json=body) as reply:
        assert (reply.status, await reply.json()) == (400, {"error": "unsupported kubernetes join method type (oidc)"})
