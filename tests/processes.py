"""Real processes: both sandboxes and the product, started by the command that people run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = [sys.executable, "-c", "from teleport_okta.cli import main; main()"]
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugin'}:{ROOT / 'gen'}"}
PATIENCE = 60


def start(*arguments, **options):
    """Start `teleport-okta` with these arguments."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, **options
    )


@dataclass
class Sandbox:
    """A sandbox in a process of its own, and the one line that it printed."""

    line: dict
    process: subprocess.Popen

    @classmethod
    def started(cls, *arguments):
        process = start("sandbox", *arguments)
        return cls(json.loads(process.stdout.readline()), process)

    def control(self, method, path, body=None):
        """Ask the control address."""
        request = urllib.request.Request(
            self.line["control"].rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


@dataclass
class Installation:
    """A configuration file, and what is run with it."""

    directory: Path
    sections: dict = field(default_factory=dict)

    @property
    def config(self):
        path = self.directory / "teleport-okta.toml"
        lines = []
        for section, values in self.sections.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items() if value is not None]
        path.write_text("\n".join(lines) + "\n")
        return path

    def changed(self, **sections):
        """The same with other keys, in a data directory of its own; None leaves a key out."""
        directory = self.directory / "changed"
        directory.mkdir(exist_ok=True)
        merged = {name: {**self.sections.get(name, {}), **sections.get(name, {})} for name in self.sections}
        merged["storage"] = {"data_dir": str(directory / "data"), **sections.get("storage", {})}
        return Installation(directory, merged)

    def run(self, verb, *arguments):
        """Run a verb to its end."""
        command = [*COMMAND, verb, "--config", str(self.config), *arguments]
        return subprocess.run(command, env=ENVIRONMENT, text=True, capture_output=True, timeout=PATIENCE, check=False)

    def json(self, verb, *arguments):
        """Run a verb and read its JSON."""
        result = self.run(verb, *arguments, "--format", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def start(self):
        """Start the service; its log goes to a file."""
        log = (self.directory / "service.log").open("a")
        return start("start", "--config", self.config, stderr=log)

    @property
    def log(self):
        return (self.directory / "service.log").read_text()


def installation_of(directory, okta, teleport, **sync):
    return Installation(
        directory,
        {
            "teleport": {
                "addr": teleport.line["auth"],
                "identity": teleport.line["identity"],
                "join_token": teleport.line["join_token"],
            },
            "okta": {
                "org_url": okta.line["url"],
                "api_token": okta.line["ssws_token"],
                "app_id": okta.line["app_id"],
            },
            "sync": {"interval": "1s", "apps_and_groups": False, **sync},
            "storage": {"data_dir": str(directory / "data")},
        },
    )
