"""Which revision a database is at is known without Alembic, and just as Alembic would have it."""

from alembic.script import ScriptDirectory

from vestibule.store.schema import REVISIONS, known_revisions


def test_the_files_names_are_the_chain_of_revisions() -> None:
    scripts = ScriptDirectory(str(REVISIONS.parent))
    chain = [script.revision for script in scripts.walk_revisions()]
    assert known_revisions() == chain[::-1]
    assert known_revisions()[-1] == scripts.get_current_head()
