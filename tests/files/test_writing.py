"""Nothing is written but through aaecli.files.outputs and the atomic writer below it, read off the syntax trees."""

from __future__ import annotations

import ast
import re

import pytest

from tests.source import modules, nodes

_WRITERS = {
    *("write_text", "write_bytes", "savefig", "imsave", "to_csv", "tofile", "savetxt", "savez", "savez_compressed"),
    *("mkstemp", "NamedTemporaryFile", "TemporaryFile", "copyfile", "copy2", "copytree", "move", "symlink_to"),
    *("hardlink_to", "rename", "FileLock", "SummaryWriter", "mkdir", "makedirs", "touch"),
}
_WRITERS_OF = {
    *(("torch", "save"), ("np", "save"), ("onnx", "save"), ("onnx", "save_model"), ("shutil", "copy")),
    *(("os", "replace"), ("os", "link"), ("os", "symlink"), ("json", "dump"), ("pickle", "dump"), ("tomli_w", "dump")),
}
_REASONED = {
    # The atomic writer and appending; run folders, which are new when they are made.
    "files/writing.py": [
        "tempfile.mkstemp(prefix=f'.{begin}.', dir=path.parent)",
        "path.parent.mkdir(parents=True, exist_ok=True)",
        "path.mkdir(parents=True, exist_ok=True)",
        "os.open(path, flags, 438)",
        "os.fdopen(os.open(path, flags, 438), 'a+b')",
    ],
    "runs/paths.py": ["root.mkdir(parents=True, exist_ok=True)", "run.mkdir()"],
    # Bytes for memory.
    "data/encode.py": ["image.save(file, form, **options)"],
    "serve/embedding.py": ["np.save(body, table"],
    "figures/style.py": ["figure.savefig(buffer, format=form, metadata=metadata)"],
    # The cache of the program itself: a file that a temporary one has opened, and the date of one that is used.
    "data/picture_cache.py": ["np.savez(file, digest", "path.touch()"],
    # The lock and the events of a run folder, in which no link has been found.
    "runs/lock.py": ["FileLock(run / _NAME, timeout=patience)", "FileLock(run / _NAME, timeout=0)"],
    "training/tensorboard.py": ["SummaryWriter(str(folder))"],
    # The state of a run, through the atomic writer.
    "training/run.py": ["training.save(folder)"],
    # A stream of the process.
    "data/decoding/decoder_process.py": ["open(os.dup(1), 'wb')"],
    # A file without a name, to see whether a folder can be written to.
    "doctor/findings.py": ["tempfile.TemporaryFile(dir=existing)"],
    # A file without a name, which holds images until they are packed.
    "data/readers/disk.py": ["tempfile.TemporaryFile(dir=self._folder)"],
    # Between two steps of onnxruntime, which takes paths: in a temporary folder of its own.
    "export/quantisation.py": ["onnx.save(model, before)"],
}
"""How calls that may write begin, and why."""
_REPLACING = {
    "files/outputs.py": "what every command writes",
    "files/writing.py": "it is made here",
    "data/picture_cache.py": "the cache of the program itself",
    "data/readers/image_folder/labels.py": "labels.csv of a folder of pictures: what it says is read first and stays",
    "data/split.py": "labels.csv of a run folder, which the training has locked",
    "training/metrics_csv.py": "metrics.csv of a run folder",
    "checkpoint/file.py": "model.pt and last.pt of a run folder",
    "training/run.py": "a run folder's files, and the newest model, whose name the command has checked",
    "checkpoint/provenance.py": "the program's own notes in its cache, of which files it trusts",
    "experiments/results.py": "results of a benchmark, whose names the command has claimed",
    "scale/manifest.py": "the folder of a bulk job, which belongs to it from the manifest on",
    "scale/plan.py": "its list of shards",
    "scale/rows.py": "a shard's rows",
    "scale/shard.py": "what is known of a shard that failed",
}
"""Modules that use the atomic writer without ``Outputs``, and why."""


def writings(text: str) -> list[str]:
    """Name each call that could write a file, save to ``temporary``, which is what the atomic writer gives."""
    found = []
    for node in nodes(text):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        writes = name in _WRITERS or (of, name) in _WRITERS_OF
        writes |= name in ("open", "fdopen") and _opens_to_write(node, of)
        writes |= name == "save" and bool(of) and of != "self" and len(node.args) > 0
        # A path's takes one word, a text's two, and a dataclass's none without a name.
        writes |= name == "replace" and bool(of) and len(node.args) == 1 and not node.keywords
        if name == "move":
            writes = of == "shutil"
        # What gathers the lines of a command's help.
        writes &= (of, name) != ("formatter", "write_text")
        call = ast.unparse(node)
        if writes and not re.search(r"\btemporary\b|os\.devnull", call):
            found.append(call)
    return found


def _opens_to_write(node: ast.Call, of: str) -> bool:
    if of == "os" and isinstance(node.func, ast.Attribute) and node.func.attr == "open":
        return "O_RDONLY" not in ast.unparse(node) and "_FLAGS" not in ast.unparse(node)
    given = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
    modes = [entry.value for entry in given if isinstance(entry, ast.Constant) and isinstance(entry.value, str)]
    return any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)


def test_nothing_else_writes() -> None:
    for name, text in modules().items():
        found, reasoned = sorted(writings(text)), sorted(_REASONED.get(name, []))
        assert len(found) == len(reasoned), (name, found)
        assert all(call.startswith(begin) for call, begin in zip(found, reasoned, strict=True)), (name, found)


def test_files_are_replaced_by_the_rule() -> None:
    importing = {
        name
        for name, text in modules().items()
        for node in nodes(text)
        if isinstance(node, ast.ImportFrom)
        and node.module == "aaecli.files.writing"
        and "replacing" in {alias.name for alias in node.names}
    }
    assert importing <= _REPLACING.keys()


@pytest.mark.parametrize(
    "text",
    [
        "open(path, 'w')",
        "open(path, mode='xb')",
        "path.open('a', newline='')",
        "path.open('r+b')",
        "gzip.open(path, 'wb')",
        "os.open(path, os.O_CREAT | os.O_WRONLY)",
        "os.fdopen(handle, 'w')",
        "path.write_text(text)",
        "Image.fromarray(image).save(path)",
        "torch.save(whole, path)",
        "np.save(path, array)",
        "figure.savefig(path)",
        "frame.to_csv(path)",
        "shutil.copyfile(a, b)",
        "a.rename(b)",
        "a.replace(b)",
        "os.replace(a, b)",
        "SummaryWriter(folder)",
        "FileLock(path)",
        "json.dump(value, file)",
    ],
)
def test_a_call_that_writes_is_seen(text: str) -> None:
    assert writings(text) == [text]


@pytest.mark.parametrize(
    "text", ["open(path)", "path.open('rb')", "os.open(path, os.O_RDONLY)", "text.replace('a', 'b')"]
)
def test_a_call_that_reads_is_not(text: str) -> None:
    assert writings(text) == []
