//! One line of `ledger submit`: read strictly, and explained by its field where it is wrong.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::failure::{Failure, Outcome};

/// The fields a line may have, the necessary ones first.
const FIELDS: [&str; 6] = ["from", "to", "amount", "asset", "memo", "reference"];
/// How many of them every line has.
const NECESSARY: usize = 3;

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub from: String,
    pub to: String,
    pub amount: Amount,
    pub asset: Option<String>,
    #[serde(default)]
    pub memo: String,
    pub reference: Option<String>,
}

/// An amount as a number or as text, which holds large ones in every language.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Amount {
    Number(u64),
    Text(String),
}

impl Amount {
    /// The amount as people write it.
    pub fn text(&self) -> String {
        match self {
            Self::Number(amount) => amount.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl Line {
    /// Reads the line of that number.
    pub fn read(number: u64, bytes: &[u8]) -> Outcome<Self> {
        serde_json::from_slice(bytes).map_err(|error| {
            Failure::usage(format!(
                "line {number} cannot be read: {}",
                complaint(bytes, &error)
            ))
            .meaning("Nothing was sent for this line.")
        })
    }
}

/// What is wrong with a line, by its field.
fn complaint(bytes: &[u8], error: &serde_json::Error) -> String {
    let object = match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return "it is no JSON object".to_owned(),
        Err(_) => {
            return format!(
                "it is no JSON: {}, at its character {}",
                bare(error),
                error.column()
            );
        }
    };
    wrong_field(&object).unwrap_or_else(|| bare(error))
}

fn wrong_field(object: &Map<String, Value>) -> Option<String> {
    if let Some(unknown) = object.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Some(format!(
            "there is no field {unknown:?}; fields are {}",
            FIELDS.join(", ")
        ));
    }
    FIELDS.iter().enumerate().find_map(|(position, &name)| {
        let necessary = position < NECESSARY;
        let Some(value) = object.get(name) else {
            return necessary.then(|| format!("the field {name:?} is missing"));
        };
        match (name, value) {
            (_, Value::String(_)) => None,
            ("asset" | "reference", Value::Null) => None,
            ("amount", Value::Number(number)) if number.is_u64() => None,
            ("amount", _) => Some(format!(
                "\"amount\" must be a whole number of smallest units, 1 to {}, as a number or in quotes",
                u64::MAX
            )),
            _ => Some(format!("{name:?} must be text in quotes")),
        }
    })
}

/// The error without its position: a line is read by itself, so its number would be 1.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_strictly() {
        let read = |text: &str| Line::read(7, text.as_bytes());
        assert!(read(r#"{"from":"a","to":"b","amount":5}"#).is_ok());
        assert!(read(r#"{"from":"a","to":"b","amount":"5","memo":"m"}"#).is_ok());
        assert!(read(r#"{"from":"a","to":"b","amount":5,"asset":null}"#).is_ok());
        for (bad, said) in [
            (r#"{"from":"a","to":"b"}"#, "\"amount\" is missing"),
            (r#"{"from":"a","to":"b","amount":-5}"#, "\"amount\" must be"),
            (r#"{"from":"a","to":"b","amount":1.5}"#, "\"amount\" must"),
            (r#"{"from":"a","to":"b","amount":[]}"#, "\"amount\" must"),
            (r#"{"from":"a","to":4,"amount":5}"#, "\"to\" must be text"),
            (
                r#"{"from":"a","to":"b","amount":5,"memo":null}"#,
                "\"memo\" must be text",
            ),
            (
                r#"{"from":"a","to":"b","amount":5,"refrence":"x"}"#,
                "no field \"refrence\"",
            ),
            (
                r#"{"from":"a","to":"b","amount":5,"amount":6}"#,
                "duplicate field `amount`",
            ),
            (r#"["a","b",5]"#, "no JSON object"),
            ("not json", "no JSON: expected ident"),
        ] {
            let Err(failure) = read(bad) else {
                panic!("{bad} was accepted");
            };
            assert!(failure.message.starts_with("line 7 "), "{failure:?}");
            assert!(failure.message.contains(said), "{bad}: {failure:?}");
            assert!(!failure.message.contains("untagged"), "{failure:?}");
        }
    }
}
