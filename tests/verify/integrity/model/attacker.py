"""The attacker: whoever may delete, overwrite and plant any object, but has neither AWS's keys nor its event history.

Calls to CloudTrail's API are moves of the history (:class:`.case.Move`), for AWS records them whoever makes them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from tests.verify.integrity.model.case import BEGIN, HOUR, MEMBERS, MINUTE, ORGANIZATION, OWNER, Attack
from tests.verify.integrity.model.cloudtrail import Genuine, Key, Name, Stored, World, digest_fields, iso, key_name
from tests.verify.integrity.model.signing import ATTACKERS, fingerprint, sign


class Attacker:
    """Changes a world's objects at a moment. Each method named ``do_…`` is one kind of attack.

    A method returns whether it changed anything.

    :param begin: when the history begins.
    """

    def __init__(self, world: World, at: datetime, begin: datetime = BEGIN) -> None:
        self.world, self.at, self.begin = world, at, begin
        self.objects = world.objects
        self.rng = Random(0)
        self.happened: list[str] = []
        self.rolled_back = False

    def attack(self, attack: Attack) -> None:
        """Carry out one attack."""
        self.rng = Random(f"{self.world.case.seed} attack {attack.number}")
        if ATTACKS[attack.kind](self):
            self.happened.append(attack.kind)

    # ---- choosing --------------------------------------------------------------------------------------------------

    def _here(self, *, digests: bool | None = None, key: Key | None = None) -> list[Genuine]:
        return [
            one for name, one in self.world.genuine.items()
            if name in self.objects and digests in (None, one.is_digest) and key in (None, one.key)
        ]  # fmt: skip

    def _pick(self, found: list[Genuine]) -> Genuine | None:
        return self.rng.choice(sorted(found, key=lambda one: one.name)) if found else None

    def _key(self) -> Key | None:
        keys = sorted({one.key for one in self._here()}, key=lambda key: (key.trail, key.account, key.region))
        return self.rng.choice(keys) if keys else None

    def _delete(self, found: list[Genuine]) -> bool:
        for one in found:
            self.objects.pop(one.name, None)
        return bool(found)

    def _put(self, name: Name, body: bytes, **metadata: str) -> bool:
        self.objects[name] = Stored(body, metadata, self.at)
        return True

    def _moment(self) -> datetime:
        seconds = (self.at - self.begin).total_seconds()
        if self.rng.random() < 0.3:
            return self.at - timedelta(seconds=self.rng.randrange(0, int(min(seconds, 3 * 3600))))
        return self.begin + timedelta(seconds=self.rng.randrange(0, int(seconds)))

    # ---- deleting --------------------------------------------------------------------------------------------------

    def do_delete_log(self) -> bool:
        one = self._pick(self._here(digests=False))
        return self._delete([one] if one else [])

    def do_delete_digest(self) -> bool:
        one = self._pick(self._here(digests=True))
        return self._delete([one] if one else [])

    def do_delete_hours(self) -> bool:
        """Digests with their logs."""
        key, start = self._key(), self._moment()
        end = start + self.rng.choice((HOUR, HOUR * 2, HOUR * 5))
        with_logs = self.rng.random() < 0.7
        return self._delete(
            [one for one in self._here(key=key) if start < one.at <= end and (with_logs or one.is_digest)]
        )

    def do_delete_end(self) -> bool:
        """The newest digests of a region, with their logs or without."""
        key = self._key()
        since = self.at - HOUR * self.rng.choice((1.5, 2, 3, 5))
        with_logs = self.rng.random() < 0.7
        return self._delete([one for one in self._here(key=key) if one.at > since and (with_logs or one.is_digest)])

    def do_delete_beginning(self) -> bool:
        key, until = self._key(), self._moment()
        with_logs = self.rng.random() < 0.7
        return self._delete([one for one in self._here(key=key) if one.at <= until and (with_logs or one.is_digest)])

    def do_delete_region(self) -> bool:
        key = self._key()
        with_logs = self.rng.random() < 0.7
        return self._delete([one for one in self._here(key=key) if with_logs or one.is_digest])

    def do_delete_account(self) -> bool:
        key = self._key()
        with_logs = self.rng.random() < 0.7
        return key is not None and self._delete([
            one for one in self._here() if one.key.account == key.account and (with_logs or one.is_digest)
        ])  # fmt: skip

    def do_delete_everything(self) -> bool:
        had = bool(self.objects)
        self.objects.clear()
        return had

    def do_delete_session(self) -> bool:
        """A whole chain, from its start to its stop."""
        key = self._key()
        if key is None:
            return False
        segment = self.rng.choice(self.world.segments[key])
        end = segment.end or self.at
        return self._delete(
            [one for one in self._here(key=key) if segment.start <= one.at <= end + timedelta(minutes=4)]
        )

    def do_delete_records_of_calls(self) -> bool:
        """The logs that tell of calls to the trail."""
        found = [one for one in self._here(digests=False) if one.calls]
        if found and self.rng.random() < 0.5:
            found = [self.rng.choice(sorted(found, key=lambda one: one.name))]
        return self._delete(found)

    def do_delete_backfill(self) -> bool:
        found = [one for one in self._here() if one.is_backfill]
        if found and self.rng.random() < 0.5:
            found = [self.rng.choice(sorted(found, key=lambda one: one.name))]
        return self._delete(found)

    # ---- overwriting -----------------------------------------------------------------------------------------------

    def do_alter_log(self) -> bool:
        one = self._pick(self._here(digests=False))
        return one is not None and self._put(one.name, gzip.compress(one.content + b" ", 1), **self._metadata(one))

    def do_alter_late_log(self) -> bool:
        """One that was delivered long after what its name tells."""
        one = self._pick([one for one in self._here(digests=False) if one.at > one.minute + HOUR / 4])
        return one is not None and self._put(one.name, gzip.compress(one.content + b" ", 1), **self._metadata(one))

    def do_swap_logs(self) -> bool:
        """Each genuine, but the other's."""
        one, other = self._pick(self._here(digests=False)), self._pick(self._here(digests=False))
        if not one or not other or one.content == other.content:
            return False
        return self._put(one.name, gzip.compress(other.content, 1)) and self._put(
            other.name, gzip.compress(one.content, 1)
        )

    def do_alter_digest(self) -> bool:
        """A digest that does not name one of its logs any more."""
        one = self._pick(self._here(digests=True))
        if one is None:
            return False
        fields = json.loads(one.content)
        fields["logFiles"] = fields["logFiles"][1:]
        fields["newestEventTime"] = None
        body = json.dumps(fields).encode()
        metadata = self._metadata(one)
        if self.rng.random() < 0.5:
            fields["digestPublicKeyFingerprint"] = hashlib.md5(b"").hexdigest()
            metadata = metadata | {"signature": sign(ATTACKERS, "anything")}
        return self._put(one.name, gzip.compress(body, 1), **metadata)

    def do_mix_and_match(self) -> bool:
        """A genuine digest, with its genuine signature, in another's place."""
        one, other = self._pick(self._here(digests=True)), self._pick(self._here(digests=True))
        if not one or not other or one.name == other.name:
            return False
        return self._put(one.name, gzip.compress(other.content, 1), **self._metadata(other))

    def do_lose_metadata(self) -> bool:
        one = self._pick(self._here(digests=True))
        if one is None:
            return False
        kept = {name: value for name, value in self._metadata(one).items() if self.rng.random() < 0.4}
        return self._put(one.name, self.objects[one.name].body, **kept)

    def do_append_gzip_member(self) -> bool:
        one = self._pick(self._here())
        if one is None:
            return False
        more = gzip.compress(b'{"Records":[{"eventName":"Planted"}]}')
        return self._put(one.name, self.objects[one.name].body + more, **self._metadata(one))

    def do_endless_data(self) -> bool:
        """Far more than CloudTrail ever wrote, well compressed."""
        one = self._pick(self._here())
        if one is None:
            return False
        return self._put(one.name, gzip.compress(one.content + b" " * 4_000_000, 1), **self._metadata(one))

    def do_cut(self) -> bool:
        one = self._pick(self._here())
        return one is not None and self._put(one.name, self.objects[one.name].body[:-9], **self._metadata(one))

    def do_write_again(self) -> bool:
        """The same content anew, as an encryption with another key does."""
        one = self._pick(self._here())
        return one is not None and self._put(one.name, gzip.compress(one.content, 6), **self.objects[one.name].metadata)

    def _metadata(self, one: Genuine) -> dict[str, str]:
        return self.world.stored(one).metadata

    # ---- planting --------------------------------------------------------------------------------------------------

    def _root(self) -> tuple[str, str, str, str]:
        """Bucket, the folder of an account, the account and the region: those of a file that is there, or would be."""
        one = self._pick(self._here())
        if one is None:
            trail = self.world.case.trails[0]
            return (
                trail.bucket,
                f"{trail.prefix}/AWSLogs/{OWNER}/" if trail.prefix else f"AWSLogs/{OWNER}/",
                OWNER,
                trail.home,
            )
        return one.name[0], one.name[1].partition("/CloudTrail")[0] + "/", one.key.account, one.key.region

    def _log_name(self, at: datetime, **changes: str) -> Name:
        bucket, root, account, region = self._root()
        region = changes.get("region", region)
        unique = hashlib.sha256(f"planted {self.rng.random()}".encode()).hexdigest()[:16]
        file = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
        return bucket, f"{root}CloudTrail/{region}/{at:%Y/%m/%d}/{file}"

    def _plant(self, name: Name) -> bool:
        body = json.dumps({"Records": [{"eventName": "Planted", "number": self.rng.random()}]}).encode()
        return self._put(name, gzip.compress(body, 1))

    def do_plant_log(self) -> bool:
        return self._plant(self._log_name(self._moment()))

    def do_keep_a_planted_log_young(self) -> bool:
        """Named for any hour, and written so late that no digest can have come since."""
        self.at = max(self.at, self.world.case.end - timedelta(minutes=self.rng.randrange(1, 100)))
        return self._plant(self._log_name(self._moment()))

    def do_plant_where_the_trail_was(self) -> bool:
        """In a place that the trail left since, often shortly before it did."""
        places, state = self.world.segments, self.world.state_at(self.at)[0]
        left = [
            (key, one) for key, found in sorted(places.items(), key=lambda item: repr(item[0])) for one in found
            if key.trail == 0 and one.end and one.end <= self.at and one.end > max(one.start, self.begin) + MINUTE * 3
            and (one.bucket, one.prefix) != (state.bucket, state.prefix)
        ]  # fmt: skip
        if not left:
            return False
        key, segment = self.rng.choice(left)
        end = segment.end or self.at
        most = min(end - max(segment.start, self.begin), HOUR * self.rng.choice((0.5, 1, 24))) - MINUTE * 2
        at = end - MINUTE - most * self.rng.random()
        top = f"{segment.prefix}/AWSLogs/" if segment.prefix else "AWSLogs/"
        top += f"{ORGANIZATION}/" if segment.is_organization else ""
        file = f"{key.account}_CloudTrail_{key.region}_{at:%Y%m%dT%H%MZ}_0123456789abcdef.json.gz"
        return self._plant((segment.bucket, f"{top}{key.account}/CloudTrail/{key.region}/{at:%Y/%m/%d}/{file}"))

    def do_plant_log_in_other_region(self) -> bool:
        regions = ("sa-east-1", "EU-WEST-1", "eu-west-9", *self.world.case.regions, "ap-east-1")
        return self._plant(self._log_name(self._moment(), region=self.rng.choice(regions)))

    def do_plant_in_other_account(self) -> bool:
        bucket, key = self._log_name(self._moment())
        other = self.rng.choice(("999988887777", *MEMBERS))
        return self._plant((bucket, key.replace(OWNER, other)))

    def do_plant_in_other_layout(self) -> bool:
        at = self._moment()
        bucket, key = self._log_name(at)
        day, file = f"{at:%Y/%m/%d}/", key.rpartition("/")[2]
        unpadded = f"{at.year}/{at.month}/{at.day}/"
        changes: list[Callable[[str], str]] = [
            lambda key: key.replace(day, unpadded + "x/"),
            lambda key: key.replace(day, f"{at:%Y/%m}/00/"),
            lambda key: key.replace(day, f"{at:%Y/%m/%d}/12/"),
            lambda key: key.replace("/CloudTrail/", "/Cloudtrail/"),
            lambda key: key.replace("AWSLogs/", "AWSLogs/extra/"),
            lambda key: key.replace("AWSLogs/", "awslogs/"),
            lambda key: key.replace(file, "planted.json.gz"),
            lambda key: key.replace(day, ""),
            lambda key: key.replace(day, day + "/"),
            lambda key: key.replace(f"{at:%Y%m%dT}", f"{at - timedelta(days=1):%Y%m%dT}"),
            lambda key: key.replace("AWSLogs/", "AWSLogs/o-aaaaaaaaaa/"),
        ]
        return self._plant((bucket, self.rng.choice(changes)(key)))

    def _planted_digest(self, region_trail: str, *, backfill: bool) -> bool:
        one = self._pick(self._here(digests=True))
        if one is None or one.start is None or one.end is None:
            return False
        end = one.end + timedelta(minutes=self.rng.choice((0, 7, 60)))
        log = self._log_name(min(end, self.at) - timedelta(minutes=3))
        self._plant(log)
        suffix = "_backfill.json.gz" if backfill else ".json.gz"
        key = one.name[1].replace("_backfill", "")
        key = key.replace(f"{one.end:%Y%m%dT%H%M%SZ}.json.gz", f"{end:%Y%m%dT%H%M%SZ}{suffix}")
        key = key.replace(f"{one.end:/%Y/%m/%d/}", f"{end:/%Y/%m/%d/}")
        old = f"_{self.world.case.trails[one.key.trail].name}_"
        name = (one.name[0], key.replace(old, f"_{region_trail}_") if region_trail else key)
        listed = [(log, hashlib.sha256(gzip.decompress(self.objects[log].body)).hexdigest())]
        fields = digest_fields(one.key.account, name, one.end, end, None, ATTACKERS, listed)
        if self.rng.random() < 0.5:
            fields["digestPublicKeyFingerprint"] = json.loads(one.content)["digestPublicKeyFingerprint"]
        content = json.dumps(fields).encode()
        text = "\n".join((iso(end), f"{name[0]}/{name[1]}", hashlib.sha256(content).hexdigest(), "null"))
        metadata = {"signature": sign(ATTACKERS, text), "signature-algorithm": "SHA256withRSA"}
        if backfill:
            metadata["backfill-generation-timestamp"] = iso(self.at)
        return self._put(name, gzip.compress(content, 1), **metadata)

    def do_plant_digest(self) -> bool:
        """One that names a planted log, signed with the attacker's key."""
        return self._planted_digest("", backfill=False)

    def do_plant_digest_of_another_trail(self) -> bool:
        return self._planted_digest("never-was", backfill=False)

    def do_plant_backfill(self) -> bool:
        return self._planted_digest(self.rng.choice(("", "never-was")), backfill=True)

    def do_replay_digest(self) -> bool:
        """A genuine digest, with its signature, under another name."""
        one = self._pick(self._here(digests=True))
        if one is None or one.end is None:
            return False
        end = one.end + timedelta(minutes=self.rng.choice((1, 30, 60)))
        key = one.name[1].replace(f"{one.end:%Y%m%dT%H%M%SZ}", f"{end:%Y%m%dT%H%M%SZ}")
        key = key.replace(f"{one.end:/%Y/%m/%d/}", f"{end:/%Y/%m/%d/}")
        return (one.name[0], key) not in self.objects and self._put(
            (one.name[0], key), gzip.compress(one.content, 1), **self._metadata(one)
        )

    def do_plant_beside_another_trails_files(self) -> bool:
        """On the way to the prefix of a trail, or beside its ``AWSLogs/``: any name that a query engine reads."""
        trail = self.rng.choice(self.world.case.trails)
        above, _, _ = self._log_name(self._moment())[1].partition("AWSLogs/")
        folders = [trail.prefix, f"{trail.prefix}/x", above.rstrip("/"), f"{above}x", "logs", "logs/AWSLogs"]
        folder = self.rng.choice(sorted({folder.strip("/") for folder in folders}))
        return self._plant((trail.bucket, f"{folder}/planted.json.gz" if folder else "planted.json.gz"))

    def do_plant_among_digests(self) -> bool:
        one = self._pick(self._here(digests=True))
        return one is not None and self._plant((one.name[0], one.name[1].rpartition("/")[0] + "/planted.json.gz"))

    def do_plant_manifest(self) -> bool:
        """An evidence bundle's manifest with keys, for whoever copies the bucket."""
        bucket = self._root()[0]
        text = json.dumps({"form": 1, "trail": {"name": "my-trail"}, "keys": {}}).encode()
        return self._put((bucket, "bundle.json"), text) and self._put((bucket, "keys.json"), text)

    def do_sign_with_retired_key(self) -> bool:
        """A digest that does not name one of its logs any more, signed with a key of before, which leaked."""
        found = [
            (one, number)
            for one in self._here(digests=True)
            for number, since in enumerate(self.world.rotations[1:])
            if one.end and one.end > since + HOUR
        ]
        if not found:
            return False
        one, number = self.rng.choice(sorted(found, key=lambda pair: (pair[0].name, pair[1])))
        fields = json.loads(one.content)
        signing = key_name(one.key.region, number)
        fields |= {"logFiles": fields["logFiles"][1:], "digestPublicKeyFingerprint": fingerprint(signing)}
        content = json.dumps(fields).encode()
        name = f"{one.name[0]}/{one.name[1]}"
        previous = fields["previousDigestSignature"] or "null"
        text = "\n".join((fields["digestEndTime"], name, hashlib.sha256(content).hexdigest(), previous))
        metadata = self._metadata(one) | {"signature": sign(signing, text)}
        return self._put(one.name, gzip.compress(content, 1), **metadata)

    def do_sign_anew_with_retired_key(self) -> bool:
        """All of a region from an hour on, up to a few hours later or the end: chained, and each without its logs."""
        found = [
            (one, number)
            for one in self._here(digests=True)
            for number, since in enumerate(self.world.rotations[1:])
            if one.end and not one.is_backfill and one.end > since + HOUR
        ]
        if not found:
            return False
        first, number = self.rng.choice(sorted(found, key=lambda pair: (pair[0].name, pair[1])))
        count = self.rng.choice((2, 4, 30))
        chain = sorted(
            (
                one for one in self._here(digests=True, key=first.key)
                if one.end and first.end and not one.is_backfill and one.end >= first.end
            ),
            key=lambda one: one.at,
        )[:count]  # fmt: skip
        last: dict[str, str] = {}
        for one in chain:
            fields = json.loads(one.content) | last
            signing = key_name(one.key.region, number)
            fields |= {"logFiles": fields["logFiles"][1:], "digestPublicKeyFingerprint": fingerprint(signing)}
            content = json.dumps(fields).encode()
            sha256 = hashlib.sha256(content).hexdigest()
            previous = fields["previousDigestSignature"] or "null"
            name = f"{one.name[0]}/{one.name[1]}"
            signature = sign(signing, "\n".join((fields["digestEndTime"], name, sha256, previous)))
            self._put(one.name, gzip.compress(content, 1), **self._metadata(one) | {"signature": signature})
            last = {
                "previousDigestS3Bucket": one.name[0], "previousDigestS3Object": one.name[1],
                "previousDigestHashValue": sha256, "previousDigestSignature": signature,
                "previousDigestHashAlgorithm": "SHA-256",
            }  # fmt: skip
        return bool(chain)

    # ---- another account's trail -----------------------------------------------------------------------------------

    def do_stand_in_with_a_namesake(self) -> bool:
        """Digests go, and a trail of the same name that another account has delivers its own, genuine ones, which name
        nothing: below an organization that the account belongs to, or below a member's own folder.
        """
        keys = sorted({one.key for one in self._here(digests=True) if one.key.trail == 0}, key=str)
        key = self.rng.choice(keys) if keys else None
        found = [one for one in self._here(digests=True, key=key) if one.end and not one.is_backfill]
        chain = sorted(found, key=lambda one: one.at)
        if key is None or len(chain) < 3:
            return False
        first = self.rng.randrange(0, len(chain) - 1)
        gone = chain[first : self.rng.randrange(first + 1, len(chain))]  # the newest stays
        folder = self.rng.choice(("AWSLogs/o-aaaaaaaaaa/", "AWSLogs/o-zzzzzzzzzz/", "AWSLogs/"))
        # What lies below the owner's own folder is its trail's, and who owns an organization is in no other. Of a trail
        # that is gone nothing tells whether it was an organization's, which is a declared limit.
        is_gone = "DescribeTrails" in self.world.case.losses or not self.world.state_at(self.world.case.end)[0].exists
        if key.account == OWNER and (folder == "AWSLogs/" or self.world.case.members or is_gone):
            return False
        link: tuple[Name, str, str] | None = None
        for one in chain:
            top, _, below = one.name[1].partition(f"{key.account}/CloudTrail-Digest/")
            top = top[: top.rindex("AWSLogs/")]
            name = one.name[0], f"{top}{folder}{key.account}/CloudTrail-Digest/{below}"
            stated = json.loads(one.content)["digestPublicKeyFingerprint"]
            names = [key_name(key.region, number) for number in range(len(self.world.rotations))]
            signing = next(known for known in names if fingerprint(known) == stated)
            if name in self.world.genuine or one.start is None or one.end is None:
                return False
            content = json.dumps(digest_fields(key.account, name, one.start, one.end, link, signing, [])).encode()
            sha256 = hashlib.sha256(content).hexdigest()
            text = "\n".join((iso(one.end), f"{name[0]}/{name[1]}", sha256, link[2] if link else "null"))
            link = name, sha256, sign(signing, text)
            metadata = {"signature": link[2], "signature-algorithm": "SHA256withRSA"}
            self.objects[name] = Stored(gzip.compress(content, 1), metadata, one.written)
            self.world.others.add(name)
        if folder != "AWSLogs/" and self.rng.random() < 0.5:  # as if the owner belonged to that organization
            below = f"{OWNER}/CloudTrail/{key.region}/2026/01/01/{OWNER}_CloudTrail_{key.region}_20260101T0000Z_"
            self._plant((chain[0].name[0], f"{top}{folder}{below}0123456789abcdef.json.gz"))
        names_gone = {one.name for one in gone}
        return self._delete([*gone, *(one for one in self._here(key=key) if one.digest in names_gone)])

    # ---- going back ------------------------------------------------------------------------------------------------

    def do_roll_back(self) -> bool:
        """The bucket as it was some hours ago: an older, genuine state."""
        then = self.at - HOUR * self.rng.choice((2, 3, 6, 12))
        lost = [one for one in self._here() if one.written > then]
        return self._delete(lost)

    def do_hide_a_call(self) -> bool:
        """The record of a call goes, and the digest that lists it is replaced by the one before it."""
        found = [one for one in self._here(digests=False) if one.calls and one.digest in self.objects]
        one = self._pick(found)
        if one is None or one.digest is None:
            return False
        digest = self.world.genuine[one.digest]
        return self._delete([one, digest])


ATTACKS: dict[str, Callable[[Attacker], bool]] = {
    name.removeprefix("do_").replace("_", " "): method for name, method in vars(Attacker).items() if name[:3] == "do_"
}
HARMLESS_ATTACKS = ("write again",)


def attack_all(world: World, attacks: tuple[Attack, ...], at: datetime) -> list[str]:
    """Carry out attacks, one after the other, and say which changed anything."""
    attacker = Attacker(world, at)
    for attack in attacks:
        attacker.attack(attack)
    return attacker.happened
