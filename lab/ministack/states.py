"""Step Functions: its intrinsic functions."""
# ruff: noqa: SLF001

from typing import Any

from ministack.services import stepfunctions

# https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html#asl-intrsc-func-arrays
_MOST_ELEMENTS = 1000


def bound_array_range() -> None:
    """States.ArrayRange makes arrays of at most 1,000 elements, as on AWS; MiniStack makes them as large as asked."""
    execute = stepfunctions._exec_intrinsic

    def bounded(node: tuple[str, str, list[Any]], data: Any, context: Any) -> Any:
        _, name, arguments = node
        if name != "States.ArrayRange":
            return execute(node, data, context)
        first, last, step = (int(stepfunctions._eval_intrinsic_arg(each, data, context)) for each in arguments)
        found = range(first, last + 1, step)
        if len(found) > _MOST_ELEMENTS:
            raise ValueError(f"States.ArrayRange makes at most {_MOST_ELEMENTS:,} elements.")
        return list(found)

    stepfunctions._exec_intrinsic = bounded
