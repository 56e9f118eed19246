//! Where bugs are planted: the place of each patch in the sources of today.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::bugs::{Bug, PLANTED, Part, Patch};
use crate::edits::{self, Change, Edit};
use crate::functions::{self, Function};

/// Looks for the place of every bug. The problems say which bug has none, and what is nearest.
pub fn problems(root: &Path, bugs: &[Bug]) -> Result<Vec<String>> {
    let functions = functions::all(root)?;
    let patches = bugs.iter().flat_map(|bug| bug.patches.iter().map(move |patch| (bug, patch)));
    let problem = |(bug, patch): (&Bug, &Patch)| {
        let problem = find(patch, &functions).err()?;
        Some(format!("bug {}, in {}: {problem}", bug.id, patch.function))
    };
    Ok(patches.filter_map(problem).collect())
}

/// Puts all bugs into the sources below `root`. The first bug has the number 1, and a source asks
/// with `switch` whether it is chosen.
pub(crate) fn plant(root: &Path, bugs: &[Bug], switch: impl Fn(usize) -> String) -> Result<()> {
    let functions = functions::all(root)?;
    let mut changes: BTreeMap<&str, (&str, Vec<Edit>)> = BTreeMap::new();
    for (index, bug) in bugs.iter().enumerate() {
        for patch in &bug.patches {
            let place = find(patch, &functions)
                .map_err(|problem| format!("bug {}, in {}: {problem}", bug.id, patch.function))?;
            let source = &place.function.source;
            let (_, edits) = changes.entry(&source.name).or_insert((&source.text, Vec::new()));
            edits.extend(place.edits(patch, &switch(index + 1)));
        }
    }
    for (name, (text, edits)) in changes {
        fs::write(root.join(name), edits::apply(text, edits))?;
    }
    Ok(())
}

/// The function of a patch, and which of its tokens is the first that the patch names.
struct Place<'a> {
    function: &'a Function,
    start: usize,
}

/// The one place that a patch fits, or why there is none.
fn find<'a>(patch: &Patch, functions: &'a [Function]) -> std::result::Result<Place<'a>, String> {
    let named = || functions.iter().filter(|function| function.has_key(&patch.function));
    let wanted: Vec<&str> = patch.parts.iter().filter_map(Part::token).collect();
    if named().next().is_none() {
        let nearest = nearest(&patch.function, functions);
        let elsewhere = elsewhere(&wanted, functions);
        return Err(format!("there is no such function; {nearest}{elsewhere}"));
    }
    let mut places = named().flat_map(|function| {
        let found = matches(function, &wanted);
        found.into_iter().map(move |start| Place { function, start })
    });
    match (places.next(), places.count()) {
        (Some(place), 0) => Ok(place),
        (Some(_), more) => {
            Err(format!("`{}` is there {} times: name more of it", wanted.join(" "), more + 1))
        }
        (None, _) => {
            let misses: String = named().map(|function| miss(function, &wanted)).collect();
            Err(misses + &elsewhere(&wanted, functions))
        }
    }
}

/// The other functions that have these tokens: a part of the function may have become one.
fn elsewhere(wanted: &[&str], functions: &[Function]) -> String {
    let found = functions.iter().filter(|function| !matches(function, wanted).is_empty());
    let paths: Vec<&str> = found.map(|function| function.path.as_str()).take(3).collect();
    if paths.is_empty() { String::new() } else { format!("; it is in {}", paths.join(", ")) }
}

/// Where a function has these tokens one after the other.
fn matches(function: &Function, wanted: &[&str]) -> Vec<usize> {
    let windows = function.tokens().windows(wanted.len()).enumerate();
    let is_match = |tokens: &[crate::tokens::Token]| {
        tokens.iter().zip(wanted).all(|(token, wanted)| token.text == *wanted)
    };
    windows.filter(|(_, tokens)| is_match(tokens)).map(|(start, _)| start).collect()
}

/// How far the best place of a function goes along with what was looked for.
fn miss(function: &Function, wanted: &[&str]) -> String {
    let tokens = function.tokens();
    let equal = |start: &usize| {
        tokens
            .iter()
            .skip(*start)
            .zip(wanted)
            .take_while(|(token, word)| token.text == **word)
            .count()
    };
    let start = (0..tokens.len()).max_by_key(equal).unwrap_or(0);
    let (length, searched) = (equal(&start), wanted.join(" "));
    if length == 0 {
        return format!("{} has nothing like `{searched}`", function.place());
    }
    let end = &tokens[(start + length).min(tokens.len() - 1)];
    format!(
        "`{searched}` is not there; at {} there is `{}`, but then `{}`",
        function.source.place(tokens[start].range.start),
        wanted[..length].join(" "),
        end.text,
    )
}

/// The function whose path is most like a key.
fn nearest(key: &str, functions: &[Function]) -> String {
    let segments: Vec<&str> = key.split("::").collect();
    let distance = |function: &&Function| {
        let path: Vec<&str> = function.path.split("::").collect();
        let tail = path[path.len().saturating_sub(segments.len())..].join("::");
        distance(&tail, key)
    };
    match functions.iter().min_by_key(distance) {
        Some(function) => format!("the nearest is {} ({})", function.path, function.place()),
        None => "there are no functions".to_owned(),
    }
}

/// How many letters must be changed to make one word of another (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (index, wanted) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *wanted);
            diagonal = row[index + 1];
            row[index + 1] = change.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}

impl Place<'_> {
    fn edits(&self, patch: &Patch, switch: &str) -> Vec<Edit> {
        let tokens = &self.function.tokens()[self.start..];
        let mut index = 0;
        let mut edits = Vec::new();
        for part in &patch.parts {
            match part {
                Part::Keep(_) => index += 1,
                Part::Remove(_) => {
                    let range = tokens[index].range.clone();
                    edits.push(Edit { range, change: Change::Gone });
                    index += 1;
                }
                Part::Insert(text) => {
                    // Behind the token before it, or else before the first.
                    let at = match index.checked_sub(1) {
                        Some(before) => tokens[before].range.end,
                        None => tokens[0].range.start,
                    };
                    let text = format!("\n{}\n", text.replace(PLANTED, switch));
                    edits.push(Edit { range: at..at, change: Change::Before(text) });
                }
            }
        }
        edits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugs;

    const SOURCE: &str = "fn free() { y }
impl Hub {
    fn turn(&mut self) {
        if self.is_over && self.now > 3 {
            self.end(self.now, // now
                1,
            );
        }
        if self.is_over {}
    }
}
";

    fn function() -> Vec<Function> {
        functions::of_file("src/hub.rs", SOURCE.to_owned()).unwrap()
    }

    fn patched(patch: &str) -> std::result::Result<String, String> {
        let bugs = bugs::read(&format!("\nbug D1 it waits\n{patch}")).unwrap();
        let functions = function();
        let mut edits = Vec::new();
        for patch in &bugs[0].patches {
            edits.extend(find(patch, &functions)?.edits(patch, "on()"));
        }
        let words = edits::apply(SOURCE, edits);
        Ok(words.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn patch_fits_however_the_source_is_formatted() {
        let source =
            patched("in Hub::turn\n self.end(\n-self.now\n+if PLANTED { 0 } else { 1 }\n , 1)");
        assert!(source.unwrap().contains("self.end( if on() { 0 } else { 1 } , // now 1, );"));
    }

    #[test]
    fn text_is_put_in_before_and_after_what_is_there() {
        let source = patched("in turn\n+if !PLANTED {\n self.end(self.now, 1);\n+}\n");
        assert!(source.unwrap().contains("{ if !on() { self.end(self.now, // now 1, ); } }"));
    }

    #[test]
    fn problem_says_what_is_nearest() {
        for (patch, problem) in [
            (
                "in Hub::turns\n x\n+PLANTED",
                "there is no such function; the nearest is hub::Hub::turn (src/hub.rs:3)",
            ),
            (
                "in Hub::turn\n if self.is_over\n+PLANTED",
                "`if self . is_over` is there 2 times: name more of it",
            ),
            (
                "in Hub::turn\n self.now > 4\n+PLANTED",
                "`self . now > 4` is not there; \
                 at src/hub.rs:4 there is `self . now >`, but then `3`",
            ),
            ("in Hub::turn\n y\n+PLANTED", "src/hub.rs:3 has nothing like `y`; it is in hub::free"),
            ("in Hub::turn\n other\n+PLANTED", "src/hub.rs:3 has nothing like `other`"),
        ] {
            assert_eq!(patched(patch), Err(problem.to_owned()));
        }
    }
}
