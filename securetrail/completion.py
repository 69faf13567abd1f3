"""What makes a shell complete the commands, their options and the options' values; made from the parsers themselves."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell that can complete.

    :param into: the command that makes every new shell of a person do it.
    """

    into: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word that may come next: a command, or an option.

    :param help: one line. Default: - none.
    :param takes_value: it is an option, and one more word belongs to it.
    :param values: what that word may be. Default: - anything.
    """

    text: str
    help: str
    takes_value: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandWords:
    """What may follow after some commands.

    :param commands: those before, without the program, such as ``("logs", "show")``.
    """

    commands: tuple[str, ...]
    words: tuple[Word, ...]


SHELLS: Final = {
    "bash": Shell("echo 'source <(securetrail completion bash)' >> ~/.bashrc"),
    "zsh": Shell("echo 'source <(securetrail completion zsh)' >> ~/.zshrc    (after its line with compinit)"),
    "fish": Shell("securetrail completion fish > ~/.config/fish/completions/securetrail.fish"),
}


def place_of(parser: argparse.ArgumentParser, commands: tuple[str, ...]) -> list[CommandWords]:
    """What a parser takes after these commands, and what each of its subparsers takes after one more."""
    words, below = [], []
    for action in parser._actions:  # noqa: SLF001 (argparse offers no other way to list them)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 (as above)
            helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 (as above)
            for name, inner in action.choices.items():
                words.append(Word(name, helps.get(name, "")))
                below += place_of(inner, (*commands, name))
        elif action.option_strings:
            values = tuple(map(str, action.choices or ()))
            line, takes_value = _one_line(action.help), action.nargs != 0
            words += [Word(text, line, takes_value, values) for text in action.option_strings]
        elif action.choices:
            words += [Word(str(each), "") for each in action.choices]
    return [CommandWords(commands, tuple(words)), *below]


def script(shell: str, places: Sequence[CommandWords], commands: Mapping[str, str]) -> str:
    """The script that a shell reads.

    :param shell: one of ``SHELLS``.
    :param places: what follows after each command, as far as it is known.
    :param commands: the commands of the program, each with a line of help.
    """
    first = CommandWords(
        (), tuple(Word(name, text) for name, text in {**commands, "--help": "", "--version": ""}.items())
    )
    shells = CommandWords(("completion",), tuple(Word(each, "") for each in SHELLS))
    every = [first, shells, *(each for each in places if each.commands)]
    if shell == "fish":
        return "\n".join([*_fish(every), ""])
    start = ["autoload -U +X bashcompinit && bashcompinit"] if shell == "zsh" else []
    return "\n".join([*start, *_bash(every), ""])


def _bash(places: Sequence[CommandWords]) -> Iterator[str]:
    after = [place for place in places if place.commands]
    yield from (
        "_securetrail() {",
        "  local place='' words='' before='' i",
        # Of --format=sarif bash makes three words, and zsh one.
        '  local word="${COMP_WORDS[COMP_CWORD]}" option="${COMP_WORDS[COMP_CWORD - 1]}"',
        '  case "$word" in',
        "    =) word='' ;;",
        '    --*=*) option="${word%%=*}" before="${word%%=*}=" word="${word#*=}" ;;',
        "  esac",
        '  [ "$option" != = ] || option="${COMP_WORDS[COMP_CWORD - 2]}"',
        "  for ((i = 1; i < COMP_CWORD; i++)); do",
        '    case "$place${COMP_WORDS[i]} " in',
        f'      {_patterns(_key(place) for place in after)}) place="$place${{COMP_WORDS[i]}} " ;;',
        "    esac",
        "  done",
        '  case "$place$option" in',
    )
    free = []
    for place in places:
        for word in place.words:
            if word.values:
                yield f"    {shlex.quote(_key(place) + word.text)}) words={shlex.quote(' '.join(word.values))} ;;"
            elif word.takes_value:
                free.append(_key(place) + word.text)
    if free:
        # No word of ours: the shell completes names of files.
        yield f"    {_patterns(free)}) ;;"
    yield from ("    *)", '      case "$place" in')
    for place in places:
        yield f"        {shlex.quote(_key(place))}) words={shlex.quote(' '.join(word.text for word in place.words))} ;;"
    yield from (
        "      esac ;;",
        "  esac",
        '  COMPREPLY=($(compgen -P "$before" -W "$words" -- "$word"))',
        "}",
        "complete -o default -F _securetrail securetrail",
    )


def _fish(places: Sequence[CommandWords]) -> Iterator[str]:
    after = " ".join(shlex.quote(_key(place)) for place in places if place.commands)
    yield from (
        "function __securetrail_is_after",
        "    set -l place ''",
        "    set -l words (commandline -opc)",
        "    set -e words[1]",
        "    for word in $words",
        '        switch "$place$word "',
        f"            case {after}",
        '                set place "$place$word "',
        "        end",
        "    end",
        '    test "$place" = "$argv[1]"',
        "end",
    )
    for place in places:
        condition = shlex.quote(f'__securetrail_is_after "{_key(place)}"')
        for word in place.words:
            what = f" -d {_fish_quoted(word.help)}" if word.help else ""
            yield f"complete -c securetrail -n {condition} {_fish_word(word)}{what}"


def _fish_word(word: Word) -> str:
    if not word.text.startswith("-"):
        return f"-f -a {word.text}"
    name = f"-l {word.text[2:]}" if word.text.startswith("--") else f"-s {word.text[1:]}"
    if word.values:
        return f"{name} -x -a {_fish_quoted(' '.join(word.values))}"
    return f"{name} -r" if word.takes_value else f"{name} -f"


def _fish_quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _key(place: CommandWords) -> str:
    return "".join(f"{each} " for each in place.commands)


def _patterns(texts: Iterable[str]) -> str:
    return "|".join(map(shlex.quote, texts))


def _one_line(text: str | None) -> str:
    return "" if not text or text == argparse.SUPPRESS else " ".join(text.replace("%%", "%").split())
