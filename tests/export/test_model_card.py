"""The model card is Markdown in which the names of strangers are names."""

from __future__ import annotations

from aaecli.export.model_card import _figures

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
