//! `docs/evidence/threats.md` names every test that is named after a threat, in whatever suite. It
//! may name others beside them, and each of those exists. A threat without a test has a reason to
//! need none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::tidy::files;

/// The rows of the list: a letter, and how many of that.
const ROWS: [(char, u32); 11] = [
    ('A', 15),
    ('B', 6),
    ('C', 14),
    ('D', 18),
    ('E', 5),
    ('F', 7),
    ('G', 12),
    ('H', 33),
    ('I', 6),
    ('J', 10),
    ('K', 9),
];

/// What there is to be named.
#[derive(Default)]
struct Tests {
    /// Every test in Rust that is run, by its path.
    all: BTreeSet<String>,
    /// For each id the tests that bear it.
    by_id: BTreeMap<String, BTreeSet<String>>,
    /// The scripts of the suites, whose checks have titles.
    suites: Vec<(String, String)>,
}

impl Tests {
    /// All tests, and suites that print `threat ID …`.
    fn find() -> Tests {
        let mut tests = Tests::default();
        let module =
            |name: &str| name.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        for (name, source) in files("src", &[".rs"]) {
            tests.add(&source, &format!("{}::tests::", module(&name["src/".len()..])));
        }
        for folder in ["tests/it", "tests/attack"] {
            for (name, source) in files(folder, &[".rs"]) {
                tests.add(&source, &format!("{}::", module(&name["tests/".len()..])));
            }
        }
        tests.suites = files("tests/suites", &["run", ".mjs", ".py"]);
        for (name, source) in &tests.suites {
            for rest in source.split("threat ").skip(1) {
                let id = rest.split(' ').next().unwrap().to_owned();
                tests.by_id.entry(id).or_default().insert(name.clone());
            }
        }
        tests
    }

    /// The tests of a source: `fn a5_…`, with `prefix` before its name.
    fn add(&mut self, source: &str, prefix: &str) {
        for rest in source.split("#[test]\n").skip(1) {
            let Some((attributes, rest)) = rest.split_once("fn ") else { continue };
            // What is ignored is not run, but for attacks, which CI runs by themselves.
            if attributes.contains("#[ignore") && !prefix.starts_with("attack::") {
                continue;
            }
            let name = rest.split('(').next().unwrap();
            self.all.insert(format!("{prefix}{name}"));
            let id = name.split('_').next().unwrap().to_ascii_uppercase();
            if id.starts_with(|c| ('A'..='I').contains(&c)) && id[1..].parse::<u32>().is_ok() {
                self.by_id.entry(id).or_default().insert(format!("{prefix}{name}"));
            }
        }
    }

    /// Whether a row may name this: a test in Rust, or `file: title` for a check of a suite, of
    /// which a part of the title is enough: titles of checks in a loop are made of parts.
    fn has(&self, cited: &str) -> bool {
        let Some((file, title)) = cited.split_once(": ") else { return self.all.contains(cited) };
        let mut suites = self.suites.iter();
        suites.any(|(name, source)| name == file && is_titled(source, title))
    }
}

/// Whether a check of this script has the title, or it is a part of one.
fn is_titled(source: &str, title: &str) -> bool {
    const CHECKS: [&str; 3] = ["test(", "it(", "check("];
    let is_check = |line: &&str| CHECKS.iter().any(|check| line.contains(check));
    !title.is_empty() && source.lines().filter(is_check).any(|line| line.contains(title))
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
    let (all, mut tests) = (all.collect::<BTreeSet<_>>(), Tests::find());
    let mut problems = Vec::new();
    let mut listed = BTreeSet::new();
    for (id, cited, reason) in rows() {
        let there = tests.by_id.remove(&id).unwrap_or_default();
        let missing = cited.difference(&there).filter(|test| !tests.has(test));
        problems.extend(missing.map(|test| format!("{id}: there is no {test}")));
        problems.extend(there.difference(&cited).map(|test| format!("{id}: add `{test}`")));
        if cited.is_empty() != reason.starts_with("Does not apply") {
            problems.push(format!("{id} needs a test, or else a reason why it does not apply"));
        }
        assert!(listed.insert(id.clone()), "{id} is there twice");
    }
    problems.extend(all.difference(&listed).map(|id| format!("{id} has no row")));
    problems.extend(listed.difference(&all).map(|id| format!("{id} is no id")));
    problems.extend(tests.by_id.keys().map(|id| format!("{id} has tests, and no row")));
    problems.sort();
    assert!(problems.is_empty(), "docs/evidence/threats.md:\n{}", problems.join("\n"));
}
