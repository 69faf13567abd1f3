"""A leaked key: somebody finds a developer's access key, and runs large instances in regions that nobody looks at.

https://unit42.paloaltonetworks.com/malicious-operations-of-exposed-iam-keys-cryptojacking/
"""

from contextlib import suppress
from dataclasses import replace

from botocore.exceptions import ClientError

from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage, UndoingCall
from lab.scenarios.attacks.stranger import day, office, outside, owner_of_a_key
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.stacks import stack_of

_USERS = ("build-agent", "game-tester", "dev-lena", "load-test", "ci-legacy")
_REGIONS = ("ap-southeast-1", "sa-east-1", "eu-north-1", "ap-south-1", "ca-central-1")
_TYPES = ("p3.16xlarge", "g4dn.12xlarge", "c5.24xlarge")
_IMAGE = "ami-0abcdef1234567890"
_LOOKS: tuple[Call, ...] = (("ec2", "describe_instances", {}), ("ec2", "describe_vpcs", {}))


def leaked_key(director: Director) -> HuntOutcome:
    """Plays it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    chance = director.chance
    name, kind = chance.choice(_USERS), chance.choice(_TYPES)
    regions, each = chance.sample(_REGIONS, 3), chance.randrange(2, 6)
    there, own_place = outside(chance), office(chance)
    stage = Stage(users=(name,), stacks=(stack_of(name),))
    director.keep(stage)
    owner = owner_of_a_key(director, name, [{"Action": "ec2:*", "Resource": "*"}], own_place)
    director.before(lambda: [Worker(owner, _LOOKS)])
    owner.client("ec2").describe_instances()

    began, thief = director.now(), owner.at(director.lab, there)
    thief.client("sts").get_caller_identity()
    with suppress(ClientError):  # it may not
        thief.client("iam").list_users()
    for region in regions:
        ec2 = thief.client("ec2", region)
        ec2.describe_instances()
        ec2.create_key_pair(KeyName="x")
        found = ec2.run_instances(ImageId=_IMAGE, InstanceType=kind, MinCount=each, MaxCount=each, KeyName="x")
        ids = [instance["InstanceId"] for instance in found["Instances"]]
        undoing = (
            UndoingCall("ec2", "terminate_instances", {"InstanceIds": ids}, region),
            UndoingCall("ec2", "delete_key_pair", {"KeyName": "x"}, region),
        )
        stage = replace(stage, calls=(*stage.calls, *undoing))
        director.keep(stage)
    director.after(lambda: [Worker(owner, _LOOKS)])

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: finance",
            f"The forecast for this month is twelve times the last month's. It rose {day(director)}.",
            "What costs so much, and where? Who started it, with which key, from where?",
        ),
        facts=(
            Fact("user", "Whose access key was used?", Kind.NAME, name),
            Fact("access-key", "Which access key?", Kind.NAME, owner.access_key_id),
            Fact("address", "Which address was it used from?", Kind.ADDRESS, there.address),
            Fact("instances", "How many instances were started, in all regions?", Kind.COUNT, str(each * len(regions))),
            Fact("instance-type", "Of which type?", Kind.NAME, kind),
            Fact("first-call", "When was the first call from that address?", Kind.TIME, began),
        ),
        story=(
            f"{name} may do everything in EC2, and works at {own_place.address}; the key leaked.",
            f"{began}  from {there.address}: GetCallerIdentity, ListUsers (denied), and RunInstances of {each} {kind}",
            f"each in {', '.join(regions)}.",
        ),
    )
