//! Text for people and JSON for programs, each on its own stream.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// Where output goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    /// Whether text for people may be coloured.
    colour: bool,
    /// Whether every object of JSON stands on one line.
    lines: bool,
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
            lines: false,
        }
    }

    /// Every object of JSON on one line, also that of a failure.
    #[must_use]
    pub fn in_lines(self) -> Self {
        Self {
            lines: true,
            ..self
        }
    }

    /// Whether a program reads the standard output.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// The result: JSON on standard output if asked for, and the text for people.
    pub fn result(self, json: &impl Serialize, text: &str) {
        if self.json {
            let json = serde_json::to_string_pretty(json).expect("results are plain values");
            print(io::stdout(), &json);
        } else {
            print(io::stdout(), &plain(text));
        }
    }

    /// One of many results: one line.
    pub fn line(self, json: &impl Serialize, text: &str) {
        if self.json {
            let json = serde_json::to_string(json).expect("results are plain values");
            print(io::stdout(), &json);
        } else {
            print(io::stdout(), &plain(text));
        }
    }

    /// A remark for people; with `--json` on standard error.
    pub fn remark(self, text: &str) {
        if self.json {
            print(io::stderr(), &plain(text));
        } else {
            print(io::stdout(), &plain(text));
        }
    }

    /// Progress: on standard error, and only where somebody watches.
    pub fn progress(self, text: &str) {
        if io::stderr().is_terminal() {
            print(io::stderr(), &plain(text));
        }
    }

    /// The command to type next.
    pub fn next(self, command: &str) {
        let text = plain(command);
        if self.colour {
            let line = format!("\x1b[1mNext:\x1b[0m {text}");
            if self.json {
                print(io::stderr(), &line);
            } else {
                print(io::stdout(), &line);
            }
        } else {
            self.remark(&format!("Next: {text}"));
        }
    }

    /// What went wrong, on standard error; with `--json` also as an object on standard output.
    pub fn failure(self, failure: &Failure) {
        if self.json {
            let object = failure_json(failure);
            let json = if self.lines {
                serde_json::to_string(&object)
            } else {
                serde_json::to_string_pretty(&object)
            };
            print(io::stdout(), &json.expect("failures are plain values"));
        }
        let colour = io::stderr().is_terminal() && colour_allowed();
        let word = if colour {
            "\x1b[1;31merror:\x1b[0m"
        } else {
            "error:"
        };
        let mut text = format!("{word} {}", plain(&failure.message));
        let lines = failure.meaning.iter().chain(&failure.next);
        for line in lines {
            text.push_str("\n  ");
            text.push_str(&plain(line));
        }
        print(io::stderr(), &text);
    }
}

/// The object that a failure is for programs: what is known, and `error`.
pub fn failure_json(failure: &Failure) -> Map<String, Value> {
    let mut object = failure.known.clone();
    let error = json!({
        "code": failure.code.as_str(),
        "message": failure.message,
        "meaning": failure.meaning,
        "next": failure.next,
    });
    object.insert("error".to_owned(), error);
    object
}

/// <https://no-color.org>: set and not empty.
pub fn colour_allowed() -> bool {
    let set = |variable| env::var_os(variable).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Writes a line. A reader that has gone away (`ledger account list | head -1`) is no failure.
fn print(mut stream: impl Write, text: &str) {
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// Foreign text, such as a memo or a path, may hold control characters: they stay out of the
/// terminal.
fn plain(text: &str) -> String {
    let plain = |character: char| match character {
        '\n' => '\n',
        character if character.is_control() => '\u{fffd}',
        character => character,
    };
    text.chars().map(plain).collect()
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

/// A command with what it is for, as a comment: the line works as it stands.
pub fn explained(command: &str, purpose: &str) -> String {
    format!("{command}   # {purpose}")
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

/// A table in plain text: a line of headings, then the rows, two spaces between columns. A heading
/// that begins with a space stands above numbers, which end at one edge.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(headings[column].trim().chars().count())
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let mut line = String::new();
        for ((cell, heading), width) in cells.iter().zip(headings).zip(&widths) {
            if heading.starts_with(' ') {
                line.push_str(&format!("{cell:>width$}  "));
            } else {
                line.push_str(&format!("{cell:<width$}  "));
            }
        }
        line.trim_end().to_owned()
    };
    let titles: Vec<&str> = headings.iter().map(|heading| heading.trim()).collect();
    let mut lines = vec![line(&titles)];
    for row in rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        lines.push(line(&cells));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use keys::exit::Code;

    use super::*;

    #[test]
    fn words_are_quoted_when_a_shell_would_read_them_otherwise() {
        assert_eq!(quote("/a/b-c_d.pem"), "/a/b-c_d.pem");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn control_characters_stay_out_of_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\nc"), "a\u{fffd}[2Jb\nc");
    }

    #[test]
    fn numbers_end_at_one_edge_and_words_begin_at_one() {
        let rows = [["alice", "5"], ["bo", "1000"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = "name   amount\nalice       5\nbo       1000";
        assert_eq!(table(&["name", " amount"], &rows), expected);
    }

    #[test]
    fn a_failure_keeps_what_is_known_beside_the_error() {
        let failure = Failure::new(Code::Rejected, "refused")
            .meaning("Nothing was moved.")
            .next("Try: less")
            .known("status", "rejected");
        let object = Value::Object(failure_json(&failure));
        assert_eq!(object["status"], "rejected");
        assert_eq!(object["error"]["code"], "rejected");
        assert_eq!(object["error"]["meaning"], "Nothing was moved.");
        assert_eq!(object["error"]["next"], "Try: less");
    }
}
