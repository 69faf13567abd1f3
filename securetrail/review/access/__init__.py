"""Two versions of the same policies in, what became allowed and what became denied out.

Pure. Whether a single request is allowed, ``verify.policy`` decides; here is which requests there are to ask about,
and how the answers become few rows. May import ``review.template`` and ``verify``.
Open ``compare`` first, then ``differences`` and ``space``; ``policies`` finds the policies of each resource,
``words`` writes the rows. ``outsiders`` finds whom other properties name, ``calls`` what custom resources do,
``takers`` what new roles take.
"""

from securetrail.review.access.actions import is_sensitive
from securetrail.review.access.calls import Call, new_calls
from securetrail.review.access.compare import compare_access
from securetrail.review.access.model import Access, AccessDifference, NotComparableAccess
from securetrail.review.access.outsiders import Outsider, new_outsiders
from securetrail.review.access.policies import GUARDRAIL, GUARDRAILS, JUDGED, Policies, collect
from securetrail.review.access.takers import log_buckets

__all__ = [
    "GUARDRAIL",
    "GUARDRAILS",
    "JUDGED",
    "Access",
    "AccessDifference",
    "Call",
    "NotComparableAccess",
    "Outsider",
    "Policies",
    "collect",
    "compare_access",
    "is_sensitive",
    "log_buckets",
    "new_calls",
    "new_outsiders",
]
