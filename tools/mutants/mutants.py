"""Small mutations of pure modules, all in one build.

Each comparison, condition, operand and sign in the given Rust files becomes a switch that the
variable MUTANT turns over at run time, so that hundreds of mutations cost one build and one run of
the tests each. What no test notices is printed, with its place. Exit code 1 if anything survives
that the list of equivalent mutants does not name.

    python3 -m venv target/tools/mutants
    target/tools/mutants/bin/pip install --requirement tools/mutants/requirements.txt
    target/tools/mutants/bin/python tools/mutants/mutants.py consensus

Sources are changed in a copy of the last commit, in a temporary folder: below this one, cargo would
read its configuration twice.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import tree_sitter_rust
from tree_sitter import Language, Parser

ROOT = Path(__file__).resolve().parents[2]

# Which files, and which tests must notice.
SETS = json.loads((Path(__file__).parent / "sets.json").read_text())

OTHER = {
    "==": ["!="], "!=": ["=="],
    "<": ["<=", ">"], ">": [">=", "<"], "<=": ["<", ">="], ">=": [">", "<="],
    "+": ["-"], "-": ["+"],
}
SECONDS = 120
SWITCH = """
pub fn mutant(number: u32) -> bool {
    static ACTIVE: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ACTIVE.get_or_init(|| std::env::var("MUTANT").ok().and_then(|one| one.parse().ok()).unwrap_or(0)) == number
}
"""


class Rewriter:
    """One file: its text with a switch for each mutant."""

    def __init__(self, name, source, first):
        self.name, self.source, self.mutants, self.first = name, source, [], first

    def text(self, node):
        return self.source[node.start_byte:node.end_byte].decode()

    def switch(self, node, instead, otherwise):
        number = self.first + len(self.mutants)
        line = node.start_point[0] + 1
        self.mutants.append((number, self.name, line, self.text(node), instead))
        return f"(if crate::mutant({number}) {{ {instead} }} else {{ {otherwise} }})"

    def rewrite(self, node):
        if skipped(self, node):
            return self.text(node)
        children = [child for child in node.children]
        if not children:
            return self.text(node)
        parts, at = [], node.start_byte
        for child in children:
            parts.append(self.source[at:child.start_byte].decode())
            parts.append(self.rewrite(child))
            at = child.end_byte
        parts.append(self.source[at:node.end_byte].decode())
        whole = "".join(parts)
        for instead in self.alternatives(node):
            whole = self.switch(node, instead, whole)
        return whole

    def alternatives(self, node):
        if node.type == "binary_expression":
            operator = node.child_by_field_name("operator").type
            left = self.text(node.child_by_field_name("left"))
            right = self.text(node.child_by_field_name("right"))
            if operator in ("&&", "||"):
                # Without one side, unless that is a switch of another kind.
                return [side for side, gone in ((left, right), (right, left)) if "mutation::active" not in gone]
            if "mutation::active" in left + right:
                return []
            return [f"({left}) {other} ({right})" for other in OTHER.get(operator, [])]
        if node.type == "unary_expression" and node.children[0].type == "!":
            inner = self.text(node.children[1])
            return [] if inner.startswith("mutation::active") else [inner]
        return []


def skipped(rewriter, node):
    """Tests, constants and what runs at compile time."""
    if node.type in ("const_item", "static_item", "macro_definition", "macro_invocation", "attribute_item", "type_arguments"):
        return True
    if node.type == "mod_item":
        return rewriter.text(node).lstrip().startswith("mod tests")
    if node.type == "function_item":
        return any(child.type == "function_modifiers" and b"const" in child.text for child in node.children)
    return False


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def rewrite(tree, files):
    parser = Parser(Language(tree_sitter_rust.language()))
    mutants = []
    for name in files:
        path = tree / name
        source = path.read_bytes()
        rewriter = Rewriter(name, source, 1 + len(mutants))
        path.write_text(rewriter.rewrite(parser.parse(source).root_node))
        mutants += rewriter.mutants
    for crate in {name.split("/src/")[0] for name in files}:
        lib = tree / crate / "src" / "lib.rs"
        lib.write_text("#![allow(warnings)]\n" + lib.read_text() + SWITCH)
    return mutants


def built(tree, arguments):
    environment = dict(os.environ, CARGO_TARGET_DIR=str(ROOT / "target" / "mutants"), CARGO_PROFILE_DEV_DEBUG="0",
                       CARGO_PROFILE_DEV_OPT_LEVEL="0")
    said = run("cargo", "test", "--locked", "--no-run", "--message-format=json-render-diagnostics", *arguments, cwd=tree,
               env=environment, stdout=subprocess.PIPE)
    messages = (json.loads(line) for line in said.stdout.splitlines())
    programs = [message["executable"] for message in messages if message.get("executable")]
    assert programs, "there is nothing to run"
    return programs


def noticed(tree, programs, filters, package, number):
    environment = dict(os.environ, MUTANT=str(number), RUST_BACKTRACE="0")
    for program in programs:
        try:
            done = subprocess.run([program, "--quiet", *filters], cwd=tree / package, env=environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return True
        if done.returncode != 0:
            return True
    return False


def main():
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        survived = examine(Path(folder), SETS[sys.argv[1]])
    sys.exit(1 if survived else 0)


def examine(tree, chosen):
    commit = subprocess.Popen(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE)
    run("tar", "--extract", "--directory", str(tree), stdin=commit.stdout)
    mutants = rewrite(tree, chosen["files"])
    programs = built(tree, chosen["tests"])
    filters, package = chosen.get("filters", []), chosen["package"]
    assert not noticed(tree, programs, filters, package, 0), "the tests fail without any mutation"
    equivalent, survivors, known = set(map(tuple, chosen.get("equivalent", []))), [], 0
    for number, name, line, before, after in mutants:
        if noticed(tree, programs, filters, package, number):
            continue
        flat = [" ".join(part.split()) for part in (before, after)]
        if (name, *flat) in equivalent:
            known += 1
            continue
        survivors.append(number)
        print(f"not noticed: {name}:{line}: {flat[0]}  ->  {flat[1]}", flush=True)
    caught = len(mutants) - len(survivors) - known
    print(f"{len(mutants)} mutants, {caught} caught, {known} equivalent, {len(survivors)} not noticed")
    return survivors


if __name__ == "__main__":
    main()
