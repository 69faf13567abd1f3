"""Which rules could find nothing in what was read, because the trail does not record such events. Pure.

That a trail records data events, or calls that read, is known only by such an event. Which calls are data events says
the CloudTrail User Guide, "Logging data events".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from verify.hunt.finding import Blind
from verify.hunt.sigma.load import Rule
from verify.hunt.sigma.matching import Node
from verify.hunt.sigma.prefilter import literals_of

# In lower case, as rules are compared.
DATA_EVENTS: Final = {
    "s3.amazonaws.com": frozenset(
        {
            "abortmultipartupload",
            "completemultipartupload",
            "copyobject",
            "createmultipartupload",
            "deleteobject",
            "deleteobjects",
            "deleteobjecttagging",
            "deleteobjectversion",
            "getobject",
            "getobjectacl",
            "getobjectattributes",
            "getobjecttagging",
            "getobjecttorrent",
            "headbucket",
            "headobject",
            "listmultipartuploads",
            "listobjects",
            "listobjectsv2",
            "listobjectversions",
            "listparts",
            "putobject",
            "putobjectacl",
            "putobjecttagging",
            "restoreobject",
            "selectobjectcontent",
            "updateobjectencryption",
            "uploadpart",
            "uploadpartcopy",
        }
    ),
    "lambda.amazonaws.com": frozenset({"invoke", "invokeasync", "invokewithresponsestream"}),
    "dynamodb.amazonaws.com": frozenset(
        {
            "batchexecutestatement",
            "batchgetitem",
            "batchwriteitem",
            "deleteitem",
            "executestatement",
            "getitem",
            "putitem",
            "query",
            "scan",
            "transactgetitems",
            "transactwriteitems",
            "updateitem",
        }
    ),
    "ebs.amazonaws.com": frozenset({"getsnapshotblock", "listchangedblocks", "listsnapshotblocks", "putsnapshotblock"}),
    "sns.amazonaws.com": frozenset({"publish", "publishbatch"}),
    "sqs.amazonaws.com": frozenset({"deletemessage", "receivemessage", "sendmessage"}),
}
_READ: Final = re.compile(r"get|list|describe|lookup|head|batchget|search|view|download|simulate|assumerole")


def blind_rules(rules: Sequence[Rule], calls: Iterable[tuple[object, object]]) -> Iterator[Blind]:
    """Rules that could find nothing.

    :param calls: the names and the services of the calls that were read.
    """
    seen = {
        (name.lower(), source.lower()) for name, source in calls if isinstance(name, str) and isinstance(source, str)
    }
    with_data = {source for name, source in seen if name in DATA_EVENTS.get(source, ())}
    with_reads = any(_READ.match(name) for name, source in seen if name not in DATA_EVENTS.get(source, ()))
    whys = [_why(rule.node, with_data, with_reads=with_reads) if rule.node is not None else "" for rule in rules]
    for rule, why in zip(rules, whys, strict=True):
        reasons = [why] if rule.correlation is None else [whys[each] for each in rule.correlation.rules]
        is_blind = all(reasons) if rule.correlation is not None and len(reasons) == 1 else any(reasons)
        if rule.is_alone and is_blind:
            yield Blind(rule.title, next(filter(None, reasons)))


def _why(node: Node, with_data: set[str], *, with_reads: bool) -> str:
    names, sources = literals_of(node, "eventName"), literals_of(node, "eventSource")
    if not names:
        return ""
    of_data = {
        source for source, calls in DATA_EVENTS.items() if (sources is None or source in sources) and names <= calls
    }
    if of_data:
        return "" if of_data & with_data else f"no data event of {', '.join(sorted(of_data))} was among what was read"
    if not with_reads and all(_READ.match(name) for name in names):
        return "no call that only reads was among what was read"
    return ""
