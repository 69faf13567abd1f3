"""Plays a case and judges the verifier by it; finds a smaller case that fails as well."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import tempfile
import traceback
from collections.abc import Generator, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

from tests.verify.integrity.model.attacker import HARMLESS_ATTACKS, attack_all
from tests.verify.integrity.model.case import BEGIN, BUCKET, DELEGATE, HOUR, MINUTE, OWNER, Case
from tests.verify.integrity.model.cloudtrail import Name, Stored, World, iso, key_name
from tests.verify.integrity.model.look import (
    Look,
    Said,
    look_at_alias,
    look_at_bucket,
    look_at_bundle,
    look_at_copy,
    look_at_folder,
    make_bundle,
)
from tests.verify.integrity.model.properties import (
    Damage,
    complete,
    consistent,
    damages,
    monotone,
    place_of,
    set_places,
    sound,
    told_places,
    truthful,
    unsigned_among,
    why_not_zero,
)
from tests.verify.integrity.model.service import aliased, copied, save_copy
from tests.verify.integrity.model.signing import der_of, fingerprint
from verify.integrity.timeline.verdict import Verdict

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folders made in it have names that nobody can foresee
_PLACE = re.compile(r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>[0-9]{12})/CloudTrail(?:-Digest)?/(?P<region>[a-z0-9-]+)/")
_ENOUGH = 2
_IN_MEMORY = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    :param violations: what does not hold, each as a sentence.
    :param kinds: what happened in it.
    :param looks: what the verifier said.
    """

    violations: tuple[str, ...]
    kinds: tuple[str, ...]
    looks: tuple[Look, ...]


class _Run:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.world = World(case)
        self.kinds = [*self.world.happened, *_kinds_of(case, self.world)]
        self.looks: list[Look] = []
        self.now = case.end
        self.start = BEGIN + MINUTE * case.asked_from
        self.end = BEGIN + MINUTE * case.asked_until if case.asked_until else self.now
        self.is_attacked = False
        self.told: dict[str, object] = {}

    def run(self) -> Iterator[str]:
        case = self.case
        objects = self._attacked()
        match case.mode:
            case "state":
                yield from self._state()
            case "folder" | "bundle":
                folder = Path(tempfile.mkdtemp(dir=_IN_MEMORY))
                try:
                    yield from self._folder(objects, folder) if case.mode == "folder" else self._bundle(objects, folder)
                finally:
                    shutil.rmtree(folder)
            case "copy":
                yield from self._copy(objects)
            case _:
                yield from self._bucket(objects)

    def _attacked(self, after: datetime | None = None) -> dict[Name, Stored]:
        """What is there when the verifier looks: attacked some time before."""
        world, case = self.world, self.case
        rng = Random(f"{case.seed} time of the attack")
        back = rng.choice((0, 0, 0, rng.randrange(0, 6 * 3600)))
        at = max(self.now - timedelta(seconds=back), after or BEGIN + HOUR)
        world.put_all(at)
        before = dict(world.objects)
        happened = attack_all(world, case.attacks, at)
        self.kinds += happened
        self.is_attacked = bool(set(happened) - set(HARMLESS_ATTACKS))
        later = {name: stored for name, stored in world.at(self.now).items() if world.genuine[name].written > at}
        self.honest = before | later
        return world.objects | later

    def _keep(self, look: Look) -> Look:
        self.looks.append(look)
        return look

    def _judge(
        self,
        look: Look,
        objects: Mapping[Name, Stored],
        *,
        remembers: bool = False,
        bucket: str = "",
        losses: tuple[str, ...] | None = None,
    ) -> Iterator[str]:
        told = self._told(objects, self._losses() if losses is None else losses)
        found = damages(self.world, objects, self.now, bucket, told)
        found = [one for one in found if self._is_asked(one)]
        yield from sound(look, found, self.start, self.end, remembers=remembers)
        genuine = self.world.at(self.now) if remembers else {}
        yield from truthful(self.world, look, {**objects, **genuine}, self.now)
        if not self.is_attacked:
            yield from complete(look)

    def _told(self, objects: Mapping[Name, Stored], losses: tuple[str, ...]) -> set[tuple[str, str]] | None:
        """The places of which something tells whoever asks, where the trail had several."""
        if len(set_places(self.world)) <= 1:
            return None
        knows_calls = self.case.caller == OWNER and not {"LookupEvents", "LookupEvents:cut"} & {*losses}
        # The history is the home region's.
        knows_calls = knows_calls and self.case.trails[0].home in self.world.enabled_at(self.now)
        knows_owner = self._sees_trail(losses) or self._sees_organization(losses)
        return told_places(
            self.world, objects, self.start, self.now, knows_calls=knows_calls, knows_owner=knows_owner
        )  # fmt: skip

    def _sees_trail(self, losses: tuple[str, ...]) -> bool:
        """Whether DescribeTrails shows the trail to whoever asks."""
        state, caller = self.world.state_at(self.now)[0], self.case.caller
        is_members = state.is_organization and caller in (DELEGATE, *self.world.members_at(self.now))
        return state.exists and "DescribeTrails" not in losses and (caller == OWNER or is_members)

    def _sees_organization(self, losses: tuple[str, ...]) -> bool:
        """Whether ListAccounts tells whose the organization is."""
        return self.case.caller in (OWNER, DELEGATE) and not any(loss.startswith("ListAccounts") for loss in losses)

    def _is_asked(self, damage: Damage) -> bool:
        """Whether it is one of the account and region of which alone was asked, or not told to be another's."""
        place = _PLACE.search(damage.subject)
        account = damage.account or (place["account"] if place else "")
        region = damage.region or (place["region"] if place else "")
        only = str(self.told.get("account") or self.case.only_account)
        return (not account or only in ("", account)) and (not region or self.case.only_region in ("", region))

    @property
    def _is_moved(self) -> bool:
        return any(kind in ("UpdateTrail prefix", "UpdateTrail bucket") for kind in self.world.happened)

    def _is_at_home(self) -> bool:
        """Whether anything lies where the trail delivers now."""
        state = self.world.state_at(self.now)[0]
        top = f"{state.prefix}/AWSLogs/" if state.prefix else "AWSLogs/"
        return any(bucket == state.bucket and key.startswith(top) for bucket, key in self.honest)

    def _losses(self) -> tuple[str, ...]:
        return tuple(loss for loss in self.case.losses if loss != "metadata")

    def _bucket(self, objects: Mapping[Name, Stored]) -> Iterator[str]:
        losses = self._losses()
        self.kinds += [f"lost {loss}" for loss in losses]
        look = self._keep(look_at_bucket(self.world, objects, self.now, losses))
        yield from self._judge(look, objects)
        is_refused = look.exit_code == 2
        is_all = not (self.case.only_region or self.case.only_account)
        if is_refused and not losses and not self.is_attacked and self._is_at_home() and is_all:
            yield f"complete: it refused: {look.refusal}"
        if losses:
            full = self._keep(look_at_bucket(self.world, objects, self.now, (), "the bucket with all answers"))
            yield from self._judge(full, objects, losses=())
            untold = set(objects) - self._seen(objects, losses)
            yield from self._monotone(look, full, is_attacked=self.is_attacked, untold=untold)
        elif not self.is_attacked and look.exit_code != 0 and is_all:
            why = why_not_zero(self.world, self.start, self.end, self.now)
            if not why:
                yield f"complete: exit {look.exit_code}, and everything is known: {look.refusal} {self._worst(look)}"
        attacks = self.case.attacks
        if attacks and all(one.kind.startswith(("delete", "roll", "hide")) for one in attacks):
            whole = self._keep(look_at_bucket(self.world, self.honest, self.now, (), "the bucket before the attack"))
            untold = set(self.honest) - self._seen(objects, losses)
            yield from self._monotone(look, whole, is_attacked=False, untold=untold)

    def _seen(self, objects: Mapping[Name, Stored], losses: tuple[str, ...]) -> set[Name]:
        """The objects but for those at places of the trail's of which nothing tells whoever asks."""
        told = self._told(objects, losses)
        hidden = set[tuple[str, str]]() if told is None else set_places(self.world) - told
        return {name for name in objects if place_of(name) not in hidden}

    def _monotone(self, less: Look, more: Look, *, is_attacked: bool, untold: Set[Name]) -> Iterator[str]:
        return monotone(
            less, more, is_attacked=is_attacked, is_organizations=bool(self.case.members),
            untold=unsigned_among(self.world, untold, self.now),
        )  # fmt: skip

    def _worst(self, look: Look) -> str:
        return "; ".join(f"{row.verdict} {row.region} {row.reason}" for row in look.rows if row.verdict == "unproven")

    def _state(self) -> Iterator[str]:
        case, world = self.case, self.world
        earlier = BEGIN + MINUTE * case.earlier
        with tempfile.TemporaryDirectory(dir=_IN_MEMORY) as folder:
            state = Path(folder) / "state.json"
            first = self._keep(look_at_bucket(world, world.at(earlier), earlier, (), "the earlier run", state))
            objects = self._attacked(after=earlier)
            losses = self._losses()
            second = self._keep(look_at_bucket(world, objects, self.now, losses, "the run with the state", state))
        plain = self._keep(look_at_bucket(world, objects, self.now, losses, "the run without the state"))
        self.kinds += ["state"]
        yield from self._judge(plain, objects)
        # A listing that is the same holds the same logs, also when the digest that named them is gone.
        yield from self._judge(second, objects, remembers=True)
        full = plain
        if losses:
            full = self._keep(look_at_bucket(world, objects, self.now, (), "the run without the state, told all"))
        rows = (*plain.rows, *full.rows, *first.rows)
        both = replace(plain, rows=rows, what="neither the run without it nor the earlier one")
        yield from consistent(second, both)
        if not self.is_attacked:
            yield from complete(first)
            if plain.exit_code == 0 != second.exit_code:
                yield f"complete: with the state exit {second.exit_code}, without it 0: {self._worst(second)}"

    def _copy(self, objects: dict[Name, Stored]) -> Iterator[str]:
        rng = Random(f"{self.case.seed} copy")
        bucket, objects = yield from self._original(objects)
        with_metadata = rng.random() < 0.5 and "metadata" not in self.case.losses
        prefix = rng.choice(("", "", "nightly"))
        if rng.random() < 0.2:
            self.kinds.append("an access point")
            look = self._keep(look_at_alias(self.world, aliased(objects), self.now, self._losses()))
        else:
            self.kinds += ["a copy below another prefix"] if prefix else []
            top = f"{prefix}/" if prefix else ""
            copy = copied(objects, self.now, with_metadata=with_metadata, prefix=top)
            look = self._keep(look_at_copy(self.world, copy, self.now, self._losses(), prefix))
        yield from self._judge(look, objects, bucket=BUCKET)
        yield from self._consistent_copy(look, bucket, objects)
        if not self._losses():
            yield from self._complete_copy(look, bucket, objects)

    def _original(self, objects: dict[Name, Stored]) -> Generator[str, None, tuple[Look, dict[Name, Stored]]]:
        """Look at the bucket of which there is a copy. What was attacked is the bucket, or the copy alone.

        :returns: what was said of the bucket, and what the copy holds.
        """
        rng = Random(f"{self.case.seed} copy of what")
        how = rng.choice(("a copy of the attacked", "an attacked copy", "an old copy"))
        if how == "an old copy":
            self.kinds.append("freeze: an old copy")
            self.is_attacked = False
            then = max(self.now - HOUR * rng.choice((1, 2, 5, 9)), self.start + MINUTE)
            old = self.world.at(then)
            bucket = self._keep(look_at_bucket(self.world, old, then, (), "the bucket when it was copied"))
            now = self._keep(look_at_bucket(self.world, self.honest, self.now, (), "the bucket now"))
            # A replica takes things over in any order.
            behind = {name: one for name, one in old.items() if one.last_modified <= then - HOUR or rng.random() < 0.7}
            return replace(bucket, rows=(*bucket.rows, *now.rows), what="the bucket, then or now"), behind
        attacked, self.is_attacked = self.is_attacked, self.is_attacked and how == "a copy of the attacked"
        bucket = self._keep(look_at_bucket(self.world, objects if self.is_attacked else self.honest, self.now))
        yield from self._judge(bucket, objects if self.is_attacked else self.honest)
        if how == "an attacked copy" and attacked:
            self.kinds.append("rewrite a copy")
        self.is_attacked = attacked
        return bucket, objects

    def _consistent_copy(self, look: Look, bucket: Look, objects: Mapping[Name, Stored]) -> Iterator[str]:
        # Keys that are given prove more than a region that cannot be asked for them any more; a copy is looked at
        # below every prefix, a bucket below that of the trail.
        # Of two slashes a folder keeps one.
        is_renamed = self.case.mode == "folder" and any(
            "//" in key.partition("AWSLogs/")[2] for _, key in self.world.objects
        )
        if self._is_moved or is_renamed:
            return
        enabled = self.world.enabled_at(self.now)
        # A log of another trail's makes a minute wait for that trail's digest, where it is.
        not_copied = tuple(
            Said(
                one.key.account, one.key.region, one.minute, one.minute + MINUTE, Verdict.PROVEN, "another trail's log"
            )
            for name, one in self.world.genuine.items()
            if one.key.trail and not one.is_digest and name in self.honest and name not in objects
        )
        # Nothing tells whoever sees neither the trail nor whose the organization is whether it is an organization's:
        # the owner's files below one are not proven in a bucket then, nor in a folder of which the trail's ARN is
        # asked. Of a name alone, any trail of that name is meant.
        is_seen = self._sees_trail(()) or self._sees_organization(())
        untold = {OWNER} if self.told.get("trail") and not is_seen else set()
        look = replace(
            look, rows=tuple(row for row in look.rows if row.region in enabled and row.account not in untold)
        )
        yield from consistent(look, replace(bucket, rows=(*bucket.rows, *not_copied)))

    def _keys(self, folder: Path) -> Path:
        names = [
            (key_name(region, number), number)
            for region in sorted(self.world.enabled_at(BEGIN) | {"ap-east-1"})
            for number in range(len(self.world.rotations))
        ]
        rotations = [*self.world.rotations, datetime(2040, 1, 1, tzinfo=UTC)]
        answer = [
            {
                "Fingerprint": fingerprint(name), "Value": base64.b64encode(der_of(name)).decode(),
                "ValidityStartTime": iso(rotations[number] - HOUR), "ValidityEndTime": iso(rotations[number + 1]),
            }
            for name, number in names
        ]  # fmt: skip
        path = folder / "keys.json"
        path.write_text(json.dumps({"PublicKeyList": answer}))
        return path

    def _folder(self, objects: dict[Name, Stored], folder: Path) -> Iterator[str]:
        bucket, objects = yield from self._original(objects)
        (folder / "copy").mkdir()
        rng = Random(f"{self.case.seed} what the copy should hold")
        place, with_litter = rng.choice(("copy", "copy", "copy/of/a/month")), rng.random() < 0.3
        self.kinds += ["a copy below another prefix"] if place != "copy" else []
        self.kinds += ["a copy that a desktop looked at"] if with_litter else []
        save_copy(objects, folder / place, with_litter=with_litter)
        regions: dict[str, object] = {"regions": self._regions()}
        self.told = rng.choice(({}, regions, regions | {"account": OWNER}))
        self.kinds.append("a copy whose scope is told" if self.told else "a copy whose scope is not told")
        # Of a folder nothing tells whose the organization's trail is.
        is_one = len({(one.name, one.home) for one in self.case.trails}) == 1
        if self.case.members and is_one and rng.random() < 0.5:
            self.kinds.append("a copy whose trail is named without its account")
            self.told |= {"trail": self.case.trails[0].name}
        look = self._keep(look_at_folder(self.world, folder / "copy", self.now, self._keys(folder), **self.told))
        yield from self._judge(look, objects, bucket=BUCKET)
        yield from self._consistent_copy(look, bucket, objects)
        if "regions" in self.told and (not self.case.members or {"account", "trail"} <= self.told.keys()):
            yield from self._complete_copy(look, bucket, objects)
        yield from self._namesake(objects, folder)

    def _namesake(self, objects: Mapping[Name, Stored], folder: Path) -> Iterator[str]:
        """An attacker puts a file of a genuine name elsewhere into a copy."""
        rng = Random(f"{self.case.seed} namesake")
        names = sorted(name for name in objects if name[0] == BUCKET and name in self.world.genuine)
        if not names or rng.random() < 0.5:
            return
        self.kinds.append("a namesake in a copy")
        name = rng.choice(names)
        path = folder / "copy" / rng.choice(("0", "zz", "deep/er")) / name[1][name[1].index("AWSLogs/") :]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345678")
        look = look_at_folder(self.world, folder / "copy", self.now, self._keys(folder), **self.told)
        look = self._keep(replace(look, what="the copy with a namesake"))
        changed = {**objects, name: Stored(b"", {}, self.now)}
        for one in damages(self.world, changed, self.now):
            is_of_it = (
                self._is_asked(one) and one.subject.endswith(name[1]) and self.start < one.end and one.start < self.end
            )
            if is_of_it and look.exit_code == 0:
                yield f"sound: {look.what} gives exit 0 over {path.relative_to(folder)}"

    def _complete_copy(self, look: Look, bucket: Look, objects: Mapping[Name, Stored]) -> Iterator[str]:
        """A whole copy of what is proven is proven, where signatures of later digests stand in for lost metadata."""
        found = self.world.genuine.values()
        keys = list(self.world.segments)
        ends = {key: [one.end for one in found if one.key == key and one.end and one.name in objects] for key in keys}
        # Of the newest one nobody else holds the signature; what it covers is not known without it.
        is_followed = all(
            sum(end > self.end for end in of_key) >= _ENOUGH and max(of_key) >= self.end + HOUR
            for of_key in ends.values()
        )
        # Nor has the newest digest of a chain that ended: what it names is not known either, whenever it was delivered.
        last = {key: max(of_key, default=None) for key, of_key in ends.items()}
        named_by_last = {one.name for one in found if one.is_digest and one.end == last[one.key]}
        is_followed = is_followed and not any(
            one.digest in named_by_last and self.start <= one.minute < self.end for one in found
        )
        is_proven = bucket.exit_code == 0 and all(row.verdict == "proven" for row in bucket.rows)
        # The last digest of a chain that ended has no successor either.
        is_followed = is_followed and all(len(segments) == 1 for segments in self.world.segments.values())
        is_whole = objects == self.honest and not self.is_attacked and "backfill" not in self.world.happened
        if is_followed and is_proven and is_whole and keys:
            self.kinds.append("a whole copy of what is proven")
            if look.exit_code != 0:
                yield f"complete: {look.what} of what is proven gives exit {look.exit_code}: {self._worst(look)}"

    def _regions(self) -> tuple[str, ...]:
        """Those in which the trail delivered."""
        return tuple(sorted({key.region for key in self.world.segments if key.trail == 0})) or (
            self.case.trails[0].home,
        )

    def _bundle(self, objects: Mapping[Name, Stored], folder: Path) -> Iterator[str]:
        made = self._keep(make_bundle(self.world, objects, self.now, folder / "bundle", self._losses()))
        if made.refusal:
            return
        yield from self._judge(made, objects)
        look = self._keep(look_at_bundle(folder / "bundle", folder / "bundle" / "keys.json", self.now))
        yield from self._judge(look, objects)
        yield from consistent(look, made)
        if Random(f"{self.case.seed} times").random() < 0.3:
            self.kinds.append("a bundle whose files have other times")
            for file in (folder / "bundle" / "objects").rglob("*"):
                os.utime(file, (0, self.now.timestamp()))
            again = self._keep(look_at_bundle(folder / "bundle", folder / "bundle" / "keys.json", self.now))
            if again.rows != look.rows:
                yield "consistent: a bundle whose files have other times says something else"
        if made.exit_code == 0 != look.exit_code:
            yield f"complete: the export gave exit 0, and the bundle {look.exit_code}: {self._worst(look)}"
        if look.exit_code == 0 and made.exit_code != 0:
            yield f"consistent: the bundle gives exit 0, and its export gave {made.exit_code}"
        alone = self._keep(look_at_bundle(folder / "bundle", None, self.now, "the bundle with its own keys alone"))
        if alone.exit_code == 0:
            yield "sound: a bundle whose keys are not known to be AWS's gives exit 0"
        yield from self._rewritten_bundle(folder / "bundle", objects, made)

    def _rewritten_bundle(self, folder: Path, objects: Mapping[Name, Stored], made: Look) -> Iterator[str]:
        """An attacker who may write the bundle, but not the keys that were kept elsewhere."""
        rng = Random(f"{self.case.seed} bundle")
        keys = folder.parent / "kept-keys.json"
        shutil.copy(folder / "keys.json", keys)
        files = sorted(path for path in (folder / "objects").rglob("*") if path.is_file())
        if not files:
            return
        file = rng.choice(files)
        yield from self._planted_in_bundle(folder, keys, file)
        if rng.random() < 0.3:
            yield from self._rewritten_manifest(folder, keys, made, rng)
            return
        bucket, _, key = str(file.relative_to(folder / "objects")).partition("/")
        changed = dict(objects)
        metadata = folder / "metadata" / bucket / f"{key}.json"
        if metadata.exists() and rng.random() < 0.5:
            yield from self._other_metadata(folder, keys, metadata, rng)
            return
        if rng.random() < 0.5:
            file.unlink()
            changed.pop((bucket, key), None)
            self.kinds.append("delete in a bundle")
        else:
            file.write_bytes(file.read_bytes()[:-8] + b"12345678")
            changed[bucket, key] = Stored(b"", {}, self.now)
            self.kinds.append("alter in a bundle")
        look = self._keep(look_at_bundle(folder, keys, self.now))
        look = replace(look, what="the rewritten bundle")
        found = [one for one in damages(self.world, changed, self.now) if self._is_asked(one)]
        yield from sound(look, found, self.start, self.end)
        yield from consistent(look, made)

    def _other_metadata(self, folder: Path, keys: Path, metadata: Path, rng: Random) -> Iterator[str]:
        """An attacker who may write the bundle changes what S3 told of an object beside its content."""
        self.kinds.append("alter metadata in a bundle")
        if rng.random() < 0.5:
            metadata.unlink()
        else:
            fields = json.loads(metadata.read_text())
            metadata.write_text(json.dumps(fields | {rng.choice(sorted(fields)): "00" * 256}))
        look = self._keep(look_at_bundle(folder, keys, self.now, "the bundle with other metadata"))
        if look.exit_code != 1:
            yield f"sound: metadata that were changed in a bundle are not altered: {metadata.relative_to(folder)}"

    def _planted_in_bundle(self, folder: Path, keys: Path, file: Path) -> Iterator[str]:
        """An attacker who may write the bundle puts a file into it, and takes it away again."""
        rng = Random(f"{self.case.seed} planted")
        if rng.random() < 0.4:
            return
        self.kinds.append("plant in a bundle")
        bucket, _, key = str(file.relative_to(folder / "objects")).partition("/")
        top = rng.choice(("", "evil/", "%renamed/", f"{bucket}/%renamed/", f"{bucket}/evil/", "elsewhere/"))
        path = folder / "objects" / f"{top}{bucket}/{key[:-9]}_.json.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
        look = self._keep(look_at_bundle(folder, keys, self.now, "the bundle with another file"))
        if look.exit_code != 1:
            yield f"sound: a file that was put into a bundle is not foreign: {path.relative_to(folder)}"
        path.unlink()

    def _rewritten_manifest(self, folder: Path, keys: Path, made: Look, rng: Random) -> Iterator[str]:
        """An attacker who may write the bundle changes what its manifest says."""
        manifest = folder / "bundle.json"
        before = manifest.read_text()
        manifest.write_text(_better_manifest(before, rng))
        if manifest.read_text() == before:
            return
        self.kinds.append("rewrite a manifest")
        look = self._keep(look_at_bundle(folder, keys, self.now, "the bundle with another manifest"))
        if look.exit_code == 0:
            yield "sound: a bundle whose manifest was rewritten gives exit 0"
        yield from consistent(look, made)


def _better_manifest(text: str, rng: Random) -> str:
    """A manifest that says better things than the export did."""
    fields = json.loads(text)
    if rng.random() < 0.5:
        for word in ("unproven", "missing", "altered", "foreign"):
            text = text.replace(f'"{word}"', '"proven"')
        return text
    for name, value in fields.items():
        if isinstance(value, list) and value and rng.random() < 0.5:
            fields[name] = value[1:]
    return json.dumps(fields)


def _kinds_of(case: Case, world: World) -> Iterator[str]:
    """What the history is like, beside its moves."""
    first, second = case.trails[0], case.trails[1] if len(case.trails) > 1 else None
    kinds = {
        "several trails": second is not None,
        "the same trail name in another region": second is not None and first.name == second.name,
        "several trails in a bucket": second is not None and first.bucket == second.bucket,
        "clocks apart": case.skew,
        "organization": case.members,
        "quiet region": case.quiet,
        "asked of one region or account": case.only_region or case.only_account,
        "asked with bucket and prefix": case.names_place,
        "asked from another account": case.caller != OWNER,
        "one region": not first.is_multi_region,
        "pause of less than a minute": _has_short_pause(world),
        "deleted and made anew": _is_made_anew(case),
        "moved there and back": len(_places_in_turn(world)) > _ENOUGH,
    }
    yield from (kind for kind, is_so in kinds.items() if is_so)


def _has_short_pause(world: World) -> bool:
    return any(
        one.end is not None and one.end < other.start and other.start - one.end < MINUTE
        for segments in world.segments.values()
        for one, other in pairwise(segments)
    )


def _places_in_turn(world: World) -> list[tuple[str, str]]:
    """The trail's places, one after the other."""
    places = [(one.bucket, one.prefix) for _, (one, *_) in world.states if one.exists]
    return [place for number, place in enumerate(places) if not number or places[number - 1] != place]


def _is_made_anew(case: Case) -> bool:
    calls = [(move.kind, move.trail) for move in case.moves if move.kind in ("DeleteTrail", "CreateTrail")]
    return any(one[0] == "DeleteTrail" and other == ("CreateTrail", one[1]) for one, other in pairwise(calls))


def run(case: Case) -> Outcome:
    """Play a case."""
    one = None
    try:
        one = _Run(case)
        violations = tuple(dict.fromkeys(one.run()))
    except Exception:  # noqa: BLE001 - a traceback is a violation like any other
        lines = traceback.format_exc().splitlines()
        violations = ("crash: " + lines[-1] + " | " + " | ".join(line.strip() for line in lines[-7:-1]),)
    kinds = one.kinds if one else []
    return Outcome(violations, (*kinds, f"mode {case.mode}"), tuple(one.looks) if one else ())


def law_of(violation: str) -> str:
    """By which a smaller case has to fail as well."""
    plain = re.sub(r"(?:AWSLogs/|s3://|111122223333_)\S+", "…", violation)
    return re.sub(r"[0-9]{2,}[-0-9:T+Z. ]*|[a-z]+-[a-z]+-[0-9]|(?:admin|mallory)", "…", plain)[:160]


def shrink(case: Case, law: str) -> Case:
    """A smaller case that breaks the same law."""

    def fails(candidate: Case) -> bool:
        return any(law_of(violation) == law for violation in run(candidate).violations)

    is_smaller = True
    while is_smaller:
        is_smaller = False
        for candidate in _smaller(case):
            if fails(candidate):
                case, is_smaller = candidate, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for name in ("attacks", "moves", "losses", "trails", "quiet"):
        entries = getattr(case, name)
        for number in range(len(entries)):
            if name == "trails" and (number == 0 or len(entries) == 1):
                continue
            yield replace(case, **{name: entries[:number] + entries[number + 1 :]})
    if len(case.regions) > 1 and all(trail.home != case.regions[-1] for trail in case.trails):
        yield replace(case, regions=case.regions[:-1])
    if len(case.members) > 1:
        yield replace(case, members=case.members[:-1])
    if case.asked_until:
        yield replace(case, asked_until=0)
    if case.mode != "state" and case.minutes > 240:
        yield replace(case, minutes=case.minutes * 3 // 4)
    if case.asked_from:
        yield replace(case, asked_from=0)
