"""What README and docs say of the program, held to the program."""

from __future__ import annotations

import re
import tomllib

import onnxruntime
import pytest

import aaecli
from aaecli.data.decoding import decoders
from tests.docs.pages import PAGES, ROOT, blocks, read, without_code
from tests.test_suggestions import parse


@pytest.mark.parametrize("name", ["docs/your-own-images.md"])
def test_the_formats_named_are_those_that_are_read(name):
    text = (ROOT / name).read_text(encoding="utf-8").replace("\n", " ")
    (listed,) = re.findall(r"PNG, JPEG, [\w, ]+?(?= will do|\. )", text)
    assert set(re.split(r", | or | and ", listed)) == set(decoders._FORMATS)


def commands(name):
    """Give the commands that stand in blocks, in pipes and between backticks."""
    shell = "".join(block.text for block in blocks(name) if block.language == "sh")
    lines = [re.sub(r"\s{2,}#.*", "", line) for line in shell.splitlines()]
    parts = [part for line in lines for part in re.split(r"\s*(?:\||&&|>)\s*", line)]
    inline = re.findall(r"`(aaecli [^`]+)`", re.sub(r"\n(?=\S)", " ", without_code(read(PAGES[name]))))
    return [part.strip() for part in (*parts, *inline) if part.strip().startswith("aaecli ")]


@pytest.mark.parametrize("name", PAGES)
def test_each_command_is_one_that_the_program_takes(name):
    for command in commands(name):
        if command != "aaecli --install-completion":
            parse(command)


def test_commands_are_found_wherever_they_stand():
    assert {name for name in PAGES if commands(name)} >= {"README.md", "docs/training.md", "docs/deployment.md"}
    assert "aaecli doctor" in commands("docs/troubleshooting.md")


def test_python_versions_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [line.split()[-1] for line in project["classifiers"] if re.search(r":: 3\.\d+$", line)]
    badge = f"![Python {', '.join(versions)}](https://img.shields.io/badge/python-{'_%7C_'.join(versions)}-blue)"
    readme = read(PAGES["README.md"])
    assert badge in readme
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in readme


@pytest.mark.parametrize("name", [name for name in PAGES if name != "docs/settings.md"])
def test_each_setting_that_a_page_names_is_one(name):
    known = set(re.findall(r"^\| `([\w.]+)` \|", read(PAGES["docs/settings.md"]), re.MULTILINE))
    sections = {key.split(".")[0] for key in known if "." in key}
    named = re.findall(rf"`((?:{'|'.join(sections)})\.[\w.]+)(?: = [^`]+)?`", read(PAGES[name]))
    assert set(named) <= known


def test_the_citation_is_of_this_version():
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {aaecli.__version__}" in lines
    assert {line.split(":")[0] for line in lines} >= {"cff-version", "message", "title", "type", "authors", "license"}


def test_the_metadata_table_lists_every_key_of_an_export():
    listed = set(re.findall(r"^\| `(aaecli\.\w+)` \|", read(PAGES["docs/deployment.md"]), re.MULTILINE))
    source = (ROOT / "aaecli" / "export" / "onnx.py").read_text(encoding="utf-8")
    written = re.findall(r'^ +"(\w+)": .+,$', source.split("properties: dict")[1].split("onnx.helper")[0], re.MULTILINE)
    top = [key for key in written if key not in ("channels", "height", "width", "normalise", "transpose")]
    read_again = ("test_time_augmentation", "cascade")
    assert listed == {
        f"aaecli.{key}" for key in (*top, "image", "label_prior", "style_prior", "novelty", "temperature", *read_again)
    }
    for part in ("encoder", "decoder"):
        session = onnxruntime.InferenceSession(ROOT / f"exports/pretrained/{part}.onnx")
        assert set(session.get_modelmeta().custom_metadata_map) <= listed


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_installed_from_an_index_that_does_not_have_it(name):
    assert not re.search(r"pip install [^`\n#&]*\baaecli\b", (ROOT / name).read_text(encoding="utf-8"))


def test_the_api_page_has_each_public_name():
    listed = re.findall(r"^\.\. auto\w+:: aaecli\.(\w+)$", read(PAGES["docs/api.md"]), re.MULTILINE)
    assert sorted(listed) == sorted(aaecli.__all__)
