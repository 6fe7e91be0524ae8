//! JSON from outside, read strictly: objects are objects.
//!
//! serde also takes an array where a structure is meant, its fields in order. Two programs could then
//! read one file differently, so what was read must have the shape of what was written.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads a value whose objects are written as objects, and its lists as lists. The caller bounds the
/// length.
///
/// # Errors
/// Those of the parser, and one of its kind for another shape.
pub fn from_slice<T: DeserializeOwned + Serialize>(json: &[u8]) -> Result<T, serde_json::Error> {
    let value: T = serde_json::from_slice(json).map_err(plain)?;
    let (found, meant) = (serde_json::from_slice(json)?, serde_json::to_value(&value)?);
    if same_shape(&found, &meant) {
        return Ok(value);
    }
    Err(serde::de::Error::custom(
        "an array stands where an object belongs",
    ))
}

/// Says of a file that is not JSON at all just that, in place of what the parser would have liked.
pub(crate) fn plain(error: serde_json::Error) -> serde_json::Error {
    if !error.is_syntax() && !error.is_eof() {
        return error;
    }
    serde::de::Error::custom(format!(
        "it is no JSON (line {}, column {})",
        error.line(),
        error.column()
    ))
}

fn same_shape(found: &Value, meant: &Value) -> bool {
    match (found, meant) {
        (Value::Object(found), Value::Object(meant)) => found.iter().all(|(name, value)| {
            // What is left out when it is written may stand in the file as null.
            meant.get(name).is_none_or(|meant| same_shape(value, meant))
        }),
        (Value::Array(found), Value::Array(meant)) => {
            found.len() == meant.len()
                && found
                    .iter()
                    .zip(meant)
                    .all(|(one, other)| same_shape(one, other))
        }
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        inner: Vec<Inner>,
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        a: u8,
        b: Vec<u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "kebab-case")]
    enum Kind {
        Some { value: u8 },
    }

    #[test]
    fn what_is_no_json_is_called_that() {
        for (text, said) in [
            ("root:x:0", "it is no JSON (line 1, column 1)"),
            ("{\n\"inner\":", "it is no JSON (line 2, column 8)"),
            ("{}", "missing field `inner` at line 1 column 2"),
        ] {
            let error = from_slice::<Outer>(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn no_array_passes_for_an_object() {
        let read = |json: &str| from_slice::<Outer>(json.as_bytes());
        let whole = r#"{"inner":[{"a":1,"b":[2,3]}],"kind":{"kind":"some","value":4}}"#;
        assert!(read(whole).is_ok());
        let named = r#"{"name":null,"inner":[],"kind":{"kind":"some","value":4}}"#;
        assert!(read(named).is_ok());
        for array in [
            r#"[null,[{"a":1,"b":[2,3]}],{"kind":"some","value":4}]"#,
            r#"{"inner":[[1,[2,3]]],"kind":{"kind":"some","value":4}}"#,
            r#"{"inner":[],"kind":["some",4]}"#,
        ] {
            assert!(
                serde_json::from_str::<Outer>(array).is_ok(),
                "serde takes {array}"
            );
            assert!(read(array).is_err(), "{array}");
        }
    }
}
