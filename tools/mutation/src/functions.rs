//! All functions of the sources, by their paths.

use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::{fs, io};

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Result;
use crate::tokens::{self, Token};

/// A source file.
pub(crate) struct Source {
    /// From the root, like `src/hub/input.rs`.
    pub(crate) name: String,
    pub(crate) text: String,
    tokens: Vec<Token>,
}

/// A function in it.
pub(crate) struct Function {
    /// Modules, type and name, like `hub::input::Hub::consume`.
    pub(crate) path: String,
    pub(crate) source: Rc<Source>,
    range: Range<usize>,
}

impl Function {
    /// Whether a key names it: the end of its path, or all of it.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        let rest = self.path.strip_suffix(key);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with("::"))
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        let tokens = &self.source.tokens;
        let start = tokens.partition_point(|token| token.range.start < self.range.start);
        let end = tokens.partition_point(|token| token.range.start < self.range.end);
        &tokens[start..end]
    }

    /// Where it is, for people.
    pub(crate) fn place(&self) -> String {
        self.source.place(self.range.start)
    }
}

impl Source {
    /// A file and a line.
    pub(crate) fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(&self.text);
        format!("{}:{}", self.name, before.matches('\n').count() + 1)
    }
}

/// The functions of the crate below `root`, without those of its unit tests.
pub(crate) fn all(root: &Path) -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
        for path in entries?.into_iter().map(|entry| entry.path()) {
            let name = path.strip_prefix(root)?.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path)?;
                functions.extend(of_file(&name, text).map_err(|error| format!("{name}: {error}"))?);
            }
        }
    }
    functions.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(functions)
}

/// The functions of one file.
pub(crate) fn of_file(name: &str, text: String) -> Result<Vec<Function>> {
    let stream: TokenStream = text.parse().map_err(|error| format!("{error}"))?;
    let file: syn::File = syn::parse2(stream.clone())?;
    let module = name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let path = match module {
        "lib" | "main" => Vec::new(),
        _ => module.split('/').map(str::to_owned).collect(),
    };
    let mut finder = Finder { path, found: Vec::new() };
    finder.visit_file(&file);
    let source = Source { name: name.to_owned(), text, tokens: tokens::of_source(stream) };
    let source = Rc::new(source);
    let function = |(path, range)| Function { path, source: Rc::clone(&source), range };
    Ok(finder.found.into_iter().map(function).collect())
}

struct Finder {
    /// Where we are.
    path: Vec<String>,
    found: Vec<(String, Range<usize>)>,
}

impl Finder {
    fn within(&mut self, name: String, visit: impl FnOnce(&mut Self)) {
        self.path.push(name);
        visit(self);
        self.path.pop();
    }

    fn function(&mut self, name: &syn::Ident, node: &impl Spanned, visit: impl FnOnce(&mut Self)) {
        self.within(name.to_string(), |finder| {
            finder.found.push((finder.path.join("::"), node.span().byte_range()));
            visit(finder);
        });
    }
}

/// The name of a type, without what it is made of.
fn type_name(node: &syn::Type) -> String {
    match node {
        syn::Type::Path(node) => {
            node.path.segments.last().map_or(String::new(), |segment| segment.ident.to_string())
        }
        syn::Type::Reference(node) => type_name(&node.elem),
        _ => String::new(),
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, node: &'ast syn::ItemMod) {
        if node.ident != "tests" {
            self.within(node.ident.to_string(), |finder| visit::visit_item_mod(finder, node));
        }
    }

    fn visit_item_impl(&mut self, node: &'ast syn::ItemImpl) {
        self.within(type_name(&node.self_ty), |finder| visit::visit_item_impl(finder, node));
    }

    fn visit_item_trait(&mut self, node: &'ast syn::ItemTrait) {
        self.within(node.ident.to_string(), |finder| visit::visit_item_trait(finder, node));
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.function(&node.sig.ident, node, |finder| visit::visit_item_fn(finder, node));
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.function(&node.sig.ident, node, |finder| visit::visit_impl_item_fn(finder, node));
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        self.function(&node.sig.ident, node, |finder| visit::visit_trait_item_fn(finder, node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_is_found_by_the_end_of_its_path() {
        let text = "fn f() {}\nimpl<'a> Hub<'a> { fn f() { fn inner() {} } }\n\
                    impl Display for Hub { fn fmt() {} }\nmod m { fn f() {} }\n\
                    mod tests { fn f() {} }";
        let functions = of_file("src/hub/input.rs", text.to_owned()).unwrap();
        let paths: Vec<&str> = functions.iter().map(|function| function.path.as_str()).collect();
        let expected = ["f", "Hub::f", "Hub::f::inner", "Hub::fmt", "m::f"];
        assert_eq!(paths, expected.map(|path| format!("hub::input::{path}")));
        let found = |key: &str| functions.iter().filter(|function| function.has_key(key)).count();
        assert_eq!([found("f"), found("Hub::f"), found("input::f"), found("ub::f")], [3, 1, 1, 0]);
    }
}
