"""Identifiers use the field's standard words: what a word of the list stands for has a name that others know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.source import modules, nodes

INSTEAD = {
    "told": "the thing itself: true_label, message, report",
    "asked": "requested",
    "judge": "evaluate",
    "judged": "evaluated, score",
    "favour": "weight",
    "usual": "default, typical",
    "odd": "suspicious",
    "oddities": "warnings",
    "wider": "scaled",
    "place": "index, position, path",
    "places": "indices, positions, paths",
    "facts": "summary, metrics, metadata",
    "views": "shifted_copies (test-time augmentation)",
    "portrait": "analysis",
    "cadence": "interval",
    "journal": "logger",
    "card": "model_card",
    "strangeness": "novelty",
    "looks": "predictions, validations",
    "redraw": "reconstruct",
    "redrawn": "reconstructed",
}
"""Words that only this project would understand, and what to write instead."""

EXCEPTIONS = {
    "in_place": "Pillow's own argument",
    "model_card": "the standard term of Mitchell et al. 2019",
    "model_card_path": "likewise",
    "MODEL_CARD": "likewise",
}


def _identifiers(source: str) -> Iterator[tuple[str, int]]:
    """Yield every name that is defined, bound or used, with its line."""
    for node in nodes(source):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, line
            case ast.arg(arg=name):
                yield name, line
            case ast.keyword(arg=str(name)):
                yield name, node.value.lineno
            case ast.alias(name=name, asname=alias):
                yield alias or name.rpartition(".")[2], line


def _words(name: str) -> set[str]:
    return {part.lower() for part in re.split(r"_|(?<=[a-z0-9])(?=[A-Z])", name) if part}


def found_in(source: str) -> list[str]:
    """List the identifiers of a module that hold a word of the list."""
    return [
        f"line {line}: {name} ({word}: write {INSTEAD[word]})"
        for name, line in _identifiers(source)
        for word in sorted(_words(name) & INSTEAD.keys())
        if name not in EXCEPTIONS
    ]


def test_identifiers_use_standard_words() -> None:
    assert {name: found for name, text in modules().items() if (found := found_in(text))} == {}


def test_modules_are_named_by_standard_words() -> None:
    stems = {PurePosixPath(name).stem for name in modules()}
    assert {stem for stem in stems if _words(stem) & INSTEAD.keys()} <= EXCEPTIONS.keys()


@pytest.mark.parametrize(
    "source",
    ["told = 1", "def num_asked(): pass", "f(usual_size=2)", "class Portrait: pass", "x.facts", "def f(odd): pass"],
)
def test_a_word_of_the_list_is_found(source: str) -> None:
    assert len(found_in(source)) == 1


def test_every_exception_is_in_use() -> None:
    sources = "\n".join(modules().values())
    assert [name for name in EXCEPTIONS if not re.search(rf"\b{name}\b", sources)] == []


PHRASES = {
    r"re-?draw\w*": "reconstruct",
    r"judg\w+": "evaluate",
    r"processors?": "CPU",
    r"trainings|a training(?! (?:step|image|set|run))": "run",
    r"held to (?:a|the|its) prior": "matched to",
    r"reads? (?:rightly|wrongly)|(?:is|are) read (?:as|rightly|wrongly)": "classifies",
    r"look at the image|what the model saw": "the preprocessed input",
    r"told|asked for|is asked": "receives, requested",
    r"(?:goes|go|going|gone) on": "continue",
    r"goes? before": "takes precedence over",
    r"takes? its name": "is written",
    r"by lot": "at random",
    r"learnt from|learn from": "trained on",
    r"kept back": "held out",
    r"warps?": "augmentation",
    r"strange": "novel",
    r"knows? (?:no|the) class(?:es)?": "has",
}
"""Phrases that what the command line prints may not hold, and what to write instead."""
PRINTED = ("cli", "experiments", "export", "labelling", "runs", "serve", "terminal")
"""Rooms whose texts a user reads: help, messages, captions and cards."""
PRINTED_EXCEPTIONS = {
    "what the model saw": "a mark in PNG files, by which earlier ones are known as the program's own",
}


def printed(source: str) -> Iterator[tuple[str, int]]:
    """Yield every text that may be printed: literals, and the docstrings of commands, which are their help."""
    commands = {
        node.body[0].value
        for node in nodes(source)
        if isinstance(node, ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
        and any(re.search(r"\b(?:command|callback)\b", ast.unparse(each)) for each in node.decorator_list)
    }
    docstrings = {node.value for node in nodes(source) if isinstance(node, ast.Expr)} - commands
    for node in nodes(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            yield node.value, node.lineno


def phrases_in(source: str) -> list[str]:
    """List the phrases of a module's texts that have a standard word."""
    return [
        f"line {line}: {match[0]!r} (write {instead})"
        for text, line in printed(source)
        for pattern, instead in PHRASES.items()
        for match in re.finditer(rf"\b(?:{pattern})\b", " ".join(text.split()), re.IGNORECASE)
        if text not in PRINTED_EXCEPTIONS
    ]


def test_what_is_printed_uses_standard_words() -> None:
    texts = {name: text for name, text in modules().items() if name.partition("/")[0] in PRINTED}
    assert {name: found for name, text in texts.items() if (found := phrases_in(text))} == {}


@pytest.mark.parametrize(
    "source",
    ["say('The run goes on.')", "help='Judge a model.'", '@app.command()\ndef f():\n    """It redraws images."""'],
)
def test_a_phrase_of_the_list_is_found(source: str) -> None:
    assert len(phrases_in(source)) == 1


def test_comments_are_not_printed() -> None:
    assert phrases_in('"""It is told."""\ndef f():\n    """It is told."""') == []


def test_every_printed_exception_is_in_use() -> None:
    texts = {text for source in modules().values() for text, _ in printed(source)}
    assert [text for text in PRINTED_EXCEPTIONS if text not in texts] == []
