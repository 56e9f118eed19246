//! The bugs that `tools/mutation` plants each have their place in the sources of today.

use std::path::Path;

use headcount_mutation::{bugs, places};

#[test]
fn every_planted_bug_has_its_place() {
    let bugs = bugs::all().unwrap_or_else(|problem| panic!("tools/mutation/bugs.txt: {problem}"));
    let problems = places::problems(Path::new(env!("CARGO_MANIFEST_DIR")), &bugs).unwrap();
    assert!(problems.is_empty(), "tools/mutation/bugs.txt:\n{}", problems.join("\n"));
}
