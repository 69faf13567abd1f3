"""The glossary explains words that are used, and each once. Names are made of them, of AWS's words and of Python's."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs/glossary.md"
ENTRY = re.compile(r"^\*\*(?P<word>[^*(]+?)(?: \((?:AWS|CDK)\))?\*\*: ", re.MULTILINE)
WORDS = ENTRY.findall(GLOSSARY.read_text())
TEXT = " ".join(
    re.sub(r"[\s_-]+", " ", path.read_text()).lower()
    for place in ("app.py", "constructs_lib", "securetrail", "stacks", "verify", "lab", "examples", "README.md", "docs")
    for path in ([ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*")))
    if path.suffix in (".py", ".md", ".json") and path != GLOSSARY
)
# Words of our own that names had, and of which nobody knew what they meant.
PRIVATE_WORDS = {"door", "lane", "ledger", "seal", "seam", "stray", "withheld"}
PARTS = ("constructs_lib", "stacks", "verify", "lab", "securetrail", "tools")


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


def words_of(name: str) -> set[str]:
    """The words that a name is made of, each in the singular."""
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


def names_in(path: Path) -> set[str]:
    """What a module is called, and what it defines. Of one without any private word, nothing: it need not be parsed."""
    text = path.read_text()
    if not any(word in f"{text} {path}".lower() for word in PRIVATE_WORDS):
        return set()
    tree = ast.parse(text)
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    found |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return found | {path.stem, path.parent.name}


def test_the_words_of_a_name_are_seen_in_every_style() -> None:
    assert words_of("_MAX_STRAYS") == {"max", "stray"}
    assert words_of("LedgerOfSeals") == {"ledger", "of", "seal"}


def test_no_name_has_a_word_that_only_we_know() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for part in PARTS
        for path in (ROOT / part).rglob("*.py")
        for name in names_in(path)
        if words_of(name) & PRIVATE_WORDS
    }

    assert found == set()
