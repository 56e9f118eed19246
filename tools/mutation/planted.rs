//! The bugs that `tests/planted/run` plants: each place for one is still there, and there once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const BUGS: &str = include_str!("../planted/bugs.txt");

#[test]
fn every_planted_bug_has_its_place() {
    let names = BUGS.lines().filter_map(|line| line.strip_prefix("bug ")?.split(' ').next());
    let bugs: BTreeSet<&str> = names.clone().collect();
    assert_eq!(bugs.len(), names.count(), "a bug is there twice");
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("plants {} bugs", bugs.len())), "{} bugs", bugs.len());
    let used = BUGS.split("PLANTED(").skip(2).filter_map(|rest| rest.split(')').next());
    assert_eq!(used.collect::<BTreeSet<_>>(), bugs);
}

#[test]
fn every_place_for_a_planted_bug_is_there_once() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in BUGS.split("\nfile ").skip(1) {
        let (file, part) = part.split_once('\n').unwrap();
        let source = fs::read_to_string(root.join(file)).unwrap();
        for place in part.split("<<<\n").skip(1) {
            let (old, _) = place.split_once("\n===\n").unwrap();
            assert_eq!(source.matches(old).count(), 1, "{file}: {old}");
        }
    }
}
