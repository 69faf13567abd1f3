"""Which rules could find nothing in what was read, because the trail does not record such events. Pure.

A rule that could find a part of its events alone is one of them: what it did not see may be the attack. That a trail
records data events, or calls that read, is known only by such an event. Which calls are data events says the CloudTrail
User Guide, "Logging data events".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from verify.hunt.finding import Blind
from verify.hunt.sigma.load import Rule
from verify.hunt.sigma.matching import Node
from verify.hunt.sigma.prefilter import literals_of, residual

_DATA_EVENTS: Final = {
    "s3.amazonaws.com": frozenset(
        {
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "DeleteObject",
            "DeleteObjects",
            "DeleteObjectTagging",
            "DeleteObjectVersion",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectTagging",
            "GetObjectTorrent",
            "HeadBucket",
            "HeadObject",
            "ListMultipartUploads",
            "ListObjects",
            "ListObjectsV2",
            "ListObjectVersions",
            "ListParts",
            "PutObject",
            "PutObjectAcl",
            "PutObjectTagging",
            "RestoreObject",
            "SelectObjectContent",
            "UpdateObjectEncryption",
            "UploadPart",
            "UploadPartCopy",
        }
    ),
    "lambda.amazonaws.com": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "dynamodb.amazonaws.com": frozenset(
        {
            "BatchExecuteStatement",
            "BatchGetItem",
            "BatchWriteItem",
            "DeleteItem",
            "ExecuteStatement",
            "GetItem",
            "PutItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
            "UpdateItem",
        }
    ),
    "ebs.amazonaws.com": frozenset({"GetSnapshotBlock", "ListChangedBlocks", "ListSnapshotBlocks", "PutSnapshotBlock"}),
    "sns.amazonaws.com": frozenset({"Publish", "PublishBatch"}),
    "sqs.amazonaws.com": frozenset({"DeleteMessage", "ReceiveMessage", "SendMessage"}),
}
# In lower case, as names are compared unless a rule says otherwise.
_LOWER: Final = {source: frozenset(map(str.lower, names)) for source, names in _DATA_EVENTS.items()}
_READ: Final = re.compile(r"get|list|describe|lookup|head|batchget|search|view|download|simulate|assumerole")


def blind_rules(rules: Sequence[Rule], calls: Iterable[tuple[object, object]]) -> Iterator[Blind]:
    """Rules that could find nothing, or not everything.

    :param calls: the names and the services of the calls that were read.
    """
    seen = {
        (name.lower(), source.lower()) for name, source in calls if isinstance(name, str) and isinstance(source, str)
    }
    with_data = {source for name, source in seen if name in _LOWER.get(source, ())}
    with_reads = any(_READ.match(name) for name, source in seen if name not in _LOWER.get(source, ()))

    def why(rule: Rule) -> str:
        if rule.node is not None:
            return _why(rule.node, with_data, with_reads=with_reads)
        # A rule over many events misses what one of the rules that it rests on misses.
        return next(filter(None, (why(rules[each]) for each in rule.correlation.rules)), "") if rule.correlation else ""

    for rule in rules:
        if rule.is_alone and (reason := why(rule)):
            yield Blind(rule.title, reason)


def _why(node: Node, with_data: set[str], *, with_reads: bool) -> str:
    of_data = {source for source in _DATA_EVENTS if _names_data_events(node, source)}
    if unseen := of_data - with_data:
        return f"no data event of {', '.join(sorted(unseen))} was among what was read"
    names = literals_of(node, "eventName") or frozenset()
    others = names.difference(*(_LOWER[source] for source in of_data))
    if not with_reads and any(_READ.match(name) for name in others):
        return "no call that only reads was among what was read"
    return ""


def _names_data_events(node: Node, source: str) -> bool:
    """Whether a condition asks for data events of a service by their names, in full or by a wildcard.

    A condition that a call without a name may match as well asks for no names, but for whatever was recorded.
    """

    def may_match(name: str) -> bool:
        return residual(node, {"eventSource": [source], "eventName": [name]}) is not False

    return not may_match("") and any(map(may_match, _DATA_EVENTS[source]))
