"""Invented people, with the attributes that a real profile has (`docs/reference/okta.md` 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_FIRST_NAMES = (
    "Ada Alan Amara Anneli Aroha Barbara Bjarne Carmen Chidi Dagny Dennis Edsger Elif Emeka Farida Frances Grace Guido "
    "Hedy Hiro Ines Ingrid Ivan Jean Joan Kaito Katherine Ken Lakshmi Leila Linus Lucia Margaret Mei Mila Niklaus Noor "
    "Olga Omar Priya Radia Ravi Rosa Sofia Stefan Tariq Thandiwe Tomas Ursula Vera Wanjiru Yara Yusuf Zofia"
)
_LAST_NAMES = (
    "Almeida Andersson Bakker Banerjee Bartik Berger Castillo Chandra Costa Dubois Eriksen Ferrari Fischer Flores "
    "Garcia Goldberg Haddad Hamilton Hansen Hopper Ibrahim Ito Jansen Johnson Kamau Keller Kim Kowalski Lamarr Larsen "
    "Lovelace Martin Mbeki Meyer Moreau Mwangi Nakamura Nguyen Novak Okafor Olsen Papadakis Patel Perlman Petrov Popov "
    "Ramirez Rossi Sato Schmidt Silva Singh Suzuki Tanaka Torres Turing Weber Wilson Yamada Zhang"
)
FIRST_NAMES = tuple(_FIRST_NAMES.split())
LAST_NAMES = tuple(_LAST_NAMES.split())
_TITLES = {
    "Engineering": ("Software Engineer", "Staff Engineer", "Site Reliability Engineer", "Engineering Manager"),
    "Security": ("Security Engineer", "Incident Responder", "Compliance Analyst"),
    "Sales": ("Account Executive", "Sales Engineer", "Regional Director"),
    "Support": ("Support Engineer", "Customer Advocate"),
    "Finance": ("Accountant", "Controller"),
    "People": ("Recruiter", "People Partner"),
}
DEPARTMENTS = tuple(_TITLES)
_PLACES = (
    ("Berlin", "DE", "de_DE", "Europe/Berlin"),
    ("Nairobi", "KE", "en_KE", "Africa/Nairobi"),
    ("Oakland", "US", "en_US", "America/Los_Angeles"),
    ("Osaka", "JP", "ja_JP", "Asia/Tokyo"),
    ("Porto", "PT", "pt_PT", "Europe/Lisbon"),
    ("Toronto", "CA", "en_CA", "America/Toronto"),
)


def person(rng: random.Random, number: int, domain: str) -> dict[str, object]:
    """Return the profile of a numbered person; the number makes the login unique."""
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    login = f"{first}.{last}.{number}@{domain}".lower()
    return {"firstName": first, "lastName": last, "login": login, "email": login} | attributes(rng, first, last, number)


def attributes(rng: random.Random, first: str, last: str, number: int) -> dict[str, object]:
    """Return the attributes of a profile other than names and addresses."""
    department = rng.choice(DEPARTMENTS)
    city, country, locale, timezone = rng.choice(_PLACES)
    return {
        "secondEmail": None,
        "displayName": f"{first} {last}",
        "nickName": first[:3],
        "title": rng.choice(_TITLES[department]),
        "department": department,
        "division": "Product" if department in {"Engineering", "Security"} else "Business",
        "organization": "Acme",
        "costCenter": f"CC-{100 + DEPARTMENTS.index(department)}",
        "manager": f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}",
        "managerId": f"{rng.randrange(1000, 1100)}",
        "employeeNumber": f"{100000 + number}",
        "userType": rng.choice(("Employee", "Employee", "Employee", "Contractor")),
        "primaryPhone": f"+1 555 01{number % 100:02d}",
        "mobilePhone": None,
        "city": city,
        "countryCode": country,
        "locale": locale,
        "timezone": timezone,
        "preferredLanguage": locale[:2],
    }
