"""Command lines whose errors show the usage of the command that was typed, and say what was probably meant.

`lab` and `verify` do not import each other, and the review takes from `verify` only what compares policies, so each has
this module; a test keeps the copies equal.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import takewhile
from typing import Any, NoReturn

_CHOSEN = re.compile("invalid choice: '([^']*)'")


class _Color(argparse.Action):
    """Says it in the environment, where programs that are started find it, too: https://no-color.org/"""

    def __call__(self, _parser: object, _namespace: object, value: object, _option: object = None) -> None:
        for name in ("NO_COLOR", "FORCE_COLOR"):
            os.environ.pop(name, None)
        if value != "auto":
            os.environ["NO_COLOR" if value == "never" else "FORCE_COLOR"] = "1"


class Parser(argparse.ArgumentParser):
    """A parser, of whose commands each reports what it does not know itself.

    `hint` is said after an option that does not exist, with `{}` for the option.
    """

    hint = ""
    _typed: Sequence[str] = ()

    def __init__(self, *positional: Any, **named: Any) -> None:
        """As `argparse`; every command has --color."""
        super().__init__(*positional, **named)
        self.add_argument(
            "--color",
            action=_Color,
            choices=("auto", "always", "never"),
            default=argparse.SUPPRESS,
            help="colours: auto (on a terminal, and not with NO_COLOR), always or never",
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As `argparse` does; but nothing may be left over, which a parser would report above the command's own."""
        self._typed = sys.argv[1:] if args is None else list(args)
        found, unknown = super().parse_known_args(self._typed, namespace)
        if unknown:
            self._typed = ()  # it is asked here
            self.error(
                f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}{self.hint.format(unknown[0])}"
            )
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Ends the program with the usage, the message and what was probably meant."""
        super().error(message + (self._meant(_CHOSEN.findall(message)) or self._meant(self._unknown_options())))

    def _unknown_options(self) -> list[str]:
        """What was typed as an option and is none, nor the beginning of one: its value may have been taken for another
        word of the command, and be what the message is about.
        """
        known = tuple(self._option_string_actions)
        typed = [word.partition("=")[0] for word in takewhile("--".__ne__, self._typed) if word.startswith("--")]
        return [word for word in typed if not any(option.startswith(word) for option in known)]

    def _meant(self, words: Sequence[str]) -> str:
        """A question about the first word that is nearly right; '' when none is. What is like an option only by its
        dashes is not like it.
        """
        named = [name for action in self._actions for name in action.option_strings]
        options = {name[2:]: name for name in named if name.startswith("--")}
        others = {str(name): str(name) for action in self._actions for name in action.choices or ()}
        for word in words:
            known = options if word.startswith("-") else others | options
            near = get_close_matches(word.partition("=")[0].lstrip("-"), known, n=1)
            if near:
                return f". Did you mean {known[near[0]]}?"
        return ""
