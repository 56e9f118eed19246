//! `docs/evidence/conformance.md` cites what is there: files, functions, tests that run, and items
//! of its own list of what is open. A page that nobody checks soon tells of code that is gone.

use std::fs;
use std::path::Path;

const PAGE: &str = "docs/evidence/conformance.md";

/// The content of a file of this repository.
fn read(path: &str) -> Result<String, String> {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(full).map_err(|error| format!("{path}: {error}"))
}

/// What stands between backquotes.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The line on which the function `name` is declared.
fn declaration(source: &str, name: &str) -> Option<usize> {
    let starts = [format!("fn {name}("), format!("fn {name}<")];
    source.lines().position(|line| {
        let is_comment = line.trim_start().starts_with("//");
        !is_comment && starts.iter().any(|start| line.contains(start.as_str()))
    })
}

/// `name`, or `Type::name` where a file has several functions of that name.
fn check_function(file: &str, cited: &str) -> Result<(), String> {
    let source = read(file)?;
    let (owner, name) = cited.rsplit_once("::").unwrap_or(("", cited));
    let is_owned = source.lines().any(|line| line.starts_with("impl") && line.contains(owner));
    if declaration(&source, name).is_none() || !(owner.is_empty() || is_owned) {
        return Err(format!("{file} has no function {cited}"));
    }
    Ok(())
}

/// A path to a test as `cargo test` prints it, with `it::` before those of `tests/it/` and
/// `fuzz::` before the name of a fuzz target.
fn check_test(cited: &str) -> Result<(), String> {
    let (module, name) = cited.rsplit_once("::").unwrap_or_default();
    if module == "fuzz" {
        return read(&format!("fuzz/fuzz_targets/{name}.rs")).map(drop);
    }
    let file = match (module.strip_prefix("it::"), module.strip_suffix("::tests")) {
        (Some(module), _) => format!("tests/it/{}.rs", module.replace("::", "/")),
        (None, Some(module)) => format!("src/{}.rs", module.replace("::", "/")),
        (None, None) => return Err(format!("{cited} is no path to a test")),
    };
    let source = read(&file)?;
    let declared = declaration(&source, name).ok_or(format!("{file} has no test {name}"))?;
    let lines: Vec<&str> = source.lines().collect();
    let attributes = lines[..declared].iter().rev().map(|line| line.trim_start());
    let attributes: Vec<&str> = attributes.take_while(|line| line.starts_with("#[")).collect();
    // One that is ignored covers nothing.
    if attributes.contains(&"#[test]") && !attributes.iter().any(|line| line.contains("ignore")) {
        return Ok(());
    }
    Err(format!("{cited} is not run"))
}

fn is_test(span: &str) -> bool {
    ["it::", "fuzz::"].iter().any(|start| span.starts_with(start)) && !span.ends_with('…')
        || span.contains("::tests::")
}

/// A rule's row: what it cites is there, and if no test covers it, it says why.
fn check_row(row: &str, open: &[u32]) -> Result<(), String> {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let ["", section, _, _, places, tests, ""] = cells[..] else {
        return Err(format!("a row has five cells: {row}"));
    };
    let mut file = "";
    for span in spans(places) {
        if span.starts_with("src/") {
            file = span;
        } else {
            check_function(file, span)?;
        }
    }
    let listed = tests.split("open ").skip(1).map(|rest| rest.split(';').next().unwrap_or(rest));
    for number in listed.clone() {
        if !number.parse().is_ok_and(|number| open.contains(&number)) {
            return Err(format!("§{section}: nothing that is open has the number {number}"));
        }
    }
    let is_excused = tests.starts_with("does not ") || listed.count() > 0;
    let is_covered = spans(tests).any(is_test);
    if is_covered || is_excused { Ok(()) } else { Err(format!("§{section}: no test: {row}")) }
}

/// The numbers of the list under "Open".
fn open_items(page: &str) -> Vec<u32> {
    let list = page.split("## Open\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let lines = list.expect("the page says what is open").lines();
    lines.filter_map(|line| line.split_once(". ")?.0.parse().ok()).collect()
}

#[test]
fn page_cites_what_is_there() {
    let page = read(PAGE).unwrap();
    let open = open_items(&page);
    assert!(open.iter().copied().eq(1..=open.len() as u32), "{open:?}");
    let mut problems = Vec::new();
    for span in spans(&page) {
        let found = match span {
            _ if span.starts_with("src/") => read(span).map(drop),
            _ if is_test(span) => check_test(span),
            _ => Ok(()),
        };
        problems.extend(found.err());
    }
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| §"));
    assert!(rows.clone().count() > 50, "the tables are found");
    problems.extend(rows.clone().filter_map(|row| check_row(row, &open).err()));
    for number in open {
        let is_cited =
            |row: &str| row.split(['|', ';']).any(|part| part.trim() == format!("open {number}"));
        if !rows.clone().any(is_cited) {
            problems.push(format!("no rule refers to open {number}"));
        }
    }
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{PAGE}:\n{}", problems.join("\n"));
}
