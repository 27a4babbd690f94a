"""Where each database keeps the words of the documents. Called by migration 0004."""

from __future__ import annotations

from typing import Any

from ..app_settings import app_settings

DOCUMENTS = "threadflow_core_searchdocument"
#: The FTS5 table of SQLite, joined by rowid.
WORDS = "threadflow_core_searchwords"


def create(schema_editor: Any) -> None:
    for statement in _CREATE.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement.format(tokenizer=tokenizer()))


def drop(schema_editor: Any) -> None:
    for statement in _DROP.get(schema_editor.connection.vendor, ()):
        schema_editor.execute(statement)


def tokenizer() -> str:
    stem = "porter " if app_settings.SEARCH_LANGUAGE == "english" else ""
    return f"{stem}unicode61 remove_diacritics 2"


_CREATE = {
    "postgresql": [
        f"ALTER TABLE {DOCUMENTS} ADD COLUMN IF NOT EXISTS words tsvector",
        f"CREATE INDEX IF NOT EXISTS tf_search_words ON {DOCUMENTS} USING gin (words)",
    ],
    "sqlite": [
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {WORDS} "
        "USING fts5(title, body, tokenize='{tokenizer}')",
    ],
}
_DROP = {
    "postgresql": [f"ALTER TABLE {DOCUMENTS} DROP COLUMN IF EXISTS words"],
    "sqlite": [f"DROP TABLE IF EXISTS {WORDS}"],
}
