"""The glossary explains words that are used, and each once."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs/glossary.md"
ENTRY = re.compile(r"^\*\*(?P<word>[^*(]+?)(?: \((?:AWS|CDK)\))?\*\*: ", re.MULTILINE)
WORDS = ENTRY.findall(GLOSSARY.read_text())
TEXT = " ".join(
    re.sub(r"[\s_-]+", " ", path.read_text()).lower()
    for place in ("app.py", "constructs_lib", "stacks", "verify", "lab", "examples", "README.md", "docs")
    for path in ([ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*")))
    if path.suffix in (".py", ".md", ".json") and path != GLOSSARY
)


def used(word: str) -> bool:
    """Whether the word stands somewhere, as such or in the plural, in prose or as a name in code."""
    singular = word.replace("-", " ").lower()
    plural = f"{singular.removesuffix('y')}ies" if singular.endswith("y") else f"{singular}s"
    return bool(re.search(rf"\b({re.escape(singular)}|{re.escape(plural)})\b", TEXT))


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_the_glossary_is_used(word: str) -> None:
    assert used(word)


def test_a_word_that_nobody_uses_would_be_found() -> None:
    assert not used("clepsydra")


def test_every_paragraph_is_an_entry_in_alphabetical_order() -> None:
    entries = GLOSSARY.read_text().split("\n\n")[2:]

    assert len(entries) == len(WORDS) == len({word.lower() for word in WORDS})
    assert sorted(WORDS, key=str.lower) == WORDS
