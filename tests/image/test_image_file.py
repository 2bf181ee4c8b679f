"""What the Dockerfile says, as far as a linter cannot know it; `make check` runs the linter."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from image.dockerfile import ROOT, context, stages
from teleport_okta import __version__
from teleport_okta.cli.verbs import VERBS
from teleport_okta.config_example import example

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DATA_DIRECTORY = re.search(r'# data_dir = "(.+)"', example())[1]


def _mentions_version(name):
    return re.search(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])", (ROOT / name).read_text())


@pytest.fixture
def build():
    return stages()[0]


@pytest.fixture
def final():
    return stages()[-1]


def test_every_stage_stands_on_one_python_image_of_an_exact_version_that_the_project_supports():
    (base,) = {stage.base for stage in stages()}
    version = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-[a-z]+", base)
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]


def test_the_engine_is_sent_what_is_copied_and_nothing_else(build):
    sources = {word for one in build.all("COPY") for word in one.words[:-1]}
    assert {path.parts[0] for path in context()} == sources
    assert not [path for path in context() if "__pycache__" in path.parts]


def test_what_is_installed_has_a_hash_or_comes_from_the_build_itself(build):
    commands = [command.strip() for one in build.all("RUN") for command in one.rest.split("&&")]
    installs = [command for command in commands if command.startswith("pip ")]
    assert installs
    assert not [command for command in installs if "--require-hashes" not in command and "--no-index" not in command]


def test_it_runs_as_a_number_that_is_not_root_with_nothing_to_write_but_the_data_directory(final):
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final.only("USER").rest)
    user, group = final.only("USER").rest.split(":")
    assert final.only("VOLUME").words == [DATA_DIRECTORY]
    assert f"install -d -m 0700 -o {user} -g {group} {DATA_DIRECTORY}" in final.only("RUN").rest
    order = [one.keyword for one in final.instructions]
    assert order.index("RUN") < order.index("VOLUME") < order.index("USER") < order.index("ENTRYPOINT")


def test_temporary_files_go_to_the_data_directory(final):
    assert final.pairs("ENV")["TMPDIR"] == DATA_DIRECTORY


def test_it_starts_the_service_and_ends_it_as_kubernetes_does(final):
    assert final.only("ENTRYPOINT").words[0] in PROJECT["scripts"]
    (verb,) = final.only("CMD").words
    assert verb in VERBS
    assert final.only("STOPSIGNAL").rest == "SIGTERM"


def test_the_labels_say_what_the_project_says_of_itself(final):
    labels = {key.removeprefix("org.opencontainers.image."): value for key, value in final.pairs("LABEL").items()}
    assert {key: labels[key] for key in ("title", "description", "licenses")} == {
        "title": PROJECT["name"],
        "description": PROJECT["description"],
        "licenses": PROJECT["license"],
    }
    assert {"source", "revision"} <= set(labels)


def test_the_version_is_that_of_the_package_and_is_written_nowhere_else(final):
    assert PROJECT["dynamic"] == ["version"]
    assert final.pairs("LABEL")["org.opencontainers.image.version"] == "${VERSION}"
    written = [name for name in ("pyproject.toml", "Dockerfile", "docs/container.md") if _mentions_version(name)]
    assert written == []


def test_the_documented_build_gives_the_image_the_version_of_the_package():
    command = re.search(r"^VERSION=.*$", (ROOT / "docs/container.md").read_text(), re.MULTILINE)[0]
    script = f'{command}; echo "$VERSION"'
    done = subprocess.run(["/bin/sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{__version__}\n"


def test_no_secret_is_asked_for_at_build_time_or_kept_in_the_environment():
    names = {name for stage in stages() for keyword in ("ARG", "ENV") for name in stage.pairs(keyword)}
    assert not [name for name in names if re.search(r"TOKEN|SECRET|PASSW|KEY|IDENTITY", name)]
