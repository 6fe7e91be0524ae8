//! Text for people and JSON for programs, each on its own stream.

use std::env;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::json;

use super::failure::Failure;

/// Where output goes.
pub struct Output {
    json: bool,
    /// Whether text for people may be coloured.
    colour: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        let terminal = if json {
            io::stderr().is_terminal()
        } else {
            io::stdout().is_terminal()
        };
        Self {
            json,
            colour: terminal && colour_allowed(),
        }
    }

    /// The result: JSON on standard output if asked for, else the text.
    pub fn result(&self, json: &impl Serialize, text: &str) {
        if self.json {
            let json = serde_json::to_string_pretty(json).expect("results are plain values");
            print(io::stdout(), &json);
        } else {
            print(io::stdout(), text);
        }
    }

    /// A remark for people; with `--json` on standard error.
    pub fn remark(&self, text: &str) {
        if self.json {
            print(io::stderr(), text);
        } else {
            print(io::stdout(), text);
        }
    }

    /// The command to type next.
    pub fn next(&self, command: &str) {
        let word = if self.colour {
            "\x1b[1mNext:\x1b[0m"
        } else {
            "Next:"
        };
        self.remark(&format!("{word} {command}"));
    }

    /// What went wrong, on standard error; with `--json` also as an object on standard output.
    pub fn failure(&self, failure: &Failure) {
        let Failure {
            code,
            message,
            next,
        } = failure;
        if self.json {
            let object =
                json!({"error": {"code": code.as_str(), "message": message, "next": next}});
            print(io::stdout(), &format!("{object:#}"));
        }
        let colour = io::stderr().is_terminal() && colour_allowed();
        let word = if colour {
            "\x1b[1;31merror:\x1b[0m"
        } else {
            "error:"
        };
        print(io::stderr(), &format!("{word} {}", plain(message)));
        if let Some(next) = next {
            print(io::stderr(), &format!("  {}", plain(next)));
        }
    }
}

/// <https://no-color.org>: set and not empty.
fn colour_allowed() -> bool {
    let set = |variable| env::var_os(variable).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Writes a line. A reader that has gone away (`keys list | head -1`) is no failure.
fn print(mut stream: impl Write, text: &str) {
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// Foreign text, such as a path, may hold control characters: they stay out of the terminal.
fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect()
}

/// How the user would start a program of this project: through the cargo alias, as this one was
/// started, or by itself.
pub fn program(name: &str) -> String {
    if env::var_os("CARGO_PKG_NAME").is_some() {
        format!("cargo {name}")
    } else {
        name.to_owned()
    }
}

/// A word as a shell reads it back.
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
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote(""), "''");
    }
}
