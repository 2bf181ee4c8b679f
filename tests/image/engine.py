"""A container engine in miniature: it follows the Dockerfile step by step, with the kernel's own tools.

A stage is an overlay over this machine's root file system, in a mount namespace that ends with the test, so that every
RUN is the very line of the file, at the very paths of the image. In place of the base image stands a fresh virtual
environment of the interpreter that runs the tests. Everything that is written stays in memory and goes with the
namespace. A container (`container.py`) is one overlay more. It takes root.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from image.dockerfile import ROOT, Stage, context, stages

BASE_PYTHON = "/base-python"
PATH = f"/usr/local/bin:{BASE_PYTHON}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE = 300


@dataclass(frozen=True, slots=True)
class Namespace:
    """A mount namespace with an empty file system in memory at `work`."""

    work: Path
    pid: int

    @classmethod
    @contextmanager
    def opened(cls, work):
        """Hold a namespace until the block ends."""
        script = 'mount -t tmpfs image "$0" && echo && exec cat'
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, work]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout.readline(), "no mount namespace can be made"
            yield cls(work, holder.pid)
            holder.stdin.close()

    def seen(self, path):
        """Where this process sees a path of the namespace."""
        return Path(f"/proc/{self.pid}/root{path}")

    def command(self, *words):
        """Words that run inside."""
        return ["nsenter", f"--target={self.pid}", "--mount", *map(str, words)]

    def run(self, *words):
        """Run something inside to its end; what it printed is told when it fails."""
        done = subprocess.run(self.command(*words), text=True, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, f"{shlex.join(map(str, words))}\n{done.stdout}{done.stderr}"


@dataclass(frozen=True, slots=True)
class Tree:
    """An overlay: `top` is where it is mounted; `layers` are what lies on this machine's root, its own first."""

    space: Namespace
    top: Path
    layers: tuple[Path, ...]

    @classmethod
    def mounted(cls, space, name, below=()):
        """Lay an empty layer on the layers below."""
        top, own, work = (space.work / name / part for part in ("top", "layer", "work"))
        space.run("mkdir", "-p", top, own, work)
        lower = ":".join(map(str, (*below, "/")))
        options = f"lowerdir={lower},upperdir={own},workdir={work}"
        space.run("mount", "-t", "overlay", "-o", options, "overlay", top)
        space.run("mount", "--rbind", "/dev", top / "dev")
        return cls(space, top, (own, *below))

    def path(self, inside):
        """Where the namespace has a path of the tree."""
        return self.top / str(inside).lstrip("/")

    def added(self, inside="/"):
        """Where this process sees a path of the tree's own layer."""
        return self.space.seen(self.layers[0] / str(inside).lstrip("/"))

    def run(self, *words, environment, directory="/"):
        """Run something in the tree, as root, to its end."""
        assignments = [f"{key}={value}" for key, value in environment.items()]
        self.space.run("chroot", self.top, "env", "-i", f"--chdir={directory}", *assignments, *words)


@dataclass(frozen=True, slots=True)
class Image:
    """A built image: the last stage of the Dockerfile, and its tree."""

    stage: Stage
    tree: Tree


def build(space, scratch, arguments):
    """Build the image that the Dockerfile describes, from what .dockerignore leaves of the project.

    `arguments` are those of `--build-arg`.
    """
    sent = scratch / "context"
    for name in context():
        (sent / name).parent.mkdir(parents=True, exist_ok=True)
        (sent / name).write_bytes((ROOT / name).read_bytes())
    base = _base(space)
    trees = {}
    for stage in stages():
        tree = Tree.mounted(space, stage.name or "final", base.layers)
        _follow(stage, tree, sent, trees, arguments)
        trees[stage.name] = tree
    return Image(stage, tree)


def _base(space):
    """Make what stands for the base image: `python` and `pip` of this interpreter, for everybody to execute."""
    tree = Tree.mounted(space, "base")
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    tree.run(python, "-m", "venv", BASE_PYTHON, environment={"PATH": PATH})
    tree.run("chmod", "a+rx", *python.parents, environment={"PATH": PATH})
    space.run("umount", "--recursive", tree.top)
    return tree


def _follow(stage, tree, sent, trees, arguments):
    environment = {"PATH": PATH, "HOME": str(Path.home()), "PIP_PROGRESS_BAR": "off", **_ways_to_the_package_index()}
    directory = PurePosixPath("/")
    for one in stage.instructions:
        match one.keyword:
            case "ENV":
                environment |= one.pairs
            case "ARG":
                environment |= {name: arguments.get(name, default) for name, default in one.pairs.items()}
            case "WORKDIR":
                directory /= one.rest
                tree.run("mkdir", "-p", directory, environment=environment)
            case "RUN":
                tree.run("sh", "-c", one.rest, environment=environment, directory=directory)
            case "COPY":
                _copy(one, tree, directory, trees[one.flags["from"]].top if one.flags else sent)


def _ways_to_the_package_index():
    return {
        key: value
        for key, value in os.environ.items()
        if key.startswith(("PIP_", "SSL_CERT_")) or key.lower().endswith("_proxy")
    }


def _copy(instruction, tree, directory, origin):
    """Copy files into a folder, and what is in a folder into another."""
    *sources, target = instruction.words
    into = tree.path(directory / target)
    tree.space.run("mkdir", "-p", into)
    for source in sources:
        path = origin / source.lstrip("/")
        contents = f"{path}/." if tree.space.seen(path).is_dir() else path
        tree.space.run("cp", "--recursive", "--no-dereference", "--preserve=mode", contents, into)
