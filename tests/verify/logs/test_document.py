"""docs/logs.md says what the code does."""

from pathlib import Path

from verify.logs import schema
from verify.logs.sql import functions, named

DOCS = Path(__file__).parents[3] / "docs"
DOCUMENT = (DOCS / "logs.md").read_text(encoding="utf-8")


def test_the_columns_in_the_document_are_those_of_the_schema() -> None:
    assert schema.as_markdown() in DOCUMENT


def test_the_functions_in_the_document_are_those_that_may_be_called() -> None:
    assert functions.as_markdown() in DOCUMENT


def test_the_named_queries_in_the_document_are_those_that_there_are() -> None:
    assert (DOCS / "log-queries.md").read_text(encoding="utf-8").endswith(named.as_markdown())
