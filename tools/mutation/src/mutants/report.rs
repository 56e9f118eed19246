//! The figures, and what no test has noticed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::AddAssign;

use crate::{Result, page, root};

use super::list::{Mutant, PARTS};

/// Why a mutant that may compile has no switch.
const VIABLE: [&str; 4] =
    ["in a constant", "an opaque type", "an arm that may be needed", "not found"];

/// How many mutants there are of each kind.
#[derive(Clone, Copy, Default)]
struct Count {
    caught: usize,
    survived: usize,
    invalid: usize,
    apart: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.caught += other.caught;
        self.survived += other.survived;
        self.invalid += other.invalid;
        self.apart += other.apart;
    }
}

/// Prints the figures, and writes them into the page if asked to. Gives whether there is a reason
/// for everything that survived. `left` has those without a switch, `results` the tests of others.
pub(super) fn report(
    mutants: &BTreeMap<usize, Mutant>,
    left: &BTreeMap<usize, String>,
    results: &BTreeMap<usize, Option<String>>,
    write: bool,
) -> Result<bool> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut survivors: BTreeMap<String, usize> = BTreeMap::new();
    for (number, mutant) in mutants {
        let count = counts.entry(mutant.part()).or_default();
        match (left.get(number), results.get(number)) {
            (Some(reason), _) if VIABLE.contains(&reason.as_str()) => count.apart += 1,
            (Some(_), _) => count.invalid += 1,
            (None, Some(Some(_))) => count.caught += 1,
            (None, Some(None)) => {
                count.survived += 1;
                *survivors.entry(mutant.key()).or_default() += 1;
            }
            (None, None) => {}
        }
    }
    let text = table(&counts) + "\n" + &listing(&survivors)?;
    print!("{text}");
    let reasons = reasons()?;
    for key in reasons.keys().filter(|key| !survivors.contains_key(*key)) {
        println!("does not survive any more: {key}");
    }
    if write {
        page::write("mutants", &text)?;
    }
    let unexplained: BTreeSet<_> =
        survivors.keys().filter(|key| !reasons.contains_key(*key)).collect();
    if !unexplained.is_empty() {
        println!("{} survive without a reason", unexplained.len());
    }
    Ok(unexplained.is_empty())
}

/// Why a mutant that survives is none that a test should notice, by its key.
fn reasons() -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(root().join("tools/mutation/survivors.txt"))?;
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(rows.map(|(key, reason)| (key.to_owned(), reason.to_owned())).collect())
}

fn listing(survivors: &BTreeMap<String, usize>) -> Result<String> {
    let reasons = reasons()?;
    let line = |(key, count): (&String, &usize)| {
        let times = if *count > 1 { format!(" ({count} ×)") } else { String::new() };
        let reason = reasons.get(key).map_or("NOT EXPLAINED", String::as_str);
        format!("- `{key}`{times}: {reason}\n")
    };
    Ok(survivors.iter().map(line).collect())
}

fn table(counts: &BTreeMap<&str, Count>) -> String {
    let mut text = "| part | caught | survived | caught, % | no mutants | not run |\n\
                    |---|---:|---:|---:|---:|---:|\n"
        .to_owned();
    let mut all = Count::default();
    let parts: Vec<(&str, Count)> = PARTS
        .iter()
        .map(|part| (*part, counts.get(part).copied().unwrap_or_default()))
        .inspect(|(_, count)| all += *count)
        .collect();
    for (part, count) in parts.into_iter().chain([("all", all)]) {
        let Count { caught, survived, invalid, apart } = count;
        let percent = 100.0 * caught as f64 / (caught + survived).max(1) as f64;
        let caught = page::grouped(caught as u64);
        text +=
            &format!("| {part} | {caught} | {survived} | {percent:.1} | {invalid} | {apart} |\n");
    }
    text
}
