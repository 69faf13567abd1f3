"""What every command shares: its options, and the AWS session and the resources that they describe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from verify.report.iam_policy import Resources
from verify.trail import home_region_of

# It takes long to load, and files of this machine need none of it.
if TYPE_CHECKING:
    from verify.aws import Aws

# A person waits for the answer: what AWS does not answer in this time is UNKNOWN.
PATIENCE_SECONDS = 20.0


def add_aws_options(parser: argparse.ArgumentParser, *, with_json: bool = True) -> None:
    """``--region``, ``--profile``, ``--endpoint-url`` and ``--json``, the same for every command.

    :param with_json: the command has no other formats.
    """
    group = parser.add_argument_group("AWS")
    group.add_argument("--region", help="AWS region. Default: the profile's, or AWS_REGION.")
    group.add_argument("--profile", help="a profile of ~/.aws/config. Default: the usual credential chain.")
    group.add_argument("--endpoint-url", metavar="URL", help="talk to this endpoint instead of AWS (AWS_ENDPOINT_URL).")
    if with_json:
        parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables.")


def add_iam_policy_option(parser: argparse.ArgumentParser, *, names_resources: bool = False) -> None:
    """``--print-iam-policy``, the same for every command.

    :param names_resources: the command has options that name a trail, a bucket or a key.
    """
    more = " It names the trail, bucket and key that the other options name." if names_resources else ""
    parser.add_argument(
        "--print-iam-policy",
        action="store_true",
        help="print the IAM policy that this command needs, without calling AWS, and stop." + more,
    )


def add_limit_option(parser: argparse.ArgumentParser) -> None:
    """``--limit``, the same for every command that shows events."""
    parser.add_argument(
        "--limit", type=_limit, default=50, metavar="N", help="the newest N events; 0 for all. Default: 50."
    )


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events. Allowed: 1, 2, … or 0 for all.")
    return int(text)


def resources_from(arguments: argparse.Namespace) -> Resources:
    """The resources that ``--trail``, ``--bucket`` and ``--key`` name, without a call to AWS."""
    from verify.aws import Aws  # noqa: PLC0415

    given = {name: getattr(arguments, name, None) or "" for name in ("trail", "bucket", "key")}
    region = home_region_of(given["trail"]) or arguments.region
    return Resources(
        partition=Aws(region=region).partition if region else "aws",
        trail_arn=given["trail"] if given["trail"].startswith("arn:") else None,
        bucket=bucket_in(given["bucket"]),
        key_arn=given["key"] if ":key/" in given["key"] else None,
    )


def bucket_in(address: str) -> str | None:
    """The bucket of ``logs``, ``s3://logs`` or ``s3://logs/prefix``; ``None`` where it names none."""
    return address.removeprefix("s3://").partition("/")[0] or None


def aws_from(arguments: argparse.Namespace, *, patience_seconds: float | None = None) -> Aws:
    """The AWS session that the options describe.

    :param patience_seconds: as of :class:`Aws`. Default: - as long as it takes.
    :raises UsageError: there is no such region, among others; see :class:`Aws`.
    """
    from verify.aws import Aws  # noqa: PLC0415

    aws = Aws(
        profile=arguments.profile,
        region=arguments.region,
        endpoint_url=arguments.endpoint_url,
        patience_seconds=patience_seconds,
    )
    aws.check_region()
    return aws
