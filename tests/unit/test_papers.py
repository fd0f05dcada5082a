from __future__ import annotations

import re
from pathlib import Path

from todo.entrypoints.environment import file_variable, variable
from todo.entrypoints.settings import Settings
from todo.entrypoints.settings_page import page, rows

ROOT = Path(__file__).parents[2]


def test_the_page_of_settings_is_the_one_that_the_class_makes() -> None:
    assert (ROOT / "docs/settings.md").read_text() == page(), "`make settings` writes it anew"


def test_the_readme_shows_the_settings_that_matter_as_that_page_does() -> None:
    shown = re.findall(r"^\| `(?:TODO|BETTER)_.*$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert shown
    assert set(shown) <= set(rows().values())


def test_the_example_of_an_environment_names_no_setting_that_is_not_there() -> None:
    files = {in_file for name in Settings.model_fields if (in_file := file_variable(name))}
    known = {variable(name) for name in Settings.model_fields} | files | {"POSTGRES_PASSWORD"}
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))
    assert named <= known


def test_every_code_of_the_doctor_is_told() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    codes = set(re.findall(r'(?<![.\w])(?:fine|warning|problem|skew)\(\s*"([a-z_]+)"', sources))
    codes |= {f"{code}_skewed" for code in re.findall(r'skew\("([a-z_]+)"', sources)}
    codes |= {"setting_wrong", *re.findall(r'code="((?:setting|secret|data_dir)_[a-z_]+)"', sources)}
    told = (ROOT / "docs/operating.md").read_text()
    assert {code for code in codes if f"`{code}`" not in told} == set()
    assert len(codes) > 50
