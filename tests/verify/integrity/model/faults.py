"""Faults that the verifier had, or might have, each put back by a patch: what the model must find.

Each is a function that patches the verifier. They are named after what the verifier then believes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from verify.errors import CannotLook
from verify.integrity import (
    bundle,
    chain_validation,
    facts,
    inventory,
    origin,
    reconcile,
    scope,
    sources,
    state,
    validate,
)
from verify.integrity.digests import chain, digest_file, public_keys
from verify.integrity.digests.digest_file import SignatureStatus
from verify.integrity.inventory import _Walk
from verify.integrity.timeline import configuration, gaps
from verify.integrity.timeline.configuration import DeliveryState, Setting
from verify.integrity.timeline.verdict import JudgedPeriod, Verdict
from verify.storage import gzip_content
from verify.storage.folder import BundleObjectStore

Patch = pytest.MonkeyPatch
FAULTS: dict[str, Callable[[Patch], None]] = {}


def _fault(put_back: Callable[[Patch], None]) -> Callable[[Patch], None]:
    FAULTS[put_back.__name__.replace("_", " ")] = put_back
    return put_back


# ---- the trail's configuration -------------------------------------------------------------------------------------


@_fault
def time_without_validation_is_time_without_logging(patch: Patch) -> None:
    usual = gaps._without_digest

    def judged(part: configuration.DeliveryPeriod, *rest: Any) -> Any:
        is_unsigned = part.delivery is DeliveryState.UNSIGNED
        return usual(structs.replace(part, delivery=DeliveryState.OFF) if is_unsigned else part, *rest)

    patch.setattr(gaps, "_without_digest", judged)


@_fault
def before_a_start_there_was_a_stop(patch: Patch) -> None:
    """A StartLogging on a trail that logs makes all before it "not logged"."""
    usual = configuration.Configuration._by_what_came_after

    def told(self: Any, setting: Setting, moment: Any, *rest: Any) -> Any:
        after = sorted((call for call in self.calls if call.at > moment), key=lambda call: call.at)
        if setting is Setting.LOGGING and after and after[0].name == "StartLogging":
            return configuration._Fact(value=False, why=str(after[0]), source=after[0].source, call=after[0])
        return usual(self, setting, moment, *rest)

    patch.setattr(configuration.Configuration, "_by_what_came_after", told)
    patch.setattr(configuration.Configuration, "_by_call", lambda *_rest: None)


@_fault
def what_is_one_accounts_today_was_so(patch: Patch) -> None:
    """A trail that was an organization's until minutes ago is taken for one account's."""
    patch.setattr(sources, "_doubted", lambda known, *_rest: known)


@_fault
def a_trail_is_its_name(patch: Patch) -> None:
    """Calls on a trail of the same name in another region count."""
    patch.setattr(configuration, "_is_on", lambda name, _arn, event, *_: name in event["requestParameters"]["name"])
    usual = facts.AwsFacts._lookup

    def everywhere(self: Any, name: str, first: Any) -> Iterable[Any]:
        for region in ("us-east-1", "eu-west-1"):
            yield from usual(structs.replace(self, trail=structs.replace(self.trail, home_region=region)), name, first)

    patch.setattr(facts.AwsFacts, "_lookup", everywhere)


@_fault
def a_history_ends_now(patch: Patch) -> None:
    patch.setattr(facts, "_HISTORY_LAGS", timedelta())


@_fault
def a_cut_history_is_complete(patch: Patch) -> None:
    usual = facts.AwsFacts._lookup

    def some(self: Any, name: str, first: Any) -> Iterable[Any]:
        try:
            yield from usual(self, name, first)
        except CannotLook:
            return

    patch.setattr(facts.AwsFacts, "_lookup", some)


@_fault
def a_refused_call_counts(patch: Patch) -> None:
    usual = configuration.call_in

    def any_call(record: Any, *rest: Any) -> Any:
        return usual({name: value for name, value in record.items() if name != "errorCode"}, *rest)

    patch.setattr(facts, "call_in", any_call)


@_fault
def today_is_always(patch: Patch) -> None:
    """A trail that has one region today had one all the time."""

    def now(self: Any, setting: Setting, *_: Any) -> bool | None:
        return None if self.today is None else self.today.settings.get(setting)

    patch.setattr(configuration.Configuration, "was_ever", now)


@_fault
def an_answer_is_a_request(patch: Patch) -> None:
    """A call changed every setting that its answer names."""
    usual = configuration.call_in

    def told(*arguments: Any) -> Any:
        call = usual(*arguments)
        known = (Setting.EXISTS, Setting.LOGGING)
        return call and structs.replace(call, before=tuple(pair for pair in call.before if pair[0] in known))

    patch.setattr(facts, "call_in", told)


# ---- the scope -----------------------------------------------------------------------------------------------------


@_fault
def an_organization_is_who_has_a_folder(patch: Patch) -> None:
    patch.setattr(sources, "members", lambda *_: scope.Members())


@_fault
def regions_are_those_with_a_folder(patch: Patch) -> None:
    patch.setattr(sources, "enabled_regions", lambda *_: facts.Regions())


@_fault
def a_copy_holds_what_it_should(patch: Patch) -> None:
    patch.setattr(scope, "_not_told", lambda *_, **__: ())


@_fault
def other_names_are_nobodys_business(patch: Patch) -> None:
    patch.setattr(_Walk, "refuse", lambda *_: None)


@_fault
def where_digests_lead_is_looked_at_from_there_on(patch: Patch) -> None:
    patch.setattr(scope.Destination, "with_former", lambda destination, _places: destination)


@_fault
def what_leads_to_another_trails_prefix_is_that_trails(patch: Patch) -> None:
    usual = inventory.walk_prefix

    def walk(store: Any, bucket_name: str, prefix: str, others: Iterable[str] = (), **more: Any) -> Any:
        others = tuple(others)
        found = usual(store, bucket_name, prefix, others, **more)
        top = f"{prefix}/" if prefix else ""
        below = [f"{other}/".removeprefix(top) for other in others if other != prefix and other.startswith(top)]
        ways = tuple(f"{top}{name.partition('/')[0]}/" for name in below if name != "/")
        place = f"s3://{bucket_name}/"
        return structs.replace(
            found,
            locations=tuple(one for one in found.locations if not one.root.startswith(ways)),
            problems=tuple(one for one in found.problems if not one.subject.removeprefix(place).startswith(ways)),
        )

    for module in (scope, inventory):
        patch.setattr(module, "walk_prefix", walk, raising=False)


@_fault
def another_trails_prefix_is_its_own_business(patch: Patch) -> None:
    """Whatever is named as a log in the place of a trail that signs is that trail's."""
    usual = chain_validation.ChainValidation._unsigned_by

    def named(self: Any, log: Any) -> str:
        return usual(self, log) or ("another" if self._is_another_trails else "")

    patch.setattr(chain_validation.ChainValidation, "_unsigned_by", named)
    judge = reconcile.judge_unlisted

    def judged(*rest: Any) -> tuple[Verdict, str]:
        verdict, reason = judge(*rest)
        return (Verdict.UNPROVEN, reason) if verdict is Verdict.FOREIGN else (verdict, reason)

    patch.setattr(reconcile, "judge_unlisted", judged)


# ---- gaps ----------------------------------------------------------------------------------------------------------


@_fault
def a_chain_that_starts_anew_was_stopped(patch: Patch) -> None:
    def lacking(_context: Any, part: configuration.DeliveryPeriod, **_: Any) -> Iterable[JudgedPeriod]:
        yield JudgedPeriod(part.start, part.end, Verdict.NOT_LOGGED, "a new chain starts")

    patch.setattr(gaps, "_lacking", lacking)


@_fault
def a_digest_may_come_for_ever(patch: Patch) -> None:
    patch.setattr(gaps, "DUE_AFTER_INTERVALS", 1000)


# ---- files ---------------------------------------------------------------------------------------------------------


@_fault
def an_unnamed_log_is_on_its_way(patch: Patch) -> None:
    patch.setattr(reconcile, "judge_unlisted", lambda *_: (Verdict.NOT_DUE, "it will be listed"))


@_fault
def a_log_is_its_name(patch: Patch) -> None:
    """What a log holds is not compared."""
    usual = reconcile.judge_log

    def judged(*arguments: Any, **named: Any) -> Any:
        verdict, reason = usual(*arguments, **named)
        return (Verdict.PROVEN, "") if "hash" in reason else (verdict, reason)

    patch.setattr(reconcile, "judge_log", judged)


@_fault
def a_log_counts_from_the_minute_in_its_name(patch: Patch) -> None:
    """A log that was delivered again days later is foreign."""
    patch.setattr(origin.TrailBucket, "delivered", lambda _self, _listed: None)
    patch.setattr(reconcile, "DELIVERED_WITHIN", timedelta(minutes=2))


@_fault
def what_follows_a_gzip_stream_is_nothing(patch: Patch) -> None:
    usual = gzip_content.GzipSink.finish

    def finish(self: Any) -> Any:
        found = usual(self)
        is_trailing = found.flaw is gzip_content.Flaw.TRAILING
        return found._replace(flaw=None, body=b"".join(self._pieces or [])) if is_trailing else found

    patch.setattr(gzip_content.GzipSink, "finish", finish)


@_fault
def a_lost_signature_is_a_forged_one(patch: Patch) -> None:
    """A copy that lost its metadata was altered."""
    patch.setattr(origin.BucketCopy, "lost_signature", Verdict.ALTERED)


@_fault
def a_copy_is_whole_at_its_end(patch: Patch) -> None:
    patch.setattr(origin.BucketCopy, "absent", lambda *_, **_rest: (Verdict.MISSING, "it is not there"))


@_fault
def a_digest_is_what_it_says(patch: Patch) -> None:
    """A signature that does not fit is one of a key that is not known."""
    patch.setitem(chain._VERDICTS, SignatureStatus.INVALID, Verdict.PROVEN)
    patch.setattr(chain, "_SIGNED", (*chain._SIGNED, SignatureStatus.INVALID))


@_fault
def a_key_signs_for_ever(patch: Patch) -> None:
    patch.setattr(public_keys.PublicKey, "is_valid_between", lambda *_: True)


@_fault
def a_key_signs_for_ever_in_the_digest_after_it(patch: Patch) -> None:
    usual = digest_file.with_successor_signature
    for_ever = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

    def judged(file: Any, link: Any, keys: Any) -> Any:
        return usual(structs.replace(file, signed_between=for_ever), link, keys)

    patch.setattr(chain, "with_successor_signature", judged)


@_fault
def every_log_is_of_the_trail(patch: Patch) -> None:
    """Logs of another trail in the bucket are foreign."""
    patch.setattr(reconcile.Reconciliation, "add_other_names", lambda *_: None)
    patch.setattr(sources._AskForOtherTrails, "__call__", lambda *_: {})


# ---- bundles and state files ---------------------------------------------------------------------------------------


@_fault
def a_bundle_knows_better_than_its_export(patch: Patch) -> None:
    patch.setattr(validate.Validation, "_no_better", lambda _self, result: result)


@_fault
def a_bundle_brings_its_own_keys(patch: Patch) -> None:
    usual = bundle.load_bundle

    def believed(*rest: Any) -> bundle.Bundle:
        return structs.replace(usual(*rest), claimed_because="", is_authentic=True)

    patch.setattr(sources, "load_bundle", believed)


@_fault
def a_manifest_is_what_it_says(patch: Patch) -> None:
    """The hash of the manifest, which is kept with the keys, is not looked at."""
    usual = bundle.load_bundle
    patch.setattr(bundle, "manifest_hash_in", lambda _keys: "")
    patch.setattr(sources, "load_bundle", lambda *rest: structs.replace(usual(*rest), is_authentic=True))


@_fault
def what_lies_in_a_bundle_is_what_was_kept(patch: Patch) -> None:
    """The hashes of what an export kept are not compared."""
    nothing = property(lambda _self: set(), lambda _self, _value: None)
    patch.setattr(BundleObjectStore, "altered", nothing, raising=False)


@_fault
def nothing_is_like_nothing(patch: Patch) -> None:
    """A state file remembers listings that tell nothing."""
    for module in (state, validate):
        patch.setattr(module, "listing_hash", lambda _listed: "", raising=False)
    patch.setattr(chain_validation, "listing_hash", lambda _listed: "")


@_fault
def whoever_has_a_trail_of_that_name_delivers_for_the_trail(patch: Patch) -> None:
    patch.setattr(scope._OwnFolders, "takes", lambda *_rest: True)


@_fault
def an_account_without_files_is_looked_for_in_a_folder_of_its_own(patch: Patch) -> None:
    """Where nothing of an organization's trail is left, there may lie what a trail of the account itself delivered."""
    usual = scope._where

    def where(*rest: Any) -> Any:
        fallback, known = usual(*rest)
        return structs.replace(fallback, organization=""), known

    patch.setattr(scope, "_where", where)
    patch.setattr(scope, "_nowhere", lambda location, _own: location)


@_fault
def a_folder_shows_whose_organization_it_is(patch: Patch) -> None:
    found = staticmethod(lambda account, named, _shown: scope._OwnFolders(account, named))
    patch.setattr(scope._OwnFolders, "of", found)


@_fault
def a_late_log_is_read_only_in_the_time_of_its_digest(patch: Patch) -> None:
    usual = chain_validation.ChainValidation._logs_of_period

    def asked(self: Any, digest: Any) -> Any:
        return usual(self, digest) if self._request.period.overlaps(digest.start, digest.end) else ()

    patch.setattr(chain_validation.ChainValidation, "_logs_of_period", asked)
