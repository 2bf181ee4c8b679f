"""Faults in what keeps hostile clients and sleeping machines from doing harm."""

from __future__ import annotations

from mutants.mutant import Mutant

_LEASE = "contract/teleport/test_contract_lease.py::"
_OWN_ADDRESS = "unit/sandbox/test_sandbox_own_address.py::"

OF_DOORS = (
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
        "Setting the clock back does not prolong the right to write.",
    ),
    Mutant(
        "a control address takes any host",
        "sandbox/own_address.py",
        "if len(hosts) != 1 or not _is_address(hosts[0]):",
        "if False:",
        (
            _OWN_ADDRESS + "test_a_name_can",
            _OWN_ADDRESS + "test_a_page_in_a_browser_is_refused_whatever_it_asks_for",
        ),
        "A name that was pointed at this machine reaches no control address.",
    ),
    Mutant(
        "a control address takes any origin",
        "sandbox/own_address.py",
        'if any(origin != f"http://{hosts[0]}" for origin in origins) or site not in _OWN_SITE:',
        "if False:",
        (_OWN_ADDRESS + "test_a_page_in_a_browser_is_refused_whatever_it_asks_for",),
        "A page of another origin reaches no control address.",
    ),
)
