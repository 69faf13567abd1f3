"""A way back in: a role is made to trust an account of somebody else, who then takes it.

https://stratus-red-team.cloud/attack-techniques/AWS/aws.persistence.iam-backdoor-role/
"""

import json

from lab.scenarios.actor import make_role
from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage
from lab.scenarios.attacks.stranger import administrator, day, office, outside, owner_of_a_key
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.stacks import stack_of

_USERS = ("iam-operator", "onboarding-tool", "helpdesk-mia", "access-reviews")
_ROLES = ("cost-reports", "monitoring-read", "partner-audit", "data-lake-admin")
_LOOKS: tuple[Call, ...] = (("iam", "list_roles", {}), ("iam", "list_users", {}))
_ACTIONS = ("iam:ListRoles", "iam:ListUsers", "iam:GetRole", "iam:UpdateAssumeRolePolicy")


def outside_trust(director: Director) -> HuntOutcome:
    """Plays it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    chance = director.chance
    name, role, there = chance.choice(_USERS), chance.choice(_ROLES), outside(chance)
    account = f"{chance.randrange(200_000_000_000, 900_000_000_000)}"
    director.keep(Stage(users=(name,), stacks=(stack_of(name),), roles=(role,)))
    own = {"AWS": f"arn:aws:iam::{director.lab.account}:root"}
    reads = {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets", "ec2:Describe*"], "Resource": "*"}
    make_role(administrator(director), role, own, [reads])
    owner = owner_of_a_key(director, name, [{"Action": list(_ACTIONS), "Resource": "*"}], office(chance))
    director.before(lambda: [Worker(owner, _LOOKS)])

    iam = owner.at(director.lab, there).client("iam")
    iam.list_roles()
    iam.get_role(RoleName=role)
    changed = director.now()
    both = {"AWS": [own["AWS"], f"arn:aws:iam::{account}:root"]}
    trust = {"Effect": "Allow", "Principal": both, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=document)
    director.after(lambda: [Worker(owner, _LOOKS)])

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: threat intelligence",
            f"On a forum somebody sells access to our account: 'works since {day(director)}, needs no key of theirs'.",
            "Which door is open? Who opened it, from where and when, and for whom?",
        ),
        facts=(
            Fact("user", "Whose credentials opened it?", Kind.NAME, name),
            Fact("address", "Which address were they used from?", Kind.ADDRESS, there.address),
            Fact("role", "Which role can be taken from outside?", Kind.NAME, role),
            Fact("account", "Which account may take it?", Kind.NAME, account),
            Fact("changed", "When was that changed?", Kind.TIME, changed),
        ),
        story=(
            f"{name} may change whom roles trust. From {there.address}: ListRoles, GetRole, and at {changed}",
            f"UpdateAssumeRolePolicy: {role} trusts the account {account} as well.",
        ),
    )
