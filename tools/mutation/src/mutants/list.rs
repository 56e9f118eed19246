//! The mutants, as cargo-mutants lists them.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::{Result, root};

/// Parts of the crate that have mutants; the page has a row for each.
pub(super) const PARTS: [&str; 6] =
    ["ws", "http", "presence", "connection", "hub", "server/transfer"];

/// A mutant.
#[derive(Deserialize)]
pub(super) struct Mutant {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) genre: String,
    pub(super) replacement: String,
    pub(super) span: Span,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    function_name: String,
}

#[derive(Deserialize)]
pub(super) struct Span {
    pub(super) start: Place,
}

/// A place in a file; both numbers count from 1, columns in characters.
#[derive(Deserialize, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Mutant {
    /// What is changed and in which function, and not where that stands today. A function without
    /// a type has its file's name before it.
    pub(super) fn key(&self) -> String {
        // The name is "file:line:column: change in function"; some have line breaks in them.
        let change = self.name.splitn(4, ':').nth(3).unwrap_or(&self.name);
        let change = change.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = self.function.as_ref().map_or("", |function| &function.function_name);
        if name.is_empty() || name.contains("::") {
            return change;
        }
        let file = self.file.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = file.rsplit('/').next().unwrap_or(file);
        // It stands at the end of some, and behind the first word of "replace f -> u8 with 0".
        let start = format!("replace {name} ");
        match change.strip_suffix(&format!(" in {name}")) {
            Some(change) => format!("{change} in {module}::{name}"),
            None => match change.strip_prefix(&start) {
                Some(rest) => format!("replace {module}::{name} {rest}"),
                None => change,
            },
        }
    }

    /// Which of `PARTS` it is in.
    pub(super) fn part(&self) -> &str {
        let path = self.file.trim_start_matches("src/");
        let is_in = |part: &&&str| {
            path.strip_prefix(**part).is_some_and(|rest| rest.starts_with(['/', '.']))
        };
        PARTS.iter().find(is_in).copied().unwrap_or_default()
    }
}

/// All mutants, by their numbers, from 1.
pub(super) fn list() -> Result<BTreeMap<usize, Mutant>> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json", "--package", "headcount"]);
    for part in PARTS {
        command.args([format!("--file=src/{part}.rs"), format!("--file=src/{part}/**")]);
    }
    let output = command.current_dir(root()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("`cargo mutants` fails: cargo install --locked cargo-mutants".into());
    }
    let mutants: Vec<Mutant> = serde_json::from_slice(&output.stdout)?;
    Ok((1..).zip(mutants).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_outlives_a_move() {
        let key = |file: &str, name: &str, function: Option<&str>| {
            let start = Place { line: 1, column: 1 };
            let function = function.map(|name| Function { function_name: name.to_owned() });
            let [genre, replacement] = [const { String::new() }; 2];
            let (name, file) = (format!("{file}:12:3: {name}"), file.to_owned());
            Mutant { name, file, genre, replacement, span: Span { start }, function }.key()
        };
        let (frame, hub) = ("src/ws/frame.rs", "src/hub/upkeep.rs");
        for (file, name, function, expected) in [
            (
                hub,
                "replace > with < in Hub::shed",
                Some("Hub::shed"),
                "replace > with < in Hub::shed",
            ),
            (hub, "replace  f -> A\n with B::c()", Some("Hub::f"), "replace f -> A with B::c()"),
            (
                frame,
                "replace | with ^ in encode",
                Some("encode"),
                "replace | with ^ in frame::encode",
            ),
            (frame, "replace f -> u8 with 0", Some("f"), "replace frame::f -> u8 with 0"),
            (frame, "replace + with -", None, "replace + with -"),
        ] {
            assert_eq!(key(file, name, function), expected);
        }
    }
}
