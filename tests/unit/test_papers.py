from __future__ import annotations

import re
from pathlib import Path

from todo.entrypoints.settings import Settings, variable

ROOT = Path(__file__).parents[2]


def shown(default: object) -> str:
    return f"`{default}`" if default not in (None, ()) else ""


def test_the_readme_tells_every_setting_as_it_is() -> None:
    rows = [
        f"| `{variable(name)}` | {shown(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    table = "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])
    assert table in (ROOT / "README.md").read_text()


def test_the_example_of_an_environment_names_no_setting_that_is_not_there() -> None:
    known = {variable(name) for name in Settings.model_fields} | {"POSTGRES_PASSWORD"}
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert named <= known
