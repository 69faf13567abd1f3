"""A chain of roles: from a user with few rights, over one role to the next, to a secret that the user may not read.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
"""

from lab.scenarios.actor import Actor, CallOrigin, make_role, role_session
from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage, UndoingCall
from lab.scenarios.attacks.stranger import administrator, day, office, outside, owner_of_a_key
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.stacks import stack_of

_USERS = ("intern-kai", "support-desk", "report-reader", "trainee-noa")
_FIRST = ("deploy-helper", "pipeline-runner", "release-tool")
_SECOND = ("production-admin", "payments-operator", "vault-reader")
_PARAMETERS = ("/payments/api-key", "/database/master-password", "/signing/private-key")
_LOOKS: tuple[Call, ...] = (("s3", "list_buckets", {}), ("sts", "get_caller_identity", {}))


def role_chain(director: Director) -> HuntOutcome:
    """Plays it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    lab, chance = director.lab, director.chance
    name, first, second = chance.choice(_USERS), chance.choice(_FIRST), chance.choice(_SECOND)
    parameter, there = chance.choice(_PARAMETERS), outside(chance)
    undoing = UndoingCall("ssm", "delete_parameter", {"Name": parameter})
    director.keep(Stage(users=(name,), stacks=(stack_of(name),), roles=(first, second), calls=(undoing,)))
    admin = administrator(director)
    admin.client("ssm").put_parameter(Name=parameter, Value="only an example", Type="SecureString", Overwrite=True)
    role = f"arn:aws:iam::{lab.account}:role/"
    owner = owner_of_a_key(
        director,
        name,
        [
            {"Action": "s3:ListAllMyBuckets", "Resource": "*"},
            {"Action": "sts:AssumeRole", "Resource": f"{role}{first}"},
        ],
        office(chance),
    )
    account = {"AWS": f"arn:aws:iam::{lab.account}:root"}
    takes = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"{role}{second}"}
    reads = {"Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:DescribeParameters"], "Resource": "*"}
    first_arn = make_role(admin, first, account, [takes])
    second_arn = make_role(admin, second, account, [reads])
    director.before(lambda: [Worker(owner, _LOOKS)])

    began = director.now()
    taken = _take(director, owner.at(lab, there), (first_arn, second_arn), there)
    taken.client("ssm").describe_parameters()
    read = director.now()
    taken.client("ssm").get_parameter(Name=parameter, WithDecryption=True)
    director.after(lambda: [Worker(owner, _LOOKS)])

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: the owner of {parameter}",
            f"This value was used by a stranger {day(director)}. Only {second} can read it, and that is a role.",
            "Who is behind it, back to the first human? Over which role, from where, and when did it begin?",
        ),
        facts=(
            Fact("user", "Which user stands at the beginning?", Kind.NAME, name),
            Fact("address", "Which address was called from?", Kind.ADDRESS, there.address),
            Fact("first-role", "Which role was taken first?", Kind.NAME, first),
            Fact("began", "When was it taken?", Kind.TIME, began),
            Fact("read", "When was the value read?", Kind.TIME, read),
        ),
        story=(
            f"{name} may take {first}, and {first} may take {second}, which reads {parameter}.",
            f"From {there.address}: at {began} AssumeRole of {first}, then of {second}; at {read} GetParameter.",
        ),
    )


def _take(director: Director, actor: Actor, roles: tuple[str, ...], place: CallOrigin) -> Actor:
    for arn in roles:
        actor = role_session(director.lab, actor, arn, "session", place)
    return actor
