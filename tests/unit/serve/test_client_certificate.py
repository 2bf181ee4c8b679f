"""The caller that a certificate of Teleport names, and certificates that are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from teleport_okta.sandbox.teleport.authority import CertificateAuthority, Host, Subject, _name
from teleport_okta.serve.client_certificate import (
    CallerKind,
    CertificateRefusedError,
    ClusterCAs,
    RemoteCaller,
    read_caller,
)

CLUSTER = "cluster.test"
HOST_CA, USER_CA, OTHER_CA = (CertificateAuthority(CLUSTER) for _ in range(3))
CAS = ClusterCAs(CLUSTER, (HOST_CA.certificate,), (USER_CA.certificate,))
KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
HOUR = timedelta(hours=1)
CLUSTER_OID = "1.3.9999.1.7"
ADA = RemoteCaller(CallerKind.USER, "ada", ("access", "editor"))


def user(subject, lifetime=HOUR):
    return USER_CA.issue_user(KEY, subject, lifetime)


def made(*parts, ca=USER_CA):
    """A certificate with exactly these attributes; a name stands for the attribute that X.500 gives it."""
    oids = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME}
    attributes = [(oids.get(name) or ObjectIdentifier(name), value) for name, value in parts]
    return ca._issue(KEY, _name(*attributes), HOUR, [])


def read(certificate, *, cas=CAS, now=None, address="10.0.0.7"):
    return read_caller(certificate, cas, now=now or datetime.now(UTC), address=address)


WHOLE = (("CN", "ada"), ("O", "access"), ("O", "editor"), (CLUSTER_OID, CLUSTER))


def test_a_user_is_named_with_the_roles():
    assert read(user(Subject("ada", ("access", "editor")))) == read(made(*WHOLE)) == ADA
    assert ADA.entries == {"user:ada", "role:access", "role:editor"}


def test_a_host_is_named_by_its_id_and_its_system_role():
    host = read(HOST_CA.issue_host(KEY, Host("1111-2222", "Proxy")))
    assert host == RemoteCaller(CallerKind.HOST, "1111-2222", ("Proxy",))
    assert host.entries == {"host-role:Proxy"}


@pytest.mark.parametrize(
    "certificate",
    [
        user(Subject("bot-ci", ("editor",))),
        made(("CN", "ci"), ("O", "editor"), (CLUSTER_OID, CLUSTER), ("1.3.9999.2.18", "ci")),
        made(("CN", "bot-ci"), ("O", "editor"), (CLUSTER_OID, CLUSTER)),
    ],
    ids=["of tbot", "by its attribute", "by its name"],
)
def test_a_bot_is_named_by_its_user_alone(certificate):
    bot = read(certificate)
    assert bot.kind is CallerKind.BOT
    assert bot.entries == {f"user:{bot.name}"}


def test_a_caller_in_words_keeps_to_one_line_of_bounded_length():
    assert str(ADA) == "ada (Teleport user, roles access, editor)"
    assert str(RemoteCaller(CallerKind.HOST, "1111", ("Proxy",))) == "1111 (Teleport host, role Proxy)"
    many = RemoteCaller(CallerKind.USER, "a\nb" + "x" * 1_000, tuple(f"r{number}\x1b[31m" for number in range(500)))
    assert str(many).isprintable()
    assert str(many).endswith("r9\\x1b[31m and 490 more)")
    assert len(str(many)) < 500


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (WHOLE[:-1], "not of the cluster"),
        ((*WHOLE[:-1], (CLUSTER_OID, "other.test")), "not of the cluster"),
        ((*WHOLE, (CLUSTER_OID, "other.test")), "not of the cluster"),
        ((*WHOLE, ("OU", "usage:kube")), "restricted to another use"),
        ((*WHOLE, ("OU", "")), "restricted to another use"),
        ((*WHOLE, ("CN", "root")), "has no name"),
        (WHOLE[1:], "has no name"),
        ((WHOLE[0], WHOLE[-1]), "has no name, or no role"),
        ((*WHOLE, ("1.3.9999.2.7", "eve")), "impersonates"),
        ((*WHOLE, ("1.3.9999.2.7", "ada"), ("1.3.9999.2.7", "eve")), "impersonates"),
        ((*WHOLE, ("1.3.9999.2.9", "true")), "must not be re-issued"),
        ((*WHOLE, ("1.3.9999.1.13", "true")), "renewable"),
        ((*WHOLE, ("1.3.9999.2.15", "10.0.0.8")), "pinned to another address than 10.0.0.7"),
        ((*WHOLE, ("1.3.9999.2.15", "")), "pinned to another address"),
        ((*WHOLE, ("1.3.9999.2.15", "10.0.0.7"), ("1.3.9999.2.15", "10.0.0.8")), "pinned to another address"),
    ],
)
def test_a_certificate_with_another_subject_is_refused(parts, why):
    with pytest.raises(CertificateRefusedError, match=why):
        read(made(*parts))


@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_an_empty_name_is_refused():
    with pytest.raises(CertificateRefusedError, match="has no name"):
        read(made(("CN", ""), *WHOLE[1:]))


def test_a_bot_may_be_its_own_impersonator_and_is_not_re_issued():
    bot = made(("CN", "bot-ci"), *WHOLE[1:], ("1.3.9999.2.7", "bot-ci"), ("1.3.9999.2.9", "true"))
    assert read(bot).kind is CallerKind.BOT


@pytest.mark.parametrize("address", ["10.0.0.7", "::ffff:10.0.0.7"])
def test_a_pinned_address_may_be_written_either_way(address):
    assert read(made(*WHOLE, ("1.3.9999.2.15", "10.0.0.7")), address=address) == ADA


@pytest.mark.parametrize(
    "certificate",
    [
        made(*WHOLE, ca=OTHER_CA),
        OTHER_CA.issue_host(KEY, Host("1111", "Proxy")),
        OTHER_CA.certificate,
    ],
    ids=["user", "host", "a CA itself"],
)
def test_a_certificate_of_another_issuer_of_the_same_name_is_refused(certificate):
    with pytest.raises(CertificateRefusedError, match="not issued by a CA of the cluster"):
        read(certificate)


def test_the_issuer_decides_the_kind_and_not_the_form_of_the_subject():
    host_like = USER_CA.issue_host(KEY, Host("1111", "Proxy"))
    assert read(host_like).entries == {f"user:1111.{CLUSTER}", "role:Proxy"}
    with pytest.raises(CertificateRefusedError, match="not that of a host"):
        read(made(*WHOLE, ca=HOST_CA))
    with pytest.raises(CertificateRefusedError, match="not that of a host"):
        read(made(("CN", "ada"), ("O", "Proxy"), WHOLE[-1], ca=HOST_CA))
    with pytest.raises(CertificateRefusedError, match="not that of a host"):
        read(made(("CN", f".{CLUSTER}"), ("O", "Proxy"), WHOLE[-1], ca=HOST_CA))
    two_roles = (("CN", f"1111.{CLUSTER}"), ("O", "Proxy"), ("O", "Node"), WHOLE[-1])
    with pytest.raises(CertificateRefusedError, match="with one system role"):
        read(made(*two_roles, ca=HOST_CA))


def test_a_certificate_counts_from_a_minute_before_its_begin_until_its_end():
    certificate = user(Subject("ada", ("access", "editor")))
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    moment = timedelta(seconds=1)
    assert read(certificate, now=begin - timedelta(minutes=1)) == read(certificate, now=end - moment) == ADA
    with pytest.raises(CertificateRefusedError, match="it expired at"):
        read(certificate, now=end)
    with pytest.raises(CertificateRefusedError, match="not valid before"):
        read(certificate, now=begin - timedelta(minutes=1) - moment)


def test_without_a_users_ca_no_user_is_known():
    with pytest.raises(CertificateRefusedError, match="not issued by"):
        read(made(*WHOLE), cas=ClusterCAs(CLUSTER, CAS.host, ()))
