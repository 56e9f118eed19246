//! JSON that is kept as it was sent: what a packet's payload is, without taking it apart.
//!
//! Whoever gets arguments back gets them byte for byte, so they never become values here.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use crate::json;

use super::error::PacketError;

/// What a JSON text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Array,
    Object,
    Scalar,
}

/// What `text` is, if it is JSON and nests no deeper than `depth_max`.
pub(super) fn shape(text: &str, depth_max: u32) -> Result<Shape, PacketError> {
    if json::depth(text) > depth_max {
        return Err(PacketError::TooDeep);
    }
    // To ignore a value, serde_json makes none, and does not recurse.
    if serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Err(PacketError::BadPayload);
    }
    Ok(match text.trim_start().bytes().next() {
        Some(b'[') => Shape::Array,
        Some(b'{') => Shape::Object,
        _ => Shape::Scalar,
    })
}

/// The first element of an array and the others with a comma before each, as they are; `None` if
/// `array` is none, or empty.
pub(super) fn split_first(array: &str) -> Option<(&str, &str)> {
    let inner = array.trim().strip_prefix('[')?.strip_suffix(']')?.trim_start();
    let mut values = Deserializer::from_str(inner).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (first, others) = inner.split_at_checked(values.byte_offset())?;
    Some((first, others.trim()))
}

/// Whether `text` is the JSON of this string, whatever is escaped in it.
pub(super) fn is_string(text: &str, string: &str) -> bool {
    serde_json::from_str::<Cow<'_, str>>(text).is_ok_and(|decoded| decoded == string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_has_a_shape() {
        use PacketError::{BadPayload, TooDeep};
        for (text, expected) in [
            ("[]", Ok(Shape::Array)),
            (" {\"a\": [1]} ", Ok(Shape::Object)),
            ("\"[\"", Ok(Shape::Scalar)),
            ("-1.5e3", Ok(Shape::Scalar)),
            ("null", Ok(Shape::Scalar)),
            ("", Err(BadPayload)),
            ("[1,]", Err(BadPayload)),
            ("[1]]", Err(BadPayload)),
            ("[1}", Err(BadPayload)),
            ("{a:1}", Err(BadPayload)),
            ("01", Err(BadPayload)),
            ("NaN", Err(BadPayload)),
            ("[[[[]]]]", Ok(Shape::Array)),
            ("[[[[[]]]]]", Err(TooDeep)),
        ] {
            assert_eq!(shape(text, 4), expected, "{text}");
        }
        let deep = "[".repeat(1 << 20);
        assert_eq!(shape(&deep, 4), Err(TooDeep));
        assert_eq!(shape(&deep, u32::MAX), Err(BadPayload), "and no stack is used up");
    }

    #[test]
    fn first_element_is_read_and_the_others_are_kept() {
        for (array, first, others) in [
            (r#"["a"]"#, r#""a""#, ""),
            (r#" [ "a" , 1.0,  "]" ] "#, r#""a""#, r#", 1.0,  "]""#),
            (r#"[1e400,{"b":1,"b":2}]"#, "1e400", r#",{"b":1,"b":2}"#),
            (r#"["\u0061\ud800",[]]"#, r#""\u0061\ud800""#, ",[]"),
        ] {
            assert_eq!(split_first(array), Some((first, others)), "{array}");
        }
        for other in ["[]", "[ ]", "{}", "7", "\"a\"", ""] {
            assert_eq!(split_first(other), None, "{other}");
        }
    }
}
