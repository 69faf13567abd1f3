"""Turns the options of ``verify integrity`` into what is to be validated, and where it is to be found."""

from __future__ import annotations

from datetime import datetime, timedelta

from verify.aws import Aws
from verify.integrity.sources import (
    IntegrityOptions,
    PreparedValidation,
    as_meant,
    check_options,
    from_bucket,
    from_folder,
    period_of,
)
from verify.storage.objects import S3
from verify.storage.read_processes import ReadProcesses
from verify.storage.s3 import S3ObjectStore
from verify.threads import started
from verify.trail import home_region_of

_MUCH_TO_READ = timedelta(days=3)  # a region alone has some 300 log files a day


def prepare(
    options: IntegrityOptions,
    profile: str | None,
    endpoint_url: str | None,
    now: datetime,
    processes: ReadProcesses | None = None,
) -> PreparedValidation:
    """Find out what is meant.

    :param now: the present moment, by this machine's clock.
    :param processes: see :class:`verify.storage.s3.S3ObjectStore`.
    :raises UsageError: the options contradict each other, or name what is not there.
    :raises CannotLook: AWS could not be asked.
    """
    options = as_meant(options)
    check_options(options)
    if options.source is not None and not options.source.startswith(S3):
        return from_folder(options, now)
    period = period_of(options, now)
    is_long = period.end - period.start >= _MUCH_TO_READ
    if processes is not None and is_long and options.state is None and not options.is_quick:
        started(processes.start)  # which takes a while, most of it in the system
    aws = Aws(profile=profile, region=home_region_of(options.trail) or options.region, endpoint_url=endpoint_url)
    aws.check_region()
    aws.check_region(options.region)  # where the trail's ARN names the region to ask in
    aws.client("cloudtrail")  # is asked first, and the other clients are made while it answers
    started(lambda: [aws.client(service) for service in ("s3", "ec2", "sts")])
    return from_bucket(options, aws, S3ObjectStore(aws, processes), now)
