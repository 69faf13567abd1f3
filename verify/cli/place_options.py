"""The options of ``logs`` and ``hunt`` that say which log files are read, and what they come to."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from verify.cli.common import aws_from, bucket_in, resources_from
from verify.errors import UsageError
from verify.report.iam_policy import least_privilege_policy
from verify.trail import home_region_of

if TYPE_CHECKING:
    from verify.aws import Aws
    from verify.integrity.sources import PreparedValidation
    from verify.logs.places import Asked, LogSource

_MORE = "more_"
_LISTS = ("places", "keys", "trust_key")


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Where the files are, which of them, of what time, whether proven, and how AWS is asked.

    A parser with ``argument_default=SUPPRESS`` is of an action: what may be given several times is kept beside what its
    command was given, since argparse would put it in its place. :func:`join_lists` puts both together.
    """
    is_of_action = parser.argument_default is argparse.SUPPRESS
    none: str | list[str] = argparse.SUPPRESS if is_of_action else []
    more = _MORE if is_of_action else ""
    where = parser.add_argument_group("where the files are")
    where.add_argument(
        "--in",
        dest=f"{more}places",
        metavar="PLACE",
        action="append",
        default=none,
        help="a copy of the bucket in a folder, an evidence bundle by its manifest (DIR/bundle.json), s3://BUCKET, "
        "or a log file (gzip or not; Records, a list, or lines); may be given several times for files. Default: the "
        "trail's bucket.",
    )
    where.add_argument("--trail", metavar="NAME|ARN", help="Default: the only trail there is.")
    where.add_argument("--bucket", metavar="NAME", help="where the trail delivered, if not where it does now.")
    where.add_argument("--prefix", metavar="PREFIX", help="the prefix in that bucket. Default: none.")
    which = parser.add_argument_group("which of them")
    which.add_argument("--account", metavar="IDS", help="only these accounts, separated by commas. Default: all.")
    which.add_argument("--region", metavar="REGIONS", help="only these regions, separated by commas. Default: all.")
    times = parser.add_argument_group("time, in UTC")
    times.add_argument(
        "--since",
        metavar="DURATION",
        help="30m, 2h, 7d or 1w before --end. Default: 1d; of files and folders, all there is.",
    )
    times.add_argument("--start", metavar="TIME", help="a date or a date and time (ISO 8601).")
    times.add_argument(
        "--end",
        metavar="TIME",
        help="the same, or now; a date is included. Default: now; of a bundle, when it was made.",
    )
    proof = parser.add_argument_group("proof")
    proof.add_argument(
        "--proven-only",
        action="store_true",
        help="only files that the digest chain vouches for, as 'verify integrity' judges them; the rest is told.",
    )
    proof.add_argument(
        "--keys",
        dest=f"{more}keys",
        metavar="FILE",
        action="append",
        default=none,
        help="for --proven-only of a copy: AWS's public keys, as for integrity; may be given several times.",
    )
    proof.add_argument(
        "--trust-key",
        dest=f"{more}trust_key",
        metavar="FINGERPRINT",
        action="append",
        default=none,
        help="for --proven-only of a bundle: a public key that you know to be AWS's; may be given several times.",
    )
    aws = parser.add_argument_group("AWS")
    aws.add_argument("--profile", help="a profile of ~/.aws/config. Default: the usual credential chain.")
    aws.add_argument("--endpoint-url", metavar="URL", help="talk to this endpoint instead of AWS (AWS_ENDPOINT_URL).")


def join_lists(arguments: argparse.Namespace) -> None:
    """Put together what was given several times, before an action's name and after it."""
    for name in _LISTS:
        setattr(arguments, name, [*getattr(arguments, name), *vars(arguments).pop(f"{_MORE}{name}", ())])


def asked_from(arguments: argparse.Namespace) -> Asked:
    """What the options ask for.

    :raises UsageError: they contradict each other.
    """
    from verify.logs.places import Asked  # noqa: PLC0415 - it takes long to load, and --help needs none

    if (arguments.keys or arguments.trust_key) and not arguments.proven_only:
        raise UsageError("--keys and --trust-key are for --proven-only: nothing else asks for proof.")
    return Asked(
        places=tuple(arguments.places),
        since=arguments.since,
        start=arguments.start,
        end=arguments.end,
        accounts=_names(arguments.account),
        regions=_names(arguments.region),
        trail=arguments.trail,
        bucket=arguments.bucket,
        prefix=arguments.prefix,
        keys=tuple(arguments.keys) or None,
        trust_keys=tuple(arguments.trust_key),
    )


def place_of(arguments: argparse.Namespace, asked: Asked, now: datetime) -> LogSource | PreparedValidation:
    """The files that are asked for; with ``--proven-only`` what is to be validated, of which only proven files count.

    :param asked: as :func:`asked_from` has it, or more.
    """
    from verify.logs.places import find_files, prepare_validation  # noqa: PLC0415 - as above

    find = prepare_validation if arguments.proven_only else find_files
    return find(asked, now, lambda: aws_of_places(arguments))


def aws_of_places(arguments: argparse.Namespace) -> Aws:
    """The AWS session in which the trail is looked for: in its home region, or in the only region that was named."""
    regions = sorted(_names(arguments.region))
    only = regions[0] if len(regions) == 1 else None
    return aws_from(_in_region(arguments, home_region_of(arguments.trail) or only))


def _in_region(arguments: argparse.Namespace, region: str | None) -> argparse.Namespace:
    """The same with one region to ask in, or none, in place of those whose files are meant."""
    return argparse.Namespace(**{**vars(arguments), "region": region})


def _names(text: str | None) -> frozenset[str]:
    return frozenset(part.strip() for part in (text or "").split(",")) - {""}


def policy_of_places(arguments: argparse.Namespace) -> dict[str, Any]:
    """The IAM policy that reading these files needs; no call is made."""
    from verify.integrity.facts import PERMISSIONS as FACTS  # noqa: PLC0415
    from verify.storage.s3 import PERMISSIONS as FILES  # noqa: PLC0415

    bucket = next((bucket_in(each) for each in arguments.places if each.startswith("s3://")), None)
    resources = resources_from(_in_region(arguments, home_region_of(arguments.trail)))
    return least_privilege_policy((*FACTS, *FILES), replace(resources, bucket=bucket or resources.bucket))
