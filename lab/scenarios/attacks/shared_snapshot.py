"""A snapshot shared out: the disk of a database leaves the account without a byte being read in it.

https://stratus-red-team.cloud/attack-techniques/AWS/aws.exfiltration.ec2-share-ebs-snapshot/
"""

from dataclasses import replace

from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage, UndoingCall
from lab.scenarios.attacks.stranger import administrator, day, office, outside, owner_of_a_key
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.stacks import stack_of

_USERS = ("backup-operator", "dba-jonas", "storage-team", "night-backup")
_LOOKS: tuple[Call, ...] = (("ec2", "describe_volumes", {}), ("ec2", "describe_snapshots", {"OwnerIds": ["self"]}))
_ACTIONS = ("ec2:Describe*", "ec2:CreateSnapshot", "ec2:ModifySnapshotAttribute")


def shared_snapshot(director: Director) -> HuntOutcome:
    """Plays it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    chance = director.chance
    name, there = chance.choice(_USERS), outside(chance)
    account = f"{chance.randrange(200_000_000_000, 900_000_000_000)}"
    stage = Stage(users=(name,), stacks=(stack_of(name),))
    director.keep(stage)
    zone = f"{director.lab.region}a"
    volume = administrator(director).client("ec2").create_volume(AvailabilityZone=zone, Size=20)["VolumeId"]
    stage = replace(stage, calls=(UndoingCall("ec2", "delete_volume", {"VolumeId": volume}),))
    director.keep(stage)
    owner = owner_of_a_key(director, name, [{"Action": list(_ACTIONS), "Resource": "*"}], office(chance))
    director.before(lambda: [Worker(owner, _LOOKS)])

    began, thief = director.now(), owner.at(director.lab, there)
    ec2 = thief.client("ec2")
    ec2.describe_volumes()
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="nightly")["SnapshotId"]
    undoing = UndoingCall("ec2", "delete_snapshot", {"SnapshotId": snapshot})
    director.keep(replace(stage, calls=(undoing, *stage.calls)))
    ec2.modify_snapshot_attribute(
        SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", UserIds=[account]
    )
    shared = director.now()
    director.after(lambda: [Worker(owner, _LOOKS)])

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: legal",
            f"Somebody wants money, and shows rows of our database that are from {day(director)}.",
            "The database itself has served nobody strange. How did its data leave, by whom, and where to?",
        ),
        facts=(
            Fact("user", "Whose credentials were used?", Kind.NAME, name),
            Fact("address", "Which address were they used from?", Kind.ADDRESS, there.address),
            Fact("volume", "Which volume was copied?", Kind.NAME, volume),
            Fact("snapshot", "Into which snapshot?", Kind.NAME, snapshot),
            Fact("account", "Which account was it shared with?", Kind.NAME, account),
            Fact("shared", "When was it shared?", Kind.TIME, shared),
        ),
        story=(
            f"{name} may make and share snapshots. From {there.address}, at {began}:",
            f"DescribeVolumes, CreateSnapshot of {volume} ({snapshot}), and shared with {account}.",
        ),
    )
