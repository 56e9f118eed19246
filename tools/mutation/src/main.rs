//! Builds all mutants into one program: rewrites sources so that each mutant is behind a switch.
//!
//! Reads what `cargo mutants --list --json` prints from standard input, and changes the files below
//! the folder that is its first argument. Where a mutant was, the source asks
//! `crate::mutant::chosen()`, which is the number of one mutant, or of none. Mutants whose numbers
//! are the other arguments are left out. Prints a line for each mutant that can't be chosen at run
//! time, with the reason.

mod edits;
mod visitor;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

use serde::Deserialize;

/// A mutant, as cargo-mutants lists it. Its number is its place in the list, from 1.
#[derive(Deserialize)]
struct Mutant {
    file: String,
    genre: String,
    replacement: String,
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    start: Place,
}

/// A place in a file; both numbers count from 1, columns in characters.
#[derive(Deserialize, Clone, Copy, PartialEq)]
struct Place {
    line: usize,
    column: usize,
}

fn main() {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().expect("the folder of the sources");
    let without: Vec<usize> = arguments.map(|number| number.parse().expect("a number")).collect();
    let mutants: Vec<Mutant> =
        serde_json::from_reader(io::stdin()).expect("what cargo mutants --list --json prints");
    let mut files: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (index, mutant) in mutants.iter().enumerate() {
        let number = index + 1;
        if !without.contains(&number) {
            files.entry(&mutant.file).or_default().push((number, mutant));
        }
    }
    for (name, mutants) in files {
        let path = Path::new(&folder).join(name);
        let text = fs::read_to_string(&path).expect("the file of a mutant");
        let (changed, left) = visitor::switch(&text, &mutants);
        fs::write(&path, changed).expect("the copy can be written");
        for (number, reason) in left {
            println!("{number}\t{reason}");
        }
    }
}
