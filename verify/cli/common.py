"""What every command shares: the AWS options, the two consoles, text that is safe to print."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verify.aws import Aws
from verify.report.iam_policy import Resources
from verify.report.terminal import safe
from verify.trail import home_region_of

__all__ = ["Terminal", "add_aws_options", "aws_from", "safe"]

_LEAST_WIDTH = 20
_USUAL_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Terminal:
    """Results go to ``out`` (standard output), progress and notices to ``err`` (standard error)."""

    out: Console
    err: Console

    @classmethod
    def standard(cls) -> Terminal:
        """The process's own streams. In a pipe there is no colour and no line is cut."""
        return cls(out=_console(stderr=False), err=_console(stderr=True))

    @property
    def takes_tables(self) -> bool:
        """Whether a table can be read: on a terminal, and one that is wide enough for whole words."""
        return self.out.is_terminal and self.out.width >= _USUAL_WIDTH

    @property
    def takes_blocks(self) -> bool:
        """Whether a few lines for each row are what can be read: on a narrow terminal."""
        return self.out.is_terminal and not self.takes_tables

    def show(self, piece: Table | Text) -> None:
        """Print one piece of a report. In a pipe text stays as it is, tabs and all."""
        if isinstance(piece, Text) and not self.out.is_terminal:
            self.out.file.write(f"{piece.plain}\n")
        else:
            self.out.print(piece, soft_wrap=isinstance(piece, Text))

    def print_json(self, value: Any) -> None:
        """Print one JSON document. ASCII only, so that no control character reaches the terminal."""
        self.out.file.write(json.dumps(value, indent=2, default=str) + "\n")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # Rich would end the program with exit code 1; the command line decides that.
        raise BrokenPipeError


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    # Markup and emoji codes stay off: what is printed is data, and data must not format itself.
    width = None if stream.isatty() else 200
    console = _Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False, width=width)
    if console.width < _LEAST_WIDTH:
        console.width = _USUAL_WIDTH  # COLUMNS=0 in the environment, and nothing would be printed at all
    return console


def add_aws_options(parser: argparse.ArgumentParser) -> None:
    """``--region``, ``--profile``, ``--endpoint-url`` and ``--json``, the same for every command."""
    group = parser.add_argument_group("AWS")
    group.add_argument("--region", help="AWS region. Default: the profile's, or AWS_REGION.")
    group.add_argument("--profile", help="a profile of ~/.aws/config. Default: the usual credential chain.")
    group.add_argument("--endpoint-url", metavar="URL", help="talk to this endpoint instead of AWS (AWS_ENDPOINT_URL).")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables.")


def add_iam_policy_option(parser: argparse.ArgumentParser) -> None:
    """``--print-iam-policy``, the same for every command."""
    parser.add_argument(
        "--print-iam-policy",
        action="store_true",
        help="print the IAM policy that this command needs, without calling AWS, and stop. It names the trail, bucket "
        "and key that the other options name.",
    )


def resources_from(arguments: argparse.Namespace) -> Resources:
    """What ``--trail``, ``--bucket`` and ``--key`` tell of what will be looked at, without asking anybody."""
    given = {name: getattr(arguments, name, None) or "" for name in ("trail", "bucket", "key")}
    region = home_region_of(given["trail"]) or arguments.region
    return Resources(
        partition=Aws(region=region).partition if region else "aws",
        trail_arn=given["trail"] if given["trail"].startswith("arn:") else None,
        bucket=given["bucket"] or None,
        key_arn=given["key"] if ":key/" in given["key"] else None,
    )


def aws_from(arguments: argparse.Namespace) -> Aws:
    """The AWS session that the options describe."""
    return Aws(profile=arguments.profile, region=arguments.region, endpoint_url=arguments.endpoint_url)
