"""What needs an engine that executes a caller's text is answered with an error: it is not part of the lab.

MiniStack would hand a query of Athena to DuckDB, which reads and writes files wherever a statement says so.
`lab.confinement.imports` keeps every engine out of the process; this is for clear words.
"""

from lab.ministack import execution
from lab.protocol.answer import Answer, error_answer


def forbid_engines() -> None:
    """Gives queries of Athena (not what it changes in Glue's catalogue) the lab's error."""
    execution.replace_sql_queries(_rejected_query)


def _rejected_query() -> Answer:
    message = "Running a query of Athena needs an engine, which is not part of the lab. Use an AWS account to try it."
    return error_answer("athena", "json", 501, "ServiceNotAvailable", message)
