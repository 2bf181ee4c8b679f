"""Hand-made faults in lines that keep people safe, by what they are about. Each is found by the tests that it names."""

from __future__ import annotations

from mutants.of_answers import OF_ANSWERS
from mutants.of_direct_roles import OF_DIRECT_ROLES
from mutants.of_doors import OF_DOORS
from mutants.of_evidence import OF_EVIDENCE
from mutants.of_files import OF_FILES
from mutants.of_following import OF_FOLLOWING
from mutants.of_harm import OF_HARM
from mutants.of_keys import OF_KEYS
from mutants.of_lists import OF_LISTS
from mutants.of_managed import OF_MANAGED
from mutants.of_output import OF_OUTPUT
from mutants.of_provisioning import OF_PROVISIONING
from mutants.of_reads import OF_READS
from mutants.of_runs import OF_RUNS

MUTANTS = (
    *OF_READS,
    *OF_RUNS,
    *OF_HARM,
    *OF_KEYS,
    *OF_LISTS,
    *OF_DIRECT_ROLES,
    *OF_EVIDENCE,
    *OF_FOLLOWING,
    *OF_PROVISIONING,
    *OF_MANAGED,
    *OF_DOORS,
    *OF_OUTPUT,
    *OF_ANSWERS,
    *OF_FILES,
)
