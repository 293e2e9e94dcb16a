"""Links, options and messages in README and the other texts are those that there are."""

import ast
import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.imaging import brainqc
from cerebbids.imaging.infantqc import RULES
from cerebbids.systems.ages import ages_of
from cerebbids.systems.infant import MODELS, nearest_model
from cerebbids.systems.published import SYSTEMS

ROOT = Path(__file__).parents[1]
PATHS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")]
TEXTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*PATHS, *sorted((ROOT / "docs").glob("*.md")))
}
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
"""Programs, and their functions."""

OTHERS = {
    *("--build-arg", "--cpus", "--cpuset-cpus", "--entrypoint", "--gpus", "--network", "--platform", "--read-only"),
    *("--tmpfs", "--user", "--volume"),
    *("--bind", "--cleanenv", "--nv"),
    "--gres",
}
"""Options of Docker and buildah, Apptainer and SLURM that texts speak of."""
SAME = re.compile(r"cerebbids(:\w+)?|cerebbids\.sif")
"""What the container image, and its file, are called."""


@cache
def options_of(program: str, command: str = "") -> frozenset[str]:
    """Options that ``--help`` lists."""
    module, _, function = SCRIPTS[program].partition(":")
    main = getattr(importlib.import_module(module), function)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        said: list[str] = []
        patch.setattr("argparse.ArgumentParser._print_message", lambda _self, message, _file=None: said.append(message))
        main([*filter(None, [command]), "--help"])
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", "".join(said)))


def fenced(text: str, *kinds: str) -> list[str]:
    """Lines of blocks of some kinds; those that go on are one."""
    blocks = re.findall(rf"^```(?:{'|'.join(kinds)})\n(.*?)^```", text, re.M | re.S)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def own_calls(line: str) -> Iterator[tuple[str, list[str]]]:
    """Programs of this package that a line of a shell calls, also in a container, and their arguments."""
    for command in re.split(r"&&|;", line):
        if not re.match(r"\s*(cerebbids|docker run|apptainer (run|exec))", command):
            continue
        words = shlex.split(command, comments=True)
        if words[0] in SCRIPTS:
            yield words[0], words[1:]
            continue
        program = words[words.index("--entrypoint") + 1] if "--entrypoint" in words else "cerebbids"
        image = next(
            place for place, word in enumerate(words) if SAME.fullmatch(word) and words[place - 1] != "--entrypoint"
        )
        rest = words[image + 1 :]
        if words[1] == "exec":
            program, *rest = rest
        yield program, rest


CALLS = [
    (name, *call) for name, text in TEXTS.items() for line in fenced(text, "shell", "bash") for call in own_calls(line)
]
INLINE = sorted({(name, option) for name, text in TEXTS.items() for option in re.findall(r"`(--?[a-z][\w-]*)", text)})
LINKS = sorted({(name, link) for name, text in TEXTS.items() for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text)})
MESSAGES = sorted({(name, line) for name, text in TEXTS.items() for line in fenced(text, "text")})
MESSAGES += [
    ("docs/troubleshooting.md", told)
    for told in re.findall(r"`((?:has|does|is) [^`]+)`", TEXTS["docs/troubleshooting.md"])
]


def anchors(path: Path) -> set[str]:
    """Places in a page, as GitHub names them by its headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_links_lead_somewhere(name: str, link: str):
    target, _, anchor = link.partition("#")
    path = (ROOT / name).parent / target if target else ROOT / name
    assert path.is_file()
    assert not anchor or anchor in anchors(path)


@pytest.mark.parametrize(("name", "program", "arguments"), CALLS)
def test_programs_are_called_as_they_can_be(name: str, program: str, arguments: list[str]):
    command = arguments[0] if program in ("cerebbids-norms", "cerebbids-train") else ""
    given = {argument.partition("=")[0] for argument in arguments if argument.startswith("-")}
    assert given <= options_of(program, command)


def test_every_way_to_call_the_program_is_looked_at():
    calls = [(name, program) for name, program, _ in CALLS]
    assert len([call for call in calls if call == ("README.md", "cerebbids")]) > 6
    assert {program for _, program in calls} >= {
        "cerebbids",
        "cerebbids-tables",
        "cerebbids-train",
        "cerebbids-predict",
    }


@pytest.mark.parametrize(("name", "option"), INLINE)
def test_options_exist(name: str, option: str):
    known = set(OTHERS)
    commands = [("cerebbids-train", step) for step in ("fit", "library", "export", "exemplars", "infant", "brain")]
    for call in (*((program,) for program in SCRIPTS), ("cerebbids-norms", "fit"), *commands):
        known |= options_of(*call)
    assert option in known


PROGRAM, NONSENSE = "cerebbids: ", "nothing that any program says"


def patterns(path: Path) -> Iterator[re.Pattern]:
    """What texts of a module can be, whatever is put into them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        fixed = [part.value if isinstance(part, ast.Constant) else None for part in parts]
        if all(isinstance(part, str | None) for part in fixed) and sum(map(len, filter(None, fixed))) >= 5:
            pattern = re.compile("".join(".*" if part is None else re.escape(part) for part in fixed))
            if not pattern.fullmatch(f"{PROGRAM}{NONSENSE}"):
                yield pattern


@pytest.fixture(scope="module")
def sayings() -> list[re.Pattern]:
    return [pattern for path in (ROOT / "cerebbids").rglob("*.py") for pattern in patterns(path)]


@pytest.mark.parametrize(("name", "line"), MESSAGES, ids=[line[:60] for _, line in MESSAGES])
def test_messages_are_those_of_the_program(name: str, line: str, sayings: list[re.Pattern]):
    assert is_said(line, sayings)
    changed = (is_said(other, sayings) for other in mutations(line))
    assert not all(changed), "this would not see a line that says something else"


def mutations(line: str) -> list[str]:
    """Lines that say something else: every word is another once."""
    words = line.split()
    return [" ".join((*words[:place], "XQZ", *words[place + 1 :])) for place in range(len(words))]


def is_said(line: str, sayings: list[re.Pattern]) -> bool:
    """Whether a line is one of the program's, whole or by its reason and its mend."""

    def said(text: str) -> bool:
        return any(pattern.fullmatch(text) for pattern in sayings)

    if re.match(r"\d+ done, \d+ failed", line):
        reasons = re.findall(r"[\w-]+ \(((?:[^()]|\([^()]*\))*)\)(?:, |$)", line)
        return all(map(said, reasons)) and line.endswith(f"({reasons[-1]})") if reasons else False
    _, _, rest = line.removeprefix(PROGRAM).partition(": ")
    reason, _, mend = rest.rpartition("; ")
    return said(reason) and said(mend) if reason else said(line)


def rows_of(page: str, first: str) -> list[list[str]]:
    """Rows of the table of a page that begins with a heading."""
    table = re.search(rf"^\| {first} \|.*\n\|-.*\n((?:\|.*\n)+)", TEXTS[page], re.M)[1]
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]


@pytest.mark.parametrize(("page", "rules"), [("docs/infants.md", RULES), ("docs/brains.md", brainqc.RULES)])
def test_limits_of_quality_are_those_of_the_program(page, rules):
    told = [tuple(row[:3]) for row in rows_of(page, "Number")]
    beyond = {rule: "above" if rule.red > rule.yellow else "below" for rule in rules}
    assert told == [(f"`{r.metric}`", f"{beyond[r]} {r.yellow:g}", f"{beyond[r]} {r.red:g}") for r in rules]


@pytest.mark.parametrize("system", ["isointense", "neonatal"])
def test_labels_of_whole_brains_are_those_of_the_program(system):
    (told,) = [row[2] for row in rows_of("docs/brains.md", "System") if row[0] == f"`{system}`"]
    labels = load_scheme(SYSTEMS[system].scheme).labels
    assert re.findall(r"(\d) ([^,:]+?)(?:,|$)", told.partition(", all of")[0]) == [
        (str(label.index), label.name.lower()) for label in labels
    ]


def test_networks_of_infants_ages_are_those_that_are_asked():
    told = [
        (*map(int, span.split(" to ")), int(net.split()[0]))
        for span, net, _ in rows_of("docs/infants.md", "Age, months")
    ]
    assert {net for *_, net in told} == set(MODELS)
    assert (told[0][0], told[-1][1]) == (ages_of("infant").picked.youngest, ages_of("infant").picked.oldest)
    for first, last, net in told:
        assert nearest_model(first) == nearest_model(last - 0.01) == net
