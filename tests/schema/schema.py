#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""schema.py

Reads lines {"command": "vf list", "output": ...}, and tells whether each output is what
docs/schema says that the command prints, or what it says of errors. As a module it knows
which schema is whose.
"""
import json
import os
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
DIRECTORY = os.path.join(SOURCE, "docs", "schema")


def load():
    schemas = {}
    for name in os.listdir(DIRECTORY):
        with open(os.path.join(DIRECTORY, name), encoding="utf-8") as file:
            schemas[name] = json.load(file)
        jsonschema.Draft7Validator.check_schema(schemas[name])
    return schemas


SCHEMAS = load()
BY_COMMAND = {command: name for name, schema in SCHEMAS.items()
              for command in schema.get("commands", [])}


def name_of(command, words):
    """The schema of a command with these words; "vf set --dry-run" may have another than "vf set"."""
    for option in ("--dry-run", "--save"):
        if option in words:
            return BY_COMMAND[f"{command} {option}"]
    return BY_COMMAND[command]


def complaints(value, name):
    """What is wrong with a value, one line each."""
    resolver = jsonschema.RefResolver(name, SCHEMAS[name], store=SCHEMAS)
    validator = jsonschema.Draft7Validator(SCHEMAS[name], resolver=resolver)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(value)]


def open_objects(schema, place=""):
    """Objects that do not say which members they have."""
    if isinstance(schema, list):
        return [found for i, entry in enumerate(schema) for found in open_objects(entry, f"{place}/{i}")]
    if not isinstance(schema, dict):
        return []
    found = [place] if "properties" in schema and schema.get("additionalProperties") is not False \
        and isinstance(schema.get("type"), str) else []
    return found + [more for key, entry in schema.items() for more in open_objects(entry, f"{place}/{key}")]


def main():
    failures = 0
    for line in sys.stdin:
        printed = json.loads(line)
        command, value = printed["command"], printed["output"]
        failed = isinstance(value, dict) and "error" in value and "title" not in value
        wrong = complaints(value, "error.json" if failed else BY_COMMAND[command])
        failures += len(wrong)
        print(f"{command}: {'; '.join(wrong) or 'ok'}")
    return failures


if __name__ == "__main__":
    sys.exit(main() != 0)
