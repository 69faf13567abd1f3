"""The answer as a part of a ``check``: one result beside those of the checks, which counts as they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verify.aws import Aws
from verify.errors import VerifyError
from verify.posture.model import Group, Report, Result, Status
from verify.posture.who.model import Answer
from verify.posture.who.run import PERMISSIONS, find_who
from verify.target import TargetOptions

_STATUS = {0: Status.PASS, 1: Status.FAIL, 3: Status.UNKNOWN}


def answer_beside(report: Report, aws: Aws, options: TargetOptions, expected: Sequence[str]) -> Answer:
    """Who can blind the trail of a report. Why that cannot be told is an answer as well: the report stands without it.

    :param expected: ARNs, with IAM's wildcards, of those who are meant to be able.
    """
    try:
        answer = find_who(aws, options, expected)
        # The report has said this already.
        return replace(answer, notices=tuple(each for each in answer.notices if each not in report.notices))
    except VerifyError as error:
        return Answer(
            account=report.account,
            trail=report.trail,
            endpoint=report.endpoint,
            examined=0,
            findings=(),
            root=None,
            unseen=(str(error),),
        )


def with_answer(report: Report, answer: Answer, summary: str) -> Report:
    """The report with the answer as its last result.

    :param summary: the answer in one sentence.
    """
    result = Result(
        id="nobody_else_can_blind_the_recorder",
        number=None,
        group=Group.WHO,
        title="Nobody else can blind the recorder",
        status=_STATUS[answer.exit_code],
        resource=answer.trail,
        expected="nobody can but the root user, and those whom the file given with --expected names",
        actual=summary,
        cause="",
        why="Whoever can stop the trail, or take or alter its record, can do everything else without a trace.",
        fix_cli="",
        fix_cdk="",
        console_url=None,
        source_url="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html",
        permissions=PERMISSIONS,
        controls=(),
    )
    return replace(report, results=(*report.results, result))
