"""What can happen to a trail's files: each scenario with our verdict and that of ``aws cloudtrail validate-logs``."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.verify.simulation.signing import public_key, sign
from tests.verify.simulation.trail import ACCOUNT, HOME, HOUR, START, Chain, Delivered, SimulatedAws, digest_fields
from verify.storage.objects import ObjectName

MEMBER = "444455556666"


@dataclass(frozen=True)
class Scenario:
    """A trail and what was done to it.

    :param exit_code: ours.
    :param cli_exit_code: the AWS CLI's.
    :param finds: verdicts that must be among our problems or periods.
    :param difference: why the two differ, where they do.
    """

    name: str
    build: Callable[[], Chain]
    exit_code: int = 0
    cli_exit_code: int = 0
    finds: frozenset[str] = frozenset()
    difference: str = ""


def trail(hours: int = 12, *, region: str = HOME, prefix: str = "") -> Chain:
    chain = Chain(SimulatedAws(), region=region, prefix=prefix)
    chain.run(hours)
    return chain


def after(tamper: Callable[[Chain], None], build: Callable[[], Chain] = trail) -> Callable[[], Chain]:
    def tampered() -> Chain:
        chain = build()
        tamper(chain)
        return chain

    return tampered


# ---- trails that were not tampered with ---------------------------------------------------------------------


def rotated() -> Chain:
    chain = trail(6)
    chain.rotate()
    chain.run(6)
    return chain


def rotated_between() -> Chain:
    """The hour before the rotation is signed with the new key, half an hour after it ended."""
    chain = trail(6)
    chain.aws.keys[HOME] = [public_key(0, valid_to=chain.at), public_key(1, valid_from=chain.at + HOUR * 1.5)]
    chain.key = 1
    chain.run(6)
    return chain


def backfilled() -> Chain:
    chain = trail(12)
    chain.backfill(chain.hours[3])
    chain.backfill(chain.hours[5], logs=2)
    return chain


def other_region() -> Chain:
    return trail(region="eu-west-1")


def moved_bucket() -> Chain:
    chain = trail(6)
    chain.bucket = chain.aws.trail["S3BucketName"] = "new-logs"
    chain.run(6)
    return chain


def moved_prefix() -> Chain:
    chain = trail(6, prefix="old/place")
    chain.prefix = chain.aws.trail["S3KeyPrefix"] = "new"
    chain.run(6)
    return chain


def organization() -> Chain:
    aws = SimulatedAws(organization="o-exampleorg12")
    aws.trail["IsOrganizationTrail"] = True
    for account in (ACCOUNT, MEMBER):
        chain = Chain(aws, account=account)
        chain.run(8)
    return chain


def paused() -> Chain:
    chain = trail(5)
    chain.pause(4)
    chain.run(4)
    return chain


def with_second_trail() -> Chain:
    chain = trail(6)
    other = Chain(chain.aws, trail="other-trail", number=1000)
    other.run(6)
    return chain


def empty_hours() -> Chain:
    chain = Chain(SimulatedAws())
    chain.run(6, logs=0)
    chain.run(2)
    return chain


# ---- what an attacker or an accident can do -----------------------------------------------------------


def rewrite_log(chain: Chain, hour: int = 4) -> None:
    log = chain.hours[hour].logs[0]
    chain.aws.edit(log, body=gzip.compress(gzip.decompress(chain.aws.objects[log].body) + b" "))


def append_to(name: ObjectName, chain: Chain) -> None:
    chain.aws.edit(name, body=chain.aws.objects[name].body + gzip.compress(b'{"Records":[]}'))


def swap(chain: Chain) -> None:
    objects, (one, other) = chain.aws.objects, chain.hours[4].logs
    objects[one], objects[other] = objects[other], objects[one]


def delete_hours(first: int, last: int | None, *, with_logs: bool = False) -> Callable[[Chain], None]:
    def delete(chain: Chain) -> None:
        for hour in chain.hours[first:last]:
            chain.aws.delete(hour.name, *(hour.logs if with_logs else ()))

    return delete


def delete_hours_and_edit_logs(chain: Chain) -> None:
    for hour in range(3, 9):
        rewrite_log(chain, hour)
    delete_hours(3, 9)(chain)


def rewrite_digest(chain: Chain, hour: int = 5) -> None:
    name = chain.hours[hour].name
    fields = json.loads(gzip.decompress(chain.aws.objects[name].body))
    fields["logFiles"] = fields["logFiles"][1:]
    chain.aws.edit(name, body=gzip.compress(json.dumps(fields).encode()))


def put_digest_over(chain: Chain) -> None:
    chain.aws.objects[chain.hours[5].name] = chain.aws.objects[chain.hours[4].name]


def sign_with(key: int) -> Callable[[Chain], None]:
    """A forged digest in the place of the newest, consistent in all but the key."""

    def forge(chain: Chain) -> None:
        chain.previous, chain.at = chain.hours[-2], chain.hours[-1].start
        chain.key = key
        chain.deliver(chain.at, chain.at + HOUR, [])
        chain.at += HOUR

    return forge


def wrong_link(*, sha256: str = "", signature: str = "") -> Callable[[], Chain]:
    """CloudTrail itself signs a digest whose link does not fit the digest before it."""

    def build() -> Chain:
        chain = trail(6)
        assert chain.previous
        last = chain.previous
        chain.previous = replace(last, sha256=sha256 or last.sha256, signature=signature or last.signature)
        chain.run(4)
        return chain

    return build


def inject_log(chain: Chain) -> None:
    chain.log(chain.hours[4].start + timedelta(minutes=20))


def inject_digest(chain: Chain) -> None:
    """A digest that CloudTrail did not sign, between two that it did."""
    hour = chain.hours[4]
    name = ObjectName(hour.name.bucket, hour.name.key.replace("0131Z.json.gz", "3131Z.json.gz"))
    fields = digest_fields(chain, name, hour.start, hour.end, None, [])
    chain.aws.put(name, gzip.compress(json.dumps(fields).encode()), hour.end, signature=sign(1, "anything"))


def lose_metadata(*names: str) -> Callable[[Chain], None]:
    def lose(chain: Chain) -> None:
        for hour in [*chain.hours[5:6], *chain.backfills]:
            left = {key: value for key, value in chain.aws.objects[hour.name].metadata.items() if key not in names}
            chain.aws.edit(hour.name, metadata=left)

    return lose


def break_signature(chain: Chain) -> None:
    stored = chain.aws.objects[chain.hours[5].name]
    chain.aws.edit(chain.hours[5].name, metadata=stored.metadata | {"signature": sign(1, "anything")})


def delete_last_digest_before_pause() -> Chain:
    chain = paused()
    last: Delivered = chain.hours[5]
    chain.aws.delete(last.name, *last.logs)
    return chain


def unrecorded_pause() -> Chain:
    """A chain that starts anew although no call turned logging off: digests between were removed."""
    chain = trail(4)
    chain.pause(4, is_recorded=False)
    return chain


def key_out_of_use(chain: Chain) -> None:
    chain.aws.keys[HOME] = [public_key(0, valid_to=START + 6 * HOUR)]


def cut(chain: Chain, name: ObjectName, number: int = 20) -> None:
    chain.aws.edit(name, body=chain.aws.objects[name].body[:-number])
