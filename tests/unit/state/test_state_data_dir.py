"""Whose a data directory is: one that others can write is refused, and so is a user who would leave strange files."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from teleport_okta.state.data_dir import (
    DataDirectoryError,
    OtherUserError,
    check_closed,
    check_ours,
    check_readable,
    unusable_entries,
)
from teleport_okta.state.lock import exclusive

SERVICE, THIRD = 4242, 4243

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


@contextmanager
def as_user(uid):
    """Act as another user, in a group of the same number and in no other."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def data():
    """A directory on a way that every user may go."""
    above = Path(tempfile.mkdtemp())
    above.chmod(0o755)
    path = above / "data"
    path.mkdir(mode=0o700)
    yield path
    shutil.rmtree(above)


@pytest.fixture
def of_service(data):
    """The same, of the service's user, with what a service makes."""
    (data / "host").mkdir(mode=0o700)
    for name in ("state.db", "lock", "host/uuid", "host/identity"):
        (data / name).touch(mode=0o600)
    for path in (data, *data.rglob("*")):
        os.chown(path, SERVICE, SERVICE)
    return data


def test_one_that_is_not_there_is_no_error_and_is_not_made(data):
    check_ours(data / "none")
    assert check_closed(data / "none") is None
    assert not check_readable(data / "none")
    assert not (data / "none").exists()


@pytest.mark.parametrize("mode", [0o702, 0o777, 0o1777, 0o733])
@pytest.mark.parametrize("check", [check_closed, check_ours, check_readable])
def test_one_that_everybody_can_write_is_refused(data, mode, check):
    data.chmod(mode)
    with pytest.raises(DataDirectoryError, match="everybody") as caught:
        check(data)
    assert f"chmod 0700 {data}" in caught.value.remedy


def test_it_is_not_held_either(data):
    data.chmod(0o777)
    with pytest.raises(DataDirectoryError), exclusive(data):
        pass
    assert not list(data.iterdir())


@only_root
@pytest.mark.parametrize(("group", "refused"), [(THIRD, True), (0, False)])
def test_a_group_may_write_only_if_it_is_ours_as_on_a_volume_with_an_fs_group(data, group, refused):
    data.chmod(0o770)
    os.chown(data, 0, group)
    if refused:
        with pytest.raises(DataDirectoryError, match=str(THIRD)):
            check_closed(data)
    else:
        check_closed(data)


def give(path, *, user=None, group=None, mask=7):
    """Let another user or group write by an access control list, as `setfacl -m u:NAME:rwx` does."""
    named = [(0x02, 7, user)] * (user is not None), [(0x08, 7, group)] * (group is not None)
    nobody = 2**32 - 1
    entries = [(0x01, 7, nobody), *named[0], (0x04, 7, nobody), *named[1], (0x10, mask, nobody), (0x20, 0, nobody)]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", packed)
    except OSError:
        pytest.skip("the file system has no access control lists")


@only_root
@pytest.mark.parametrize(
    ("entry", "refused"),
    [
        ({"user": THIRD}, True),
        ({"group": THIRD}, True),
        ({"user": THIRD, "mask": 5}, False),
        ({"user": 0}, False),
        ({"group": 0}, False),
    ],
)
def test_an_access_control_list_lets_no_other_user_write(data, entry, refused):
    give(data, **entry)
    if refused:
        with pytest.raises(DataDirectoryError, match=str(THIRD)):
            check_closed(data)
    else:
        check_closed(data)


@only_root
def test_a_volume_of_root_that_our_group_can_write_is_ours(data):
    data.chmod(0o2770)
    os.chown(data, 0, SERVICE)
    with as_user(SERVICE):
        check_ours(data)
        check_readable(data)


@only_root
def test_root_does_not_write_into_the_directory_of_another_user_but_may_read_it(of_service):
    with pytest.raises(OtherUserError) as caught:
        check_ours(of_service)
    assert caught.value.user == f"#{SERVICE}"
    assert check_readable(of_service)


@only_root
@pytest.mark.parametrize("check", [check_ours, check_readable])
@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_third_user_does_neither(of_service, check, mode):
    of_service.chmod(mode)
    with as_user(THIRD), pytest.raises(OtherUserError, match=f"uid {SERVICE}.*uid {THIRD}"):
        check(of_service)


@only_root
def test_its_owner_is_told_which_files_another_user_left_in_it(of_service):
    with as_user(SERVICE):
        check_ours(of_service)
    (of_service / "run").mkdir(mode=0o700)
    os.chown(of_service / "host" / "identity", 0, 0)
    assert unusable_entries(of_service, SERVICE) == ["run", "host/identity"]
    with as_user(SERVICE), pytest.raises(DataDirectoryError, match="run, host/identity") as caught:
        check_ours(of_service)
    assert f"chown -R {SERVICE} {of_service}" in caught.value.remedy
