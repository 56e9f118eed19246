//! `docs/evidence/threats.md` names every test that is named after a threat, in whatever suite, and
//! no others. A threat without a test has a reason to need none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::tidy::files;

/// The rows of the list: a letter, and how many of that.
const ROWS: [(char, u32); 7] =
    [('A', 15), ('B', 6), ('C', 14), ('D', 18), ('E', 5), ('F', 7), ('G', 9)];

/// For each id the tests that bear it.
type Tests = BTreeMap<String, BTreeSet<String>>;

/// The tests of a source: `fn a5_…`, with `prefix` before its name.
fn tests_of(source: &str, prefix: &str, tests: &mut Tests) {
    for rest in source.split("#[test]\n").skip(1) {
        let Some((attributes, rest)) = rest.split_once("fn ") else { continue };
        let name = rest.split('(').next().unwrap();
        let id = name.split('_').next().unwrap().to_ascii_uppercase();
        let is_id = id.starts_with(|c| ('A'..='G').contains(&c)) && id[1..].parse::<u32>().is_ok();
        // What is ignored is not run, but for attacks, which CI runs by themselves.
        if is_id && (prefix.starts_with("attack::") || !attributes.contains("#[ignore")) {
            tests.entry(id).or_default().insert(format!("{prefix}{name}"));
        }
    }
}

/// All tests that are named after an id, and suites that print `threat ID …`.
fn tests() -> Tests {
    let mut tests = Tests::new();
    let module =
        |name: &str| name.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
    for (name, source) in files("src", &[".rs"]) {
        tests_of(&source, &format!("{}::tests::", module(&name["src/".len()..])), &mut tests);
    }
    for folder in ["tests/it", "tests/attack"] {
        for (name, source) in files(folder, &[".rs"]) {
            tests_of(&source, &format!("{}::", module(&name["tests/".len()..])), &mut tests);
        }
    }
    for (name, source) in files("tests/suites", &["run", ".mjs", ".py"]) {
        for rest in source.split("threat ").skip(1) {
            let id = rest.split(' ').next().unwrap().to_owned();
            tests.entry(id).or_default().insert(name.clone());
        }
    }
    tests
}

/// The rows of the page: an id, the tests, and what is left open.
fn rows() -> Vec<(String, BTreeSet<String>, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/evidence/threats.md");
    let page = fs::read_to_string(page).unwrap();
    let row = |line: &str| {
        let [_, id, threat, tests, reason, _] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("a row has four cells: {line}")
        };
        assert!(!threat.trim().is_empty(), "{line}");
        let tests = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (id.trim().to_owned(), tests, reason.trim().to_owned())
    };
    page.lines().skip_while(|line| !line.starts_with("|---")).skip(1).map(row).collect()
}

#[test]
fn page_names_the_tests_that_there_are() {
    let all =
        ROWS.iter().flat_map(|&(letter, last)| (1..=last).map(move |n| format!("{letter}{n}")));
    let (all, mut tests) = (all.collect::<BTreeSet<_>>(), tests());
    let mut problems = Vec::new();
    let mut listed = BTreeSet::new();
    for (id, cited, reason) in rows() {
        let there = tests.remove(&id).unwrap_or_default();
        problems.extend(cited.difference(&there).map(|test| format!("{id}: there is no {test}")));
        problems.extend(there.difference(&cited).map(|test| format!("{id}: add `{test}`")));
        if there.is_empty() != reason.starts_with("Does not apply") {
            problems.push(format!("{id} needs a test, or else a reason why it does not apply"));
        }
        assert!(listed.insert(id.clone()), "{id} is there twice");
    }
    problems.extend(all.difference(&listed).map(|id| format!("{id} has no row")));
    problems.extend(listed.difference(&all).map(|id| format!("{id} is no id")));
    problems.extend(tests.keys().map(|id| format!("{id} has tests, and no row")));
    problems.sort();
    assert!(problems.is_empty(), "docs/evidence/threats.md:\n{}", problems.join("\n"));
}
