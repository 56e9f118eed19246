//! The page that has what was measured.

use std::fs;

use crate::{Result, root};

const PAGE: &str = "docs/evidence/testing.md";

/// Puts a text between the marks of a part of the page.
pub(crate) fn write(part: &str, text: &str) -> Result<()> {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path)?;
    Ok(fs::write(path, replaced(&page, part, text)?)?)
}

fn replaced(page: &str, part: &str, text: &str) -> Result<String> {
    let (open, close) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
    let (before, rest) =
        page.split_once(&open).ok_or_else(|| format!("{PAGE} has no {}", open.trim()))?;
    let (_, after) = rest.split_once(&close).ok_or_else(|| format!("{PAGE} has no {close}"))?;
    Ok(format!("{before}{open}{}\n{close}{after}", text.trim_end()))
}

/// A number with a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{},{rest:03}", grouped(thousands)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_is_replaced_and_the_rest_stays() {
        let page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        assert_eq!(replaced(page, "x", "new\n").unwrap(), page.replace("old", "new"));
        assert!(replaced(page, "y", "new").is_err());
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
