"""Faults in what keeps hostile clients and sleeping machines from doing harm."""

from __future__ import annotations

from mutants.mutant import Mutant

_LEASE = "contract/teleport/test_contract_lease.py::"
_OUTAGE = "contract/managed/test_contract_managed_outage.py::"
_OWN_ADDRESS = "unit/sandbox/test_sandbox_own_address.py::"

_MONITORING = "unit/monitoring/test_monitoring_endpoint.py::"
_SCIM_LIMITS = "unit/scim/test_scim_server_limits.py::"
_FRONT_DOOR = "unit/serve/test_front_door.py::"

OF_DOORS = (
    Mutant(
        "a listener takes any number of connections",
        "listeners/accept.py",
        "if len(self._places) >= self._limits.connections:",
        "if False:",
        (
            _MONITORING + "test_a_hundred_clients_without_a_whole_request_do_not_block_a_probe",
            _SCIM_LIMITS + "test_a_connection_whose_request_is_answered_gives_way_to_none",
        ),
        "Clients cannot use up the descriptors of the service.",
    ),
    Mutant(
        "a full listener turns newcomers away",
        "listeners/accept.py",
        "if not self._make_room():",
        "if True:",
        (_SCIM_LIMITS + "test_a_silent_connection_gives_way_to_one_above_the_limit",),
        "Silent clients keep nobody out.",
    ),
    Mutant(
        "a listener closes connections whose request is answered",
        "listeners/accept.py",
        "(place for place in self._places if place.is_waiting)",
        "iter(self._places)",
        (_SCIM_LIMITS + "test_a_connection_whose_request_is_answered_gives_way_to_none",),
        "A client whose request is answered gets its answer.",
    ),
    Mutant(
        "the admin socket takes any number of connections",
        "serve/front_door.py",
        "if len(self._carried) < self._most:",
        "if True:",
        (
            _FRONT_DOOR + "test_many_silent_clients_block_no_other_client_and_reach_no_grpc",
            _FRONT_DOOR + "test_clients_that_send_stay_and_those_above_the_limit_are_closed",
        ),
        "Clients of the admin socket cannot use up the descriptors of the service.",
    ),
    Mutant(
        "the admin socket waits for ever for a first byte",
        "serve/front_door.py",
        "async with asyncio.timeout(self._first_bytes):",
        "async with asyncio.timeout(None):",
        (_FRONT_DOOR + "test_a_client_that_sends_nothing_is_closed",),
        "A client that says nothing does not keep its place.",
    ),
    Mutant(
        "a process whose passes fail is ready",
        "serve/readiness.py",
        'is_ready = found.state == "standby" or not found.error',
        "is_ready = True",
        ("unit/serve/test_readiness.py::test_failing_passes_have_their_reason",),
        "A probe learns that passes fail.",
    ),
    Mutant(
        "the stopwatch stops while the machine is suspended",
        "clock.py",
        "return time.clock_gettime(time.CLOCK_BOOTTIME)",
        "return time.monotonic()",
        (
            "unit/test_clock.py::test_the_stopwatch_counts_while_the_machine_is_suspended",
            _LEASE + "test_who_slept_for_five_minutes_knows_that_another_process_may_write",
        ),
        "After a suspension nobody writes by a lease that another process may have.",
    ),
    Mutant(
        "the lease does not look at the time of day",
        "teleport/lease.py",
        "return min(by_stopwatch, by_time_of_day.total_seconds())",
        "return by_stopwatch",
        (_LEASE + "test_a_machine_whose_time_of_day_leapt_over_its_end_does_not_write_by_it",),
        "A virtual machine that was paused does not write by an old lease.",
    ),
    Mutant(
        "the lease looks at the time of day alone",
        "teleport/lease.py",
        "return min(by_stopwatch, by_time_of_day.total_seconds())",
        "return by_time_of_day.total_seconds()",
        (_LEASE + "test_a_time_of_day_that_is_set_back_prolongs_nothing",),
        "Setting the clock back does not prolong the lease to write.",
    ),
    Mutant(
        "a lease to write that an outage has ended is never asked for again",
        "teleport/lease.py",
        "if not self._is_wanted or await",
        "if self._held is None or await",
        (_LEASE + "test_one_that_a_write_found_to_be_gone_is_taken_again",),
        "After an outage of the auth server changes are followed again within seconds.",
    ),
    Mutant(
        "a lease to write that another process had meanwhile is taken back without a pass",
        "sync/engine.py",
        "or (self._pass.is_ousted and not self._history.is_standby)",
        "",
        (_OUTAGE + "test_a_process_that_lost_the_lease_is_a_standby_and_takes_over_with_a_pass",),
        "A process that was succeeded during an outage says so, and takes over again with a pass.",
    ),
    Mutant(
        "a control address takes any host",
        "sandbox/own_address.py",
        "if len(hosts) != 1 or not _is_address(hosts[0]):",
        "if False:",
        (
            _OWN_ADDRESS + "test_a_name_can",
            _OWN_ADDRESS + "test_every_request_of_a_page_in_a_browser_is_refused",
        ),
        "A name that was pointed at this machine reaches no control address.",
    ),
    Mutant(
        "a control address takes any origin",
        "sandbox/own_address.py",
        'if any(origin != f"http://{hosts[0]}" for origin in origins) or site not in _OWN_SITE:',
        "if False:",
        (_OWN_ADDRESS + "test_every_request_of_a_page_in_a_browser_is_refused",),
        "A page of another origin reaches no control address.",
    ),
)
