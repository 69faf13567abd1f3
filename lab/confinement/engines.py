"""What needs an engine that executes a caller's text is answered with an error: it is not part of the lab.

MiniStack would hand a query of Athena, and the records that Firehose converts, to DuckDB, which reads and writes files
wherever a statement says so. `lab.confinement.imports` keeps every engine out of the process; this is for clear words.
"""

from collections.abc import Mapping
from typing import Any

from lab.cloudformation.handler import shown_first
from lab.cloudformation.properties import Properties
from lab.ministack import cloudformation, execution
from lab.protocol.answer import Answer, error_answer

_STREAM = "AWS::KinesisFirehose::DeliveryStream"
_CONFIGURATION = "DestinationConfiguration"


def forbid_engines() -> None:
    """Gives queries of Athena (not what it changes in Glue's catalogue), and streams that convert, the lab's errors."""
    execution.replace_sql_queries(_rejected_query)
    execution.reject_destinations(_rejected_destination)
    handlers = cloudformation.resource_handlers
    handlers[_STREAM] = shown_first(handlers[_STREAM], _require_no_engine)


def _rejected_query() -> Answer:
    return _rejection("athena", "Running a query of Athena needs an engine, which")


def _rejected_destination(kind: str, settings: Mapping[str, Any]) -> Answer | None:
    what = _needs_engine(kind, settings)
    return _rejection("firehose", what) if what else None


def _require_no_engine(properties: Properties) -> None:
    for name, settings in properties.items():
        if name.endswith(_CONFIGURATION):
            what = _needs_engine(name.removesuffix(_CONFIGURATION), settings or {})
            if what:
                raise ValueError(_message(what))


def _needs_engine(kind: str, settings: Mapping[str, Any]) -> str | None:
    conversion = settings.get("DataFormatConversionConfiguration")
    if conversion and str(conversion.get("Enabled", True)).lower() != "false":
        return "Converting records (DataFormatConversionConfiguration) needs an engine, which"
    return "Writing to Iceberg tables needs an engine, which" if kind == "Iceberg" else None


def _rejection(service: str, what: str) -> Answer:
    return error_answer(service, "json", 501, "ServiceNotAvailable", _message(what))


def _message(what: str) -> str:
    return f"{what} is not part of the lab. Use an AWS account to try it."
