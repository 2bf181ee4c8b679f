from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from teleport_okta.teleport.files import write_private
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.identity_errors import HostStoreError, NotAHostIdentityError
from unit.teleport.small_pki import HOST_ID, SmallCA, host_subject, identity_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> HostStore:
    return HostStore(tmp_path / "data")


def test_a_host_that_never_joined_has_no_identity(store: HostStore) -> None:
    assert store.load() is None


def test_the_id_of_a_host_is_made_once(store: HostStore) -> None:
    first = store.host_id(random.Random(1))

    assert store.host_id(random.Random(2)) == first


def test_what_is_stored_is_for_its_owner_only(store: HostStore, ca: SmallCA) -> None:
    store.host_id(random.Random(1))
    store.save(identity_file(ca, subject=host_subject()))

    assert {path.stat().st_mode & 0o777 for path in store.directory.iterdir()} == {0o600}
    assert store.directory.stat().st_mode & 0o777 == 0o700


def test_a_lost_id_is_read_from_the_certificate(store: HostStore, ca: SmallCA) -> None:
    store.save(identity_file(ca, subject=host_subject()))

    assert store.load() is not None
    assert store.host_id(random.Random(1)) == HOST_ID


def test_a_damaged_identity_is_an_error_and_left_as_it_is(store: HostStore, ca: SmallCA) -> None:
    damaged = identity_file(ca, subject=host_subject())[:-40]
    store.save(damaged)

    with pytest.raises(HostStoreError, match=r"remove the file and start with teleport\.join_token"):
        store.load()
    assert store.identity_path.read_bytes() == damaged


def test_a_damaged_id_is_an_error(store: HostStore, ca: SmallCA) -> None:
    store.save(identity_file(ca, subject=host_subject()))
    store.uuid_path.write_text("not an id")

    with pytest.raises(HostStoreError, match="uuid"):
        store.load()


def test_the_identity_of_another_host_is_an_error(store: HostStore, ca: SmallCA) -> None:
    store.host_id(random.Random(1))
    store.save(identity_file(ca, subject=host_subject()))

    with pytest.raises(HostStoreError, match=HOST_ID):
        store.load()


def test_a_bots_identity_is_no_hosts(store: HostStore, ca: SmallCA) -> None:
    store.save(identity_file(ca))

    with pytest.raises(NotAHostIdentityError, match="bot-okta"):
        store.load()


def test_a_crash_while_writing_leaves_the_old_file_and_the_next_write_works(tmp_path: Path) -> None:
    path = tmp_path / "identity"
    write_private(path, b"old")
    (tmp_path / ".identity.new").write_bytes(b"half of")

    assert path.read_bytes() == b"old"
    write_private(path, b"new")
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("identity", b"new")]
