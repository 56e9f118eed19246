//! No circles: where one file names another, nothing leads back.
//!
//! This holds between the files of each folder, and between the folders. A path is followed through
//! re-exports to the file that has the item, so a `pub use` in the file above neither makes a
//! circle nor hides one.

use std::collections::{BTreeMap, BTreeSet};

use super::{code, sources};

/// The path of a module, from the root of the crate.
type Module = Vec<String>;

/// What one file says about others.
struct File {
    /// The paths that it names, as they are written.
    paths: Vec<Vec<String>>,
    /// What it passes on, by name.
    exports: BTreeMap<String, Vec<String>>,
    /// All words of its own code, without imports.
    words: BTreeSet<String>,
}

#[test]
fn files_and_folders_have_no_circles() {
    let sources: Vec<(String, String)> =
        sources().into_iter().map(|(name, text)| (name, code(&text).to_owned())).collect();
    let sources: Vec<(&str, &str)> =
        sources.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(circles(&sources), Vec::<String>::new());
}

#[test]
fn circle_is_found_however_it_is_written() {
    let found = |files: &[(&str, &str)]| circles(files).len();
    let parent = ("src/a.rs", "mod b; mod c; pub use b::B; pub(crate) use c::{C as D};");
    let b = |text| ("src/a/b.rs", text);
    let c = |text| ("src/a/c.rs", text);
    assert_eq!(found(&[parent, b("use super::c::C;"), c("")]), 0);
    for back in [
        "use super::b::B;",
        "use super::{x, b::{self, Y}};",
        "use crate::a::b;",
        "fn f() { super::b::g() }",
        "use super::B;",
        "use crate::a::{B, C};",
    ] {
        assert_eq!(found(&[parent, b("use super::c::C;"), c(back)]), 1, "{back}");
        assert_eq!(found(&[parent, b("use super::D;"), c(back)]), 1, "{back}");
        assert_eq!(found(&[parent, b("// use super::c::C;"), c(back)]), 0, "{back}");
    }
    // The file above has a part in a circle if its own code has.
    let uses = ("src/a.rs", "mod b; mod c; use b::B; struct A(B);");
    let exports = ("src/a.rs", "mod b; mod c; pub use b::B; struct A(B);");
    for above in [uses, exports] {
        assert_eq!(found(&[above, b("use super::A;"), c("")]), 1);
        assert_eq!(found(&[above, b(""), c("use super::A;")]), 0);
    }
    assert_eq!(found(&[parent, b("use super::A;"), c("")]), 0);
    // A folder is one place to those beside it.
    let deep = [
        ("src/a.rs", "mod b; mod c;"),
        ("src/a/b.rs", "mod d;"),
        ("src/a/b/d.rs", "use super::super::c::C;"),
        ("src/a/c.rs", "use super::b::B;"),
    ];
    assert_eq!(found(&deep), 1);
    assert_eq!(found(&[("src/a.rs", "use crate::b::B;"), ("src/b.rs", "use headcount::a;")]), 1);
}

/// Every circle among these files, in words.
fn circles(sources: &[(&str, &str)]) -> Vec<String> {
    let files: BTreeMap<Module, File> =
        sources.iter().map(|(name, text)| (module(name), File::read(text))).collect();
    // For each folder: who names whom in it. The file above a folder is in it without a name.
    let mut folders: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, file) in &files {
        for to in file.targets(from, &files) {
            let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
            let place = |module: &Module| module.get(shared).cloned().unwrap_or_default();
            let (one, other) = (place(from), place(&to));
            if one != other {
                let folder = folders.entry(from[..shared].to_vec()).or_default();
                folder.entry(one).or_default().insert(other);
            }
        }
    }
    let circles = folders.iter().filter_map(|(folder, arrows)| {
        let circle = circle(arrows)?;
        Some(format!("in src/{}: {}", folder.join("/"), circle.join(" → ")))
    });
    circles.collect()
}

/// The path of the module that a file has. `lib.rs` and `main.rs` are both the root.
fn module(name: &str) -> Module {
    let path = name.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    match path {
        "lib" | "main" => Vec::new(),
        _ => path.split('/').map(str::to_owned).collect(),
    }
}

/// A circle, if there is one. What has no arrow out, or none but to such, is in none.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut rest = arrows.clone();
    loop {
        let before = rest.len();
        let names: BTreeSet<String> = rest.keys().cloned().collect();
        rest.values_mut().for_each(|targets| targets.retain(|target| names.contains(target)));
        rest.retain(|_, targets| !targets.is_empty());
        if rest.len() == before {
            break;
        }
    }
    let mut walk = vec![rest.keys().next()?.clone()];
    loop {
        let next = rest[walk.last()?].first()?.clone();
        if let Some(start) = walk.iter().position(|name| *name == next) {
            let mut circle = walk.split_off(start);
            circle.push(next);
            return Some(circle.into_iter().map(named).collect());
        }
        walk.push(next);
    }
}

fn named(place: String) -> String {
    if place.is_empty() { "the file above".to_owned() } else { place }
}

impl File {
    fn read(text: &str) -> File {
        let mut file = File { paths: Vec::new(), exports: BTreeMap::new(), words: BTreeSet::new() };
        let tokens = tokens(text);
        let mut at = 0;
        let mut is_public = false;
        while at < tokens.len() {
            match tokens[at] {
                "mod" => at += 2,
                "pub" => {
                    is_public = true;
                    at += 1;
                    if tokens.get(at) == Some(&"(") {
                        at += 1 + tokens[at..].iter().position(|token| *token == ")").unwrap();
                    }
                    continue;
                }
                "use" => {
                    let mut found = Vec::new();
                    at = read_path(&tokens, at + 1, &[], &mut found);
                    for (path, name) in found {
                        match is_public {
                            true => drop(file.exports.insert(name, path)),
                            false => file.paths.push(path),
                        }
                    }
                }
                word if is_word(word) => {
                    let mut found = Vec::new();
                    let is_field = at > 0 && tokens[at - 1] == ".";
                    at = read_path(&tokens, at, &[], &mut found);
                    for (path, _) in found {
                        file.words.extend((!is_field).then(|| path[0].clone()));
                        file.paths.push(path);
                    }
                }
                _ => at += 1,
            }
            is_public = false;
        }
        file
    }

    /// The modules that it names, and where what they pass on is.
    fn targets(&self, own: &Module, files: &BTreeMap<Module, File>) -> Vec<Module> {
        let exported = self
            .exports
            .iter()
            .filter(|(name, _)| self.words.contains(*name))
            .map(|(_, path)| path);
        self.paths.iter().chain(exported).filter_map(|path| resolve(path, own, files)).collect()
    }
}

/// The module that has what `path` means in module `own`; `None` if that is not of ours.
fn resolve(path: &[String], own: &Module, files: &BTreeMap<Module, File>) -> Option<Module> {
    let mut module = own.clone();
    let mut rest = path;
    match path[0].as_str() {
        "crate" | "headcount" => module.clear(),
        "self" => {}
        "super" => drop(module.pop()?),
        first => {
            module.push(first.to_owned());
            if !files.contains_key(&module) {
                return None;
            }
        }
    }
    rest = &rest[1..];
    while let [first, others @ ..] = rest {
        if first == "super" {
            module.pop()?;
        } else {
            let deeper = [&module[..], std::slice::from_ref(first)].concat();
            if !files.contains_key(&deeper) {
                // An item of that module, or one that it passes on.
                return match files.get(&module).and_then(|file| file.exports.get(first)) {
                    Some(export) => resolve(export, &module, files),
                    None => Some(module),
                };
            }
            module = deeper;
        }
        rest = others;
    }
    Some(module)
}

/// Reads a path or a tree of them, each with the name that it gives. Says where it ends.
fn read_path(
    tokens: &[&str],
    mut at: usize,
    before: &[String],
    found: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") if !path.is_empty() => {
                at += 1;
                while tokens.get(at).is_some_and(|token| *token != "}") {
                    at = read_path(tokens, at, &path, found);
                    at += usize::from(tokens.get(at) == Some(&","));
                }
                return at + 1;
            }
            Some(&"self") if !path.is_empty() => {}
            Some(word) if is_word(word) || *word == "*" => path.push((*word).to_owned()),
            _ => break,
        }
        at += 1;
        match tokens.get(at) {
            Some(&"::") => at += 1,
            _ => break,
        }
    }
    let mut name = path.last().cloned().unwrap_or_default();
    if tokens.get(at) == Some(&"as") {
        name = tokens[at + 1].to_owned();
        at += 2;
    }
    if path.is_empty() {
        return at + 1;
    }
    found.push((path, name));
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The words and signs of some code, without its comments and strings.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => string_length(rest),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            }
            ':' if rest.starts_with("::") => 2,
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\\"'") => 4,
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if !first.is_whitespace() && first != '"' && !token.starts_with("//") {
            tokens.push(token);
        }
        rest = after;
    }
    tokens
}

/// The length of the string that `text` begins with.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return index + 1,
            _ => is_escaped = c == '\\' && !is_escaped,
        }
    }
    text.len()
}
