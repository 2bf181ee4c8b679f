"""The check of recorded metadata, on documents of our own making."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from recordings import saml_metadata
from recordings.saml_metadata import check, documents_of, main
from unit.saml.documents import NOW, certificate, entity, key, provider

EXCHANGE = {
    "method": "GET",
    "path": "/api/v1/apps/0oa1/sso/saml/metadata?kid=k1",
    "status": 200,
    "headers": {"Content-Type": "application/xml;charset=ISO-8859-1"},
    "body": entity(provider(key(certificate()) + key(certificate("old")) + key(certificate("x"), use="encryption"))),
}


@pytest.fixture
def written(tmp_path):
    def write(*exchanges):
        path = tmp_path / "metadata.json"
        path.write_text(json.dumps(exchanges))
        return path

    return write


def test_a_document_that_is_read_whole_is_fine(written):
    path = written(EXCHANGE, EXCHANGE | {"path": "/api/v1/apps/0oa1"}, EXCHANGE | {"status": 404, "body": "{}"})
    assert check(path) == ("metadata.json: 1 IdP metadata: no loss", True)
    assert main([str(path.parent)]) == 0


def test_a_document_that_cannot_be_read_is_not_fine(written):
    line, fine = check(written(EXCHANGE, EXCHANGE | {"body": entity(provider(keys=""))}))
    assert not fine
    assert "document 2: the metadata of the identity provider: has no signing certificate" in line


def with_certificates(one, **changes):
    return replace(one, certificates=tuple(replace(held, **changes) for held in one.certificates))


@pytest.mark.parametrize(
    ("lose", "loss"),
    [
        (lambda one: replace(one, entity_id="x"), "read as 'x'"),
        (lambda one: replace(one, sso_urls=one.sso_urls[:1]), "the addresses are"),
        (lambda one: replace(one, certificates=one.certificates[:1]), "2 certificates, read as"),
        (lambda one: with_certificates(one, not_after=NOW), "a certificate is valid within"),
        (lambda one: with_certificates(one, subject=""), "a certificate is of 'acme', read as ''"),
    ],
)
def test_what_gets_lost_is_named(written, monkeypatch, lose, loss):
    read = saml_metadata.read_metadata
    monkeypatch.setattr(saml_metadata, "read_metadata", lambda *a, **k: lose(read(*a, **k)))
    line, fine = check(written(EXCHANGE))
    assert not fine
    assert loss in line
    assert main([str(written(EXCHANGE).parent)]) == 1


@pytest.mark.parametrize("content", ["", "7", "{}", "[7]", '[{"status": 200}]'])
def test_other_files_are_passed_over(tmp_path, content):
    (tmp_path / "other.json").write_text(content)
    assert documents_of(tmp_path / "other.json") == []
    assert main([str(tmp_path)]) == 1
