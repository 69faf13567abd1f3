"""Where CloudTrail delivers: the keys of log files and digests, and what they say.

Logs: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-find-log-files.html
Digests: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from msgspec import Struct

from verify.storage.objects import ObjectName

# The name of a log file tells when it was delivered, to the minute.
LOG_NAME_TELLS = timedelta(minutes=1)
ROOT = "AWSLogs/"
_FIRST_YEAR, _LAST_YEAR = 2006, 2200  # of AWS; of what a calendar can add to
_FOLDER = r"(?:(?P<organization>o-[a-z0-9]{10,32})/)?(?P<account>[0-9]{12})"
_DAY = r"(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})"
_REGION = r"(?P<region>[a-z]{2}[a-z0-9-]{3,30})"
_DIGEST = re.compile(
    _FOLDER + r"/CloudTrail-Digest/" + _REGION + "/" + _DAY + "/"
    r"(?P=account)_CloudTrail-Digest_(?P=region)_(?P<trail>[A-Za-z0-9._-]{3,128})_(?P<home>[a-z]{2}[a-z0-9-]{3,30})"
    r"_(?P<time>[0-9]{8}T[0-9]{6}Z)(?P<backfill>_backfill)?\.json\.gz",
)
_LOG = re.compile(
    _FOLDER + r"/CloudTrail/" + _REGION + "/" + _DAY + "/"
    r"(?P=account)_CloudTrail_(?P=region)_(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]{16}\.json\.gz",
)


class DeliveryLocation(Struct, frozen=True, order=True):
    """Where a trail delivers an account's files.

    :param prefix: the trail's S3KeyPrefix; ``""`` for none.
    :param organization: the organization's id for an organization trail, else ``""``.
    """

    bucket: str
    prefix: str
    organization: str
    account: str

    @property
    def place(self) -> tuple[str, str]:
        """The bucket and the prefix, in which lie the files of all accounts."""
        return self.bucket, self.prefix

    @property
    def root(self) -> str:
        """The folder that holds ``CloudTrail/`` and ``CloudTrail-Digest/``."""
        parts = (self.prefix, "AWSLogs", self.organization, self.account, "")
        return "/".join(part for part in parts[:-1] if part) + "/"

    def digests_on(self, region: str, day: date) -> str:
        """The folder of a region's digests that end on ``day``."""
        return f"{self.root}CloudTrail-Digest/{region}/{day:%Y/%m/%d}/"

    def logs_on(self, region: str, day: date) -> str:
        """The folder of a region's logs that were delivered on ``day``."""
        return f"{self.root}CloudTrail/{region}/{day:%Y/%m/%d}/"


class ChainName(Struct, frozen=True, order=True):
    """Whose digests form one chain: a trail's, for one account and region; backfill digests form a second one."""

    account: str
    region: str
    trail: str
    home_region: str
    is_backfill: bool = False

    @property
    def trail_key(self) -> tuple[str, str]:
        """What tells the trails of an account or an organization apart: the name and the home region."""
        return self.trail, self.home_region


class DigestName(Struct, frozen=True):
    """What a digest's key says.

    :param end: the end of the hour that it covers.
    :param name: the object.
    """

    location: DeliveryLocation
    chain: ChainName
    end: datetime
    name: ObjectName

    @classmethod
    def parse(cls, name: ObjectName) -> DigestName | None:
        """Take a key apart; ``None`` when it is not a digest's."""
        prefix, found = _matched(_DIGEST, name.key)
        end = _moment(found["time"], found["day"]) if found else None
        if found is None or end is None:
            return None
        chain = ChainName(
            found["account"], found["region"], found["trail"], found["home"], is_backfill=bool(found["backfill"])
        )
        return cls(_location(name.bucket, prefix, found), chain, end, name)

    @classmethod
    def of(cls, location: DeliveryLocation, chain: ChainName, end: datetime) -> DigestName:
        """The name that CloudTrail gives to a digest."""
        backfill = "_backfill" if chain.is_backfill else ""
        trail = f"{chain.region}_{chain.trail}_{chain.home_region}"
        file = f"{chain.account}_CloudTrail-Digest_{trail}_{end:%Y%m%dT%H%M%SZ}{backfill}.json.gz"
        return cls(
            location, chain, end, ObjectName(location.bucket, location.digests_on(chain.region, end.date()) + file)
        )


class LogName(Struct, frozen=True):
    """What a log file's key says.

    :param delivered: when it was delivered, to the minute.
    """

    location: DeliveryLocation
    region: str
    delivered: datetime

    @classmethod
    def parse(cls, name: ObjectName) -> LogName | None:
        """Take a key apart; ``None`` when it is not a log file's."""
        prefix, found = _matched(_LOG, name.key)
        delivered = _moment(found["time"], found["day"]) if found else None
        if found is None or delivered is None:
            return None
        return cls(_location(name.bucket, prefix, found), found["region"], delivered)


def _matched(pattern: re.Pattern[str], key: str) -> tuple[str, re.Match[str] | None]:
    """The prefix, and what the pattern finds after ``AWSLogs/``; taken apart by hand, for it is done for every file."""
    prefix, root, rest = key.rpartition(ROOT)
    is_named = root and (not prefix or (prefix.endswith("/") and prefix != "/"))
    return prefix[:-1], pattern.fullmatch(rest) if is_named else None


def _location(bucket: str, prefix: str, found: re.Match[str]) -> DeliveryLocation:
    return DeliveryLocation(bucket, prefix, found["organization"] or "", found["account"])


def _moment(text: str, day: str) -> datetime | None:
    """The moment in a file's name, when it exists and lies on the day that the folder names."""
    if f"{text[:4]}/{text[4:6]}/{text[6:8]}" != day:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
