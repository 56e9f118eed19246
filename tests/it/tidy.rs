//! The rules of the house that a program can check: sizes, words, and who may know whom.
//! `ARCHITECTURE.md` says why.

mod circles;

use std::fs;
use std::path::{Path, PathBuf};

/// All files below `folder` with one of `endings`, as (path from the root, content).
pub fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if !["target", "node_modules", "shots", "corpus"]
                    .iter()
                    .any(|dir| name.ends_with(dir))
                {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// All that the program is made of.
pub fn sources() -> Vec<(String, String)> {
    let sources = files("src", &[".rs"]);
    assert!(sources.len() > 50);
    sources
}

fn all_rust() -> Vec<(String, String)> {
    ["src", "tests", "tools", "benches", "examples", "fuzz"]
        .iter()
        .flat_map(|dir| files(dir, &[".rs"]))
        .collect()
}

/// A source without its tests.
fn code(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests").next().unwrap()
}

#[test]
fn files_functions_and_lines_are_short() {
    for (name, source) in all_rust() {
        let lines = code(&source).lines().count();
        let most = if name.starts_with("src") { 350 } else { 500 };
        assert!(lines <= most, "{name} has {lines} lines: split it by concept");
        let mut start = None;
        for (index, line) in source.lines().enumerate() {
            let at = format!("{name}:{}", index + 1);
            assert!(line.chars().count() <= 100, "{at}: longer than 100");
            assert!(!line.ends_with(' ') && !line.contains('\t'), "{at}: white space");
            // As rustfmt writes it, a function ends at a brace under its first character.
            let indent = line.len() - line.trim_start().len();
            let words: Vec<&str> = line.split_whitespace().take(5).collect();
            if words.contains(&"fn") && start.is_none() && !line.trim_end().ends_with('}') {
                start = Some((index, indent));
            } else if let Some((first, depth)) = start
                && indent == depth
                && line.trim() == "}"
            {
                assert!(index - first < 70, "{at}: a function of {} lines", index - first + 1);
                start = None;
            } else if line.trim_end().ends_with(';')
                && start.is_some_and(|(_, depth)| depth == indent)
            {
                start = None; // A declaration without a body.
            }
        }
    }
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TO", "FIX", "XX"].map(|start| {
        format!(
            "{start}{}",
            if start == "TO" {
                "DO"
            } else if start == "FIX" {
                "ME"
            } else {
                "X"
            }
        )
    });
    let calls = ["dbg", "todo", "unimplemented"].map(|name| format!("{name}!("));
    for (name, source) in all_rust().into_iter().chain(files("www", &[".js", ".css", ".html"])) {
        for word in marks.iter().chain(&calls) {
            assert!(!source.contains(word.as_str()), "{name} contains {word}");
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (name, source) in all_rust() {
        assert!(source.starts_with("//! ") || source.starts_with("#![no_main]\n//! "), "{name}");
    }
}

/// The layers: each module, and those it may name as `crate::`.
const LAYERS: [(&str, &str); 22] = [
    ("time", ""),
    ("rate", "time"),
    ("names", ""),
    ("json", ""),
    ("shared", ""),
    ("http", ""),
    ("ws", "http"),
    ("config", "http names rate ws"),
    ("page", ""),
    ("assets", "page shared"),
    ("addresses", "rate time"),
    ("deadlines", "time"),
    ("heartbeat", "time"),
    ("presence", "config json shared time ws"),
    ("backplane", "config presence time"),
    ("api", "names presence"),
    ("socketio", "api config http json presence time ws"),
    ("connection", "addresses api config heartbeat http presence rate shared socketio time ws"),
    ("tally", "connection"),
    ("metrics", "backplane connection tally"),
    (
        "hub",
        "addresses api assets backplane config connection deadlines http metrics names presence \
         shared socketio tally time ws",
    ),
    (
        "server",
        "addresses assets backplane config connection http hub presence rate shared tally time",
    ),
];

#[test]
fn layers_know_only_what_is_below_them() {
    let sources = sources();
    let module = |name: &str| {
        let name = name.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
        name.split('/').next().unwrap().to_owned()
    };
    for (name, source) in &sources {
        let module = module(name);
        let outside = ["lib", "main", "cli", "log", "redis_url", "stdout", "system", "doctor"];
        if outside.contains(&module.as_str()) {
            continue;
        }
        if module == "bench" {
            // It takes from the server what a client must have in common with it, and no more.
            for reference in code(source).split("headcount::").skip(1) {
                assert!(reference.starts_with("ws::"), "{name} names more than ws");
            }
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == module) else {
            panic!("{name}: which layer is it in?")
        };
        for reference in code(source).split("crate::").skip(1) {
            let target: String =
                reference.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let is_known = target == module || allowed.split(' ').any(|name| name == target);
            assert!(is_known, "{name} names crate::{target}");
        }
    }
}

#[test]
fn map_of_the_library_names_every_module() {
    let map = include_str!("../../src/lib.rs");
    let modules = map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in modules {
        assert!(map.contains(&format!("[`{module}`]")), "the map in lib.rs lacks {module}");
    }
}

/// All that moves a connection from one phase to the next stands in one file.
#[test]
fn phases_change_in_one_file() {
    for (name, source) in sources() {
        let is_it = name == "src/connection/phase.rs";
        assert!(is_it || !code(&source).contains(".phase = "), "{name} changes a phase");
    }
}

/// The core has no I/O, no clock, no threads and no shared cells.
#[test]
fn only_the_driver_knows_the_machine() {
    let banned = [
        "mio::",
        "socket2",
        "signal_hook",
        "rustix",
        "std::io",
        "std::time",
        "std::fs",
        "std::env",
        "std::thread",
        "std::net::Tcp",
        "std::process",
        "RefCell",
        "Mutex",
        "dyn ",
        "unsafe ",
        "macro_rules",
        "println",
        "tracing",
        "eprintln",
    ];
    for (name, source) in sources() {
        let is_outside = [
            "src/server",
            "src/main.rs",
            "src/cli",
            "src/log.rs",
            "src/redis_url.rs",
            "src/stdout.rs",
            "src/system.rs",
            "src/bench",
            "src/doctor",
        ]
        .iter()
        .any(|path| name.starts_with(path));
        let code: String = code(&source)
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        for word in banned.iter().filter(|_| !is_outside) {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}

/// What is in `www/` is in the program, and the other way round, but for the module that is made
/// from a script, and for what makes a package of the client.
#[test]
fn all_of_the_page_is_embedded() {
    let assets = headcount::assets::Assets::embedded();
    let package = ["www/headcount.d.ts", "www/package.json"];
    let mut paths: Vec<String> = files("www", &[""])
        .into_iter()
        .filter(|(name, _)| !package.contains(&name.as_str()))
        .map(|(name, _)| format!("/{}", name.strip_prefix("www/").unwrap()))
        .map(|path| if path == "/index.html" { "/".to_owned() } else { path })
        .chain(["/socket.io.esm.js".to_owned()])
        .collect();
    paths.sort();
    assert_eq!(assets.paths().collect::<Vec<_>>(), paths);
}

/// The commands in README are those that CI runs, so they work.
#[test]
fn readme_has_the_commands_that_ci_runs() {
    let (readme, ci) = (include_str!("../../README.md"), include_str!("../../.ci/run"));
    let blocks = readme.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let squeezed = |text: &str| text.replace(" --locked", "").replace("\"$target\"", "hub");
    for command in blocks.flat_map(str::lines).filter(|command| *command != ".ci/run") {
        assert!(squeezed(ci).contains(command), "CI does not run: {command}");
    }
}

/// So are those of `tests/README.md`, each in the stage that it names, but for what no stage runs.
#[test]
fn tests_readme_has_the_stages_and_commands_of_ci() {
    let (readme, ci) = (include_str!("../README.md"), include_str!("../../.ci/run"));
    let ci = ci.replace(" --locked", "").replace("\"$target\"", "hub");
    let rows = readme.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let mut stages = 0;
    for row in rows {
        let cells: Vec<&str> =
            row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect();
        let [_, stage, _, _, command] = cells[..] else { panic!("a row has five cells: {row}") };
        if stage != "–" {
            let body = ci.split(&format!("\nstage_{stage}() {{\n")).nth(1);
            let body = body.unwrap_or_else(|| panic!("there is no stage {stage}"));
            let body = body.split("\n}\n").next().unwrap();
            assert!(body.contains(command), "stage {stage} does not run: {command}");
            stages += 1;
        }
    }
    assert!(stages > 8, "the table is found");
}
