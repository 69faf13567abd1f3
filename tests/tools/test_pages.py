"""The runner of the documentation's commands finds what a page shows and is not printed."""

from pathlib import Path

import pytest

from tools.pages import Shell, Step, learned, run_page, steps, with_printed

PAGE = """# A page

```bash
one
two
```

You see:

```text
1
...
```

```bash
three
```

```console
$ four
4
$ five
```

```sh
not run
```
"""


def test_the_commands_of_a_page_are_found_with_what_they_print() -> None:
    assert [(step.command, step.shown, step.has_errors) for step in steps(PAGE)] == [
        ("one\ntwo", "1\n...\n", True),
        ("three", "", True),
        ("four", "4\n", False),
        ("five", "", False),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("a  b\n", "a\tb\n", True),
        ("a\n...\nb\n", "a\nx\ny\nb\n", True),
        ("a\n...\nb\n", "a\nb\n", True),
        ("a\n...\n", "b\n", False),
        ("at 2026-11-28T14:11:45Z\n", "at 2027-01-01T00:00:00Z\n", True),
        ("at 2026-11-28T14:11:45Z\n", "at noon\n", False),
        ("377 objects\n", "376 objects\n", False),
        ("", "a\n", False),
    ],
)
def test_what_a_page_shows_is_what_is_printed(shown: str, printed: str, is_same: bool) -> None:  # noqa: FBT001
    assert (learned(Step("x", shown), printed) is not None) == is_same


def test_what_was_printed_is_written_into_the_page() -> None:
    printed = dict(zip(steps(PAGE), ("9\n", "3\n", "44\n", "5\n"), strict=True))

    written = with_printed(PAGE, printed)

    assert [step.shown for step in steps(written)] == ["9\n", "3\n", "44\n", "5\n"]


@pytest.mark.regular
def test_commands_run_in_one_shell_and_what_differs_is_told(tmp_path: Path) -> None:
    text = (
        "```bash\nname=value\n```\n```bash\necho $name; echo wrong >&2\n```\n```text\nvalue\nwrong\n```\n"
        "```console\n$ echo 1 and 2026-01-02; cat\n1 and 2001-01-01\n"
        "$ echo 2001-01-01; echo left out >&2\n2001-01-01\n```\n"
        "```bash\necho surprise\n```\n"
    )
    shell = Shell(tmp_path, tmp_path)
    try:
        found = [(printed.strip(), is_same) for _, printed, is_same in run_page(shell, text)]
    finally:
        shell.close()

    assert found == [
        ("", True),
        ("value\nwrong", True),
        ("1 and 2026-01-02", True),
        ("2026-01-02", True),  # what the page shows for a value stands for the value of this run
        ("surprise", False),
    ]


@pytest.mark.regular
def test_a_command_that_ends_the_shell_is_named(tmp_path: Path) -> None:
    shell = Shell(tmp_path, tmp_path)
    try:
        with pytest.raises(RuntimeError, match="The shell ended at: exit 3"):
            list(run_page(shell, "```bash\nexit 3\n```\n"))
    finally:
        shell.close()
