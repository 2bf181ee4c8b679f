"""SCIM attributes as an Okta profile, whose names are the names of traits, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.okta import ProfileValue

_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_SAME_NAME: Final = (
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
)
_OF_NAME: Final = {
    "givenName": "firstName",
    "familyName": "lastName",
    "middleName": "middleName",
    "honorificPrefix": "honorificPrefix",
    "honorificSuffix": "honorificSuffix",
}
_OF_ENTERPRISE: Final = ("employeeNumber", "costCenter", "organization", "division", "department")
_OF_ADDRESS: Final = {
    "streetAddress": "streetAddress",
    "locality": "city",
    "region": "state",
    "postalCode": "zipCode",
    "country": "countryCode",
}
_OF_PHONE: Final = {"work": "primaryPhone", "mobile": "mobilePhone"}


def profile_of(attributes: Mapping[str, Any], user_name: str) -> dict[str, ProfileValue]:
    """Return SCIM attributes as the profile that Okta's API would show of the person."""
    profile: dict[str, ProfileValue] = {"login": user_name}
    profile |= {name: attributes[name] for name in _SAME_NAME if attributes.get(name)}
    profile |= _some(attributes.get("name"), _OF_NAME)
    enterprise = attributes.get(_ENTERPRISE)
    profile |= _some(enterprise, {name: name for name in _OF_ENTERPRISE})
    manager = enterprise.get("manager") if isinstance(enterprise, dict) else None
    profile |= _some(manager, {"value": "managerId", "displayName": "manager"})
    email = _chosen(attributes.get("emails"))
    if email.get("value"):
        profile["email"] = email["value"]
    profile |= _some(_chosen(attributes.get("addresses")), _OF_ADDRESS)
    for phone in _elements(attributes.get("phoneNumbers")):
        name = _OF_PHONE.get(str(phone.get("type", "work")).lower())
        if name and phone.get("value"):
            profile.setdefault(name, phone["value"])
    return profile


def attributes_of(profile: Mapping[str, str]) -> dict[str, Any]:
    """Return the SCIM attributes of a person that follow from a profile."""
    attributes: dict[str, Any] = {name: profile[name] for name in _SAME_NAME if name in profile}
    for attribute, names in (("name", _OF_NAME), (_ENTERPRISE, {name: name for name in _OF_ENTERPRISE})):
        found = {key: profile[name] for key, name in names.items() if name in profile}
        if found:
            attributes[attribute] = found
    address = {key: profile[name] for key, name in _OF_ADDRESS.items() if name in profile}
    if address:
        attributes["addresses"] = [{**address, "type": "work"}]
    if "email" in profile:
        attributes["emails"] = [{"value": profile["email"], "type": "work", "primary": True}]
    phones = [{"value": profile[name], "type": kind} for kind, name in _OF_PHONE.items() if name in profile]
    return {**attributes, "phoneNumbers": phones} if phones else attributes


def _some(found: object, names: Mapping[str, str]) -> dict[str, ProfileValue]:
    """Return the values of an object that have a name in a profile."""
    if not isinstance(found, dict):
        return {}
    return {name: found[key] for key, name in names.items() if found.get(key)}


def _elements(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _chosen(found: object) -> dict[str, Any]:
    """Return the primary element of a list, or its first."""
    elements = _elements(found)
    return next((one for one in elements if one.get("primary") is True), elements[0] if elements else {})
