"""The house rules that no linter knows, each a function from one parsed module to what is wrong in it."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "deploy")
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "base", "misc", "core"}
NUMBERED = re.compile(r"(?<!sha256)(?<=\d)$")  # the name of a hash is a name
MODULE_LINES = 300
FUNCTION_LINES = 50
FUNCTION_LINES_P90 = 25
POSITIONAL_PARAMETERS = 5

SQL_PLACES = re.compile(
    r"services/\w+/repository(/\w+)?\.py|shared/database\.py|shared/messaging/\w+\.py|shared/keyring/repository\.py"
    r"|deploy/provision(/\w+)?\.py|deploy/demo/witnesses(/\w+)?\.py|deploy/load/loading\.py"
)
SQL_TEXT = re.compile(
    r"^\s*(?:--.*\s+)?(?:select\s.+\sfrom\s|select\s+(?:\w+\(|[\d$'])|insert\s+into\s"
    r"|update\s+[\w.\"]+\s+(?:as\s+\w+\s+)?set\s|delete\s+from\s|merge\s+into\s|with\s+\w+.*\sas\s*(?:(?:not\s+)?materialized\s*)?\(|truncate\s+\w|lock\s+table\s"
    r"|copy\s.+\s(?:from|to)\s|(?:grant|revoke)\s.+\s(?:on|to|from)\s"
    r"|(?:create|alter|drop)\s+(?:table|index|schema|role|trigger|(?:or\s+replace\s+)?function)\s|table\s+\w+\s*$"
    r"|do\s+\$|call\s+\w+\s*\(|vacuum\b|analyze\s+\w|set\s+local\s)",
    re.IGNORECASE | re.DOTALL,
)
SQL_CLOCK = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\s*\)"
    r"|\b(?:timeofday\s*\(\s*\)|current_(?:date|time|timestamp)\b|localtime(?:stamp)?\b)|'(?:now|today)'::",
    re.IGNORECASE,
)
PURE_PLACES = re.compile(r"services/\w+/domain(/.+)?\.py|shared/contracts/\w+\.py|shared/rulebook(/\w+)+\.py")
READS_THE_PACKAGE = {"shared/rulebook/seed/tables.py"}
IO_CALLS = {"open", "print", "input", "breakpoint"}
IO_METHODS = {"open", "read_text", "read_bytes", "write_text", "write_bytes"}
IO_MODULES = {"ftplib", "http", "httpx2", "pathlib", "shutil", "sqlite3", "ssl", "sys", "tempfile", "urllib"}
CLOCK_READINGS = {"now", "utcnow", "today"}


@dataclass(frozen=True)
class Module:
    """One source file, parsed."""

    path: str
    source: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)


Rule = Callable[[Module], Iterator[str]]


def modules() -> Iterator[Module]:
    """Every Python file of the product."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def migrations() -> Iterator[tuple[str, str]]:
    """Every SQL file of the product: its path and its text."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.sql")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def routers_on_plain_pools(found: Iterable[Module]) -> set[str]:
    """Routers of services that reach a `Pool` past `CallersPool`: given to them, or to a class of theirs."""
    nodes = [(module.path.split("/")[1], node) for module in found for node in ast.walk(module.tree)]
    classes = {(service, node.name): node for service, node in nodes if isinstance(node, ast.ClassDef)}

    def reached(service: str, router: ast.FunctionDef) -> set[str]:
        names, left = set[str](), list[ast.AST]([router])
        while left:
            new = {name for annotation in _annotations(left.pop()) for name in _names(annotation)} - names
            names |= new
            left += [classes[service, name] for name in new if (service, name) in classes]
        return names

    return {
        f"{service}: {node.name}"
        for service, node in nodes
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_router") and "Pool" in reached(service, node)
    }


def _annotations(given: ast.AST) -> Iterator[ast.expr]:
    """What a function is given, or a class: its fields, or the parameters of its `__init__`."""
    if isinstance(given, ast.FunctionDef):
        every = (*given.args.posonlyargs, *given.args.args, *given.args.kwonlyargs)
        yield from (parameter.annotation for parameter in every if parameter.annotation is not None)
    if isinstance(given, ast.ClassDef):
        for node in given.body:
            if isinstance(node, ast.AnnAssign):
                yield node.annotation
            elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
                yield from _annotations(node)


def _names(annotation: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(annotation) if isinstance(node, ast.Name))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def function_lines(node: ast.AST) -> int:
    return (node.end_lineno or 0) - node.lineno + 1  # type: ignore[attr-defined]


def p90_of_functions(found: Iterator[Module]) -> float:
    lengths = [function_lines(node) for module in found for node in _functions(module.tree)]
    return statistics.quantiles(lengths, n=10)[-1] if len(lengths) > 1 else 0.0


def sizes(module: Module) -> Iterator[str]:
    """Modules, functions and parameter lists stay small enough to be read at once."""
    lines = module.source.count("\n")
    if lines > MODULE_LINES:
        yield f"{module.path}: {lines} lines, at most {MODULE_LINES}; split it by use case"
    for node in _functions(module.tree):
        if function_lines(node) > FUNCTION_LINES:
            yield f"{module.path}:{node.lineno} {node.name}: {function_lines(node)} lines, at most {FUNCTION_LINES}"
        positional = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args) if arg.arg not in {"self", "cls"}]
        if len(positional) > POSITIONAL_PARAMETERS:
            yield f"{module.path}:{node.lineno} {node.name}: {len(positional)} parameters; make them keyword-only"


def names(module: Module) -> Iterator[str]:
    """Names say what a thing is: no drawers, no numbers at the end."""
    path = Path(module.path)
    for part in (*path.parts[:-1], path.stem):
        if part in BANNED_NAMES:
            yield f"{module.path}: the name {part!r} says nothing"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and NUMBERED.search(node.name):
            yield f"{module.path}:{node.lineno} {node.name}: a number is no name"


def _strings(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Every text; of a text with placeholders what stands between them, each placeholder an x."""
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node, "".join(str(each.value) if isinstance(each, ast.Constant) else "x" for each in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
            yield node, node.value


def sql_in_its_place(module: Module) -> Iterator[str]:
    """SQL stands where a reader looks for it."""
    if SQL_PLACES.fullmatch(module.path):
        return
    for node, text in _strings(module.tree):
        if SQL_TEXT.search(text):
            yield f"{module.path}:{node.lineno}: SQL outside a repository"


def no_clock_in_sql(module: Module) -> Iterator[str]:
    """Legal time comes from the LegalClock; the database's clock is machine time and belongs to messaging."""
    if module.path.startswith("shared/messaging/"):
        return
    whole = bool(SQL_PLACES.fullmatch(module.path))  # there a piece of a statement is SQL too
    said = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    for node, text in _strings(module.tree):
        if id(node) not in said and (whole or SQL_TEXT.search(text)) and SQL_CLOCK.search(text):
            yield f"{module.path}:{node.lineno}: the database's clock in SQL"


def no_clock_in_migrations(path: str, text: str) -> Iterator[str]:
    """A column's moment is given by who writes it; messaging's own tables are machine time."""
    if not path.startswith("shared/messaging/") and (found := SQL_CLOCK.search(text)):
        yield f"{path}: {found[0]} in a migration"


def _clocks(tree: ast.AST) -> set[str]:
    """The names by which a module knows `datetime` and what is in it."""
    known = {"datetime", "date"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            known |= {alias.asname for alias in node.names if alias.asname and alias.name in {"datetime", "date"}}
    return known


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def no_clock_in_pure_parts(module: Module) -> Iterator[str]:
    """Time is an argument of the pure parts."""
    if not PURE_PLACES.fullmatch(module.path):
        return
    clocks = _clocks(module.tree)
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCK_READINGS:
                yield f"{module.path}:{node.lineno}: .{name}() in a pure part"
            case ast.Attribute(attr=name) if name in CLOCK_READINGS and _root(node) in clocks:
                yield f"{module.path}:{node.lineno}: {name} of a clock in a pure part"
            case ast.Import(names=names) if any(alias.name == "time" for alias in names):
                yield f"{module.path}:{node.lineno}: time in a pure part"
            case ast.ImportFrom(module="time"):
                yield f"{module.path}:{node.lineno}: time in a pure part"


def no_io_in_pure_parts(module: Module) -> Iterator[str]:
    """What the pure parts know is given to them; only the seed's tables read files, of their own package."""
    if not PURE_PLACES.fullmatch(module.path):
        return
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in IO_CALLS:
                yield f"{module.path}:{node.lineno}: {name}() in a pure part"
            case ast.Call(func=ast.Attribute(attr=name)) if name in IO_METHODS and module.path not in READS_THE_PACKAGE:
                yield f"{module.path}:{node.lineno}: .{name}() in a pure part"
            case ast.Import(names=names) if found := {alias.name.split(".")[0] for alias in names} & IO_MODULES:
                yield f"{module.path}:{node.lineno}: {', '.join(found)} in a pure part"
            case ast.ImportFrom(module=str(name)) if name.split(".")[0] in IO_MODULES:
                yield f"{module.path}:{node.lineno}: {name} in a pure part"


def no_swallowed_exceptions(module: Module) -> Iterator[str]:
    """An exception is handled, told or raised: never passed over."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(line, ast.Pass) for line in node.body):
            yield f"{module.path}:{node.lineno}: a swallowed exception; say why with contextlib.suppress"


def nothing_unfinished(module: Module) -> Iterator[str]:
    """A thing that is not done is said to be not done, in the docs."""
    for number, line in enumerate(module.source.splitlines(), 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError", line):
            yield f"{module.path}:{number}: unfinished"


RULES: tuple[Rule, ...] = (
    sizes,
    names,
    sql_in_its_place,
    no_clock_in_sql,
    no_clock_in_pure_parts,
    no_io_in_pure_parts,
    no_swallowed_exceptions,
    nothing_unfinished,
)
