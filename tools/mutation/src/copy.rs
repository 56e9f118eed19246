//! A copy of the sources in which changes have switches, and what cargo makes of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

use crate::{Result, root};

/// The variable of the environment that says which change is made.
pub(crate) const VARIABLE: &str = "HEADCOUNT_MUTATION";

/// How a source asks whether that is the change of this number.
pub(crate) fn switch(number: usize) -> String {
    format!("(crate::mutation::chosen() == {number})")
}

/// The module with the switch, which only the copy has.
const SWITCH: &str = r#"//! Changes, of which one is made.

use std::sync::LazyLock;

#[cfg(not(debug_assertions))]
compile_error!("no release has such changes");

static CHOSEN: LazyLock<u32> = LazyLock::new(|| {
    std::env::var("HEADCOUNT_MUTATION").map_or(0, |number| number.parse().unwrap_or(0))
});

/// The number of the change that is made in this run.
pub fn chosen() -> u32 {
    *CHOSEN
}
"#;

/// The copy.
pub(crate) struct Copy {
    pub(crate) sources: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies what git knows, and new files that it does not ignore.
    pub(crate) fn make(name: &str) -> Result<Copy> {
        let folder = target().join("mutation");
        let copy = Copy { sources: folder.join(name), target: folder.join("target") };
        if copy.sources.exists() {
            fs::remove_dir_all(&copy.sources)?;
        }
        let mut list = Command::new("git");
        list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = list.current_dir(root()).stderr(Stdio::inherit()).output()?;
        if !listed.status.success() {
            return Err("git does not say what the sources are".into());
        }
        for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            let (from, to) = (root().join(name), copy.sources.join(name));
            if from.is_file() {
                fs::create_dir_all(to.parent().expect("a file is in a folder"))?;
                fs::copy(from, to)?;
            }
        }
        fs::write(copy.sources.join("src/mutation.rs"), SWITCH)?;
        let library = copy.sources.join("src/lib.rs");
        let module = "\n#[allow(missing_docs)]\npub mod mutation;\n";
        fs::write(&library, fs::read_to_string(&library)? + module)?;
        Ok(copy)
    }

    /// Runs cargo in the copy. Gives its messages, and whether it has succeeded.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<(Vec<Value>, bool)> {
        let mut command = Command::new("cargo");
        command.args(arguments).args(["--locked", "--quiet", "--message-format=json"]);
        command.current_dir(&self.sources).stderr(Stdio::inherit());
        command.env("CARGO_TARGET_DIR", &self.target).env("RUSTFLAGS", "-Awarnings");
        let output = command.output()?;
        let lines = str::from_utf8(&output.stdout)?.lines();
        let messages: serde_json::Result<Vec<Value>> = lines.map(serde_json::from_str).collect();
        Ok((messages?, output.status.success()))
    }
}

/// The folder for what is made.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The program that one of cargo's messages announces, if its target is of this kind.
pub(crate) fn program<'a>(message: &'a Value, kind: &str) -> Option<&'a Path> {
    let kinds = message["target"]["kind"].as_array()?;
    let is_kind = kinds.iter().any(|other| other == kind);
    message["executable"].as_str().filter(|_| is_kind).map(Path::new)
}
