//! Commands that people copy and type.

use std::env;

/// How the user would start a program of this project: through the cargo alias, as this one was
/// started, or by itself.
#[must_use]
pub fn program(name: &str) -> String {
    if env::var_os("CARGO_PKG_NAME").is_some() {
        format!("cargo {name}")
    } else {
        name.to_owned()
    }
}

/// A command with what it is for, as a comment: the line works as it stands.
#[must_use]
pub fn explained(command: &str, purpose: &str) -> String {
    format!("{command}   # {purpose}")
}

/// A word as a shell reads it back.
#[must_use]
pub fn quote(word: &str) -> String {
    let harmless =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@,+".contains(character);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_when_a_shell_would_read_them_otherwise() {
        assert_eq!(quote("/a/b-c_d.pem"), "/a/b-c_d.pem");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("n0>n1"), "'n0>n1'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote(""), "''");
    }
}
