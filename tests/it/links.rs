//! Links in the pages for readers lead to files that are there, and to headings that they have.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::tidy::files;

/// Every page, as (path from the root, content).
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let at_the_root = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .map(|name| (name.to_owned(), fs::read_to_string(root.join(name)).unwrap()));
    let below = ["docs", "tests", "examples", "contrib"].map(|folder| files(folder, &[".md"]));
    at_the_root.into_iter().chain(below.into_iter().flatten()).collect()
}

/// The targets of all links to files in this repository.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// `a/../b` without the detour.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(normalized.pop(), "{path:?} leaves the repository"),
            other => normalized.push(other),
        }
    }
    normalized
}

/// Headings as GitHub makes anchors of them.
fn anchors(page: &str) -> impl Iterator<Item = String> {
    let headings = page.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    headings.map(|heading| {
        let kept = heading.chars().filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    })
}

#[test]
fn links_of_all_pages_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut checked = 0;
    for (name, page) in pages() {
        for link in links(&page) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => PathBuf::from(&name),
                path => normalized(&Path::new(&name).parent().unwrap().join(path)),
            };
            let full = root.join(&target);
            assert!(full.exists(), "{name} links to {link}: there is no {target:?}");
            if !anchor.is_empty() {
                let there = fs::read_to_string(full).unwrap();
                let has_heading = anchors(&there).any(|heading| heading == anchor);
                assert!(has_heading, "{name} links to {link}: no such heading");
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked} links are found");
}

/// A page for users that no other page leads to is not found by them.
#[test]
fn readme_leads_to_every_page_for_users() {
    let readme = include_str!("../../README.md");
    for (name, _) in files("docs", &[".md"]) {
        let is_evidence = name.starts_with("docs/evidence/");
        assert!(is_evidence || readme.contains(&format!("({name}")), "{name} is not in the README");
    }
}
