"""Two cloud assemblies in, the resources of both out, with CloudFormation's intrinsics resolved so that they compare.

What names the same resource is the same text on both sides; what cannot be resolved is a ``NotComparable``. May
import nothing.
Open ``variants`` first, then ``intrinsics``; ``assembly`` reads the files, ``stand_ins`` has the names and ARNs.
"""

from securetrail.review.template.assembly import SETS_RETENTIONS, AssemblyError, read_assembly
from securetrail.review.template.intrinsics import as_json, named_resources, unread
from securetrail.review.template.model import Id, NotComparable, Resource, Template, Variant
from securetrail.review.template.variants import GIVEN_LATER, variants

__all__ = [
    "GIVEN_LATER",
    "SETS_RETENTIONS",
    "AssemblyError",
    "Id",
    "NotComparable",
    "Resource",
    "Template",
    "Variant",
    "as_json",
    "named_resources",
    "read_assembly",
    "unread",
    "variants",
]
