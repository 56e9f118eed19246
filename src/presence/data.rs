//! What a member says of itself beside its name: a status, and keys with values.
//!
//! The values are kept in their canonical form (RFC 8785), so that the same data are always the
//! same bytes, whoever wrote them and however.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::config::DataLimits;
use crate::json;

/// How present somebody is; the most present is the least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The person is there, as far as anybody knows.
    #[default]
    Active,
    /// The person does nothing.
    Idle,
    /// The page can't be seen.
    Hidden,
}

impl Status {
    /// All of them, in the order of their numbers.
    pub const ALL: [Status; 3] = [Status::Active, Status::Idle, Status::Hidden];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Idle => "idle",
            Status::Hidden => "hidden",
        }
    }
}

/// Why presence data are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataError {
    /// They are no JSON object, a key is there twice, or one is `__proto__`.
    Invalid,
    /// They have too many keys, are too long, or nest too deep.
    TooLarge,
}

/// What one request changes: the value of a key, or that it has none any more.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Patch(Vec<(Box<str>, Option<Box<str>>)>);

impl Patch {
    /// Decodes a JSON object.
    pub fn decode(json: &str, depth_max: u32) -> Result<Patch, DataError> {
        if json::depth(json) > depth_max {
            return Err(DataError::TooLarge);
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let value = Strict.deserialize(&mut deserializer).map_err(|_| DataError::Invalid)?;
        let Value::Object(object) = value else { return Err(DataError::Invalid) };
        let canonical = |value: Value| match value {
            Value::Null => Ok(None),
            value => match serde_json_canonicalizer::to_string(&value) {
                Ok(json) => Ok(Some(json.into_boxed_str())),
                Err(_) => Err(DataError::Invalid),
            },
        };
        let pairs = object.into_iter().map(|(key, value)| Ok((key.into(), canonical(value)?)));
        Ok(Patch(pairs.collect::<Result<_, _>>()?))
    }

    /// Whether it changes nothing, whatever there was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The data of one member, or those of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data(Vec<Field>);

/// A key, its value, and when that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    key: Box<str>,
    json: Box<str>,
    /// The number of the request that set it: the higher is the later.
    set: u64,
}

impl Data {
    /// Whether no key has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each key, its value in JSON, and the number of the request that set it.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.0.iter().map(|field| (&*field.key, &*field.json, field.set))
    }

    /// Data of such fields, in the order in which they were given.
    pub fn of_fields<'a>(fields: impl Iterator<Item = (&'a str, &'a str, u64)>) -> Data {
        let field =
            |(key, json, set): (&str, &str, _)| Field { key: key.into(), json: json.into(), set };
        Data(fields.map(field).collect())
    }

    /// These data after request `set` has changed them, unless they would be too large.
    pub(super) fn patched(
        &self,
        patch: Patch,
        set: u64,
        limits: DataLimits,
    ) -> Result<Data, DataError> {
        let is_kept = |field: &&Field| patch.0.iter().all(|(key, _)| *key != field.key);
        let mut fields: Vec<Field> = self.0.iter().filter(is_kept).cloned().collect();
        let given = patch.0.into_iter();
        fields.extend(given.filter_map(|(key, json)| Some(Field { key, json: json?, set })));
        fields.sort_unstable_by(Field::compare_keys);
        match fits(&fields, limits) {
            true => Ok(Data(fields)),
            false => Err(DataError::TooLarge),
        }
    }

    /// The data of all together: of each key the value that was set last, and of two that nodes set
    /// at one moment the greater. If that is too much for
    /// one entry, the keys that were set last are told.
    pub(super) fn merged<'a>(
        all: impl Iterator<Item = &'a Data>,
        limits: DataLimits,
    ) -> Option<Rc<str>> {
        let mut fields: Vec<&Field> = all.flat_map(|data| &data.0).collect();
        fields.sort_unstable_by(|one, other| {
            let later = other.set.cmp(&one.set).then_with(|| other.json.cmp(&one.json));
            Field::compare_keys(one, other).then(later)
        });
        fields.dedup_by(|other, first| other.key == first.key);
        if !fits(fields.iter().copied(), limits) {
            fields.sort_by_key(|field| std::cmp::Reverse(field.set));
            let mut size = Size::default();
            let kept = fields.iter().take_while(|field| size.add(field, limits)).count();
            fields.truncate(kept);
            fields.sort_unstable_by(|one, other| Field::compare_keys(one, other));
        }
        (!fields.is_empty()).then(|| encode(&fields).into())
    }
}

impl Field {
    /// RFC 8785 §3.2.3: properties are sorted by their names' UTF-16 code units.
    fn compare_keys(&self, other: &Field) -> Ordering {
        self.key.encode_utf16().cmp(other.key.encode_utf16())
    }

    /// Its length in an object: `"key":value,`.
    fn length(&self) -> usize {
        json_length(&self.key) + self.json.len() + 2
    }
}

/// The size of an object, as far as its fields were added.
#[derive(Default)]
struct Size {
    keys: usize,
    bytes: usize,
}

impl Size {
    /// Adds a field, and says whether that is not too much.
    fn add(&mut self, field: &Field, limits: DataLimits) -> bool {
        self.keys += 1;
        self.bytes += field.length();
        // The braces, and one comma less.
        self.keys <= limits.keys_max && self.bytes < limits.bytes_max
    }
}

fn fits<'a>(fields: impl IntoIterator<Item = &'a Field>, limits: DataLimits) -> bool {
    let mut size = Size::default();
    fields.into_iter().all(|field| size.add(field, limits))
}

fn encode(fields: &[&Field]) -> String {
    let mut out = String::from("{");
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(&*field.key).to_string());
        out.push(':');
        out.push_str(&field.json);
    }
    out.push('}');
    out
}

/// The length of a string as JSON.
fn json_length(text: &str) -> usize {
    serde_json::to_string(text).map_or(0, |json| json.len())
}

/// Decodes a value in which no key is there twice, and none is `__proto__`: a page that copies such
/// a key from one object to another changes all its objects.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without doubled keys")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(Strict)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Strict)?;
            if key == "__proto__" || object.insert(key, value).is_some() {
                return Err(de::Error::custom("a key that is refused"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: DataLimits = DataLimits { keys_max: 3, bytes_max: 40 };

    fn patch(json: &str) -> Patch {
        Patch::decode(json, 4).unwrap()
    }

    fn told(all: &[&Data]) -> Option<String> {
        Data::merged(all.iter().copied(), LIMITS).map(|json| json.to_string())
    }

    #[test]
    fn data_are_an_object_in_canonical_form_or_refused() {
        use DataError::{Invalid, TooLarge};
        for (json, expected) in [
            (r#"{}"#, Ok(None)),
            (
                r#" { "b" : 1.0 , "a" : [ "\u0041" , null ] } "#,
                Ok(Some(r#"{"a":["A",null],"b":1}"#)),
            ),
            (
                r#"{"a":1e2,"b":-0.0,"c":{"z":1,"y":2}}"#,
                Ok(Some(r#"{"a":100,"b":0,"c":{"y":2,"z":1}}"#)),
            ),
            (r#"{"\ue000":1,"\ud83d\ude00":2}"#, Ok(Some("{\"😀\":2,\"\u{e000}\":1}"))),
            (r#"{"a":null}"#, Ok(None)),
            (r#"{"a":1,"a":2}"#, Err(Invalid)),
            (r#"{"a":{"b":1,"\u0062":2}}"#, Err(Invalid)),
            (r#"{"__proto__":1}"#, Err(Invalid)),
            (r#"{"a":[{"__pr\u006fto__":1}]}"#, Err(Invalid)),
            (r#"[]"#, Err(Invalid)),
            (r#"null"#, Err(Invalid)),
            (r#"{"a":1e999}"#, Err(Invalid)),
            (r#"{"a":"\ud800"}"#, Err(Invalid)),
            (r#"{"a":[[[1]]]}"#, Ok(Some(r#"{"a":[[[1]]]}"#))),
            (r#"{"a":[[[[1]]]]}"#, Err(TooLarge)),
            (r#"{"a":1,"b":2,"c":3,"d":4}"#, Err(TooLarge)),
            (
                r#"{"a":"0123456789012345678901234567890"}"#,
                Ok(Some(r#"{"a":"0123456789012345678901234567890"}"#)),
            ),
            (r#"{"a":"01234567890123456789012345678901234"}"#, Err(TooLarge)),
        ] {
            let data =
                Patch::decode(json, 4).and_then(|patch| Data::default().patched(patch, 1, LIMITS));
            let found = data.map(|data| told(&[&data]));
            assert_eq!(found, expected.map(|told| told.map(str::to_owned)), "{json}");
        }
    }

    #[test]
    fn patch_changes_the_keys_that_it_gives() {
        let first = Data::default().patched(patch(r#"{"a":1,"b":2}"#), 1, LIMITS).unwrap();
        let second = first.patched(patch(r#"{"b":null,"c":3,"d":null}"#), 2, LIMITS).unwrap();
        assert_eq!(told(&[&second]).as_deref(), Some(r#"{"a":1,"c":3}"#));
        let full = second.patched(patch(r#"{"b":4}"#), 3, LIMITS).unwrap();
        assert_eq!(full.patched(patch(r#"{"e":5}"#), 4, LIMITS).err(), Some(DataError::TooLarge));
        assert!(full.patched(patch(r#"{"a":null,"e":5}"#), 5, LIMITS).is_ok());
    }

    #[test]
    fn later_value_of_a_key_is_told_and_the_other_when_its_setter_is_gone() {
        let phone = Data::default().patched(patch(r#"{"a":"phone","b":1}"#), 1, LIMITS).unwrap();
        let desk = Data::default().patched(patch(r#"{"a":"desk"}"#), 2, LIMITS).unwrap();
        assert_eq!(told(&[&phone, &desk]).as_deref(), Some(r#"{"a":"desk","b":1}"#));
        assert_eq!(told(&[&desk, &phone]), told(&[&phone, &desk]));
        assert_eq!(told(&[&phone]).as_deref(), Some(r#"{"a":"phone","b":1}"#));
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn entry_with_too_many_keys_tells_those_that_were_set_last() {
        let one = Data::default().patched(patch(r#"{"a":1,"b":1,"c":1}"#), 1, LIMITS).unwrap();
        let other = Data::default().patched(patch(r#"{"d":2,"e":2}"#), 2, LIMITS).unwrap();
        assert_eq!(told(&[&one, &other]).as_deref(), Some(r#"{"a":1,"d":2,"e":2}"#));
    }
}
