from __future__ import annotations

from pathlib import Path

from alembic.script import ScriptDirectory

from todo.adapters.postgres import migrate


def test_the_files_are_named_by_their_revisions_in_their_order() -> None:
    # The quick look at a database goes by the names alone.
    scripts = ScriptDirectory(str(Path(migrate.__file__).with_name("migrations")))
    revisions = [script.revision for script in scripts.walk_revisions()]
    named = sorted(path.name.partition("_")[0] for path in Path(scripts.versions).glob("[0-9]*.py"))
    assert list(reversed(revisions)) == named
    assert scripts.get_current_head() == migrate.head()
