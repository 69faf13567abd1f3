"""Which security groups let everybody in to SSH, as EC2 answers and as the score judges it."""

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.posture.score.test_score import PERFECT
from tests.verify.simulation.stubbed import answers, offline
from verify.fact import Fact, Value
from verify.posture.model import Status
from verify.posture.score.facts import OpenGroup
from verify.posture.score.judges import no_open_ssh
from verify.posture.score.questions import AccountQuestions, _openings

SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
V4 = OpenGroup("sg-1", "0.0.0.0/0")
V6 = OpenGroup("sg-1", "::/0")
LIST = OpenGroup("sg-1", "pl-1", is_certain=False)


def v4(*ranges: str) -> dict[str, Any]:
    return {"IpRanges": [{"CidrIp": one} for one in ranges]}


def v6(*ranges: str) -> dict[str, Any]:
    return {"Ipv6Ranges": [{"CidrIpv6": one} for one in ranges]}


def found(monkeypatch: pytest.MonkeyPatch, *rules: dict[str, Any]) -> Fact[tuple[OpenGroup, ...]]:
    aws = offline(monkeypatch)
    group = {"GroupId": "sg-1", "IpPermissions": list(rules)}
    with answers(aws, "ec2", "describe_security_groups", {"SecurityGroups": [group]}):
        return AccountQuestions(aws).open_groups()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([SSH | v4("0.0.0.0/0")], (V4,)),
        ([{"IpProtocol": "6", "FromPort": 0, "ToPort": 65535} | v6("::/0")], (V6,)),
        ([{"IpProtocol": "-1"} | v4("0.0.0.0/0")], (V4,)),
        ([SSH | v4("10.0.0.0/8")], ()),
        ([SSH | {"FromPort": 443, "ToPort": 443} | v4("0.0.0.0/0")], ()),
        ([SSH | {"IpProtocol": "udp"} | v4("0.0.0.0/0")], ()),
        ([{"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1} | v4("0.0.0.0/0")], ()),
        ([SSH | v4("0.0.0.0/1", "128.0.0.0/1")], (V4,)),
        ([SSH | v4("0.0.0.0/1"), {"IpProtocol": "-1"} | v4("128.0.0.0/2", "192.0.0.0/2")], (V4,)),
        ([SSH | v6("::/1", "8000::/1")], (V6,)),
        ([SSH | v4("0.0.0.0/1")], (OpenGroup("sg-1", "0.0.0.0/1"),)),
        ([SSH | v4("1.0.0.0/8"), SSH | {"FromPort": 23, "ToPort": 23} | v4("128.0.0.0/1")], ()),
        ([SSH | v4("17.0.0.0/8")], ()),
        ([SSH | v4("17.0.0.0/8", "18.0.0.0/32")], (OpenGroup("sg-1", "17.0.0.0/8, 18.0.0.0/32"),)),
        ([SSH | v4("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")], ()),
        ([SSH | v4("224.0.0.0/3")], ()),
        ([SSH | v6("2000::/3")], (OpenGroup("sg-1", "2000::/3"),)),
        ([SSH | v6("2600::/12")], (OpenGroup("sg-1", "2600::/12"),)),
        ([SSH | v6("2001:db8::/32", "fd00::/8", "fe80::/10")], ()),
        ([SSH | {"PrefixListIds": [{"PrefixListId": "pl-1"}]}], (LIST,)),
        ([SSH | {"FromPort": 80, "ToPort": 80, "PrefixListIds": [{"PrefixListId": "pl-1"}]}], ()),
        ([SSH | v4("0.0.0.0/0") | {"PrefixListIds": [{"PrefixListId": "pl-1"}]}], (V4, LIST)),
    ],
)
def test_ssh_open_to_the_world_is_found(
    monkeypatch: pytest.MonkeyPatch, rules: list[dict[str, Any]], expected: tuple[OpenGroup, ...]
) -> None:
    assert found(monkeypatch, *rules) == Value(expected)


@pytest.mark.parametrize(
    ("groups", "status", "word"),
    [
        ((), Status.PASS, "no security group"),
        ((LIST,), Status.UNKNOWN, "sg-1 from pl-1"),
        ((LIST, V4), Status.FAIL, "sg-1 from 0.0.0.0/0"),
    ],
)
def test_a_prefix_list_that_nobody_read_is_neither_open_nor_closed(
    groups: tuple[OpenGroup, ...], status: Status, word: str
) -> None:
    verdict = no_open_ssh(replace(PERFECT, open_groups={"us-east-1": Value(groups)}))
    assert verdict.status is status
    assert word in verdict.actual


@given(st.sets(st.integers(0, 255), max_size=3), st.integers(8, 16))
def test_the_world_in_pieces_is_the_world(left_out: set[int], prefix: int) -> None:
    """All of IPv4 but a few /8s, in pieces of any size."""
    pieces = [
        str(piece) for first in range(256) if first not in left_out for piece in (IPv4Network(f"{first}.0.0.0/8"),)
    ]
    pieces[0:1] = map(str, IPv4Network(pieces[0]).subnets(new_prefix=prefix))
    group = {"GroupId": "sg-1", "IpPermissions": [SSH | v4(*pieces)]}
    assert [found.group_id for found in _openings(group)] == ["sg-1"]
