//! Prints the medians of the last run of the benches as tables in Markdown. In bold: the fastest of
//! a row, and what is within 2 % of it, as much as two runs differ.

use std::path::{Path, PathBuf};
use std::{env, fs};

use headcount_peers::{LIBRARIES, ROWS, ROWS_OF_SIZES};

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
    target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target")).join("criterion")
}

/// A time for each column, and how it compares with the first.
fn print(folder: &Path, kind: &str, columns: &[&str], rows: usize) {
    println!("| {kind} | {} |", columns.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    for row in &ROWS[..rows] {
        let row_folder = folder.join(format!("{kind} {}", row.name));
        let medians: Vec<Option<f64>> =
            columns.iter().map(|column| median_ns(&row_folder.join(column))).collect();
        let ours = medians[0].unwrap_or(f64::NAN);
        let fastest = medians.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let cells = medians.iter().enumerate().map(|(column, median)| match median {
            None => "not measured".to_owned(),
            Some(median) => {
                let time = time(*median);
                let time = if *median <= 1.02 * fastest { format!("**{time}**") } else { time };
                if column == 0 { time } else { format!("{time} ×{:.2}", median / ours) }
            }
        });
        println!("| {} | {} |", row.name, cells.collect::<Vec<_>>().join(" | "));
    }
    println!();
}

fn median_ns(bench: &Path) -> Option<f64> {
    let estimates = fs::read_to_string(bench.join("new/estimates.json")).ok()?;
    let estimates: serde_json::Value = serde_json::from_str(&estimates).ok()?;
    estimates["median"]["point_estimate"].as_f64()
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
