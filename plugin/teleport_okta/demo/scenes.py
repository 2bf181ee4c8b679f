"""The values of the demo: scenes, each with a deed, the result and the checks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from teleport_okta.sync.report import PassReport

    Tables: TypeAlias = Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]
    """The names of the columns and the rows, by the title of the table."""


@dataclass(frozen=True, slots=True)
class Check:
    """A claim about Teleport after a scene, checked in the sandbox and not in the output of the product."""

    claim: str
    held: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: the deed, the pass that followed or the `output` of a command, and the checks."""

    title: str
    deed: str
    checks: tuple[Check, ...]
    report: PassReport | None = None
    output: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether all checks passed."""
        return all(check.held for check in self.checks)


@dataclass(frozen=True, slots=True)
class Story:
    """All scenes, and the final state as tables."""

    scenes: tuple[Scene, ...]
    tables: Tables = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Whether all checks passed."""
        return all(scene.held for scene in self.scenes)

    def as_json(self) -> dict[str, object]:
        """Return the JSON of `demo --once --format json`."""
        return {
            "held": self.held,
            "scenes": [
                {
                    "title": scene.title,
                    "deed": scene.deed,
                    "plan": scene.report and scene.report.plan.digest,
                    "changes": len(scene.report.plan.changes) if scene.report else 0,
                    "okta_calls": dict(scene.report.okta_calls) if scene.report else {},
                    "output": list(scene.output),
                    "checks": [asdict(check) for check in scene.checks],
                }
                for scene in self.scenes
            ],
            "end": {
                title: [dict(zip(columns, row, strict=True)) for row in rows]
                for title, (columns, rows) in self.tables.items()
            },
        }
