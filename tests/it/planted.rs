//! The bugs that `tools/mutation` plants each have their place in the sources of today.

use std::path::Path;

use headcount_mutation::{bugs, places};

#[test]
fn every_planted_bug_has_its_place() {
    for (file, bugs) in [("bugs.txt", bugs::all()), ("codec.txt", bugs::of_codec())] {
        let bugs = bugs.unwrap_or_else(|problem| panic!("tools/mutation/{file}: {problem}"));
        let problems = places::problems(Path::new(env!("CARGO_MANIFEST_DIR")), &bugs).unwrap();
        assert!(problems.is_empty(), "tools/mutation/{file}:\n{}", problems.join("\n"));
    }
}
