//! The order in which a document has its fields, for `{{json .Field}}`: templates see maps, which have none.

use gotmpl::Value;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;

/// Orders by the names that an object has: objects of one kind have the same.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldOrders(HashMap<Vec<String>, Vec<String>>);

impl FieldOrders {
    /// Of every object in a document.
    pub(super) fn of(document: &str) -> serde_json::Result<Self> {
        let mut orders = Self::default();
        Reader(&mut orders).deserialize(&mut serde_json::Deserializer::from_str(document))?;
        Ok(orders)
    }

    /// A value as JSON, each object in the order that it has in the document; one that is not there, by name.
    pub(super) fn to_json(&self, value: &Value) -> String {
        match value {
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Uint(value) => value.to_string(),
            Value::Float(value) => serde_json::Value::from(*value).to_string(),
            Value::String(text) => quoted(text),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.to_json(item)).collect();
                format!("[{}]", items.join(","))
            }
            Value::Map(fields) => {
                // The map behind `.Label` is no field of Docker's.
                let names: Vec<String> = fields
                    .keys()
                    .filter(|name| name.as_ref() != "LabelMap")
                    .map(ToString::to_string)
                    .collect();
                let order = self.0.get(&names).unwrap_or(&names);
                let fields: Vec<String> = order
                    .iter()
                    .filter_map(|name| {
                        let value = fields.get(name.as_str())?;
                        Some(format!("{}:{}", quoted(name), self.to_json(value)))
                    })
                    .collect();
                format!("{{{}}}", fields.join(","))
            }
            _ => "null".to_owned(),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Reads values for the order of their fields alone.
struct Reader<'a>(&'a mut FieldOrders);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Reader(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut order = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            order.push(name);
            fields.next_value_seed(Reader(self.0))?;
        }
        let mut names = order.clone();
        names.sort_unstable();
        self.0.0.insert(names, order);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order() {
        let text = r#"{"Name":"no","Max":0,"Deep":[{"b":1.5,"a":"x\"y"}],"None":null,"Yes":true,"Less":-1}"#;
        let value = gotmpl::to_value(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap();
        assert_eq!(FieldOrders::of(text).unwrap().to_json(&value), text);
        assert!(
            FieldOrders::default().to_json(&value).starts_with(r#"{"Deep":[{"a":"x\"y","b":1.5}],"Less":-1"#)
        );
    }
}
