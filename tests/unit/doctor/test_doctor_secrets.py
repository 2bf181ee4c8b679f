"""Which secrets are known, so that they can be kept out."""

from __future__ import annotations

from teleport_okta.config import parse
from teleport_okta.doctor.secrets import secrets_of


def settings(**teleport):
    okta = {"org_url": "https://example.okta.com", "api_token": "00token-itself", "app_id": "0oaX"}
    return parse({"okta": okta, "teleport": teleport})


def test_tokens_and_passwords_of_proxies_encoded_and_decoded_are_secrets(tmp_path):
    (tmp_path / "join").write_text("from-a-file\n")
    environment = {"HTTPS_PROXY": "http://ada:p%40ssword@proxy:3128", "http_proxy": "bob:other-one@proxy:3128"}
    found = secrets_of(settings(join_token=str(tmp_path / "join")), environment)
    assert set(found) == {"00token-itself", "from-a-file", "p%40ssword", "p@ssword", "other-one"}


def test_unreadable_and_short_values_are_no_secrets():
    found = secrets_of(settings(join_token="/absent/file"), {"HTTPS_PROXY": "http://ada:abc@proxy:1"})
    assert found == ("00token-itself",)


def test_the_name_of_a_provision_token_is_no_secret_but_the_pods_token_is(tmp_path):
    (tmp_path / "pod").write_text("token-of-the-pod")
    environment = {"KUBERNETES_TOKEN_PATH": str(tmp_path / "pod")}
    found = secrets_of(settings(join_method="kubernetes", join_token="okta-pods"), environment)
    assert set(found) == {"00token-itself", "token-of-the-pod"}
