//! Reads and writes the test data: JSON arrays of objects whose values are all strings without
//! escapes. Anything else is refused, so that nothing is silently skipped.

use std::fmt::Write;

/// The fields of one object, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object(pub Vec<(String, String)>);

impl Object {
    /// The value of a field, if it is there.
    pub fn find(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(found, _)| found == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("{self:?} has no field {name}"))
    }

    /// The bytes of a field in hexadecimal.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        from_hex(self.get(name))
    }

    /// The bytes of a field in hexadecimal, of known length.
    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        let bytes = self.bytes(name);
        bytes
            .try_into()
            .unwrap_or_else(|bytes: Vec<u8>| panic!("{name} has {} bytes, not {N}", bytes.len()))
    }
}

/// Reads an array of objects.
pub fn parse(text: &str) -> Vec<Object> {
    assert!(!text.contains('\\'), "escapes are not used in these files");
    let mut objects = Vec::new();
    let mut strings: Option<Vec<&str>> = None;
    for (position, piece) in text.split('"').enumerate() {
        if position % 2 == 1 {
            strings
                .as_mut()
                .expect("text outside an object")
                .push(piece);
            continue;
        }
        for sign in piece.chars().filter(|sign| !sign.is_whitespace()) {
            match sign {
                '{' => assert!(strings.replace(Vec::new()).is_none(), "nested objects"),
                '}' => objects.push(object(&strings.take().expect("a } without a {"))),
                ':' | ',' | '[' | ']' => {}
                other => panic!("{other:?} outside a string"),
            }
        }
    }
    assert!(strings.is_none(), "an object without its end");
    objects
}

fn object(strings: &[&str]) -> Object {
    let (pairs, rest) = strings.as_chunks();
    assert!(rest.is_empty(), "a field without a value");
    let pairs = pairs.iter();
    Object(
        pairs
            .map(|[name, value]| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

/// Prints an array of objects.
#[allow(dead_code, reason = "not every test that includes this file needs it")]
pub fn print(objects: &[Object]) -> String {
    let objects: Vec<String> = objects
        .iter()
        .map(|Object(fields)| {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("    \"{name}\": \"{value}\""))
                .collect();
            format!("  {{\n{}\n  }}", fields.join(",\n"))
        })
        .collect();
    format!("[\n{}\n]\n", objects.join(",\n"))
}

/// Lower-case hexadecimal.
#[allow(dead_code, reason = "not every test that includes this file needs it")]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

/// Reads hexadecimal.
pub fn from_hex(text: &str) -> Vec<u8> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    assert!(rest.is_empty(), "half a byte in {text}");
    pairs
        .iter()
        .map(|pair| {
            let digits = std::str::from_utf8(pair).expect("ASCII digits");
            u8::from_str_radix(digits, 16).expect("hexadecimal digits")
        })
        .collect()
}
