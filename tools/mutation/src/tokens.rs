//! Sources as tokens, so that how they are formatted makes no difference.

use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::Result;

/// A token, and where it stands in the text.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
}

/// The tokens of a whole source, one after the other: groups with their delimiters.
pub(crate) fn of_source(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    without_last_commas(tokens, |token| &token.text)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let TokenTree::Group(group) = tree else {
            let range = tree.span().byte_range();
            tokens.push(Token { text: tree.to_string(), range });
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        let push = |tokens: &mut Vec<Token>, text: &str, range| {
            if !text.is_empty() {
                tokens.push(Token { text: text.to_owned(), range });
            }
        };
        push(tokens, open, group.span_open().byte_range());
        flatten(group.stream(), tokens);
        push(tokens, close, group.span_close().byte_range());
    }
}

/// Words that stand for delimiters while a piece of text is read in which they need not match.
const DELIMITERS: [(&str, &str); 6] = [
    ("(", "__round"),
    (")", "__round_end"),
    ("{", "__curly"),
    ("}", "__curly_end"),
    ("[", "__square"),
    ("]", "__square_end"),
];

/// The tokens of a piece of a source, in which delimiters need not match.
pub(crate) fn of_piece(text: &str) -> Result<Vec<String>> {
    let replace = |text: String, (delimiter, word): &(&str, &str)| {
        text.replace(delimiter, &format!(" {word} "))
    };
    let text = DELIMITERS.iter().fold(text.to_owned(), replace);
    let stream: TokenStream = text.parse().map_err(|error| format!("{text}: {error}"))?;
    let word = |tree: TokenTree| {
        let text = tree.to_string();
        let delimiter = DELIMITERS.iter().find(|(_, word)| *word == text);
        delimiter.map_or(text, |(delimiter, _)| (*delimiter).to_owned())
    };
    Ok(stream.into_iter().map(word).collect())
}

/// Whether a list goes over several lines decides whether there is a comma after its last element:
/// no such comma is a token here.
pub(crate) fn without_last_commas<T>(tokens: Vec<T>, text: impl Fn(&T) -> &str) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let closes = matches!(text(&token), ")" | "]" | "}");
        if closes && kept.last().is_some_and(|last| text(last) == ",") {
            kept.pop();
        }
        kept.push(token);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        of_source(source.parse().unwrap()).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn formatting_makes_no_difference() {
        let long = "f(\n    a, // the first\n    &[b, 'c', \"d {\"],\n) && g { x: 1, }";
        assert_eq!(texts(long), texts("f(a,&[b,'c',\"d {\"])&&g{x:1}"));
    }

    #[test]
    fn piece_is_read_as_the_whole_is() {
        let piece = of_piece("if f(a) && b[0] {").unwrap();
        assert_eq!(texts("if f(a) && b[0] {}")[..piece.len()], piece);
    }

    #[test]
    fn token_knows_where_it_stands() {
        let source = "fn f() { /* a comment */ g(1) }";
        for token in of_source(source.parse().unwrap()) {
            assert_eq!(source.get(token.range), Some(token.text.as_str()));
        }
    }
}
