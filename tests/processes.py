"""Real processes: both sandboxes and the product.

Most are forked of a zygote, since starting an interpreter for each would cost more than everything that they do. Where
the command line itself matters, a service is started by the command that people run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from zygote import Child, Zygote

COMMAND = [sys.executable, "-c", "from teleport_okta.cli import main; main()"]
ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'plugin'}:{ROOT / 'gen'}"}
PATIENCE = 60


def start(*arguments, environment=None, **options):
    """Start `teleport-okta` with these arguments."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=ENVIRONMENT | (environment or {}),
        text=True,
        stdout=subprocess.PIPE,
        **options,
    )


@cache
def zygote():
    """Return the zygote of this process."""
    return Zygote()


class Command:
    """A running command, with those of `subprocess.Popen`'s members that tests need; its input is empty."""

    def __init__(self, *arguments, hurry=1):
        reading, writing = os.pipe()
        self._child = zygote().start(*arguments, stdout=writing, stderr=2, hurry=hurry)
        os.close(writing)
        self.stdout = os.fdopen(reading)
        self.pid = self._child.pid
        self.wait, self.kill, self.send_signal = self._child.wait, self._child.kill, self._child.send_signal

    @property
    def returncode(self):
        return self._child.returncode

    def output(self):
        """Wait for its end, and return what it printed."""
        with self.stdout:
            printed = self.stdout.read()
        self.wait(PATIENCE)
        return printed


@dataclass
class Sandbox:
    """A sandbox in a process of its own, and the one line that it printed."""

    line: dict
    process: Child

    @classmethod
    def started(cls, *arguments):
        reading, writing = os.pipe()
        process = zygote().start("sandbox", *arguments, stdout=writing, stderr=2)
        os.close(writing)
        with os.fdopen(reading) as output:
            return cls(json.loads(output.readline()), process)

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
    """A configuration file, and what is run with it; waits are divided by `hurry` (`zygote`)."""

    directory: Path
    sections: dict = field(default_factory=dict)
    hurry: float = 1

    @property
    def config(self):
        """The path of the file, which is written if it would differ: as a whole, since a process may be reading it."""
        path = self.directory / "teleport-okta.toml"
        lines = []
        for section, values in self.sections.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items() if value is not None]
        text = "\n".join(lines) + "\n"
        if not path.exists() or path.read_text() != text:
            whole = path.with_name("whole.toml")
            whole.write_text(text)
            whole.replace(path)
        return path

    def changed(self, **sections):
        """The same with other keys, in a data directory of its own; None leaves a key out."""
        directory = self.directory / "changed"
        directory.mkdir(exist_ok=True)
        merged = {name: {**self.sections.get(name, {}), **sections.get(name, {})} for name in self.sections}
        merged["storage"] = {"data_dir": str(directory / "data"), **sections.get("storage", {})}
        return Installation(directory, merged, self.hurry)

    def run(self, verb, *arguments, user=None):
        """Run a verb to its end, as another user if one is given."""
        words = (verb, *arguments, "--config", self.config)
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = zygote().start(
                *words, stdout=output.fileno(), stderr=errors.fileno(), user=user, hurry=self.hurry
            )
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            for stream in (output, errors):
                stream.seek(0)
            return subprocess.CompletedProcess(words, code, output.read(), errors.read())

    def json(self, verb, *arguments):
        """Run a verb and read its JSON."""
        result = self.run(verb, *arguments, "--format", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def start(self, user=None):
        """Start the service, as another user if one is given; its log goes to a file."""
        with (self.directory / "service.log").open("a") as log, Path(os.devnull).open("w") as output:
            words = ("start", "--config", self.config)
            streams = {"stdout": output.fileno(), "stderr": log.fileno()}
            return zygote().start(*words, **streams, user=user, hurry=self.hurry)

    def start_as_people_do(self, **environment):
        """Start the service with a command line of its own."""
        with (self.directory / "service.log").open("a") as log:
            return start("start", "--config", self.config, environment=environment, stderr=log)

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
