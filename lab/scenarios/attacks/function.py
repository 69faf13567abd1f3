"""A back door in a function: its code is replaced, and anybody may call it.

https://stratus-red-team.cloud/attack-techniques/AWS/aws.persistence.lambda-backdoor-function/
https://stratus-red-team.cloud/attack-techniques/AWS/aws.persistence.lambda-overwrite-code/
"""

import io
import zipfile

from lab.scenarios.actor import make_role
from lab.scenarios.answers.facts import Fact, Kind
from lab.scenarios.answers.saved import Stage, UndoingCall
from lab.scenarios.attacks.stranger import administrator, day, office, outside, owner_of_a_key
from lab.scenarios.hunt import Director, HuntOutcome
from lab.scenarios.people import Call, Worker
from lab.scenarios.stacks import stack_of

_USERS = ("deploy-bot", "serverless-tom", "frontend-ci", "release-manager")
_FUNCTIONS = ("order-webhook", "invoice-render", "image-resize", "newsletter")
_LOOKS: tuple[Call, ...] = (("lambda", "list_functions", {}),)
_ACTIONS = ("lambda:ListFunctions", "lambda:GetFunction", "lambda:UpdateFunctionCode", "lambda:AddPermission")


def function(director: Director) -> HuntOutcome:
    """Plays it.

    :raises LabError: the lab's time cannot pass as asked.
    """
    chance = director.chance
    name, victim, there = chance.choice(_USERS), chance.choice(_FUNCTIONS), outside(chance)
    role = f"{victim}-role"
    undoing = UndoingCall("lambda", "delete_function", {"FunctionName": victim})
    director.keep(Stage(users=(name,), stacks=(stack_of(name),), roles=(role,), calls=(undoing,)))
    admin = administrator(director)
    writes = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    role_arn = make_role(admin, role, {"Service": "lambda.amazonaws.com"}, [writes])
    admin.client("lambda").create_function(
        FunctionName=victim, Runtime="python3.13", Role=role_arn, Handler="main.handler", Code={"ZipFile": _code("1")}
    )
    owner = owner_of_a_key(director, name, [{"Action": list(_ACTIONS), "Resource": "*"}], office(chance))
    director.before(lambda: [Worker(owner, _LOOKS)])

    client = owner.at(director.lab, there).client("lambda")
    client.list_functions()
    client.get_function(FunctionName=victim)
    replaced = director.now()
    client.update_function_code(FunctionName=victim, ZipFile=_code("2"))
    opened = director.now()
    client.add_permission(FunctionName=victim, StatementId="api", Action="lambda:InvokeFunction", Principal="*")
    director.after(lambda: [Worker(owner, _LOOKS)])

    return HuntOutcome(
        alarm=(
            f"{director.now()}  To: the engineer on call  From: development",
            f"Since {day(director)} one of our functions does something that is in none of our repositories.",
            "Which one? Who replaced it, from where and when, and who can call it now?",
        ),
        facts=(
            Fact("user", "Whose credentials were used?", Kind.NAME, name),
            Fact("address", "Which address were they used from?", Kind.ADDRESS, there.address),
            Fact("function", "Which function was changed?", Kind.NAME, victim),
            Fact("replaced", "When was its code replaced?", Kind.TIME, replaced),
            Fact("opened", "When was it opened for everybody?", Kind.TIME, opened),
        ),
        story=(
            f"{name} may deploy functions. From {there.address}: ListFunctions, GetFunction, UpdateFunctionCode of",
            f"{victim} at {replaced}, AddPermission for everybody at {opened}.",
        ),
    )


def _code(version: str) -> bytes:
    """A deployment package."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr(zipfile.ZipInfo("main.py"), f"def handler(event, context):\n    return {version}\n")
    return packed.getvalue()
