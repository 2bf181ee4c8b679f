"""Compile everything under proto/ into gen/ (or another folder), with type stubs.

Run by `make proto`; `make check` runs it with `--check` and fails if gen/ is not what proto/ generates.
"""

from __future__ import annotations

import argparse
import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

PROTO = Path(__file__).resolve().parent
GEN = PROTO.parent / "gen"


def generate(out: Path) -> None:
    """Write messages, services and their stubs of every .proto file below `out`."""
    plugin = Path(sys.executable).parent
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTO}"),
            *(f"--python_out={out}", f"--grpc_python_out={out}"),
            *(f"--plugin=protoc-gen-mypy={plugin / 'protoc-gen-mypy'}", f"--mypy_out=quiet:{out}"),
            *(f"--plugin=protoc-gen-mypy_grpc={plugin / 'protoc-gen-mypy_grpc'}", f"--mypy_grpc_out=quiet:{out}"),
            *sources,
        ],
        check=True,
    )
    _drop_empty_services(out)


def _drop_empty_services(out: Path) -> None:
    """Remove the service modules of files that declare no service; protoc writes one for every file."""
    for module in out.rglob("*_pb2_grpc.py"):
        if "class " not in module.read_text():
            module.unlink()
            module.with_suffix(".pyi").unlink(missing_ok=True)


def differences(left: Path, right: Path) -> list[str]:
    """Name every generated file that is missing on one side or differs."""
    names = {
        str(path.relative_to(root))
        for root in (left, right)
        for path in root.rglob("*_pb2*.py*")
        if "__pycache__" not in path.parts
    }
    return sorted(
        name
        for name in names
        if not ((left / name).is_file() and (right / name).is_file() and filecmp.cmp(left / name, right / name, False))
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with gen/ instead of writing it")
    if not parser.parse_args().check:
        GEN.mkdir(exist_ok=True)
        for stale in GEN.rglob("*_pb2*.py*"):
            stale.unlink()
        generate(GEN)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        stale = differences(GEN, Path(folder))
    for name in stale:
        print(f"gen/{name} is not what proto/ generates: run `make proto` and commit the result", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
