"""How a lab runs: what `up` chooses and the lab's process goes by."""

from dataclasses import dataclass
from functools import cache

from botocore.loaders import Loader

# What SDKs sign requests for that are for no region.
GLOBAL = "aws-global"


@cache
def _regions() -> frozenset[str]:
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    found = next(each["regions"] for each in loader.load_data("partitions")["partitions"] if each["id"] == "aws")
    return frozenset(found)


def is_region(name: str) -> bool:
    """Whether the partition `aws` has a region of this name, as the installed botocore knows it; `aws-global`, which
    SDKs sign for where there is no region, counts.
    """
    return name in _regions()


@dataclass(frozen=True, slots=True)
class Settings:
    """How often log files and digests are delivered, how far a new lab's clock is behind this machine's, and how long
    after a call the event history shows it.
    """

    delivery_seconds: float = 5.0
    digest_seconds: int = 60
    behind_seconds: float = 0.0
    history_seconds: float = 0.0
