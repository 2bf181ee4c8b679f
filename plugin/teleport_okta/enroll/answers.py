"""The administrator's answers, from options or a file, and the keys of the configuration that follow from them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError, field_validator

from teleport_okta.errors import ConfigError
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import name_problem
from teleport_okta.saml.request import CONNECTOR, EnrolmentRequest
from teleport_okta.settings import MANAGED
from teleport_okta.settings_parts import Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAME = r"^[0-9A-Za-z][0-9A-Za-z.-]*$"

Changes = dict[str, dict[str, object]]
"""Keys of the configuration file by section; None removes a key."""


class Answers(Section):
    """The answers. A missing one keeps the present value; the default is that of Teleport's own enrolment."""

    connector: str = Field(default=CONNECTOR, pattern=_NAME, description="Name of the SAML connector.")
    plugin: str = Field(default="okta", pattern=_NAME, description="Name of the plugin resource.")
    role: str | None = Field(default=None, description="Role of everybody who signs in.")
    app_id: str | None = Field(default=None, pattern=r"^0oa\w+$", description="Id of an app to use.")
    label: str | None = Field(default=None, min_length=1, max_length=100, description="Label of the app in Okta.")
    proxy: str | None = Field(default=None, description="Public address of the cluster's proxy, host[:port].")
    assign_everyone: bool | None = Field(default=None, description="Whether Everyone is assigned to the app.")
    default_roles: bool | None = Field(default=None, description="Whether synced users get Teleport's default role.")
    apps_and_groups: bool | None = Field(default=None, description="Whether groups and apps are imported.")
    access_lists: bool | None = Field(default=None, description="Whether groups and apps get access lists.")
    owners: tuple[str, ...] | None = Field(default=None, description="Owners of new access lists.")
    group_filters: tuple[str, ...] | None = Field(default=None, description="Groups that may have a list.")
    app_filters: tuple[str, ...] | None = Field(default=None, description="Apps that may have a list.")
    scim_url: str | None = Field(default=None, description="Base URL by which Okta reaches the SCIM endpoint.")
    scim_listen: str | None = Field(default=None, description="Address at which SCIM requests are answered.")
    scim_certificate: str | None = Field(default=None, description="PEM file of its certificate.")
    scim_key: str | None = Field(default=None, description="PEM file of its private key.")
    scim_behind_proxy: bool | None = Field(default=None, description="Whether a proxy terminates TLS.")

    @field_validator("group_filters", "app_filters")
    @classmethod
    def _filters_compile(cls, filters: tuple[str, ...] | None) -> tuple[str, ...] | None:
        NameFilters.of(filters or ())
        return filters

    @field_validator("owners")
    @classmethod
    def _owners_have_names(cls, owners: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for owner in owners or ():
            problem = name_problem(owner)
            if problem:
                msg = f"{owner!r} cannot be a Teleport user: {problem}"
                raise ValueError(msg)
        return owners

    def wishes(self) -> EnrolmentRequest:
        """Return the request for an enrolment."""
        return EnrolmentRequest(
            connector=self.connector,
            plugin=self.plugin,
            role=self.role or "",
            app_id=self.app_id or "",
            label=self.label or "",
            proxy=self.proxy or "",
            assign_everyone=self.assign_everyone is not False,
            assign_default_roles=self.default_roles,
            sync_apps_and_groups=self.apps_and_groups,
            sync_access_lists=self.access_lists if self.access_lists is not None else _lists_of(self.owners),
            default_owners=self.owners,
            group_filters=self.group_filters,
            app_filters=self.app_filters,
        )

    def scim_changes(self) -> dict[str, object]:
        """Return the keys of the section `scim` that were answered."""
        given = {
            "listen": self.scim_listen,
            "public_url": self.scim_url,
            "certificate": self.scim_certificate,
            "key": self.scim_key,
            "behind_proxy": self.scim_behind_proxy,
        }
        return {key: value for key, value in given.items() if value is not None}


def _lists_of(owners: tuple[str, ...] | None) -> bool | None:
    """An administrator who names owners of access lists wants lists."""
    return True if owners else None


def read_answers(flags: Mapping[str, object], path: Path | None) -> Answers:
    """Return the answers of a file, replaced by those of options. Raises ConfigError."""
    data = {} if path is None else _read(path)
    data |= {key: value for key, value in flags.items() if value is not None}
    try:
        return Answers.model_validate(data)
    except ValidationError as error:
        raise unusable(error) from None


def unusable(error: ValidationError) -> ConfigError:
    """Return our error for an answer that cannot be used."""
    detail = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in detail["loc"])
    what = f"{where}: {detail['msg'].removeprefix('Value error, ')}"
    return ConfigError(what, remedy="`teleport-okta enroll --help` lists every answer")


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"{path}: the answers cannot be read: {error.strerror}"
        raise ConfigError(what, remedy="check its path and permissions") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        what = f"{path}: not valid TOML: {error}"
        raise ConfigError(what, remedy="correct that line") from error


def managed_changes(name: str) -> Changes:
    """Return the changes of the file if a plugin resource has the settings: the file keeps only the plugin's name."""
    gone: Changes = {section: dict.fromkeys(sorted(keys), None) for section, keys in MANAGED.items()}
    return gone | {"plugin": {"name": name}}


def local_changes(wishes: EnrolmentRequest, app_id: str) -> Changes:
    """Return the changes of the file if it has the settings itself; keys without an answer stay as they are."""
    given: dict[str, dict[str, object]] = {
        "sync": {
            "apps_and_groups": wishes.sync_apps_and_groups,
            "default_roles": [] if wishes.assign_default_roles is False else None,
        },
        "access_lists": {
            "enabled": wishes.sync_access_lists,
            "default_owners": wishes.default_owners,
            "group_filters": wishes.group_filters,
            "app_filters": wishes.app_filters,
        },
    }
    changes: Changes = {
        section: {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None
        }
        for section, values in given.items()
    }
    changes["sync"] |= {"source": "saml_app", "connector": wishes.connector}
    return changes | {"okta": {"app_id": app_id}, "plugin": {"name": None}}
