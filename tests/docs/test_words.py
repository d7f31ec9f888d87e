"""The documentation uses the field's standard words: what people wrote in it, without code and written tables."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import OTHERS, PAGES, prose, read

INSTEAD = {
    r"re-?draw\w*": "reconstruct",
    r"draws?|drawn|drew": "sample, generate, plot, select at random",
    r"held to|hold(?:s|ing)? \w+ to (?:a|its|the) prior": "matched to",
    r"pool": "training set",
    r"judg\w+": "evaluate",
    r"warp\w*": "augment, augmentation",
    r"processors?": "CPU",
    r"trainings|a training(?! (?:step|image|set))": "run",
    r"reads? (?:\d+|nothing|rightly|wrongly|as\b)|(?:is|are|be|were) read (?:as|rightly|wrongly)": "classifies as",
    r"told|asked|asks for(?! their labels| the labels| its class)": "gets, receives, requested",
    r"favou?r\w*": "weight",
    r"odd|oddities": "unusual, warnings",
    r"by lot": "at random",
    r"let be": "left alone, ignored",
    r"goes? before": "takes precedence over",
    r"takes? its name|takes? their names": "is written",
    r"hangs? together": "is connected",
    r"likes? of|who looks like whom": "nearest neighbours",
    r"surest|is sure of|are sure of": "most confident",
    r"goes? on with": "continue, resume",
    r"reads off": "measures, takes from",
    r"way through": "steps",
    r"portrait|cadence|journal|strangeness": "analysis, interval, logger, novelty",
}
"""Patterns of phrases that a reader from the field would have to guess, and what to write instead."""

EXCEPTIONS: dict[str, dict[str, str]] = {}
"""For each page, the phrases that may stand there and why; each has to occur."""


def found_in(text: str) -> list[str]:
    """List the phrases of a text that have a standard word."""
    return [
        f"{match[0]!r}: write {instead}"
        for pattern, instead in INSTEAD.items()
        for match in re.finditer(rf"\b(?:{pattern})\b", text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("name", [*PAGES, *OTHERS])
def test_a_page_uses_standard_words(name):
    text = prose(read((PAGES | OTHERS)[name]))
    for phrase in EXCEPTIONS.get(name, {}):
        assert phrase in text, f"no exception is needed any more: {phrase}"
        text = text.replace(phrase, "")
    assert found_in(" ".join(text.split())) == []


@pytest.mark.parametrize(
    "text",
    [
        "It redraws the image.", "what the decoder draws", "`z` is held to a prior", "the rest of the pool",
        "judged by them", "stronger warps", "two cores of a processor", "a training takes", "It reads 97 % of them.",
        "digits read as asked", "which is let be", "drawn by lot",
    ],
)  # fmt: skip
def test_a_phrase_of_the_list_is_found(text):
    assert found_in(text)


@pytest.mark.parametrize(
    "text", ["a training step", "the training set", "`classify` reads files", "it asks for their labels"]
)
def test_standard_words_pass(text):
    assert found_in(text) == []


@pytest.mark.parametrize("name", PAGES)
def test_sentences_are_short(name):
    text = re.sub(r"^(?:[#|!>-].*|\d+\. .*)$", "", prose(read(PAGES[name])), flags=re.MULTILINE)
    sentences = [
        sentence for part in text.split("\n\n") for sentence in re.split(r"(?<=[.!?:;])\s+", " ".join(part.split()))
    ]
    assert [sentence for sentence in sentences if len(sentence.split()) > 32] == []
