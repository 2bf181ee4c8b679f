from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from teleport_okta.teleport.identity import load_identity, parse_identity, render_identity
from teleport_okta.teleport.identity_errors import (
    IdentityDamagedError,
    IdentityExpiredError,
    IdentityIsDirectoryError,
    IdentityKeyMismatchError,
    IdentityMissingError,
    IdentityNotYetValidError,
    IdentityUnreadableError,
    IdentityWithoutCAError,
)
from unit.teleport.small_pki import CLUSTER, HOST_ID, NOW, SSH_CERTIFICATE, SmallCA, host_subject, identity_file, name

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509


@pytest.mark.parametrize("kind", ["ec", "ed25519", "rsa"])
def test_every_kind_of_key_that_teleport_makes_is_read(ca: SmallCA, kind: str) -> None:
    identity = parse_identity(identity_file(ca, kind=kind), source="bot")

    assert (identity.cluster, identity.subject, identity.roles) == (CLUSTER, "bot-okta", ("teleport-okta",))
    assert identity.ca_pems == (ca.pem,)
    assert identity.ssh_certificate == SSH_CERTIFICATE
    assert (identity.not_before, identity.not_after) == (NOW - timedelta(minutes=1), NOW + timedelta(hours=1))
    assert not identity.is_host
    assert identity.host_id is None


def test_windows_line_ends_change_nothing(ca: SmallCA) -> None:
    content = identity_file(ca)

    with_crlf = parse_identity(content.replace(b"\n", b"\r\n"), source="bot")

    assert with_crlf == parse_identity(content, source="bot")


def test_every_certificate_after_the_second_block_is_a_ca(ca: SmallCA) -> None:
    other = SmallCA.make()

    identity = parse_identity(identity_file(ca) + other.pem, source="bot")

    assert identity.ca_pems == (ca.pem, other.pem)


def test_unknown_lines_are_ignored(ca: SmallCA) -> None:
    content = b"# written by hand\n\n" + identity_file(ca).replace(
        b"@cert-authority", b"something new\n@cert-authority"
    )

    assert parse_identity(content, source="bot").subject == "bot-okta"


def test_a_host_certificate_is_recognised_with_its_id(ca: SmallCA) -> None:
    identity = parse_identity(identity_file(ca, subject=host_subject()), source="host")

    assert identity.is_okta_host
    assert identity.host_id == HOST_ID


@pytest.mark.parametrize(
    "subject",
    [host_subject(role="Node"), name(f"bot.{CLUSTER}", "Okta", "other", cluster=CLUSTER), name("Okta", "Okta")],
    ids=["a node", "a user with a role of that name among others", "a user with a host's role"],
)
def test_nothing_else_passes_for_a_host_of_role_okta(ca: SmallCA, subject: x509.Name) -> None:
    assert not parse_identity(identity_file(ca, subject=subject), source="x").is_okta_host


def test_a_certificate_without_the_cluster_extension_belongs_to_its_issuers_cluster(ca: SmallCA) -> None:
    identity = parse_identity(identity_file(ca, subject=name("bot-okta", "teleport-okta")), source="bot")

    assert identity.cluster == CLUSTER


def test_a_file_cut_off_anywhere_is_refused_and_named(ca: SmallCA) -> None:
    content = identity_file(ca)

    for cut in range(0, len(content) - 1, 7):
        with pytest.raises((IdentityDamagedError, IdentityWithoutCAError), match="/run/bot/identity"):
            parse_identity(content[:cut], source="/run/bot/identity")


@pytest.mark.parametrize(
    "damage",
    [b"", b" \n", b"\xff\xfe\x00binary", b"-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n"],
)
def test_what_is_no_identity_file_is_refused(damage: bytes) -> None:
    with pytest.raises(IdentityDamagedError):
        parse_identity(damage, source="bot")


def test_blocks_in_the_wrong_order_are_refused(ca: SmallCA) -> None:
    content = ca.pem + identity_file(ca)

    with pytest.raises(IdentityDamagedError, match="first PEM block is not an unencrypted private key"):
        parse_identity(content, source="bot")


def test_a_key_that_is_not_the_certificates_is_refused(ca: SmallCA) -> None:
    key, certificate = identity_file(ca), identity_file(ca)
    mixed = key[: key.index(b"ecdsa-sha2")] + certificate[certificate.index(b"ecdsa-sha2") :]

    with pytest.raises(IdentityKeyMismatchError):
        parse_identity(mixed, source="bot")


def test_validity_is_checked_against_the_given_time_and_not_while_reading(ca: SmallCA) -> None:
    expired = parse_identity(identity_file(ca, not_after=NOW), source="bot")
    future = parse_identity(identity_file(ca, not_before=NOW + timedelta(minutes=5)), source="bot")

    with pytest.raises(IdentityExpiredError, match="2026-01-05T09:00:00Z"):
        expired.check(NOW)
    with pytest.raises(IdentityNotYetValidError):
        future.check(NOW)
    expired.check(NOW - timedelta(seconds=1))
    future.check(NOW + timedelta(minutes=4))


def test_files_that_cannot_be_read_say_why(tmp_path: Path, ca: SmallCA) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    with pytest.raises(IdentityMissingError, match="nowhere"):
        load_identity(tmp_path / "nowhere")
    with pytest.raises(IdentityIsDirectoryError, match="`identity` in tbot's output"):
        load_identity(tmp_path)
    with pytest.raises(IdentityUnreadableError, match="loop"):
        load_identity(loop)


def test_no_key_shows_in_a_representation(ca: SmallCA) -> None:
    assert "PRIVATE KEY" not in repr(parse_identity(identity_file(ca), source="bot"))


def test_what_is_rendered_reads_back(ca: SmallCA) -> None:
    identity = parse_identity(identity_file(ca), source="bot")

    content = render_identity(identity.key_pem, identity.ssh_certificate, identity.certificate_pem, identity.ca_pems)

    assert parse_identity(content, source="bot") == identity
