"""Containers of a built image, as `docker run --read-only --cap-drop=ALL --network=host -v … -v …` makes them."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from image.dockerfile import ROOT
from image.engine import PATH, PATIENCE, Image, Tree

CONFIG = "/etc/teleport-okta.toml"


@dataclass(frozen=True, slots=True)
class Container:
    """An image with a volume and a configuration mounted; all else can only be read, and the checkout not be seen."""

    image: Image
    tree: Tree

    @classmethod
    def made(cls, image, name, *, volume, config):
        """Mount everything; the volume gets the owner and mode that its place has in the image."""
        space, (place,) = image.tree.space, image.stage.only("VOLUME").words
        tree = Tree.mounted(space, name, image.tree.layers)
        there = space.seen(tree.path(place)).stat()
        os.chown(volume, there.st_uid, there.st_gid)
        volume.chmod(there.st_mode & 0o7777)
        space.run("touch", tree.path(CONFIG))
        space.run("mount", "-t", "tmpfs", "hidden", tree.path(ROOT))
        space.run("mount", "-o", "remount,ro", tree.top)
        space.run("mount", "--bind", volume, tree.path(place))
        space.run("mount", "--bind", "-o", "ro", config, tree.path(CONFIG))
        return cls(image, tree)

    @property
    def health_check(self):
        """The command of the image's health check, inside."""
        return self._inside(self.image.stage.health_check)

    def run(self, *arguments, entrypoint=None):
        """Run the image's entry point, or another, with these arguments to its end."""
        start = self.image.stage.only("ENTRYPOINT").words if entrypoint is None else [entrypoint]
        return ended(self._first([*start, *arguments]))

    def check_health(self):
        """Run the health check in a container of its own."""
        return ended(self._first(self.image.stage.health_check))

    def start(self, log):
        """Start what the image starts when nothing else is said; its output goes to a file."""
        words = [*self.image.stage.only("ENTRYPOINT").words, *self.image.stage.only("CMD").words]
        return Running(self, subprocess.Popen(self._first(words), stdout=log, stderr=log))

    def _first(self, words):
        """A command that makes these words the first process of a process namespace."""
        script = 'mount -t proc proc "$0/proc" && exec "$@"'
        fresh = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, self.tree.top]
        return self.tree.space.command(*fresh, *self._inside(words))

    def _inside(self, words):
        """A command that runs these words in the tree, as the image's user and with no capability."""
        user, group = self.image.stage.only("USER").rest.split(":")
        environment = {"PATH": PATH, "HOME": "/", **self.image.stage.pairs("ENV")}
        bare = ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
        assignments = [f"{key}={value}" for key, value in environment.items()]
        user_words = ["setpriv", f"--reuid={user}", f"--regid={group}", *bare, "env", "-i", *assignments]
        return ["chroot", str(self.tree.top), *user_words, *words]


@dataclass(frozen=True, slots=True)
class Running:
    """A container that has been started."""

    container: Container
    process: subprocess.Popen

    def is_healthy(self):
        """Run the health check beside the first process, as an engine does."""
        number = self._first_process()
        if number is None:
            return False
        enter = ["nsenter", f"--target={number}", "--mount", "--pid"]
        return ended([*enter, *self.container.health_check]).returncode == 0

    def stop(self):
        """Send the image's stop signal to the first process, and return the exit code."""
        os.kill(self._first_process(), signal.Signals[self.container.image.stage.only("STOPSIGNAL").rest])
        return self.process.wait(PATIENCE)

    def kill(self):
        """End it at once, if it still runs."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def _first_process(self):
        number = self.process.pid
        children = Path(f"/proc/{number}/task/{number}/children")
        return next(map(int, children.read_text().split()), None) if self.process.poll() is None else None


def ended(command):
    """Run a command to its end, whatever its end."""
    return subprocess.run(command, text=True, capture_output=True, timeout=PATIENCE, check=False)
