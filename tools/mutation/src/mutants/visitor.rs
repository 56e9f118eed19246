//! Finds the place of each mutant in the syntax tree, and what stands there instead.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use syn::Pat;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Result;
use crate::copy::switch as is_chosen;
use crate::edits::{self, Change, Edit};

use super::list::{Mutant, Place};

/// How the value of a mutant is returned, up to its number.
pub(super) const RETURNS: &str = "if (crate::mutation::chosen() == ";

/// The changed text, and the mutants without a switch, with the reason.
pub(super) fn switch(
    text: &str,
    mutants: &[(usize, &Mutant)],
) -> Result<(String, Vec<(usize, String)>)> {
    let file = syn::parse_file(text)?;
    let mut visitor = Visitor {
        text,
        mutants,
        edits: Vec::new(),
        found: BTreeMap::new(),
        fixed: 0,
        opaque: Vec::new(),
        needed: Vec::new(),
    };
    visitor.visit_file(&file);
    let Visitor { edits, found, .. } = visitor;
    let left = mutants.iter().filter_map(|(number, _)| match found.get(number) {
        Some(None) => None,
        Some(Some(reason)) => Some((*number, (*reason).to_owned())),
        None => Some((*number, "not found".to_owned())),
    });
    let left = left.collect();
    Ok((edits::apply(text, edits), left))
}

struct Visitor<'a> {
    text: &'a str,
    mutants: &'a [(usize, &'a Mutant)],
    edits: Vec<Edit>,
    /// Mutants by number, with the reason if they can't have a switch.
    found: BTreeMap<usize, Option<&'static str>>,
    /// How many constants are around.
    fixed: usize,
    /// Where functions start whose result has a type without a name.
    opaque: Vec<usize>,
    /// Where arms start that stay.
    needed: Vec<usize>,
}

impl Visitor<'_> {
    /// The mutants of one genre that start at `node`, which get a switch unless in a constant.
    fn at(&mut self, genre: &str, node: &impl Spanned) -> Vec<(usize, String)> {
        let start = node.span().start();
        let start = Place { line: start.line, column: start.column + 1 };
        let mut mutants = Vec::new();
        for (number, mutant) in self.mutants {
            if mutant.genre == genre && mutant.span.start == start {
                let reason = (self.fixed > 0).then_some("in a constant");
                self.found.insert(*number, reason);
                if reason.is_none() {
                    mutants.push((*number, mutant.replacement.clone()));
                }
            }
        }
        mutants
    }

    fn text(&self, node: &impl Spanned) -> &str {
        self.text.get(range(node)).expect("a node of this text")
    }

    /// Puts a choice around an expression: each mutant's text, and the expression itself.
    fn choose(&mut self, node: &impl Spanned, mutants: &[(usize, String)]) {
        if mutants.is_empty() {
            return;
        }
        let mut before = "(match crate::mutation::chosen() { ".to_owned();
        for (number, text) in mutants {
            write!(before, "{number} => {{ {text} }} ").expect("a string takes all");
        }
        before.push_str("_ => { ");
        self.edits
            .push(Edit { range: range(node), change: Change::Around(before, " } })".into()) });
    }

    fn constant<T>(&mut self, is_constant: bool, node: T, visit: impl FnOnce(&mut Self, T)) {
        self.fixed += usize::from(is_constant);
        visit(self, node);
        self.fixed -= usize::from(is_constant);
    }

    /// A function with a switch is no constant one, and what it returns must have one type.
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        if let Some(constant) = &signature.constness {
            let change = Change::Around("/* ".to_owned(), " */".to_owned());
            self.edits.push(Edit { range: range(constant), change });
        }
        if let syn::ReturnType::Type(_, result) = &signature.output
            && matches!(**result, syn::Type::ImplTrait(_))
            && let Some(first) = block.stmts.first()
        {
            let mutants = self.at("FnValue", first);
            self.give_up(mutants, "an opaque type");
            self.opaque.push(range(first).start);
        }
    }

    /// Gives up the mutants that were found in here for a reason.
    fn give_up(&mut self, mutants: Vec<(usize, String)>, reason: &'static str) {
        for (number, _) in mutants {
            self.found.insert(number, Some(reason));
        }
    }
}

fn range(node: &impl Spanned) -> Range<usize> {
    node.span().byte_range()
}

fn has_let(node: &syn::Expr) -> bool {
    match node {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(node) => has_let(&node.left) || has_let(&node.right),
        syn::Expr::Paren(node) => has_let(&node.expr),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.constant(true, node, visit::visit_item_const);
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.constant(true, node, visit::visit_item_static);
    }

    fn visit_impl_item_const(&mut self, node: &'ast syn::ImplItemConst) {
        self.constant(true, node, visit::visit_impl_item_const);
    }

    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
        self.constant(true, &*node.len, Self::visit_expr);
    }

    fn visit_type_array(&mut self, node: &'ast syn::TypeArray) {
        self.constant(true, node, visit::visit_type_array);
    }

    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.function(&node.sig, &node.block);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.function(&node.sig, &node.block);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_block(&mut self, node: &'ast syn::Block) {
        if let Some(first) = node.stmts.first()
            && !self.opaque.contains(&range(first).start)
        {
            let mutants = self.at("FnValue", first);
            let mut before = String::new();
            for (number, value) in mutants {
                let test = format!("if {} {{ return {value}; }}\n", is_chosen(number));
                before.push_str(&test);
            }
            if !before.is_empty() {
                let range = range(first).start..range(node).end;
                self.edits.push(Edit { range, change: Change::Before(before) });
            }
        }
        visit::visit_block(self, node);
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        let mutants = self.at("BinaryOperator", &node.op);
        if has_let(&node.left) || has_let(&node.right) {
            self.give_up(mutants, "a chain of lets has no other operator");
        } else {
            let (left, right) = (self.text(&*node.left), self.text(&*node.right));
            let texts: Vec<_> = mutants
                .into_iter()
                .map(|(number, operator)| (number, format!("({left}) {operator} ({right})")))
                .collect();
            self.choose(node, &texts);
        }
        visit::visit_expr_binary(self, node);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        let mutants = self.at("UnaryOperator", &node.op);
        let operand = self.text(&*node.expr).to_owned();
        let texts: Vec<_> =
            mutants.into_iter().map(|(number, _)| (number, operand.clone())).collect();
        self.choose(node, &texts);
        visit::visit_expr_unary(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        let mut texts = Vec::new();
        for field in &node.fields {
            let without = range(field);
            let whole = range(node);
            for (number, _) in self.at("StructField", field) {
                let part = |range| self.text.get(range).expect("a node of this text");
                let after = part(without.end..whole.end).trim_start_matches(',');
                texts.push((number, format!("{}{after}", part(whole.start..without.start))));
            }
        }
        self.choose(node, &texts);
        visit::visit_expr_struct(self, node);
    }

    fn visit_generic_argument(&mut self, node: &'ast syn::GenericArgument) {
        let is_constant = matches!(node, syn::GenericArgument::Const(_));
        self.constant(is_constant, node, visit::visit_generic_argument);
    }

    /// An arm without a guard can go only if another one takes everything.
    fn visit_expr_match(&mut self, node: &'ast syn::ExprMatch) {
        let takes_all = |arm: &syn::Arm| match &arm.pat {
            _ if arm.guard.is_some() => false,
            // As the compiler can't, this takes a name in capitals for a constant.
            Pat::Ident(name) => name.ident.to_string().starts_with(char::is_lowercase),
            pattern => matches!(pattern, Pat::Wild(_)),
        };
        let one_takes_all = node.arms.iter().any(takes_all);
        for arm in &node.arms {
            if takes_all(arm) || (arm.guard.is_none() && !one_takes_all) {
                let mutants = self.at("MatchArm", arm);
                self.give_up(mutants, "an arm that may be needed");
                self.needed.push(range(arm).start);
            }
        }
        visit::visit_expr_match(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        let mut test = String::new();
        let mutants = if self.needed.contains(&range(node).start) {
            Vec::new()
        } else {
            self.at("MatchArm", node)
        };
        for (number, _) in mutants {
            write!(test, "!{} && ", is_chosen(number)).expect("a string takes all");
        }
        if let Some((_, guard)) = &node.guard {
            let mutants = self.at("MatchArmGuard", guard);
            if has_let(guard) {
                self.give_up(mutants, "a guard with a let");
            } else {
                let change = Change::Around(format!("{test}("), ")".into());
                self.edits.push(Edit { range: range(guard), change });
                self.choose(guard, &mutants);
            }
        } else if !test.is_empty() {
            let end = range(&node.pat).end;
            let test = format!(" if {} ", test.trim_end_matches(" && "));
            self.edits.push(Edit { range: end..end, change: Change::Before(test) });
        }
        visit::visit_arm(self, node);
    }
}
