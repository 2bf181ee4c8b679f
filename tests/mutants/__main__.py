"""`make mutants`: put each fault of the catalogue into a copy of the tree, and see whether its tests find it.

Exit code 1 if one survives, if a snippet is not in its file exactly once, or if the tests fail without any fault.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutants.catalogue import MUTANTS
from mutants.workshop import AnchorError, Workshop

WORKERS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only the mutants whose name contains one of these; default: all")
    given = parser.parse_args().names
    chosen = [mutant for mutant in MUTANTS if not given or any(part in mutant.name for part in given)]
    if not chosen:
        say("no mutant has such a name")
        return 1
    with tempfile.TemporaryDirectory(prefix="teleport-okta-mutants-") as directory, ThreadPoolExecutor(WORKERS) as pool:
        free: SimpleQueue[Workshop] = SimpleQueue()
        for workshop in pool.map(lambda number: Workshop(Path(directory) / str(number)), range(WORKERS)):
            free.put(workshop)
        if not passes_without_a_fault(free, chosen):
            return 1
        survived = sum(not killed for killed in pool.map(lambda mutant: is_killed(free, mutant), chosen))
    say(f"mutants: {len(chosen) - survived} of {len(chosen)} killed")
    return 1 if survived else 0


def passes_without_a_fault(free: SimpleQueue[Workshop], chosen) -> bool:
    workshop = free.get()
    verdict = workshop.run(sorted({test for mutant in chosen for test in mutant.tests}))
    free.put(workshop)
    if verdict.problem or verdict.failed:
        say(f"the tests do not pass without a fault: {verdict.problem or ', '.join(sorted(verdict.failed))}")
    return not (verdict.problem or verdict.failed)


def is_killed(free: SimpleQueue[Workshop], mutant) -> bool:
    workshop = free.get()
    try:
        verdict = workshop.run_with(mutant)
    except AnchorError as error:
        say(f"lost      {error}")
        return False
    finally:
        free.put(workshop)
    unmoved = [test for test in mutant.tests if test not in verdict.failed]
    if verdict.problem:
        say(f"unclear   {mutant.name}: the tests could not be run:\n{verdict.problem}")
    elif unmoved or not mutant.tests:
        say(f"SURVIVED  {mutant.name} ({mutant.file}): {', '.join(unmoved) or 'it names no test'} passed all the same")
        say(f"          {mutant.promise}")
    else:
        say(f"killed    {mutant.name}")
    return not (verdict.problem or unmoved) and bool(mutant.tests)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
