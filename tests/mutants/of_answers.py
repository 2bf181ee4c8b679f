"""Faults in how bad answers of Okta are borne: answers and listings that do not end, and limits."""

from __future__ import annotations

from mutants.mutant import Mutant

_BOUNDS = "unit/okta/test_okta_bounds.py"

OF_ANSWERS = (
    Mutant(
        "an answer is read to its end, however long",
        "okta/transport.py",
        "if len(body) > request.most_bytes:",
        "if False:",
        (f"{_BOUNDS}::test_a_page_that_is_too_long_is_asked_for_in_halves",),
        "An answer takes a bounded amount of memory.",
    ),
    Mutant(
        "a listing that brings nothing new goes on",
        "okta/progress.py",
        "if self._idle >= IDLE_PAGES:",
        "if self._idle >= 1000:",
        (f"{_BOUNDS}::test_three_pages_without_a_new_id_end_a_listing_as_incomplete",),
        "A listing that names next pages for ever ends as incomplete, and its absences take nobody out.",
    ),
    Mutant(
        "a log whose full pages repeat is read for ever",
        "sync/log_watcher.py",
        "            progress.check(page)\n",
        "",
        ("unit/sync/test_sync_log_watcher.py::test_full_pages_without_a_new_event_end_the_read_as_a_failure",),
        "A poll ends, and status says that the log is not followed.",
    ),
    Mutant(
        "a link may hold credentials",
        "okta/address.py",
        "url.absolute and url.user is None and url.password is None and",
        "url.absolute and",
        (f"{_BOUNDS}::test_a_next_page_with_a_user_name_in_its_address_is_not_followed",),
        "A link of an answer never changes what we send.",
    ),
    Mutant(
        "of several caps the first counts",
        "okta/rate_headers.py",
        "min(caps, key=lambda cap: (max(0, cap[1]), cap[0] <= 0, -cap[2]))",
        "caps[0]",
        ("unit/okta/test_okta_rate_headers.py::test_the_tightest_of_several_caps_counts",),
        "Calls keep within every cap of Okta's.",
    ),
    Mutant(
        "a 429 without Okta's headers is asked again at once",
        "okta/rate_headers.py",
        "return WINDOW if asked is None else asked",
        "return asked",
        ("unit/okta/test_okta_client.py::test_a_refusal_by_something_before_okta_is_waited_out",),
        "Who is told to back off backs off.",
    ),
    Mutant(
        "a WebSocket follows redirects",
        "teleport/proxy/web.py",
        "tracing.on_request_redirect.append(_refuse_redirect)",
        "pass",
        ("unit/teleport/test_teleport_upgrade.py::test_an_upgrade_follows_no_redirect",),
        "What is said to the proxy is said to a verified server only.",
    ),
    Mutant(
        "a certificate is good for every name",
        "teleport/proxy/certificates.py",
        "return any(service.verify(pattern) for pattern in _patterns(certificate))",
        "return True",
        ("unit/teleport/test_teleport_leaf_tls.py::test_a_wildcard_stands_for_one_label_and_no_name_for_an_address",),
        "Only the auth server sees our certificate.",
    ),
    Mutant(
        "only Okta's own time-out makes pages smaller",
        "okta/retries.py",
        "return error.failure.status == HTTPStatus.INTERNAL_SERVER_ERROR or _timed_out(error)",
        "return error.failure.code == QUERY_TIMED_OUT",
        ("unit/okta/test_okta_pages.py::test_a_page_that_takes_okta_too_long_is_asked_for_in_halves",),
        "A large group is read in smaller pages where Okta cannot put a large one together.",
    ),
)
