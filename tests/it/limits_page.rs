//! `docs/limits.md` is made from the flags:
//!
//! ```sh
//! HEADCOUNT_BLESS=1 cargo test --test it limits_page
//! ```

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use clap::{Arg, Args};
use headcount::config::Limits;

use crate::program::Program;

const PAGE: &str = "docs/limits.md";

const HEAD: &str = "\
# Limits

<!-- Made from the flags by: HEADCOUNT_BLESS=1 cargo test --test it limits_page -->

Every loop, buffer and count has a bound. Each is a flag (`--messages-burst 100`) with a safe
default, and none can be 0, so there is no way to switch a limit off. `headcount --print-limits`
prints the values in force on a machine, and the log lists those that differ from the defaults at
the start.

Rates are token buckets: a connection that has been quiet may use the whole burst at once, and is
then held to the rate. Where a rate has no flag for its burst, the burst is what one second (or
minute) brings; for bytes, that plus one message of the largest size.
";

const TAIL: &str = "
`/echo` (with `--echo`) has limits of its own: messages of 64 MiB, 131,072 frames in each, and no
rates.
";

/// What a limit may be set to, by the name of its flag, as the program says.
fn bounds() -> BTreeMap<String, String> {
    let output = Program::command().arg("--print-limits").output().expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let line = |line: &str| {
        let (name, rest) = line.split_once(" = ").expect("a value");
        let bounds = rest.rsplit_once('(').and_then(|(_, bounds)| bounds.strip_suffix(')'));
        (name.trim().to_owned(), bounds.expect("bounds").to_owned())
    };
    text.lines().map(line).collect()
}

/// A text with a comma between the thousands of its numbers.
fn grouped(text: &str) -> String {
    let word = |word: &str| -> String {
        let is_number = word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_digit());
        let comma = |place: usize| is_number && place > 0 && (word.len() - place).is_multiple_of(3);
        let characters = word.char_indices();
        characters
            .flat_map(|(place, c)| comma(place).then_some(',').into_iter().chain([c]))
            .collect()
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn row(limit: &Arg, bounds: &BTreeMap<String, String>) -> String {
    let name = limit.get_long().expect("a flag");
    let help = limit.get_help().expect("a help").to_string();
    let (what, default) = match help.split_once(" [default: ") {
        Some((what, default)) => (what, default.trim_end_matches(']').to_owned()),
        None => (&*help, grouped(&limit.get_default_values()[0].to_string_lossy())),
    };
    let bounds = grouped(&bounds[name]);
    format!("| `--{name}` | {default} | {bounds} | {what} |\n")
}

fn page() -> String {
    let (command, bounds) = (Limits::augment_args(clap::Command::new("headcount")), bounds());
    let (mut page, mut heading) = (HEAD.to_owned(), None);
    for limit in command.get_arguments() {
        if limit.get_help_heading() != heading {
            heading = limit.get_help_heading();
            let title = heading.expect("a heading");
            write!(
                page,
                "\n## {title}\n\n| flag | default | bounds | meaning |\n|---|---:|---|---|\n"
            )
            .expect("it fits");
        }
        page += &row(limit, &bounds);
    }
    page + TAIL
}

#[test]
fn limits_page_is_what_the_flags_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let expected = page();
    if env::var_os("HEADCOUNT_BLESS").is_some() {
        fs::write(&path, &expected).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let differs = expected.lines().zip(found.lines().chain(std::iter::repeat("")));
    let first = differs.into_iter().find(|(expected, found)| expected != found);
    assert!(
        found == expected,
        "{PAGE} is not what the flags say, first at {first:?}; \
         make it with HEADCOUNT_BLESS=1 cargo test --test it limits_page"
    );
}
