"""`status --live`, the health check: it asks the service, and touches nothing when there is none."""

from __future__ import annotations

import os
import socket

import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.serve.admin_client import ServiceError
from teleport_okta.state.lock import exclusive


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def config(tmp_path, data):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(
        f"""
        [teleport]
        addr = "127.0.0.1:3025"
        [okta]
        org_url = "https://example.okta.com"
        api_token = "00invented"
        app_id = "0oaEXAMPLE"
        [storage]
        data_dir = "{data}"
        """
    )
    return path


def test_without_a_service_it_fails_and_does_not_lock_the_data_directory(config, data):
    result = CliRunner().invoke(cli, ["status", "--live", "--config", str(config)])
    assert isinstance(result.exception, ServiceError)
    assert str(data / "admin.sock") in result.exception.what
    assert not data.exists()


def test_the_socket_of_a_service_that_was_killed_does_not_answer(config, data, monkeypatch):
    data.mkdir()
    monkeypatch.chdir(data)
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind("admin.sock")
    result = CliRunner().invoke(cli, ["status", "--live", "--config", str(config)])
    assert isinstance(result.exception, ServiceError)


@pytest.mark.parametrize("is_service", [True, False])
def test_a_service_that_does_not_answer_is_not_shown_as_stopped(config, data, is_service):
    with exclusive(data, is_service=is_service):
        shown = CliRunner().invoke(cli, ["status", "--config", str(config)]).output
    assert ("no service runs" in shown) is not is_service
    assert (f"the service (process {os.getpid()}) does not answer" in shown) is is_service
