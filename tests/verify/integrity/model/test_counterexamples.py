"""What the model found while the verifier was written, each as small as it could be made.

Each case once gave a verdict that was not true, or a false alarm.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.verify.integrity.model.case import (
    BEGIN,
    BUCKET,
    DELEGATE,
    MEMBERS,
    OTHER_BUCKET,
    OWNER,
    Attack,
    Case,
    Move,
    TrailStart,
)
from tests.verify.integrity.model.run import run

pytestmark = pytest.mark.regular

ONE = ("us-east-1",)
TWO = ("us-east-1", "eu-west-1")


def move(at: str, kind: str, value: str | bool | int = 0, *, trail: int = 0) -> Move:  # noqa: FBT001 - what a call sets
    """A move at a day and time."""
    moment = datetime.strptime(f"2026-11-{at}+0000", "%Y-%m-%d %H:%M:%S%z")
    return Move(kind, int((moment - BEGIN) / timedelta(seconds=1)), trail, value)


def case(seed: int, minutes: int, *moves: Move, regions: tuple[str, ...] = ONE, **changes: Any) -> Case:
    """A case with one trail that lives in us-east-1."""
    fields: dict[str, Any] = {}
    of_trail = {name[6:]: value for name, value in changes.items() if name.startswith("trail_")}
    fields |= {name: value for name, value in changes.items() if not name.startswith("trail_")}
    trail = TrailStart(**({"name": "my-trail", "home": "us-east-1"} | of_trail))
    second = fields.pop("second", None)
    return Case(seed, minutes, (trail, second) if second else (trail,), moves, regions=regions, **fields)


def until_minutes_ago_an_organizations(seed: int) -> Case:
    """Stopped and started twice, perhaps by the delegated administrator, and given to one account ten minutes ago."""
    return case(
        seed, 360, move("02 21:05:00", "StopLogging"), move("02 22:10:00", "StartLogging"),
        move("02 23:59:00", "StopLogging"), move("03 00:40:00", "StartLogging"),
        move("03 01:34:00", "UpdateTrail organization", value=False), members=MEMBERS[:1],
        attacks=(Attack("delete session", seed),), trail_is_organization=True,
    )  # fmt: skip


CASES = {
    "the present says nothing of the last quarter of an hour": case(
        2340, 752, move("03 08:04:24", "DeleteTrail"), trail_prefix="logs/"
    ),
    "one region since ten minutes ago": case(
        1, 404, move("03 02:15:35", "UpdateTrail regions", value=False), regions=TWO, trail_home="eu-west-1"
    ),
    "a prefix that the trail gave up": case(
        26, 932, move("03 07:58:31", "UpdateTrail prefix", ""), trail_prefix="a/b"
    ),
    "a prefix that differs in a slash": case(
        11198, 650, move("03 00:05:56", "UpdateTrail prefix", "logs"), trail_prefix="logs/", mode="state", earlier=560
    ),
    "a bucket that the trail gave up": case(10006, 236, move("02 23:21:14", "UpdateTrail bucket", OTHER_BUCKET)),
    "a start that changes nothing before the first digest": case(
        275, 246, move("02 19:53:30", "CreateTrail"), move("02 21:42:38", "StartLogging"),
        move("02 21:42:44", "StartLogging"), regions=(*TWO, "us-west-2"), trail_is_old=False,
    ),
    "a stop and a start within a minute": case(
        1042, 189, move("02 22:02:51", "StopLogging"), move("02 22:03:24", "StartLogging"), regions=TWO,
        trail_home="eu-west-1", trail_prefix="logs/",
    ),
    "the last log of a trail that nobody signs for": case(
        106, 209, move("02 21:16:19", "StopLogging", 369661), regions=TWO, trail_home="eu-west-1",
        trail_validates=False, trail_prefix="logs",
    ),
    "the last log of a trail that nobody signs for, deleted": case(
        1, 412, move("03 00:21:02", "StopLogging"), regions=TWO, attacks=(Attack("delete region", 603356),),
        trail_home="eu-west-1", trail_validates=False, trail_is_multi_region=False,
    ),
    "a start that changes nothing long after a pause": case(
        11003, 700, move("03 05:02:04", "StopLogging"), move("03 05:12:04", "StartLogging"),
        move("03 07:08:34", "StartLogging", 310193), members=MEMBERS[:1], mode="state", earlier=627,
        trail_is_organization=True,
    ),
    "an organization's trail that its delegated administrator deletes": case(
        10159, 495, move("03 03:42:26", "DeleteTrail", 229349), regions=TWO, members=MEMBERS[:1], mode="bundle",
        earlier=495, trail_home="eu-west-1", trail_validates=False, trail_is_organization=True,
    ),
    "whose trail it is was not told": case(
        10519, 700, move("02 21:50:07", "StopLogging", 363456), move("03 05:30:05", "StopLogging"),
        move("03 06:26:52", "StartLogging", 935953), members=MEMBERS[:1], losses=("DescribeTrails",), asked_until=514,
        trail_is_organization=True, trail_prefix="logs",
    ),
    "a digest that nobody knows to be due": case(
        10306, 206, losses=("LookupEvents:cut",), trail_validates=False, trail_prefix="logs/"
    ),
    "nothing is missing before the trail was made": case(
        10122, 417, move("03 01:19:33", "CreateTrail"), move("03 01:20:03", "StartLogging"), regions=TWO,
        attacks=(Attack("delete account", 644944),), mode="copy", earlier=743, trail_home="eu-west-1",
        trail_is_old=False, trail_prefix="logs",
    ),
    "a planted digest of another trail, in a copy": case(
        10238, 205, attacks=(Attack("plant digest of another trail", 931943),), mode="folder", earlier=366,
        trail_prefix="logs",
    ),
    "a bundle of a bucket with a trail that nobody signs for": case(
        21008, 220, regions=TWO, mode="bundle", earlier=700, trail_home="eu-west-1", trail_is_old=False,
        trail_is_multi_region=False, trail_prefix="logs",
        second=TrailStart("other-trail", "eu-west-1", validates=False, prefix="logs"),
    ),
    "a bundle of a bucket in which another trail has more regions": case(
        20123, 487, regions=TWO, mode="bundle", earlier=650, trail_is_multi_region=False, trail_prefix="logs",
        second=TrailStart("other-trail", "eu-west-1", prefix="logs"),
    ),
    "a region that was left, and its files deleted": case(
        21141, 240, move("02 19:44:14", "region off", "ap-east-1"), regions=(*TWO, "ap-east-1"),
        attacks=(Attack("delete region", 130454),),
    ),
    "an organization that was left, and a member's files deleted": case(
        21493, 182, move("02 20:52:28", "UpdateTrail organization", value=False), members=MEMBERS[:1],
        attacks=(Attack("delete account", 749857),), trail_is_multi_region=False, trail_is_organization=True,
        trail_prefix="logs",
    ),
    "a stop of what was stopped": case(
        40792, 649, move("02 22:12:55", "CreateTrail"), move("02 22:12:56", "StartLogging"),
        move("02 23:16:06", "StopLogging", 897271), move("03 02:38:29", "StopLogging", 381085), trail_is_old=False,
    ),
    "a backfill digest that reaches back over what an earlier run proved": case(
        40998, 700, move("02 23:09:32", "backfill", 791333), regions=TWO, members=MEMBERS[:1], mode="state",
        earlier=369, attacks=(Attack("delete backfill", 143000),), trail_home="eu-west-1", trail_is_organization=True,
        trail_prefix="logs/",
    ),
    "a digest that the export could not read": case(
        41215, 531, members=MEMBERS[:1], mode="bundle", earlier=531, losses=("digest",), trail_is_organization=True,
        trail_prefix="a/b",
    ),
    "where the newest digest is was not told": case(
        40547, 300, move("02 19:43:58", "CreateTrail"), move("02 19:53:58", "StartLogging"),
        move("02 23:55:24", "UpdateTrail prefix", ""), regions=("us-east-1", "ap-east-1"),
        losses=("GetTrailStatus:throttled",), trail_home="ap-east-1", trail_is_old=False, trail_prefix="logs",
    ),
    "a digest that was delivered to the old bucket after the change": case(
        40669, 414, move("02 22:03:28", "CreateTrail"), move("02 22:13:28", "StartLogging"),
        move("03 01:51:25", "UpdateTrail bucket", OTHER_BUCKET), regions=TWO, trail_home="eu-west-1",
        trail_is_old=False,
    ),
    "how often digests come is not told by the last of a chain": case(
        41016, 366, move("02 19:44:01", "CreateTrail"), move("02 19:54:01", "StartLogging"),
        move("03 00:07:44", "DeleteTrail"), move("03 01:07:44", "CreateTrail"), move("03 01:07:46", "StartLogging"),
        losses=("ListPublicKeys",), trail_is_old=False,
    ),
    "a setting that only the answer to a call names": case(
        81111, 792, move("03 00:10:35", "UpdateTrail validation", value=True), regions=TWO, asked_from=243,
        asked_until=615, trail_is_multi_region=False, trail_prefix="logs",
    ),
    "a bucket, and one region, since minutes": case(
        82707, 218, move("02 23:06:56", "redelivered log", 535136),
        move("02 23:12:12", "UpdateTrail bucket", OTHER_BUCKET),
        move("02 23:13:18", "UpdateTrail regions", value=False),
        regions=TWO, mode="copy", earlier=218,
    ),
    "a chain that ended in the bucket of before": case(
        90930, 367, move("02 20:30:44", "CreateTrail"), move("02 20:40:44", "StartLogging"),
        move("02 22:26:22", "StopLogging"), move("02 22:34:56", "UpdateTrail bucket", OTHER_BUCKET),
        move("03 00:24:56", "StartLogging", 567557), trail_is_old=False,
    ),
    "a backfill digest that cannot be read": case(
        90105, 700, move("03 00:25:10", "CreateTrail"), move("03 00:25:40", "StartLogging"),
        move("03 00:55:56", "backfill", 475646), members=("444455556666", "555566667777"), losses=("digest",),
        quiet=ONE, trail_is_old=False, trail_is_multi_region=False, trail_is_organization=True,
    ),
    "a file that waits for a trail that is not known to sign": case(
        91065, 294, move("02 23:03:39", "CreateTrail"), move("02 23:13:39", "StartLogging"),
        regions=("us-east-1", "ap-east-1"), members=MEMBERS[:1], losses=("DescribeTrails",), trail_home="ap-east-1",
        trail_is_old=False, trail_validates=False, trail_is_organization=True,
    ),
    "a pause beside digests that cannot be checked": case(
        400105, 367, move("02 22:19:46", "CreateTrail"), move("02 22:29:46", "StartLogging"),
        move("03 01:35:46", "region off", "ap-east-1"), regions=("us-east-1", "eu-west-1", "us-west-2", "ap-east-1"),
        attacks=(Attack("delete everything", 514216),), trail_is_old=False, trail_prefix="a/b",
    ),
    "a copy that lacks the end of a short chain": case(
        402126, 613, move("02 19:40:24", "StopLogging"), move("02 19:41:24", "StartLogging"),
        move("02 19:42:53", "StopLogging", 942208), regions=(*TWO, "us-west-2", "ap-east-1"), mode="copy", earlier=613,
        trail_home="eu-west-1",
    ),
    "another trail's newest file while the trail is stopped": case(
        501462, 1041, move("03 07:11:38", "StopLogging", 203894),
        second=TrailStart("other-trail", "us-east-1", is_multi_region=False),
    ),
    "a former prefix that differs in a slash": case(
        502032, 488, move("02 20:19:04", "CreateTrail"), move("02 20:19:34", "StartLogging"),
        move("02 22:13:33", "StopLogging"), move("02 22:32:12", "StartLogging"),
        move("03 02:51:34", "UpdateTrail prefix", "logs"), regions=(*TWO, "us-west-2"), trail_home="eu-west-1",
        trail_is_old=False, trail_prefix="logs/",
    ),
    "a home region that was left and joined again": case(
        503515, 845, move("02 20:04:37", "region off", "ap-east-1"), move("03 07:19:42", "region on", "ap-east-1"),
        regions=("us-east-1", "ap-east-1"), trail_home="ap-east-1", trail_prefix="logs",
    ),
    "a stop of what never logged": case(
        600082, 515, move("03 02:12:31", "CreateTrail"), move("03 02:19:08", "StopLogging", 749816),
        move("03 02:22:31", "StartLogging"), regions=TWO, trail_home="eu-west-1", trail_is_old=False,
    ),
    "the digest of a stop may come, whatever else is gone": case(
        630246, 1431, move("02 21:18:55", "StartLogging"), move("03 19:21:31", "StopLogging", 385318), regions=TWO,
        attacks=(Attack("delete region", 846559),), losses=("LookupEvents",), trail_is_logging=False,
    ),
    "seconds of logging between two pauses": case(
        642710, 225, move("02 21:05:31", "StopLogging"), move("02 21:05:42", "StartLogging"),
        move("02 21:06:21", "StopLogging"), attacks=(Attack("hide a call", 799884),), trail_prefix="logs",
    ),
    "a former prefix that another trail has": case(
        650647, 895, move("02 23:23:24", "CreateTrail"), move("02 23:23:54", "StartLogging"),
        move("03 00:12:18", "UpdateTrail prefix", ""), mode="state", earlier=306, trail_is_old=False,
        trail_prefix="a/b", second=TrailStart("other-trail", "us-east-1", prefix="a/b"),
    ),
    "a file of yesterday that came a minute ago": case(
        654105, 971, move("02 20:22:52", "redelivered log", 72814), move("02 23:56:58", "StartLogging", 946691),
        trail_prefix="logs",
    ),
    "a file that came before the trail was deleted": case(
        660673, 262, move("02 23:55:08", "DeleteTrail"), move("02 23:56:08", "CreateTrail"), regions=TWO,
        attacks=(Attack("roll back", 47627),), trail_home="eu-west-1",
    ),
    "what the export could not read": case(
        662000, 1597, move("03 02:33:24", "StopLogging"), move("03 02:43:24", "StartLogging"),
        move("03 18:20:21", "UpdateTrail validation", value=False),
        move("03 18:30:21", "UpdateTrail validation", value=True), regions=TWO, mode="bundle", earlier=1597,
        attacks=(Attack("plant in other account", 816040),), losses=("log",), trail_prefix="a/b",
        second=TrailStart("my-trail", "eu-west-1", prefix="a/b"),
    ),
    "a file of the minute of a start": case(
        662647, 415, move("02 20:33:34", "StopLogging", 84819), move("03 02:02:12", "StartLogging", 343181),
        trail_prefix="a/b",
    ),
    "a digest that cannot be checked after a pause": case(
        673983, 298, move("02 21:37:39", "DeleteTrail"), move("02 22:37:39", "CreateTrail"),
        move("02 22:37:41", "StartLogging"), move("02 23:39:55", "region off", "ap-east-1"),
        regions=(*TWO, "us-west-2", "ap-east-1"), attacks=(Attack("delete everything", 138751),),
        trail_home="eu-west-1",
    ),
    "a region that is asked for where nobody tells which there are": case(
        670464, 500, regions=TWO, members=MEMBERS[:1], mode="state", earlier=332, only_region="us-east-1",
        attacks=(Attack("delete region", 277315),), losses=("DescribeRegions",), trail_home="eu-west-1",
        trail_is_organization=True,
    ),
    "a member that is gone from a plain copy": case(
        502673, 700, regions=TWO, members=MEMBERS[:1], mode="folder", asked_until=458,
        attacks=(Attack("delete session", 422276),), trail_home="eu-west-1", trail_is_multi_region=False,
        trail_is_organization=True, trail_prefix="logs",
    ),
    "a trail that never logged before it was deleted": case(
        1012659, 707, move("02 22:38:40", "CreateTrail"), move("03 06:07:29", "DeleteTrail"),
        move("03 06:17:29", "CreateTrail"), move("03 06:20:49", "StartLogging"), regions=TWO, trail_home="eu-west-1",
        trail_is_old=False, trail_prefix="logs",
    ),
    "a region of another trail, in a copy whose regions are told": case(
        1006547, 308, regions=TWO, mode="folder", asked_until=185, earlier=549, trail_is_multi_region=False,
        second=TrailStart("other-trail", "us-east-1"),
    ),
    "seconds of logging before the end of what is asked": case(
        2001072, 237, move("02 21:13:02", "CreateTrail"), move("02 21:13:03", "StartLogging"), asked_until=94,
        attacks=(Attack("delete everything", 749669),), trail_is_old=False, trail_prefix="a/b",
    ),
    "a deleted end after a deletion that is signed for": case(
        3002180, 602, move("02 22:13:19", "CreateTrail"), move("02 22:23:19", "StartLogging"),
        move("03 02:41:06", "DeleteTrail"), move("03 03:41:06", "CreateTrail"), move("03 03:41:08", "StartLogging"),
        attacks=(Attack("delete end", 49814),), losses=("GetTrailStatus",), trail_is_old=False,
    ),
    "a missing digest that would begin in a pause": case(
        3003683, 475, move("03 01:03:52", "DeleteTrail"), move("03 02:03:52", "CreateTrail"),
        move("03 02:07:12", "StartLogging"), mode="copy", earlier=475, attacks=(Attack("delete region", 833011),),
    ),
    "a region of which nothing is due, as the trail never had it": case(
        5006745, 182, move("02 20:16:18", "CreateTrail", trail=1), move("02 20:26:18", "StartLogging", trail=1),
        move("02 22:22:58", "StopLogging", 360522), regions=("us-east-1", "ap-east-1"), losses=("LookupEvents:cut",),
        trail_is_logging=False, trail_is_multi_region=False,
        second=TrailStart("my-trail", "ap-east-1", is_old=False),
    ),
    "the last minutes of a trail that was made anew and never logged": case(
        5006755, 745, move("02 23:33:06", "CreateTrail"), move("03 04:31:58", "StartLogging"),
        move("03 04:47:11", "DeleteTrail", 796588), move("03 05:51:48", "CreateTrail", 816768), regions=TWO,
        trail_home="eu-west-1", trail_is_old=False, trail_is_multi_region=False, trail_prefix="logs",
    ),
    "a former organization's trail that was deleted, and may have been made anew": case(
        5012213, 328, move("02 21:26:42", "key rotation"), move("02 21:47:53", "UpdateTrail organization", value=False),
        move("02 22:20:55", "DeleteTrail", 154552), move("02 22:39:32", "backfill", 464916),
        move("02 23:50:26", "DeleteTrail"), move("03 00:01:14", "StartLogging", 538371),
        move("03 00:50:26", "CreateTrail"), regions=TWO, members=MEMBERS[:1], losses=("DescribeTrails",),
        trail_home="eu-west-1", trail_is_organization=True, trail_prefix="logs",
    ),
    "a former organization's trail that a delegated administrator made anew, unseen": case(
        11, 300, move("02 21:20:00", "UpdateTrail organization", value=False), move("02 22:10:00", "DeleteTrail"),
        move("02 23:50:00", "CreateTrail"), move("02 23:50:02", "StartLogging"), members=MEMBERS[:1],
        losses=("DescribeTrails",), trail_is_multi_region=False, trail_is_organization=True,
    ),
    "a former organization's trail that a delegated administrator made anew and deleted, unseen, and its files": case(
        52, 700, move("02 21:20:00", "UpdateTrail organization", value=False), move("02 22:10:00", "DeleteTrail"),
        move("02 23:33:20", "CreateTrail"), move("02 23:33:22", "StartLogging"), move("03 04:00:00", "DeleteTrail"),
        members=MEMBERS[:1], attacks=(Attack("delete region", 7),), trail_is_multi_region=False,
        trail_is_organization=True,
    ),
    "a trail that was an organization's again between two calls that say it is not": case(
        195, 700, move("02 21:20:00", "UpdateTrail organization", value=False), move("02 22:10:00", "DeleteTrail"),
        move("02 23:33:20", "CreateTrail"), move("02 23:33:22", "StartLogging"),
        move("03 04:00:00", "UpdateTrail organization", value=False), members=MEMBERS[:1],
        trail_is_multi_region=False, trail_is_organization=True,
    ),
    "a file of another trail whose digest is late, deleted": case(
        5013114, 717, move("02 22:56:35", "outage", 693928, trail=1), move("02 23:19:06", "CreateTrail"),
        move("02 23:19:07", "StartLogging"), move("03 01:20:42", "region on", "ap-east-1"), regions=TWO,
        attacks=(Attack("delete account", 364645),), trail_home="eu-west-1", trail_is_old=False,
        trail_is_multi_region=False, second=TrailStart("other-trail", "eu-west-1"),
    ),
    "a stop within a minute after a digest, and the last digest gone": case(
        7008664, 923, move("02 21:19:33", "UpdateTrail regions", value=True), move("02 22:36:10", "StopLogging"),
        move("03 09:29:44", "StartLogging"), regions=TWO, attacks=(Attack("hide a call", 627810),), mode="copy",
        earlier=1642, trail_home="eu-west-1", trail_prefix="logs/",
    ),
    "a backfill digest that only one that cannot be checked names": case(
        7017822, 644, move("02 20:06:15", "backfill", 514301), move("02 23:21:23", "backfill", 51545),
        attacks=(Attack("delete backfill", 717485),), mode="copy", earlier=859, trail_is_multi_region=False,
        trail_prefix="logs/",
    ),
    "a bucket that the export could not list": case(
        7008423, 1522, move("02 20:15:35", "CreateTrail"), move("02 20:15:36", "StartLogging"),
        move("03 17:03:25", "UpdateTrail bucket", OTHER_BUCKET), regions=TWO, mode="bundle", earlier=1522,
        losses=("listing",), trail_home="eu-west-1", trail_is_old=False,
    ),
    "a copy with the prefix of a trail that is gone": case(
        7011858, 700, move("03 07:01:10", "DeleteTrail"), members=MEMBERS[:1], mode="copy", earlier=700,
        asked_until=285, trail_is_organization=True, trail_prefix="a/b",
    ),
    "a stop of a trail that had left the region before": case(
        8025152, 484, move("02 20:46:12", "CreateTrail"), move("02 20:46:13", "StartLogging"),
        move("02 22:18:46", "UpdateTrail regions", value=False), move("02 23:51:34", "StopLogging", 174127),
        regions=TWO, trail_is_old=False,
    ),
    "digests that wait for a late one": case(
        8026930, 700, move("03 02:45:22", "late digest", 147340), members=MEMBERS[:1], trail_is_organization=True,
        trail_prefix="logs",
    ),
    "the newest backfill digest of before a pause": case(
        8040469, 1189, move("02 21:23:59", "backfill", 526083), move("02 23:20:32", "StopLogging"),
        move("03 01:22:29", "StartLogging"), move("03 08:26:41", "backfill", 31211), regions=TWO,
        attacks=(Attack("delete backfill", 584938),), skew=timedelta(minutes=400), trail_home="eu-west-1",
        trail_is_multi_region=False,
    ),
    "a prefix of before the period, which another trail has today": case(
        778174, 258, move("02 19:50:39", "CreateTrail", trail=1), move("02 19:51:09", "StartLogging", trail=1),
        move("02 21:07:56", "UpdateTrail prefix", "logs"), regions=TWO, asked_from=138, trail_is_multi_region=False,
        trail_prefix="logs/", second=TrailStart("other-trail", "us-east-1", is_old=False, prefix="logs/"),
    ),
    "a prefix of before a stop, which another trail has today": case(
        20261354, 750, move("03 04:15:29", "StopLogging"), move("03 07:38:58", "UpdateTrail prefix", ""),
        losses=("DescribeTrails",), trail_prefix="logs", second=TrailStart("other-trail", "us-east-1", prefix="logs"),
    ),
    "what a bundle holds of a region in which another trail delivers": case(
        11293254, 324, regions=TWO, mode="bundle", earlier=432, trail_home="eu-west-1", trail_validates=False,
        trail_is_multi_region=False, trail_prefix="logs/",
        second=TrailStart("my-trail", "us-east-1", is_multi_region=False, prefix="logs/"),
    ),
    "a newest digest that came an hour and a minute after its time": case(
        11302908, 408, move("02 22:35:06", "late digest", 735307), regions=TWO, trail_home="eu-west-1",
        trail_is_multi_region=False,
    ),
    "a digest that came after a stop whose own is still to come": case(
        11306851, 888, move("03 10:09:30", "StopLogging", 722545), regions=TWO, trail_home="eu-west-1",
        trail_is_multi_region=False, trail_prefix="logs/",
    ),
    "a file beside AWSLogs/ in a plain copy": case(
        11412190, 1081, regions=TWO, mode="folder", asked_until=806, earlier=1081, trail_home="eu-west-1",
        trail_is_multi_region=False, attacks=(Attack("plant beside another trails files", 896328),),
    ),
    "another trail that signs nothing has one region, and a prefix of its own": case(
        11418509, 304, move("02 22:00:53", "CreateTrail"), move("02 22:01:23", "StartLogging"), regions=TWO,
        trail_home="eu-west-1", trail_is_old=False,
        second=TrailStart("other-trail", "us-east-1", validates=False, is_multi_region=False, prefix="a"),
    ),
    "an organization's trail until minutes ago": until_minutes_ago_an_organizations(3),
    "an organization's trail until minutes ago, with a member": until_minutes_ago_an_organizations(12),
    "an organization's trail until minutes ago, and nothing is missing": until_minutes_ago_an_organizations(15),
    "a trail of one account that was deleted, and made anew minutes ago": case(
        21210746, 697, move("02 22:43:28", "CreateTrail"), move("02 22:53:28", "StartLogging"),
        move("03 00:56:40", "key rotation"), move("03 06:16:57", "DeleteTrail"), move("03 07:16:57", "CreateTrail"),
        attacks=(Attack("sign anew with retired key", 856505),), losses=("DescribeTrails",), trail_is_old=False,
        trail_prefix="logs/",
    ),
    "another trail that signs nothing has the prefix that the trail had before it logged": case(
        21304628, 196, move("02 20:08:25", "StopLogging", trail=1), move("02 21:48:50", "CreateTrail"),
        move("02 21:52:59", "UpdateTrail prefix", "logs"), move("02 21:58:50", "StartLogging"), trail_is_old=False,
        second=TrailStart("other-trail", "us-east-1", validates=False),
    ),
    "a late log that the last digest of a chain names, in a copy": case(
        21304665, 734, move("02 23:59:02", "redelivered log", 410922), move("03 05:08:08", "StopLogging", 625832),
        regions=("us-east-1", "ap-east-1"), mode="folder", asked_until=461, earlier=734, trail_home="ap-east-1",
        trail_prefix="logs/",
    ),
    "a late log that a digest of the next day names, in a copy without metadata": case(
        21411593, 492, move("02 21:14:00", "redelivered log", 447055), mode="copy", earlier=492, asked_until=124,
    ),
    "another trail's newest log, which a copy lacks": case(
        21308544, 280, move("02 20:46:20", "CreateTrail", trail=1), move("02 20:46:21", "StartLogging", trail=1),
        mode="copy", earlier=280, attacks=(Attack("delete end", 87036),), trail_prefix="logs/",
        second=TrailStart("other-trail", "us-east-1", is_old=False, prefix="logs/"),
    ),
    "another trail has the prefix AWSLogs": case(
        906006, 750, second=TrailStart("other-trail", "us-east-1", prefix="AWSLogs"),
    ),
    "the prefix is AWSLogs, and another trail has none": case(
        906007, 750, trail_prefix="AWSLogs", second=TrailStart("other-trail", "us-east-1"),
    ),
    "another trail that signs nothing has a prefix of its own": case(
        906004, 750, second=TrailStart("other-trail", "us-east-1", validates=False, prefix="logs"),
    ),
    "another trail that signs nothing has a prefix of its own, in a bundle": case(
        906005, 750, mode="bundle", earlier=750,
        second=TrailStart("other-trail", "us-east-1", validates=False, prefix="logs"),
    ),
    "metadata of a digest before the period, which a bundle holds": case(
        32002013, 504, move("03 01:28:32", "UpdateTrail bucket", OTHER_BUCKET),
        move("03 01:41:19", "UpdateTrail organization", value=False), regions=TWO, mode="bundle", asked_from=395,
        earlier=673, members=MEMBERS[:1], losses=("ListPublicKeys",), trail_home="eu-west-1",
        trail_is_multi_region=False, trail_is_organization=True,
    ),
    "the newest digest is gone, and is of the time after the one that was asked for": case(
        32002601, 1178, move("03 12:13:30", "StopLogging"), move("03 13:13:30", "StartLogging"), regions=TWO,
        mode="copy", earlier=1178, asked_until=1049, skew=timedelta(minutes=-3), attacks=(Attack("roll back", 555056),),
        trail_home="eu-west-1",
    ),
    "an organization's trail in a folder, and in its bucket as somebody sees it who is not of the organization": case(
        34007226, 220, mode="folder", earlier=700, members=MEMBERS[:1], caller=MEMBERS[1], trail_is_organization=True,
    ),
    "a log of a trail of the same name, in a bucket that the trail left in the hour before midnight": case(
        34016917, 619, move("02 23:35:13", "UpdateTrail bucket", OTHER_BUCKET),
        regions=("us-east-1", "eu-west-1", "ap-east-1"), attacks=(Attack("delete records of calls", 333493),),
        trail_home="eu-west-1", trail_is_multi_region=False, trail_prefix="logs",
        second=TrailStart("my-trail", "ap-east-1", prefix="logs"),
    ),
    "an organization's own account in a folder, of whose deleted trail a member asked": case(
        35011706, 332, move("02 20:26:52", "CreateTrail", trail=1), move("02 20:27:22", "StartLogging", trail=1),
        move("03 00:45:42", "DeleteTrail", 904093), regions=TWO, mode="folder", asked_until=122, quiet=("eu-west-1",),
        earlier=332, members=MEMBERS[:1], caller=MEMBERS[0], trail_home="eu-west-1", trail_is_organization=True,
        trail_is_multi_region=False, trail_prefix="logs/",
        second=TrailStart("my-trail", "us-east-1", is_old=False, bucket=OTHER_BUCKET, prefix="logs/"),
    ),
    "a folder of two organizations with trails of one name, of which the name alone is told": case(
        36004147, 338, move("02 22:27:16", "late digest", 529181), mode="folder", earlier=338, members=MEMBERS[:1],
        attacks=(Attack("stand in with a namesake", 575367),), trail_is_organization=True,
    ),
    "another organization's trail of the same name, where nothing of the trail's own is left": case(
        41008625, 510, move("03 01:05:02", "CreateTrail"), move("03 01:05:32", "StartLogging"), members=MEMBERS[:1],
        attacks=(Attack("stand in with a namesake", 44833), Attack("roll back", 548062)), caller=DELEGATE,
        trail_is_old=False, trail_is_organization=True, trail_prefix="logs",
    ),
    "a member's own trail of the same name, where nothing of the trail's own is left": case(
        100019164, 236, regions=TWO, members=MEMBERS, trail_home="eu-west-1", trail_is_organization=True,
        attacks=(Attack("stand in with a namesake", 341124), Attack("roll back", 796631)),
    ),
    "an account that was asked for, of which a folder has logs and no digest": case(
        41011034, 700, mode="folder", earlier=700, members=MEMBERS, attacks=(Attack("roll back", 836901),),
        trail_is_organization=True,
    ),
    "a folder of a region that does not exist, in a copy of a trail that has one region since": case(
        41011385, 1115, move("03 08:26:45", "UpdateTrail regions", value=False),
        move("03 11:20:23", "UpdateTrail prefix", ""), regions=TWO, quiet=TWO, mode="copy", earlier=1487,
        attacks=(Attack("plant log in other region", 639865),), trail_home="eu-west-1", trail_prefix="logs",
    ),
    "the digest that is gone is of a session that ended before the period": case(
        43013484, 212, move("02 20:15:13", "CreateTrail"), move("02 20:15:43", "StartLogging"),
        move("02 20:48:46", "StopLogging"), regions=TWO, mode="copy", asked_from=76, earlier=378,
        attacks=(Attack("delete session", 435587),), trail_home="eu-west-1", trail_is_old=False,
    ),
    "a late log that was altered where the trail had moved, in a copy of the bucket of before": case(
        45017801, 1378, move("02 21:14:36", "redelivered log", 354826),
        move("03 00:38:09", "UpdateTrail bucket", OTHER_BUCKET), mode="copy", earlier=1378,
        attacks=(Attack("alter late log", 604167),), trail_prefix="a/b",
    ),
    "an account that has files only in a bucket that the trail left, which may not be listed": case(
        45006272, 242, move("02 23:17:26", "UpdateTrail bucket", OTHER_BUCKET), regions=("us-east-1", "ap-east-1"),
        quiet=ONE, members=MEMBERS[:1], mode="bundle", earlier=242, losses=("listing",),
        attacks=(Attack("plant in other account", 634243),), trail_home="ap-east-1", trail_is_organization=True,
        trail_prefix="logs",
    ),
    "the minutes between two chains, of which the later one is gone with the trail": case(
        45000187, 265, move("02 22:06:09", "DeleteTrail"), move("02 22:07:09", "CreateTrail"),
        move("02 22:07:11", "StartLogging"), move("02 23:28:03", "DeleteTrail", 885567), regions=TWO,
        attacks=(Attack("delete end", 152787),), trail_home="eu-west-1", trail_is_logging=False, trail_prefix="logs",
    ),
    "a log of another trail that signs nothing, of which it is not known that it logged then": case(
        43019628, 525, move("02 21:04:11", "CreateTrail"), move("02 21:04:12", "StartLogging"),
        move("03 03:58:26", "StartLogging", trail=1), regions=TWO, members=MEMBERS[:1],
        attacks=(Attack("delete session", 922910),), trail_home="eu-west-1", trail_is_old=False,
        trail_is_organization=True, second=TrailStart("other-trail", "us-east-1", validates=False, prefix="logs"),
    ),
    "a log planted where the trail has its place and another one alone delivers": case(
        47000539, 371, move("02 19:57:15", "CreateTrail", trail=1), move("02 19:57:45", "StartLogging", trail=1),
        regions=("us-east-1", "eu-west-1", "us-west-2"), attacks=(Attack("plant backfill", 630681),),
        trail_is_multi_region=False, trail_prefix="logs/",
        second=TrailStart("my-trail", "us-west-2", is_old=False, prefix="logs/"),
    ),
    "a trail made in the last minutes, of which DescribeTrails does not tell whether it is an organization's": case(
        47016232, 778, move("02 20:45:51", "DeleteTrail"), move("03 08:29:28", "CreateTrail"), mode="copy", earlier=778,
        losses=("DescribeTrails",), trail_is_multi_region=False, trail_prefix="logs/",
    ),
    "another trail that signs nothing, of which it is not known that it logged before it was started": case(
        47016255, 427, move("03 00:50:07", "StartLogging", trail=1), move("03 01:53:59", "CreateTrail"),
        move("03 01:54:00", "StartLogging"), trail_is_old=False,
        second=TrailStart("other-trail", "us-east-1", validates=False, prefix="a/b/c"),
    ),
    "a bundle that begins in a pause, and the digest of before it that was the last to come": case(
        51003304, 1285, move("02 23:31:30", "StopLogging", 65073), move("03 16:41:22", "StartLogging", 577340),
        regions=TWO, mode="bundle", asked_from=492, earlier=1285, trail_home="eu-west-1", trail_is_organization=True,
    ),
    "a retired key that leaked, and the last digest of a chain, which covers more than an hour": case(
        49004669, 360, move("02 23:23:39", "key rotation"), move("03 00:23:55", "StopLogging", 767075), mode="bundle",
        earlier=480, attacks=(Attack("sign anew with retired key", 732661),), trail_prefix="a/b",
    ),
    "for minutes in another bucket, with a log planted there, as a member of the organization asks": case(
        71000207, 1383, move("03 15:47:21", "UpdateTrail bucket", BUCKET),
        move("03 16:10:08", "UpdateTrail bucket", OTHER_BUCKET), attacks=(Attack("plant where the trail was", 535133),),
        members=MEMBERS[:1], caller=MEMBERS[0], trail_is_organization=True, trail_bucket=OTHER_BUCKET,
        trail_prefix="a/b",
    ),
    "for minutes in another bucket, with a log planted there, as another account asks": case(
        72000315, 2214, move("04 00:59:16", "UpdateTrail bucket", BUCKET),
        move("04 01:22:05", "UpdateTrail bucket", OTHER_BUCKET), attacks=(Attack("plant where the trail was", 138150),),
        caller=DELEGATE, trail_bucket=OTHER_BUCKET, trail_prefix="a/b",
    ),
    "for minutes in another bucket, with a log planted there, as another account asks by the place": case(
        72002930, 1145, move("03 11:25:26", "UpdateTrail bucket", BUCKET),
        move("03 11:43:15", "UpdateTrail bucket", OTHER_BUCKET), attacks=(Attack("plant where the trail was", 656462),),
        caller=DELEGATE, names_place=True, trail_bucket=OTHER_BUCKET, trail_prefix="logs/",
    ),
    "for minutes in another bucket, which whoever has no answers may not list": case(
        73000254, 785, move("03 07:22:13", "UpdateTrail bucket", OTHER_BUCKET),
        move("03 07:34:16", "UpdateTrail bucket", BUCKET), attacks=(Attack("plant where the trail was", 819998),),
        losses=("listing",), caller=DELEGATE, trail_prefix="a/b",
    ),
    "back from a bucket that may not be listed, with a call that the history does not hold yet": case(
        71000847, 1289, move("03 14:13:37", "UpdateTrail bucket", BUCKET),
        move("03 16:57:40", "UpdateTrail bucket", OTHER_BUCKET), losses=("listing",), trail_bucket=OTHER_BUCKET,
        trail_prefix="a/b",
    ),
    "back from a bucket that may not be listed, minutes ago, after a call that tells the place of before": case(
        71001752, 1307, move("02 20:27:21", "StartLogging", 203298), move("02 22:00:52", "UpdateTrail nothing", 433961),
        move("03 15:31:35", "UpdateTrail bucket", BUCKET), move("03 17:25:00", "UpdateTrail bucket", OTHER_BUCKET),
        losses=("listing",), regions=TWO, trail_home="eu-west-1", trail_bucket=OTHER_BUCKET,
    ),
    "brought back by a delegated administrator from a bucket that may not be listed": case(
        72001656, 1717, move("02 20:15:11", "redelivered log", 630837),
        move("03 21:18:45", "UpdateTrail bucket", BUCKET), move("03 23:45:33", "UpdateTrail bucket", OTHER_BUCKET),
        losses=("listing",), regions=TWO, members=MEMBERS[:1], trail_home="eu-west-1", trail_is_organization=True,
        trail_bucket=OTHER_BUCKET, trail_prefix="logs/",
    ),
    "for minutes in another bucket, with a log planted there, of which another account's digests tell": case(
        75004183, 700, move("03 00:12:14", "StartLogging", 228153), move("03 03:35:23", "UpdateTrail bucket", BUCKET),
        move("03 04:00:28", "UpdateTrail bucket", OTHER_BUCKET), attacks=(Attack("plant where the trail was", 86200),),
        regions=("us-east-1", "ap-east-1"), members=MEMBERS[:1], only_account=OWNER, trail_home="ap-east-1",
        trail_is_organization=True, trail_bucket=OTHER_BUCKET, trail_prefix="logs",
    ),
    "for minutes in another bucket, with a log planted there, of which the event history alone tells": case(
        81001098, 700, move("02 22:06:32", "backfill", 367240), move("02 22:39:29", "key rotation"),
        move("03 06:32:09", "UpdateTrail bucket", OTHER_BUCKET), move("03 06:37:51", "UpdateTrail bucket", BUCKET),
        members=MEMBERS, attacks=(Attack("plant where the trail was", 142621),), losses=("LookupEvents",),
        trail_is_organization=True, trail_prefix="logs/",
    ),
    # Three in which the model asked too much: digests of an account or region that is not asked for lead nowhere, and
    # where the home region is disabled, no history answers.
    "for minutes in another bucket, with a log planted there, as is asked of a member alone": case(
        75000794, 268, move("02 22:28:41", "UpdateTrail bucket", BUCKET),
        move("02 22:40:16", "UpdateTrail bucket", OTHER_BUCKET), regions=TWO, members=MEMBERS[:1], caller=DELEGATE,
        attacks=(Attack("plant where the trail was", 757993),), only_account=MEMBERS[0], trail_home="eu-west-1",
        trail_is_multi_region=False, trail_is_organization=True, trail_bucket=OTHER_BUCKET,
    ),
    "for minutes in another bucket, with a log planted there, in a bundle of one region": case(
        75001794, 1568, move("03 03:33:30", "StopLogging"), move("03 03:34:56", "StartLogging"),
        move("03 14:53:15", "UpdateTrail bucket", BUCKET), move("03 15:04:42", "UpdateTrail bucket", OTHER_BUCKET),
        regions=("us-east-1", "eu-west-1", "us-west-2"), mode="bundle", earlier=1568, losses=("LookupEvents",),
        attacks=(Attack("plant where the trail was", 171294),), only_region="us-west-2", trail_bucket=OTHER_BUCKET,
        trail_prefix="a/b",
    ),
    "for minutes in another bucket, with a log planted there, of a trail whose home region is disabled": case(
        90700442, 711, move("02 22:14:11", "region off", "ap-east-1"),
        move("03 04:21:11", "UpdateTrail bucket", BUCKET), move("03 04:35:04", "UpdateTrail bucket", OTHER_BUCKET),
        regions=("us-east-1", "ap-east-1"), losses=("DescribeTrails",), skew=timedelta(minutes=30),
        attacks=(Attack("plant where the trail was", 643579),), trail_home="ap-east-1", trail_bucket=OTHER_BUCKET,
        trail_prefix="logs/",
    ),
    # So it did here: what lies of the owner's below an organization is not known to be this trail's.
    "in another bucket, with a log planted there, of which only the owner's digests tell a member": case(
        93001213, 345, move("02 20:30:31", "StopLogging"), move("02 22:32:48", "StartLogging"),
        move("02 23:31:49", "StopLogging"), move("02 23:45:56", "StartLogging"),
        move("03 00:15:02", "UpdateTrail bucket", OTHER_BUCKET),
        move("03 01:17:17", "UpdateTrail organization", value=False), members=MEMBERS[:1], caller=MEMBERS[0],
        attacks=(Attack("plant where the trail was", 713210),), only_region="us-east-1", trail_is_organization=True,
    ),
    "an organization's own account in a folder, of whose trail, given to one account, a member asked": case(
        91013162, 700, move("03 07:11:04", "UpdateTrail organization", value=False), mode="folder", earlier=700,
        members=MEMBERS[:1], caller=MEMBERS[0], trail_is_organization=True,
    ),
    "a stop of what was stopped already, before a new start": case(
        91006856, 371, move("02 22:19:35", "StopLogging", 822131), move("02 22:31:09", "StopLogging", 198165),
        move("03 01:04:49", "StartLogging", 75145), regions=TWO, trail_home="eu-west-1",
    ),
    "taken by a delegated administrator to a bucket that may not be listed, of which no call tells": case(
        90700580, 654, move("02 21:29:00", "CreateTrail"), move("02 21:29:01", "StartLogging"),
        move("02 23:20:11", "UpdateTrail bucket", BUCKET), move("02 23:29:31", "UpdateTrail bucket", OTHER_BUCKET),
        losses=("listing",), members=MEMBERS[:1], attacks=(Attack("plant where the trail was", 859774),),
        trail_is_old=False, trail_is_organization=True, trail_bucket=OTHER_BUCKET, trail_prefix="logs/",
    ),
    "for minutes in another bucket, in a copy of the one that it came back to": case(
        92000655, 2346, move("03 09:43:34", "UpdateTrail bucket", OTHER_BUCKET),
        move("03 09:57:56", "UpdateTrail bucket", BUCKET), regions=TWO, mode="copy", earlier=2346,
        trail_home="eu-west-1", trail_prefix="logs",
    ),
    # The model asked too much: what lies beside the trail's own folders in a bucket that it left is no business of its.
    "a log planted beside an organization's folder, in a bucket that the trail left": case(
        90024145, 700, move("02 21:55:19", "CreateTrail"), move("02 21:55:20", "StartLogging"),
        move("03 05:38:01", "UpdateTrail bucket", OTHER_BUCKET), members=MEMBERS[:1], mode="bundle", earlier=700,
        attacks=(Attack("plant in other account", 787501),), trail_is_old=False, trail_is_organization=True,
        trail_prefix="logs", second=TrailStart("other-trail", "us-east-1", prefix="logs"),
    ),
    # So it did here: of a region in which CloudTrail says that it never delivered anything there is no row, but for the
    # minutes of another trail's files that lie there.
    "a trail that delivered nowhere, in regions in which another trail's files lie": case(
        98000580, 238, regions=("us-east-1", "eu-west-1", "ap-east-1"), losses=("LookupEvents", "LookupEvents:cut"),
        quiet=("eu-west-1",), attacks=(Attack("delete account", 732209),), trail_home="eu-west-1",
        trail_is_logging=False, second=TrailStart("other-trail", "eu-west-1", prefix="a"),
    ),
    "a region that only the folder of an account's own trail tells of, beside an organization's": case(
        100012101, 272, move("02 22:49:11", "CreateTrail"), regions=TWO, losses=("DescribeRegions",),
        members=MEMBERS[:1], trail_is_old=False, trail_is_multi_region=False, trail_is_organization=True,
        second=TrailStart("my-trail", "eu-west-1", is_multi_region=False),
    ),
    "a region that only the owner's folder below an organization tells of, where the trail is gone": case(
        140000295, 700, move("03 07:12:10", "DeleteTrail", 34264), regions=TWO, members=MEMBERS[:1],
        losses=("DescribeRegions", "ListAccounts"), trail_is_organization=True,
    ),
    "a member that was asked for, of which another trail of that name has the only folder": case(
        131002702, 329, move("02 20:36:28", "CreateTrail"), move("02 20:46:28", "StartLogging"),
        move("02 23:55:57", "member leaves", MEMBERS[0], trail=1), move("03 00:49:14", "StartLogging", trail=1),
        attacks=(Attack("stand in with a namesake", 512794), Attack("delete hours", 339540)), members=MEMBERS,
        caller=MEMBERS[0], only_account=MEMBERS[0], only_region="us-east-1", trail_is_old=False,
        trail_is_organization=True, trail_prefix="a/b",
        second=TrailStart("other-trail", "us-east-1", is_logging=False, prefix="logs"),
    ),
    # What monotone does not hold of, as docs/integrity.md tells.
    "a log planted where the event history alone tells that the trail was": case(
        90700869, 2003, move("03 01:13:50", "CreateTrail"), move("03 01:13:51", "StartLogging"),
        move("03 21:00:07", "UpdateTrail bucket", BUCKET), move("03 21:03:29", "UpdateTrail bucket", OTHER_BUCKET),
        regions=TWO, losses=("LookupEvents",), attacks=(Attack("plant where the trail was", 323919),),
        trail_home="eu-west-1", trail_is_old=False, trail_bucket=OTHER_BUCKET, trail_prefix="logs/",
    ),
    "another trail that signs nothing, where the event history alone tells that the trail was": case(
        90700275, 320, move("03 00:43:25", "UpdateTrail bucket", OTHER_BUCKET),
        move("03 00:49:13", "UpdateTrail bucket", BUCKET), regions=TWO, losses=("LookupEvents",),
        trail_home="eu-west-1", trail_prefix="logs",
        second=TrailStart("other-trail", "eu-west-1", validates=False, bucket=OTHER_BUCKET, prefix="logs"),
    ),
    "another trail that signs nothing, where the trail was while it was stopped": case(
        90702301, 1245, move("02 23:30:06", "StopLogging", 925364),
        move("03 13:28:09", "UpdateTrail bucket", OTHER_BUCKET), move("03 13:40:26", "UpdateTrail bucket", BUCKET),
        regions=TWO, losses=("LookupEvents:cut",), skew=timedelta(minutes=-400), trail_home="eu-west-1",
        second=TrailStart(
            "other-trail", "eu-west-1", validates=False, is_multi_region=False, bucket=OTHER_BUCKET
        ),
    ),
    "an account that joined an hour ago, and of which everything was deleted": case(
        91001870, 700, move("02 20:01:07", "CreateTrail"), move("02 20:01:37", "StartLogging"),
        move("03 06:21:23", "member joins", MEMBERS[1]), regions=TWO, members=MEMBERS[:1],
        attacks=(Attack("delete everything", 381273),), trail_home="eu-west-1", trail_is_old=False,
        trail_is_logging=False, trail_is_multi_region=False, trail_is_organization=True, trail_prefix="logs/",
    ),
    "a region that was opted in to an hour before the trail was deleted, with everything of it": case(
        118007145, 294, move("02 21:07:25", "CreateTrail"), move("02 21:07:55", "StartLogging"),
        move("02 22:43:27", "region on", "ap-east-1", trail=1), move("02 23:31:54", "DeleteTrail", 48620), regions=TWO,
        attacks=(Attack("delete everything", 783565),), trail_home="eu-west-1", trail_is_old=False,
    ),
    "another trail that signs nothing, and whose logs are deleted": case(
        90900881, 208, regions=("us-east-1", "eu-west-1", "us-west-2"), trail_home="eu-west-1",
        attacks=(Attack("delete everything", 581243),), second=TrailStart("other-trail", "us-west-2", validates=False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_was_not_true_once_is_true_now(name: str) -> None:
    outcome = run(CASES[name])

    assert not outcome.violations, "\n".join([*map(str, outcome.looks), *outcome.violations])
