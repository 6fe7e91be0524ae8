//! Text for people and JSON for programs, each on its own stream; colours and tables.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;

/// Where output goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    colour: bool,
}

impl Output {
    /// For a command with or without `--json`.
    #[must_use]
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

    /// Whether a program reads the standard output.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// The result: JSON on standard output if asked for, and the text for people.
    pub fn result(&self, json: &impl Serialize, text: &str) {
        if self.json {
            let json = serde_json::to_string_pretty(json).expect("results are plain values");
            print(io::stdout(), &json);
        } else {
            print(io::stdout(), text);
        }
    }

    /// Text for people; with `--json` on standard error.
    pub fn say(&self, text: &str) {
        if self.json {
            print(io::stderr(), text);
        } else {
            print(io::stdout(), text);
        }
    }

    /// Progress, always on standard error.
    pub fn progress(&self, text: &str) {
        print(io::stderr(), text);
    }

    /// The command to type next, and what it does: a comment, so that the line can be copied.
    pub fn next(&self, command: &str, effect: &str) {
        self.say(&format!("{} {command}   # {effect}", self.bold("Next:")));
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
        self.failure_aside(failure);
    }

    /// A failure that does not end the command: on standard error only.
    pub fn failure_aside(&self, failure: &Failure) {
        let Failure { message, next, .. } = failure;
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

    /// Emphasised text.
    #[must_use]
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Good news.
    #[must_use]
    pub fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bad news.
    #[must_use]
    pub fn bad(&self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What may be overlooked.
    #[must_use]
    pub fn faint(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, style: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// <https://no-color.org>: set and not empty.
#[must_use]
pub fn colour_allowed() -> bool {
    let set = |variable| env::var_os(variable).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Writes a line. A reader that has gone away (`status | head -1`) is no failure.
fn print(mut stream: impl Write, text: &str) {
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

/// Foreign text, such as a path or a log, may hold control characters: they stay out of the
/// terminal.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            character if character.is_control() => '\u{fffd}',
            character => character,
        })
        .collect()
}

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

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table in plain text: a line of headings, then the rows, two spaces between columns.
#[must_use]
pub fn table(headings: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(headings[column].0.chars().count())
        })
        .collect();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate().take(headings.len()) {
            if column > 0 {
                line.push_str("  ");
            }
            let padding = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            match headings[column].1 {
                Align::Left => line.extend([cell.as_str(), &padding]),
                Align::Right => line.extend([&padding, cell.as_str()]),
            }
        }
        line.trim_end().to_owned()
    };
    let names: Vec<String> = headings
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let mut lines = vec![line(&names)];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount of smallest units with its decimal places: `123456` with two is `1,234.56`.
#[must_use]
pub fn amount(units: u64, decimals: u8) -> String {
    let scale = 10_u64.checked_pow(u32::from(decimals));
    match scale {
        Some(scale) if decimals > 0 => {
            let width = usize::from(decimals);
            format!("{}.{:0width$}", grouped(units / scale), units % scale)
        }
        _ => grouped(units),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_amounts_have_their_places() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(amount(123_456, 2), "1,234.56");
        assert_eq!(amount(5, 2), "0.05");
        assert_eq!(amount(5, 0), "5");
        assert_eq!(amount(u64::MAX, 18), "18.446744073709551615");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![
            vec!["n0".to_owned(), "7".to_owned()],
            vec!["n10".to_owned(), "1234".to_owned()],
        ];
        let text = table(&[("node", Align::Left), ("term", Align::Right)], &rows);
        assert_eq!(text, "node  term\nn0       7\nn10   1234");
    }

    #[test]
    fn words_are_quoted_when_a_shell_would_read_them_otherwise() {
        assert_eq!(quote("/a/b-c_d.pem"), "/a/b-c_d.pem");
        assert_eq!(quote("n0>n1"), "'n0>n1'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\nc"), "a\u{fffd}[2Jb\nc");
    }
}
