"""`teleport-okta doctor`: whether the service has everything that it needs, and the remedy for what is missing."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from teleport_okta.cli.options import config_option, format_option
from teleport_okta.cli.output import show_json, show_lines, working
from teleport_okta.clock import SystemClock
from teleport_okta.config import load
from teleport_okta.doctor.examine import examine
from teleport_okta.doctor.findings import Section, Severity, worst
from teleport_okta.doctor.secrets import secrets_of
from teleport_okta.errors import ConfigError
from teleport_okta.observe import logs
from teleport_okta.observe.text import Line, Tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from teleport_okta.doctor.findings import Finding

EXIT_CODES: Final = {Severity.OK: 0, Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 2}

_WORDS: Final = {Severity.OK: "ok", Severity.NOTE: "note", Severity.WARNING: "warning", Severity.ERROR: "ERROR"}
_TONES: Final = {Severity.WARNING: Tone.WARNING, Severity.ERROR: Tone.ERROR}
_WIDTH: Final = max(map(len, _WORDS.values()))


@click.command()
@config_option
@format_option
@click.option("--problems", is_flag=True, help="Show warnings and errors only.")
def doctor(config_path: Path, layout: str, *, problems: bool) -> int:
    """Check the installation in Okta, in Teleport and on this host, and change nothing.

    Exits 0 without warnings and errors, 1 with a warning, 2 with an error.
    """
    logs.set_up(output="stderr", severity="error", layout="text", secrets=_secrets(config_path))
    with working("checking the installation"):
        findings = asyncio.run(examine(config_path, clock=SystemClock(), rng=random.SystemRandom()))
    if layout == "json":
        shown = _problems(findings) if problems else findings
        show_json({"findings": [finding.as_json() for finding in shown], "worst": worst(findings).value})
    else:
        show_lines(_lines(findings, problems=problems))
    return EXIT_CODES[worst(findings)]


def _secrets(config_path: Path) -> tuple[str, ...]:
    """Return the secrets to keep out of the log; none if the configuration cannot be read, which is a finding."""
    with suppress(ConfigError):
        return secrets_of(load(config_path), os.environ)
    return ()


def _problems(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity in {Severity.WARNING, Severity.ERROR}]


def _lines(findings: Sequence[Finding], *, problems: bool = False) -> Iterator[Line | str]:
    for section in Section:
        mine = [one for one in (_problems(findings) if problems else findings) if one.section is section]
        if not mine:
            continue
        yield section.value
        width = max(len(finding.check) for finding in mine)
        for finding in mine:
            text = f"{_WORDS[finding.severity]:{_WIDTH}}  {finding.check:{width}}  {finding.what}"
            yield Line(text, _TONES.get(finding.severity, Tone.PLAIN))
            if finding.remedy:
                yield f"  try: {finding.remedy}"
        yield ""
    yield _summary(findings)


def _summary(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
    verdict = {
        Severity.ERROR: "something is broken",
        Severity.WARNING: "it works, with weaknesses",
    }.get(worst(findings), "no problems")
    return (
        f"{len(findings)} findings: {errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}, "
        f"{counts[Severity.NOTE]} note{'s' * (counts[Severity.NOTE] != 1)}; {verdict}"
    )
