"""What the lab adds to MiniStack, changes in it and takes from it: one list, applied in its order.

Some must come in this order:

- CloudTrail's operations before its trails: both wrap CreateTrail, UpdateTrail and DeleteTrail, and the later is the
  outer one, which rejects a request before the other completes it;
- what wraps a handler of a resource type (names, engines, outgoing calls) before CloudFormation's registry, which puts
  warnings around all of them;
- of what stands around MiniStack's application, the last is the outermost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from lab.clock import Clock, iso_time
from lab.cloudformation import handler, names, registry
from lab.cloudformation.api import Api
from lab.cloudtrail import operations, trails
from lab.cloudtrail.event_history import EventHistory
from lab.confinement import code_execution, decompression, engines, http1, outgoing_calls, yaml_aliases
from lab.delivery.engine import Engine
from lab.ministack import cloudformation, core, iam, identities, kms, s3, states, sts
from lab.ministack.state_journal import StateJournal
from lab.protocol.asgi import Application
from lab.records.recorder import current_origin
from lab.server.cbor_calls import CborCalls
from lab.server.validation import Validated
from lab.services import (
    deliveries,
    eventbridge,
    iam_own_user,
    last_use,
    rule_targets,
    s3_replication,
    state_machines,
    unsupported,
)
from lab.services.authorizing import Authorizer
from lab.services.s3_account_public_access import AccountPublicAccess
from lab.services.s3_request_payment import RequestPayment


@dataclass(frozen=True, slots=True)
class Parts:
    """What extensions work with; `warn` takes one line for people, once or again."""

    clock: Clock
    engine: Engine
    journal: StateJournal
    history: EventHistory
    api: Api
    authorizer: Authorizer
    warn: Callable[[str], None]

    def now(self) -> datetime:
        """The lab's time."""
        return self.clock.now()


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its name, what it adds, and how: it changes MiniStack (`install`), or stands around its
    application (`around`).
    """

    name: str
    adds: str
    install: Callable[[Parts], None] | None = None
    around: Callable[[Application], Application] | None = None


def _plain(install: Callable[[], None]) -> Callable[[Parts], None]:
    """An extension that needs none of the parts."""
    return lambda _parts: install()


def _account_of_caller() -> str:
    """Of the request that is served, or of the service that writes by itself."""
    origin = current_origin.get(None)
    return origin.account if origin else core.account_of_request()


EXTENSIONS = (
    Extension(
        "unsupported",
        "an error for services that MiniStack lacks, and for what would act by itself",
        _plain(unsupported.install),
    ),
    Extension("acting types", "an error for resources that would act by themselves", lambda _: _refuse_acting_types()),
    Extension(
        "cloudtrail operations",
        "LookupEvents, ListPublicKeys and the errors of CloudTrail's requests",
        lambda parts: operations.install(parts.history),
    ),
    Extension(
        "cloudtrail trails",
        "trails that deliver, and their status",
        lambda parts: trails.install(parts.engine, parts.clock),
    ),
    Extension("s3 public access", "Block Public Access of new buckets", _plain(s3.block_public_access_of_new_buckets)),
    Extension(
        "s3 keys of objects",
        "aws:kms without a key, and the ARNs of other keys",
        _plain(partial(s3.know_keys_of_objects, _account_of_caller)),
    ),
    Extension("kms accounts", "keys of other accounts", _plain(kms.use_keys_of_other_accounts)),
    Extension("kms waiting periods", "how long a key waits for its deletion", _plain(kms.tell_waiting_periods)),
    Extension(
        "kms limits", "reserved aliases, and how much a key encrypts", _plain(kms.refuse_what_is_reserved_or_too_long)
    ),
    Extension("kms ReEncrypt", "which MiniStack lacks", _plain(kms.re_encrypt)),
    Extension("s3 settings", "errors of settings that contradict", _plain(s3.refuse_impossible_settings)),
    Extension("s3 deletions", "errors for single objects of a deletion", _plain(s3.keep_objects)),
    Extension("s3 own buckets", "the error for one's own bucket again", _plain(s3.refuse_ones_own_bucket_again)),
    Extension("s3 lifecycle", "IDs of lifecycle rules", _plain(s3.name_lifecycle_rules)),
    Extension("s3 lists", "lists of keys that XML cannot hold", _plain(s3.list_what_xml_cannot_hold)),
    Extension(
        "s3 replication",
        "replication by the role, with encryption and Object Lock",
        lambda parts: s3_replication.install(parts.now, parts.warn),
    ),
    Extension(
        "rule targets",
        "records of what EventBridge calls for a rule",
        lambda parts: rule_targets.install(parts.authorizer, parts.api, parts.api.recorder.take, parts.now, parts.warn),
    ),
    Extension(
        "eventbridge",
        "CloudTrail's events in EventBridge, to where policies allow",
        lambda parts: eventbridge.install(parts.now, parts.warn),
    ),
    Extension(
        "deliveries",
        "what services send to queues and topics, to where policies allow",
        lambda parts: deliveries.install(parts.now, parts.warn),
    ),
    Extension(
        "last use",
        "when access keys and passwords were used last",
        lambda parts: last_use.install(iso_time(int(parts.clock.begins().timestamp()))),
    ),
    Extension("own user", "IAM's calls about the caller's own user", _plain(iam_own_user.install)),
    Extension("callers", "the gateway's word for who calls", _plain(iam.trust_the_gateway)),
    Extension("boundaries", "boundaries in authorization details", _plain(iam.list_permissions_boundaries)),
    Extension("ended sessions", "a session that has ended is known as one", _plain(sts.keep_ended_sessions)),
    Extension("mfa", "whether a session was made with MFA", _plain(identities.note_mfa_in_sessions)),
    Extension("chained sessions", "tags and source identities in a chain of roles", _plain(sts.chain_sessions)),
    Extension("saved states", "what services held when the process ended", lambda parts: parts.journal.install()),
    Extension("saved sessions", "temporary credentials that outlive the process", _plain(sts.resume_sessions)),
    Extension(
        "resource names",
        "the names that CloudFormation makes, and required ones",
        lambda _parts: names.require_names(cloudformation.resource_handlers),
    ),
    Extension("stack roles", "the role that a stack has for its resources", _plain(cloudformation.keep_roles)),
    Extension("conditions", "Fn::Join in conditions of templates", _plain(cloudformation.join_in_conditions)),
    Extension("no code", "no code of uploads is run", _plain(code_execution.forbid_code_execution)),
    Extension("no engines", "no engine is started", _plain(engines.forbid_engines)),
    Extension(
        "no outgoing calls",
        "nothing outside this machine is called",
        lambda parts: outgoing_calls.forbid_outgoing_calls(parts.warn),
    ),
    Extension("state machines", "a bound for the arrays that they make", _plain(states.bound_array_range)),
    Extension(
        "state machines' calls",
        "by their roles, authorized and recorded",
        lambda parts: state_machines.install(parts.authorizer, parts.api.recorder, parts.api.room),
    ),
    Extension("decompression", "a bound for what is decompressed", _plain(decompression.bound_decompression)),
    Extension("yaml aliases", "a bound for what YAML repeats", _plain(yaml_aliases.bound_aliases)),
    Extension(
        "resource types",
        "CloudFormation's trails, buckets, keys, topics, groups and named queries",
        lambda parts: registry.install(parts.api, parts.warn),
    ),
    Extension("http reasons", "the reason phrase of answers", _plain(core.adapt_http_server)),
    Extension("http 1.1", "one request of a connection at a time", _plain(http1.speak_no_http2)),
    Extension("s3 request payment", "who pays for the requests to a bucket", around=RequestPayment),
    Extension("validation", "the errors of requests that AWS would not take", around=Validated),
    Extension("s3 account public access", "the account's own Block Public Access", around=AccountPublicAccess),
    Extension("cbor", "calls in CBOR, which MiniStack gets in JSON", around=CborCalls),
)


def _refuse_acting_types() -> None:
    handlers = cloudformation.resource_handlers
    for each in unsupported.ACTING_TYPES.keys() & handlers.keys():
        handlers[each] = handler.shown_first(handlers[each], partial(unsupported.require_no_act, each))


def install(parts: Parts) -> Application:
    """Applies every extension, once for a process.

    :returns: MiniStack's application, and what stands around it.
    """
    application = core.application
    for each in EXTENSIONS:
        if each.install is not None:
            each.install(parts)
        if each.around is not None:
            application = each.around(application)
    return application
