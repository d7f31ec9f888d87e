"""The model card is Markdown in which the names of strangers are names."""

from __future__ import annotations

from types import SimpleNamespace

from aaecli.export.model_card import _figures, _temperature

ENTRY = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "num_images": 3}


def test_names_of_classes_make_no_cells_links_or_tags() -> None:
    names = ["a|b", "<script>", "[x](y)", "two\nlines", "\x1b[31m"]
    report = {
        "accuracy": 1.0, "accuracy_interval": (0.9, 1.0), "num_images": 15, "expected_calibration_error": 0.0,
        "classes": [{"class": name, **ENTRY} for name in names],
    }  # fmt: skip
    rows = _figures(report).splitlines()[-len(names) :]
    shown = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert shown == ["a\\|b", "&lt;script&gt;", "\\[x\\]\\(y\\)", "two\\\\nlines", "\\\\x1b\\[31m"]


def test_the_card_says_what_the_logits_are_divided_by() -> None:
    def said(temperature: float, **summary: int) -> str:
        return _temperature(SimpleNamespace(encoder=SimpleNamespace(temperature=temperature), summary=summary))  # type: ignore[arg-type]

    assert "divided by 1.250, a temperature fitted on 10,000 labelled validation images" in said(
        1.25, num_temperature_images=10_000
    )
    assert said(1.0, num_temperature_images=0) == said(1.0) == ""
    report = {
        "accuracy": 1.0, "accuracy_interval": (0.9, 1.0), "num_images": 15, "expected_calibration_error": 0.01,
        "expected_calibration_error_uncalibrated": 0.05, "temperature": 1.25, "classes": [{"class": "a", **ENTRY}],
    }  # fmt: skip
    assert "0.0100 \\(expected, 15 bins, 0.0500 before temperature 1.25\\)" in _figures(report)
