//! Every threat has a test that is named after it, in whatever suite, or a reason to need none.
//! `tests/threats/run` says more, when the tests have run; this looks only at their names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The rows of the list: a letter, and how many of that.
const ROWS: [(char, u32); 6] = [('A', 15), ('B', 6), ('C', 14), ('D', 18), ('E', 5), ('F', 7)];

/// The ids that the files below `folder` name: `fn a5_…` of a test, `threat C14 …` of a script.
fn named(folder: &Path, ids: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "node_modules" {
            named(&path, ids);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let tests = text.split("#[test]\n").skip(1).filter_map(|rest| rest.split("fn ").nth(1));
            let tests = tests.filter_map(|name| name.split_once('_')).map(|(id, _)| id);
            let scripts = text.split("threat ").skip(1).filter_map(|rest| rest.split(' ').next());
            ids.extend(tests.chain(scripts).map(str::to_ascii_uppercase));
        }
    }
}

#[test]
fn every_threat_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suites = ["src", "tests/it", "tests/outside", "tests/browser"].map(|name| root.join(name));
    // A package has not all of the suites.
    if suites.iter().any(|suite| !suite.exists()) {
        return;
    }
    let mut ids = BTreeSet::new();
    suites.iter().for_each(|suite| named(suite, &mut ids));
    let rows = include_str!("../../threats/rows.tsv").lines();
    for row in rows.clone() {
        let [id, mechanism, reason] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a row has three parts: {row}")
        };
        assert!(!mechanism.is_empty(), "{row}");
        if reason.starts_with("Does not apply") {
            assert!(ids.insert(id.to_owned()), "{id} has a test all the same");
        }
    }
    let all =
        ROWS.iter().flat_map(|(letter, last)| (1..=*last).map(move |n| format!("{letter}{n}")));
    let missing: Vec<String> = all.clone().filter(|id| !ids.contains(id)).collect();
    assert_eq!(missing, [""; 0], "these have neither a test nor a reason");
    let listed: BTreeSet<&str> = rows.filter_map(|row| row.split('\t').next()).collect();
    let unlisted: Vec<String> = all.filter(|id| !listed.contains(id.as_str())).collect();
    assert_eq!(unlisted, [""; 0], "tests/threats/rows.tsv lacks these");
}
