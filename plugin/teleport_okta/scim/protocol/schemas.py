"""The schemas that this server advertises: RFC 7643 §8.7, without attributes that are not stored.

A client may write and read back every attribute that is declared here, so an attribute is declared only if it is kept.
`active` is required, unlike in the RFC: each user that we show has it, and removing it has no meaning. A request
without it is accepted.
"""

from __future__ import annotations

from typing import Final

from teleport_okta.scim.protocol.attributes import Attribute, Kind, Mutability, ResourceType, Returned, Schema

USER_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_URN: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"


def _text(name: str, description: str) -> Attribute:
    return Attribute(name, description)


def _typed_values(name: str, description: str, *types: str) -> Attribute:
    return Attribute(
        name,
        description,
        Kind.COMPLEX,
        multi_valued=True,
        sub_attributes=(
            _text("value", "The value."),
            _text("display", "A name to show."),
            Attribute("type", "What the value is for.", canonical_values=types),
            Attribute("primary", "Whether this is the preferred value.", Kind.BOOLEAN),
        ),
    )


_NAME: Final = Attribute(
    "name",
    "The components of the user's name.",
    Kind.COMPLEX,
    sub_attributes=(
        _text("formatted", "The full name, formatted for display."),
        _text("familyName", "The family name."),
        _text("givenName", "The given name."),
        _text("middleName", "The middle name."),
        _text("honorificPrefix", "The honorific prefix, such as Ms."),
        _text("honorificSuffix", "The honorific suffix, such as III."),
    ),
)

_ADDRESSES: Final = Attribute(
    "addresses",
    "Mailing addresses.",
    Kind.COMPLEX,
    multi_valued=True,
    sub_attributes=(
        _text("formatted", "The full address, formatted for display."),
        _text("streetAddress", "The street, with the house number."),
        _text("locality", "The city."),
        _text("region", "The state or region."),
        _text("postalCode", "The postal code."),
        _text("country", "The country."),
        Attribute("type", "What the address is for.", canonical_values=("work", "home", "other")),
        Attribute("primary", "Whether this is the preferred address.", Kind.BOOLEAN),
    ),
)

GROUPS: Final = Attribute(
    "groups",
    "The groups that the user is a member of. Change the group to change it.",
    Kind.COMPLEX,
    multi_valued=True,
    mutability=Mutability.READ_ONLY,
    sub_attributes=(
        Attribute("value", "The id of the group.", case_exact=True, mutability=Mutability.READ_ONLY),
        Attribute(
            "$ref",
            "The address of the group.",
            Kind.REFERENCE,
            case_exact=True,
            mutability=Mutability.READ_ONLY,
            reference_types=("Group",),
        ),
        Attribute("display", "The name of the group.", mutability=Mutability.READ_ONLY),
    ),
)

_USER_SCHEMA: Final = Schema(
    USER_URN,
    "User",
    "User Account",
    (
        Attribute("userName", "The name that identifies the user.", required=True, uniqueness="server"),
        _NAME,
        _text("displayName", "The name to show."),
        _text("nickName", "The casual name."),
        Attribute(
            "profileUrl",
            "The address of a page about the user.",
            Kind.REFERENCE,
            case_exact=True,
            reference_types=("external",),
        ),
        _text("title", "The job title."),
        _text("userType", "The relationship to the organization, such as Contractor."),
        _text("preferredLanguage", "The preferred language."),
        _text("locale", "The locale, for dates and numbers."),
        _text("timezone", "The time zone."),
        Attribute("active", "Whether the user may use Teleport.", Kind.BOOLEAN, required=True),
        Attribute(
            "password",
            "Accepted and not kept.",
            case_exact=True,
            mutability=Mutability.WRITE_ONLY,
            returned=Returned.NEVER,
        ),
        _typed_values("emails", "E-mail addresses.", "work", "home", "other"),
        _typed_values("phoneNumbers", "Phone numbers.", "work", "home", "mobile", "fax", "pager", "other"),
        _ADDRESSES,
        GROUPS,
        _typed_values("entitlements", "Entitlements, as the client names them."),
        _typed_values("roles", "Roles, as the client names them."),
    ),
)

_ENTERPRISE_SCHEMA: Final = Schema(
    ENTERPRISE_URN,
    "EnterpriseUser",
    "Enterprise User",
    (
        _text("employeeNumber", "The employee number."),
        _text("costCenter", "The cost center."),
        _text("organization", "The organization."),
        _text("division", "The division."),
        _text("department", "The department."),
        Attribute(
            "manager",
            "The user's manager.",
            Kind.COMPLEX,
            sub_attributes=(
                Attribute("value", "The id of the manager.", case_exact=True),
                Attribute(
                    "$ref", "The address of the manager.", Kind.REFERENCE, case_exact=True, reference_types=("User",)
                ),
                Attribute("displayName", "The manager's name.", mutability=Mutability.READ_ONLY),
            ),
        ),
    ),
)

_GROUP_SCHEMA: Final = Schema(
    GROUP_URN,
    "Group",
    "Group",
    (
        Attribute("displayName", "The name of the group.", required=True, uniqueness="server"),
        Attribute(
            "members",
            "The users in the group.",
            Kind.COMPLEX,
            multi_valued=True,
            sub_attributes=(
                Attribute("value", "The id of the user.", case_exact=True, mutability=Mutability.IMMUTABLE),
                Attribute(
                    "$ref",
                    "The address of the user.",
                    Kind.REFERENCE,
                    case_exact=True,
                    mutability=Mutability.IMMUTABLE,
                    reference_types=("User",),
                ),
                Attribute("type", "Always User.", mutability=Mutability.IMMUTABLE, canonical_values=("User",)),
            ),
        ),
    ),
)

_COMMON: Final = Schema(
    "",
    "Common",
    "The attributes that each resource has (RFC 7643 §3.1); no schema lists them",
    (
        Attribute(
            "schemas",
            "The schemas of the resource.",
            Kind.REFERENCE,
            multi_valued=True,
            case_exact=True,
            mutability=Mutability.READ_ONLY,
            returned=Returned.ALWAYS,
        ),
        Attribute(
            "id",
            "The server's name for the resource.",
            case_exact=True,
            mutability=Mutability.READ_ONLY,
            returned=Returned.ALWAYS,
        ),
        Attribute("externalId", "The client's name for the resource.", case_exact=True),
        Attribute(
            "meta",
            "What the server knows of the resource.",
            Kind.COMPLEX,
            mutability=Mutability.READ_ONLY,
            sub_attributes=(
                Attribute("resourceType", "The resource type.", case_exact=True, mutability=Mutability.READ_ONLY),
                Attribute("created", "When it was created.", Kind.DATE_TIME, mutability=Mutability.READ_ONLY),
                Attribute("lastModified", "When it was changed.", Kind.DATE_TIME, mutability=Mutability.READ_ONLY),
                Attribute("location", "Its address.", Kind.REFERENCE, case_exact=True, mutability=Mutability.READ_ONLY),
            ),
        ),
    ),
)

USER: Final = ResourceType("User", "/Users", "User Account", _USER_SCHEMA, (_ENTERPRISE_SCHEMA,), common=_COMMON)
GROUP: Final = ResourceType("Group", "/Groups", "Group", _GROUP_SCHEMA, common=_COMMON)
