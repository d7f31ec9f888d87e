"""Everything a contributor runs. ``nox`` alone is what has to pass; ``nox --list`` shows the rest."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_existing_virtualenvs = True
# pip finds wheels where pip is told to look; other installers have settings of their own.
nox.options.default_venv_backend = "virtualenv"

PROJECT = nox.project.load_toml("pyproject.toml")


def _group(name: str) -> list[str]:
    return nox.project.dependency_groups(PROJECT, name)


def _install(session: nox.Session, *packages: str) -> None:
    """Install in the versions that constraints.txt names, so that a new release elsewhere breaks nothing here."""
    session.install(*packages, "--constraint", "constraints.txt")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting. To mend both: nox -s lint -- --fix."""
    _install(session, *_group("lint"))
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--diff"]), ".")


@nox.session
def package(session: nox.Session) -> None:
    """Build wheel and sdist and check that they hold all that is needed and nothing else."""
    session.install("build")
    folder = Path(session.create_tmp()).resolve()
    for old in folder.glob("aaecli-*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    source = {str(path) for path in Path("aaecli").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    source |= {f"aaecli/pretrained/{path.name}" for path in Path("exports/pretrained").iterdir()}
    shipped = {name for name in names if ".dist-info/" not in name}
    if shipped != source:
        session.error(f"the wheel lacks {sorted(source - shipped)} and has {sorted(shipped - source)} too much")
    for licence in ("LICENSE", "NOTICE"):
        if not any(name.endswith(f".dist-info/licenses/{licence}") for name in names):
            session.error(f"the wheel lacks {licence}")
    session.log(f"{wheel.name}: {len(shipped)} files, {wheel.stat().st_size / 1e6:.1f} MB")
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        packed = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    tracked = session.run(
        "git",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        *included,
        external=True,
        silent=True,
        log=False,
    )
    expected = {*str(tracked).splitlines(), "pyproject.toml", "PKG-INFO", ".gitignore"}
    if packed != expected:
        session.error(f"the sdist lacks {sorted(expected - packed)} and has {sorted(packed - expected)} too much")
    session.log(f"{sdist.name}: {len(packed)} files, {sdist.stat().st_size / 1e6:.1f} MB")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy --strict."""
    _install(session, "-e", ".[serve]", *_group("types"))
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, without the slow ones, on all cores. Arguments go to pytest: nox -s tests -- -k idx."""
    _install(session, "-e", ".", *_group("test"))
    # Networks this small gain nothing from threads, and wait for each other where another program holds a core.
    # Each worker runs its part of the files in order and, done with it, takes tests from the other's end.
    workers = ("--numprocesses=auto", "--maxprocesses=8", "--dist=worksteal")
    session.run("pytest", *workers, *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(default=False)
def golden(session: nox.Session) -> None:
    """Write tests/training/golden.json anew, after a change that is meant to alter what training computes."""
    _install(session, "-e", ".", *_group("test"))
    session.run("python", "-m", "tests.training.golden", env={"OMP_NUM_THREADS": "1"})


@nox.session(default=False)
def api(session: nox.Session) -> None:
    """List what breaks programs since the last release, or since a commit: nox -s api -- COMMIT.

    A break that CHANGELOG.md does not name fails.
    """
    _install(session, *_group("api"))
    session.run("python", "-m", "tests.api.breaking", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the site into build/site, the notebook included; warnings are errors. nox -s docs -- -E reads all anew.

    Only the installation needs the network. AAECLI_SOURCE_URL is where readers find the source, such as the address of
    the branch at the repository's host: pages then link to files outside docs/.
    """
    _install(session, "-e", ".[sklearn]", *_group("docs"))
    options = ("--fail-on-warning", "--keep-going", "--nitpicky", *session.posargs)
    session.run("sphinx-build", *options, "docs", "build/site", env={"OMP_NUM_THREADS": "2"})


def _measure(session: nox.Session, *benchmarks: str) -> None:
    session.install("-e", ".")
    for name in benchmarks:
        session.run("python", f"benchmarks/{name}.py", *session.posargs)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure, as ratios, what has to be quick: a training step, the start of classify and a folder of pictures."""
    if session.posargs:
        session.error("the two parts take options apart: nox -s bench_train -- …, nox -s bench_serve -- …")
    _measure(session, "train", "serve")


@nox.session(default=False)
def bench_train(session: nox.Session) -> None:
    """Measure a training step against a plain one and against the machine: nox -s bench_train -- --preset default."""
    _measure(session, "train")


@nox.session(default=False)
def bench_serve(session: nox.Session) -> None:
    """Measure classify against the bare libraries: nox -s bench_serve -- --model exports/encoder.onnx."""
    _measure(session, "serve")


@nox.session(default=False)
def bench_api(session: nox.Session) -> None:
    """Measure the Python API against the bare libraries and against classify, whose answers it must give."""
    _measure(session, "api")


@nox.session(default=False)
def figures(session: nox.Session) -> None:
    """Write figures and references into README and docs; nox -s figures -- --check only compares."""
    session.install("-e", ".")
    session.run("python", "benchmarks/write_docs.py", *session.posargs)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """Run the tests that the default run leaves out, and those of hypothesis with ten times as many examples."""
    _install(session, "-e", ".", *_group("test"))
    session.run("pytest", "-m", "slow", *session.posargs)
    if not session.posargs:
        session.run("pytest", "-m", "hypothesis", "--hypothesis-profile=thorough")


@nox.session(default=False)
def hostile(session: nox.Session) -> None:
    """Run 2,000 hostile inputs, each in a process of its own with limits: nox -s hostile -- --cases 300 --seed 1.

    Then it sends 600 hostile requests to one server (--requests N). It ends with a table; the files of each case that
    something is wrong with stay, and `--only NUMBER` runs it again.
    """
    _install(session, "-e", ".", *_group("test"))
    session.run("python", "-m", "tests.hostile", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Count the lines of data, serve, api and cli that the tests run, in processes that they start too."""
    _install(session, "-e", ".", *_group("test"), *_group("coverage"))
    session.run("coverage", "erase")
    # What it starts in every process imports multiprocessing itself.
    light = "--deselect=tests/cli/test_classify.py::test_classify_imports_nothing_heavy"
    session.run("coverage", "run", "-m", "pytest", light, *session.posargs, env={"OMP_NUM_THREADS": "1"})
    session.run("coverage", "combine", "--quiet")
    rooms = ",".join(f"aaecli/{room}/*" for room in ("data", "serve", "api", "cli"))
    session.run("coverage", "report", f"--include={rooms}", "--show-missing", "--skip-covered", "--fail-under=95")


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Change data and the losses in five thousand places and list what no test notices; takes more than an hour.

    One module of them: nox -s mutation -- "aaecli.data.split.*". `mutmut show NAME` says what one of the list changed.
    """
    _install(session, "-e", ".", *_group("test"), *_group("mutation"))
    session.run("mutmut", "run", *session.posargs, env={"OMP_NUM_THREADS": "1"})
    if not session.posargs:
        session.run("mutmut", "results")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Look up the versions of constraints.txt in the database of known vulnerabilities; needs the network."""
    session.install(*_group("audit"))
    # Strict: a package that the database does not know, or a database that cannot be reached, is no clean bill.
    session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", "--requirement", "constraints.txt")
