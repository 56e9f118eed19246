//! Changes a copy of the sources, and sees whether anything notices.
//!
//! ```sh
//! cargo run -p headcount-mutation -- planted   # does the simulator find bugs that are planted?
//! cargo run -p headcount-mutation -- fuzzed    # do the fast fuzz targets find those of the codec?
//! cargo run -p headcount-mutation -- mutants   # do the tests notice small changes?
//! ```
//!
//! Each makes one program with all changes in it, each behind a switch, because to build takes
//! longer than to run. The sources themselves know nothing of it.
//!
//! ```text
//!   planted ─→ bugs (bugs.txt) ─→ places ─→ functions, tokens     where a bug is put
//!      │                                       └──→ edits
//!   mutants ─→ list, switch (cargo-mutants, syn) ──────┘
//!      └──→ copy (of the sources, one build) ←── planted, fuzzed (codec.txt)
//!           run (a program, for so long), page (docs/evidence/testing.md)
//! ```

pub mod bugs;
mod copy;
mod edits;
mod functions;
pub mod fuzzed;
pub mod mutants;
mod page;
pub mod places;
pub mod planted;
mod run;
mod tokens;

use std::error::Error;
use std::path::Path;

/// What goes wrong ends the tool, with its reason.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The root of the repository.
pub fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("the tool is two folders below the root")
}
