//! Shapes that accept whatever stands in their place.
//!
//! One object with a strange field must not blind a whole namespace, so nothing that is valid JSON is an error
//! here: a value of another type reads as absent. Only the wanted fields are kept while parsing, the rest
//! (managedFields, images of a node, environment values) is skipped without being stored.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a shape makes of each kind of JSON value; absent unless it says otherwise.
trait Lenient: Default {
    fn from_text(_: &str) -> Self {
        Self::default()
    }

    fn from_flag(_: bool) -> Self {
        Self::default()
    }

    fn from_whole(_: i64) -> Self {
        Self::default()
    }

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct Forgiving<T>(PhantomData<T>);

impl<'de, T: Lenient> Visitor<'de> for Forgiving<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(text))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        Ok(T::from_flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::from_whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(i64::try_from(number).map_or_else(|_| T::default(), T::from_whole))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::from_object(object)
    }
}

/// A string; numbers are taken as written.
#[derive(Debug, Clone, Default)]
pub(super) struct Text(Option<String>);

impl Text {
    /// The text, unless absent or empty.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The text, empty when absent.
    pub(super) fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether it is exactly this.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.as_deref() == Some(text)
    }
}

impl Lenient for Text {
    fn from_text(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }

    fn from_whole(number: i64) -> Self {
        Self(Some(number.to_string()))
    }
}

/// An RFC 3339 instant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moment(pub(super) Option<Timestamp>);

impl Lenient for Moment {
    fn from_text(text: &str) -> Self {
        Self(text.parse().ok())
    }
}

/// A whole number.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whole(pub(super) Option<i64>);

impl Lenient for Whole {
    fn from_whole(number: i64) -> Self {
        Self(Some(number))
    }
}

/// A boolean.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flag(pub(super) Option<bool>);

impl Flag {
    /// Present and true.
    pub(super) fn is_true(self) -> bool {
        self.0 == Some(true)
    }
}

impl Lenient for Flag {
    fn from_flag(flag: bool) -> Self {
        Self(Some(flag))
    }
}

/// Whether a text says "on"; nothing else of it is kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Switch(pub(super) bool);

impl Lenient for Switch {
    fn from_text(text: &str) -> Self {
        Self(matches!(text.to_ascii_lowercase().as_str(), "true" | "1" | "t"))
    }
}

/// Whether an object stands here, whatever is in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Presence(pub(super) bool);

impl Lenient for Presence {
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self(true))
    }
}

/// A list of shapes.
#[derive(Debug, Clone)]
pub(super) struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: for<'de> Deserialize<'de>> Lenient for List<T> {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Self(elements))
    }
}

/// An object with fields of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape<T>(T);

impl<T> Deref for Shape<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Default + for<'de> Deserialize<'de>> Lenient for Shape<T> {
    fn from_object<'de, A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Self)
    }
}

/// An object with any keys and texts as values.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary(Vec<(String, Text)>);

impl Dictionary {
    /// The text under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).and_then(|(_, value)| value.0.as_deref())
    }

    /// Every key that has a text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(key, value)| Some((key.as_str(), value.0.as_deref()?)))
    }
}

impl Lenient for Dictionary {
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = object.next_entry()? {
            entries.push(entry);
        }
        Ok(Self(entries))
    }
}

/// Of an object's texts only those that can be numbers or times: annotations may hold copies of secrets.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers(Vec<(String, Text)>);

impl Numbers {
    /// The text under `key`.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).and_then(|(_, value)| value.get())
    }
}

impl Lenient for Numbers {
    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let is_part = |byte: u8| byte.is_ascii_digit() || b"TZtz:+-. ".contains(&byte);
        let mut entries = Vec::new();
        while let Some((key, value)) = object.next_entry::<String, Text>()? {
            if value.get().is_some_and(|text| text.len() <= 40 && text.bytes().all(is_part)) {
                entries.push((key, value));
            }
        }
        Ok(Self(entries))
    }
}

macro_rules! deserialize {
    ($($shape:ty $(where $param:ident: $($bound:path)+)?;)*) => {$(
        impl<'de $(, $param: $($bound +)+ for<'any> Deserialize<'any>)?> Deserialize<'de> for $shape {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Forgiving(PhantomData))
            }
        }
    )*};
}

deserialize! {
    Text;
    Moment;
    Whole;
    Flag;
    Presence;
    Switch;
    Dictionary;
    Numbers;
    List<T> where T: Sized;
    Shape<T> where T: Default;
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        name: Text,
        at: Moment,
        count: Whole,
        on: Flag,
        items: List<Shape<Sample>>,
        labels: Dictionary,
        inner: Presence,
    }

    fn read(json: &str) -> Shape<Sample> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn reads_what_is_right() {
        let sample = read(
            r#"{"name":"a","at":"2026-01-02T03:04:05Z","count":3,"on":true,"items":[{"name":"b"}],
                "labels":{"k":"v"},"inner":{},"unknown":[{"deep":1}]}"#,
        );
        assert_eq!(sample.name.get(), Some("a"));
        assert_eq!(sample.at.0.unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(sample.count.0, Some(3));
        assert!(sample.on.is_true());
        assert!(sample.items[0].name.is("b"));
        assert_eq!(sample.labels.get("k"), Some("v"));
        assert!(sample.inner.0);
    }

    #[test]
    fn what_has_another_type_is_absent() {
        let sample = read(
            r#"{"name":{"x":[1]},"at":"yesterday","count":"many","on":1.5,"items":{"not":"a list"},
                "labels":[1,2],"inner":null}"#,
        );
        assert_eq!(sample.name.get(), None);
        assert!(sample.at.0.is_none() && sample.count.0.is_none() && !sample.on.is_true());
        assert!(sample.items.is_empty() && sample.labels.get("x").is_none() && !sample.inner.0);
        assert_eq!(read(r#"{"items":[null,7,"x",{"name":12}]}"#).items[3].name.get(), Some("12"));
        for other in ["null", "[1,{}]", "3", "\"text\"", "18446744073709551615", "true"] {
            assert!(read(other).name.get().is_none());
        }
    }
}
