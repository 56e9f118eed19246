//! Prints the last run of the benches as tables in Markdown. In bold: the fastest of a row, and
//! what is within 2 % of it, which is as much as two runs differ.
//!
//! A cell is the tenth fastest of its hundred samples. Whatever else a machine does can only add
//! to a time, and adds to some rows and not to others.

use std::path::{Path, PathBuf};
use std::{env, fs};

use headcount_peers::{LIBRARIES, ROUNDS, ROWS, ROWS_OF_SIZES};

fn main() {
    let folder = criterion_folder();
    print(&folder, "decode", &LIBRARIES, ROWS.len());
    print(&folder, "encode", &LIBRARIES, ROWS_OF_SIZES);
    let columns = ["headcount", "fastwebsockets", "sockudo-ws", "memcpy"];
    print(&folder, "unmask", &columns, ROWS_OF_SIZES);
}

/// Where criterion leaves its results.
fn criterion_folder() -> PathBuf {
    if let Some(folder) = env::var_os("CRITERION_HOME") {
        return folder.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
        .join("criterion")
}

/// A time for each column, and how it compares with the first.
fn print(folder: &Path, kind: &str, columns: &[&str], rows: usize) {
    println!("| {kind} | {} |", columns.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    for row in &ROWS[..rows] {
        let row_folder = folder.join(format!("{kind} {}", row.name));
        let measured: Vec<Option<f64>> =
            columns.iter().map(|column| least_ns(&row_folder.join(column))).collect();
        let fastest = measured.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let cells = measured.iter().enumerate().map(|(column, ns)| match (ns, measured[0]) {
            (None, _) => "not measured".to_owned(),
            (Some(ns), ours) => {
                let bold = if *ns <= 1.02 * fastest { "**" } else { "" };
                let ratio = ours.filter(|_| column > 0).map(|ours| format!(" ×{:.2}", ns / ours));
                format!("{bold}{}{bold}{}", time(*ns), ratio.unwrap_or_default())
            }
        });
        println!("| {} | {} |", row.name, cells.collect::<Vec<_>>().join(" | "));
    }
    println!();
}

/// The least of all rounds of a bench.
fn least_ns(bench: &Path) -> Option<f64> {
    let rounds = (1..=ROUNDS).filter_map(|round| decile_ns(&bench.join(round.to_string())));
    rounds.min_by(f64::total_cmp)
}

/// The first decile of the samples of a round, in nanoseconds for one call.
fn decile_ns(round: &Path) -> Option<f64> {
    let samples = fs::read_to_string(round.join("new/sample.json")).ok()?;
    let samples: serde_json::Value = serde_json::from_str(&samples).ok()?;
    let numbers = |name: &str| -> Option<Vec<f64>> {
        samples[name].as_array()?.iter().map(serde_json::Value::as_f64).collect()
    };
    let (times, calls) = (numbers("times")?, numbers("iters")?);
    let mut ns: Vec<f64> = times.iter().zip(calls).map(|(time, calls)| time / calls).collect();
    ns.sort_by(f64::total_cmp);
    ns.get(ns.len() / 10).copied()
}

/// Three digits, and a unit.
fn time(ns: f64) -> String {
    let (value, unit) = if ns < 1e3 { (ns, "ns") } else { (ns / 1e3, "µs") };
    let decimals = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}
