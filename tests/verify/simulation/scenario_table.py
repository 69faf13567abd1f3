"""The table of scenarios."""

from __future__ import annotations

import gzip

from tests.verify.simulation import scenarios as s
from tests.verify.simulation.scenarios import Scenario, after, trail
from tests.verify.simulation.trail import regunzip

MODIFIED, MISSING, UNSIGNED = frozenset({"altered"}), frozenset({"missing"}), frozenset({"foreign"})

CLEAN = (
    Scenario("two days", lambda: trail(50)),
    Scenario("the key was rotated", s.rotated),
    Scenario("the key was rotated between an hour and its digest", s.rotated_between),
    Scenario("backfill digests", s.backfilled),
    Scenario("hours without a log", s.empty_hours),
    Scenario("another region than the trail's own", s.other_region),
    Scenario("a prefix", lambda: trail(prefix="some/prefix")),
    Scenario("moved to another bucket", s.moved_bucket),
    Scenario("moved to another prefix", s.moved_prefix),
    Scenario("an organization's trail", s.organization),
    Scenario("logging was stopped and started again", s.paused),
    Scenario("two trails deliver to one bucket", s.with_second_trail),
    Scenario(
        "a log was compressed anew",
        after(lambda c: c.aws.edit(c.hours[4].logs[0], body=regunzip(c.aws.objects[c.hours[4].logs[0]].body))),
    ),
    Scenario(
        "a digest was compressed anew",
        after(lambda c: c.aws.edit(c.hours[4].name, body=regunzip(c.aws.objects[c.hours[4].name].body))),
    ),
)

BOTH_SEE = (
    Scenario("a log was modified", after(s.rewrite_log), 1, 1, MODIFIED),
    Scenario("a log was deleted", after(lambda c: c.aws.delete(c.hours[4].logs[1])), 1, 1, MISSING),
    Scenario("data was appended to a log", after(lambda c: s.append_to(c.hours[4].logs[0], c)), 1, 1, MODIFIED),
    Scenario("a log was cut short", after(lambda c: s.cut(c, c.hours[4].logs[0])), 1, 1, MODIFIED),
    Scenario("a log is no gzip file", after(lambda c: c.aws.edit(c.hours[4].logs[0], body=b"{}")), 1, 1, MODIFIED),
    Scenario("a log is empty", after(lambda c: c.aws.edit(c.hours[4].logs[0], body=b"")), 1, 1, MODIFIED),
    Scenario("two logs were swapped", after(s.swap), 1, 1, MODIFIED),
    Scenario("a digest was deleted", after(s.delete_hours(5, 6)), 1, 1, MISSING),
    Scenario("a digest and its logs were deleted", after(s.delete_hours(5, 6, with_logs=True)), 1, 1, MISSING),
    Scenario("two digests in a row were deleted", after(s.delete_hours(5, 7)), 1, 1, MISSING),
    Scenario("six digests were deleted and their logs edited", after(s.delete_hours_and_edit_logs), 1, 1, MISSING),
    Scenario("two digests apart were deleted", after(lambda c: c.aws.delete(c.hours[3].name, c.hours[7].name)), 1, 1),
    Scenario("the oldest three digests were deleted", after(s.delete_hours(0, 3)), 1, 1, MISSING),
    Scenario("a digest was modified", after(s.rewrite_digest), 1, 1, MODIFIED),
    Scenario("the newest digest was modified", after(lambda c: s.rewrite_digest(c, -1)), 1, 1, MODIFIED),
    Scenario("the oldest digest was modified", after(lambda c: s.rewrite_digest(c, 0)), 1, 1, MODIFIED),
    Scenario("a digest was cut short", after(lambda c: s.cut(c, c.hours[5].name)), 1, 1, MODIFIED),
    Scenario("a digest is no gzip file", after(lambda c: c.aws.edit(c.hours[5].name, body=b"{}")), 1, 1, MODIFIED),
    Scenario("a digest was put over another", after(s.put_digest_over), 1, 1, MODIFIED),
    Scenario("a digest is signed with an attacker's key", after(s.sign_with(7)), 1, 1, MODIFIED),
    Scenario("a digest was deleted at midnight", after(s.delete_hours(23, 24), lambda: trail(30)), 1, 1, MISSING),
    Scenario("a log was modified before a bucket's change", after(s.rewrite_log, s.moved_bucket), 1, 1, MODIFIED),
    Scenario(
        "the last digest in the old bucket was deleted", after(s.delete_hours(5, 6), s.moved_bucket), 1, 1, MISSING
    ),
    Scenario("a log was modified before a prefix's change", after(s.rewrite_log, s.moved_prefix), 1, 1, MODIFIED),
    Scenario("a member account's log was modified", after(s.rewrite_log, s.organization), 1, 1, MODIFIED),
    Scenario("a log was modified under the former key", after(s.rewrite_log, s.rotated), 1, 1, MODIFIED),
    Scenario("a log was modified before a pause", after(s.rewrite_log, s.paused), 1, 1, MODIFIED),
    Scenario(
        "an old backfill digest was deleted",
        after(lambda c: c.aws.delete(c.backfills[0].name), s.backfilled),
        1,
        1,
    ),
    Scenario(
        "a log of a backfill digest was modified",
        after(lambda c: c.aws.edit(c.backfills[1].logs[0], body=gzip.compress(b"{}")), s.backfilled),
        1,
        1,
        MODIFIED,
    ),
    Scenario(
        "a log of another region was deleted",
        after(lambda c: c.aws.delete(c.hours[4].logs[1]), s.other_region),
        1,
        1,
        MISSING,
    ),
)

_FOLLOWS = "the CLI starts at the newest digest that it finds and only follows links"
_CLI_IS_BLIND = (
    Scenario("the newest three digests were deleted", after(s.delete_hours(-3, None)), 1, 0, MISSING, _FOLLOWS),
    Scenario(
        "the newest three digests and their logs were deleted",
        after(s.delete_hours(-3, None, with_logs=True)),
        1,
        0,
        MISSING,
        _FOLLOWS,
    ),
    Scenario("all digests were deleted", after(s.delete_hours(0, None)), 1, 0, MISSING, "no digest, no error"),
    Scenario(
        "everything was deleted",
        after(s.delete_hours(0, None, with_logs=True)),
        3,
        0,
        frozenset({"unproven"}),
        "no digest, no error",
    ),
    Scenario("a log was put in", after(s.inject_log), 1, 0, UNSIGNED, "the CLI does not list logs"),
    Scenario("a digest was put in", after(s.inject_digest), 1, 0, UNSIGNED, _FOLLOWS),
    Scenario(
        "data was appended to a digest",
        after(lambda c: s.append_to(c.hours[5].name, c)),
        1,
        0,
        MODIFIED,
        "the CLI reads the first gzip member of a digest",
    ),
    Scenario(
        "a log's checksum was cut off",
        after(lambda c: s.cut(c, c.hours[4].logs[0], 4)),
        1,
        0,
        MODIFIED,
        "the CLI does not ask whether the gzip stream is complete",
    ),
    Scenario(
        "a signed link has another hash",
        s.wrong_link(sha256="0" * 64),
        1,
        0,
        MODIFIED,
        "the CLI does not compare links",
    ),
    Scenario(
        "a signed link has another signature",
        s.wrong_link(signature="ab" * 256),
        1,
        0,
        MODIFIED,
        "the CLI does not compare links",
    ),
    Scenario(
        "the last digest before a pause was deleted",
        s.delete_last_digest_before_pause,
        1,
        0,
        MISSING,
        "the CLI takes every new start of a chain for a pause",
    ),
    Scenario(
        "a chain starts anew without a pause",
        s.unrecorded_pause,
        1,
        0,
        MISSING,
        "the CLI takes every new start of a chain for a pause",
    ),
    Scenario(
        "the key was no longer in use", after(s.key_out_of_use), 1, 0, MODIFIED, "the CLI ignores when keys are valid"
    ),
    Scenario(
        "the newest backfill digest was deleted",
        after(lambda c: c.aws.delete(c.backfills[-1].name), s.backfilled),
        1,
        0,
        UNSIGNED,
        _FOLLOWS,
    ),
)

_PROVEN_BY_SUCCESSOR = "the digest after it holds its hash and a copy of its signature, and both fit"
_CLI_IS_TOO_STRICT = (
    Scenario(
        "a digest's signature was lost", after(s.lose_metadata("signature")), 0, 1, difference=_PROVEN_BY_SUCCESSOR
    ),
    Scenario("a digest's signature was replaced", after(s.break_signature), 0, 1, difference=_PROVEN_BY_SUCCESSOR),
    Scenario(
        "a digest's signature-algorithm was lost",
        after(s.lose_metadata("signature-algorithm")),
        0,
        1,
        difference="the digest itself says so too, signed",
    ),
    Scenario(
        "a backfill digest's generation time was lost",
        after(s.lose_metadata("backfill-generation-timestamp"), s.backfilled),
        0,
        1,
        difference="it only helps to find the key",
    ),
)

DIFFERENT = _CLI_IS_BLIND + _CLI_IS_TOO_STRICT
ALL = CLEAN + BOTH_SEE + DIFFERENT
