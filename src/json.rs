//! JSON that is looked at before it is decoded.

/// How many brackets are open at once, if `text` is JSON.
pub fn depth(text: &str) -> u32 {
    let (mut depth, mut deepest) = (0_u32, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (text, expected) in [
            ("7", 0),
            (r#""[[[""#, 0),
            (r#"["\"[[", "\\", [{}]]"#, 3),
            (r#"[[],[],{"a":[]}]"#, 3),
            ("]]]", 0),
        ] {
            assert_eq!(depth(text), expected, "{text}");
        }
    }
}
