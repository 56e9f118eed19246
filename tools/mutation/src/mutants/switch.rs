//! Rewrites sources so that each mutant is behind a switch.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Result;

use super::list::Mutant;
use super::visitor;

/// Changes the files below `folder`. Mutants are known by their numbers; those of `without` are
/// left out. Gives those that can't be chosen at run time, with the reason.
pub(super) fn put_in(
    folder: &Path,
    mutants: &BTreeMap<usize, Mutant>,
    without: &BTreeMap<usize, String>,
) -> Result<BTreeMap<usize, String>> {
    let mut files: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in mutants {
        if !without.contains_key(number) {
            files.entry(&mutant.file).or_default().push((*number, mutant));
        }
    }
    let mut left = BTreeMap::new();
    for (name, mutants) in files {
        let path = folder.join(name);
        let (changed, reasons) = visitor::switch(&fs::read_to_string(&path)?, &mutants)?;
        fs::write(&path, changed)?;
        left.extend(reasons);
    }
    Ok(left)
}
