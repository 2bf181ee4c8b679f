"""The invented people of the benchmarks: exactly twenty attributes each, all of them filled."""

from __future__ import annotations

ATTRIBUTES = 20

GROUP = "All of us"
"""The name of the group of an organisation that has only one."""

_DEPARTMENTS = ("Engineering", "Security", "Sales", "Support", "Finance", "People")
_PLACES = (("Berlin", "DE", "Europe/Berlin"), ("Nairobi", "KE", "Africa/Nairobi"), ("Osaka", "JP", "Asia/Tokyo"))


def profile(number: int, *, group: str = "people") -> dict[str, str]:
    """Return the profile of the person of a number; logins are unique within a group."""
    login = f"person.{number:06d}@{group}.example.com"
    department = _DEPARTMENTS[number % len(_DEPARTMENTS)]
    city, country, timezone = _PLACES[number % len(_PLACES)]
    filled = {
        "login": login,
        "email": login,
        "firstName": f"Wanjiru{number % 997}",
        "lastName": f"Papadakis{number % 1009}",
        "displayName": f"Wanjiru{number % 997} Papadakis{number % 1009}",
        "nickName": f"Wan{number % 97}",
        "title": f"{department} Specialist {number % 7}",
        "department": department,
        "division": f"Division {number % 11}",
        "organization": "Acme",
        "costCenter": f"CC-{100 + number % 40}",
        "manager": f"person.{number // 10:06d}@{group}.example.com",
        "managerId": f"{1000 + number // 10}",
        "employeeNumber": f"{100_000 + number}",
        "userType": "Contractor" if number % 4 == 0 else "Employee",
        "primaryPhone": f"+1 555 {number:07d}",
        "city": city,
        "countryCode": country,
        "timezone": timezone,
        "preferredLanguage": "en",
    }
    assert len(filled) == ATTRIBUTES
    return filled
