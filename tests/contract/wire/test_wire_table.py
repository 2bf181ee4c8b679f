"""The compiled messages against the table of Teleport's wire format: nothing missing, nothing more, nothing different.

The table (`teleport-wire.json`) was read from Teleport's own definitions. A `partial` message lists the fields that we
speak of a larger one.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from google.protobuf import descriptor, descriptor_pool

TABLE = json.loads((Path(__file__).parent / "teleport-wire.json").read_text())
PROTO = Path(__file__).parents[3] / "proto"
FILES = sorted({entry["file"] for part in ("messages", "enums", "services") for entry in TABLE[part].values()})
TYPES = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(descriptor.FieldDescriptor).items()
    if name.startswith("TYPE_")
}


@pytest.fixture(scope="module")
def pool():
    for file in FILES:
        importlib.import_module(file.removesuffix(".proto").replace("/", ".") + "_pb2")
    return descriptor_pool.Default()


def describe_field(field):
    described = {
        "number": field.number,
        "name": field.name,
        "type": TYPES[field.type],
        "label": "repeated" if field.is_repeated else "optional",
    }
    target = field.message_type or field.enum_type
    if target is not None:
        described["type_name"] = target.full_name
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        described["map"] = True
    oneof = field.containing_oneof
    if oneof is not None and oneof.name == f"_{field.name}":
        described["optional"] = True
    elif oneof is not None:
        described["oneof"] = oneof.name
    if field.GetOptions().deprecated:
        described["deprecated"] = True
    return described


def in_order(fields):
    return sorted(fields, key=lambda field: field["number"])


def every_message(message):
    yield message
    for nested in message.nested_types:
        yield from every_message(nested)


def every_enum(file):
    yield from file.enum_types_by_name.values()
    for top in file.message_types_by_name.values():
        for message in every_message(top):
            yield from message.enum_types


@pytest.mark.parametrize("name", sorted(TABLE["messages"]))
def test_message(pool, name):
    message = pool.FindMessageTypeByName(name)
    expected = TABLE["messages"][name]
    assert message.file.name == expected["file"]
    assert in_order(map(describe_field, message.fields)) == in_order(expected["fields"])


@pytest.mark.parametrize("name", sorted(TABLE["enums"]))
def test_enum(pool, name):
    enum = pool.FindEnumTypeByName(name)
    expected = TABLE["enums"][name]
    assert enum.file.name == expected["file"]
    assert {value.name: value.number for value in enum.values} == expected["values"]


@pytest.mark.parametrize("name", sorted(TABLE["services"]))
def test_service(pool, name):
    service = pool.FindServiceByName(name)
    expected = TABLE["services"][name]
    assert service.file.name == expected["file"]
    assert {
        method.name: {
            "input": method.input_type.full_name,
            "output": method.output_type.full_name,
            "client_streaming": method.client_streaming,
            "server_streaming": method.server_streaming,
        }
        for method in service.methods
    } == expected["methods"]


def test_nothing_is_compiled_that_the_table_does_not_list(pool):
    files = [pool.FindFileByName(name) for name in FILES]
    messages = {
        message.full_name
        for file in files
        for top in file.message_types_by_name.values()
        for message in every_message(top)
    }
    enums = {enum.full_name for file in files for enum in every_enum(file)}
    services = {service.full_name for file in files for service in file.services_by_name.values()}
    assert messages == set(TABLE["messages"])
    assert enums == set(TABLE["enums"])
    assert services == set(TABLE["services"])


def test_every_file_of_the_table_is_written_here_without_gogoproto():
    written = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "teleport").rglob("*.proto"))
    assert written == FILES
    assert not [name for name in written if "gogoproto" in (PROTO / name).read_text()]
