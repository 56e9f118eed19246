//! The names in a room as pages want them that were written for socket.io: all, each time.

use std::borrow::Cow;

use crate::presence::message;

/// `["login", [name, …]]`: who is here. `bytes` is about how long the names are.
///
/// Such pages put names into `innerHTML`. So a name that HTML would take for more than text is
/// escaped: no name becomes a tag or leaves an attribute.
pub fn list<'a>(names: impl Iterator<Item = &'a str>, bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 16);
    out.extend_from_slice(b"[\"login\",");
    message::push_names(names.map(as_html), &mut out);
    out.push(b']');
    out
}

/// A name as HTML that shows it.
fn as_html(name: &str) -> Cow<'_, str> {
    if !name.contains(['<', '>', '&', '"', '\'']) {
        return name.into();
    }
    let mut html = String::with_capacity(2 * name.len());
    for c in name.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_html_and_as_json() {
        let names = ["Ada", "<img src=x onerror='alert(\"&\")'>", "back\\slash", "李雷"];
        assert_eq!(
            String::from_utf8(list(names.into_iter(), 0)).unwrap(),
            "[\"login\",[\"Ada\",\"&lt;img src=x onerror=&#39;alert(&quot;&amp;&quot;)&#39;&gt;\",\
             \"back\\\\slash\",\"李雷\"]]"
        );
        assert_eq!(list([].into_iter(), 0), b"[\"login\",[]]");
    }
}
