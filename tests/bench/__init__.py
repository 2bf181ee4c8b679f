"""The benchmarks. What they share with the tests finds its neighbours by bare names, as under pytest."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
