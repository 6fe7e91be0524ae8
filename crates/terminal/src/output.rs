//! Text for people and JSON for programs, each on its own stream.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use serde::Serialize;

use crate::{
    plain::{plain, plain_json},
    said,
};

/// What [`painted`] puts before and after a word.
const STYLES: [&str; 4] = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m"];

/// Where a command's output goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    /// Whether text for people may be coloured.
    colour: bool,
    /// Whether every object of JSON stands on one line.
    lines: bool,
    /// Whether text for people may hold colours of its own.
    coloured: bool,
}

impl Output {
    /// For a command with or without `--json`; control characters in its text for people stay out
    /// of the terminal.
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
            lines: false,
            coloured: false,
        }
    }

    /// Text for people may hold what [`Output::bold`] and its like make of a word; everything else
    /// in it is made plain all the same.
    #[must_use]
    pub const fn coloured(self) -> Self {
        Self {
            coloured: true,
            ..self
        }
    }

    /// Every object of JSON on one line, also that of a failure.
    #[must_use]
    pub const fn in_lines(self) -> Self {
        Self {
            lines: true,
            ..self
        }
    }

    /// Whether a program reads the standard output.
    #[must_use]
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// The result: JSON on standard output if asked for, else the text.
    pub fn result(self, json: &impl Serialize, text: &str) {
        if self.json {
            said::say(&pretty(json));
        } else {
            said::say(&self.text(text));
        }
    }

    /// One of many results: one line.
    pub fn line(self, json: &impl Serialize, text: &str) {
        if self.json {
            said::say(&compact(json));
        } else {
            said::say(&self.text(text));
        }
    }

    /// A remark for people; with `--json` on standard error.
    pub fn remark(self, text: &str) {
        self.say(&self.text(text));
    }

    /// A remark beside the result, always on standard error.
    pub fn aside(self, text: &str) {
        aside(&self.text(text));
    }

    /// Progress: on standard error, and only where somebody watches.
    pub fn progress(self, text: &str) {
        if io::stderr().is_terminal() {
            self.aside(text);
        }
    }

    /// The command to type next.
    pub fn next(self, command: &str) {
        self.say(&format!("{} {}", self.bold("Next:"), self.text(command)));
    }

    /// What went wrong, on standard error, each hint on a line of its own; with `--json` also as
    /// an object on standard output.
    pub fn failure<'a>(
        self,
        json: &impl Serialize,
        message: &str,
        hints: impl IntoIterator<Item = &'a String>,
    ) {
        if self.json {
            let json = if self.lines {
                compact(json)
            } else {
                pretty(json)
            };
            said::say(&json);
        }
        self.failure_aside(message, hints);
    }

    /// A failure that does not end the command: on standard error only.
    pub fn failure_aside<'a>(self, message: &str, hints: impl IntoIterator<Item = &'a String>) {
        let colour = io::stderr().is_terminal() && colour_allowed();
        let word = painted(colour, "1;31", "error:");
        let mut text = format!("{word} {}", plain(message));
        for hint in hints {
            text.push_str("\n  ");
            text.push_str(&plain(hint));
        }
        aside(&text);
    }

    /// Emphasised text.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        painted(self.colour, "1", text)
    }

    /// Good news.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        painted(self.colour, "32", text)
    }

    /// Bad news.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        painted(self.colour, "31", text)
    }

    /// Text for people as it may be printed.
    fn text(self, text: &str) -> String {
        if !self.coloured || !self.colour {
            return plain(text);
        }
        let mut plainly = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('\x1b') {
            let (before, from) = rest.split_at(at);
            plainly.push_str(&plain(before));
            let known = STYLES.iter().find(|style| from.starts_with(**style));
            let (style, length) = known.map_or(("\u{fffd}", 1), |style| (*style, style.len()));
            plainly.push_str(style);
            rest = &from[length..];
        }
        plainly + &plain(rest)
    }

    /// Prints where people read.
    fn say(self, text: &str) {
        if self.json {
            aside(text);
        } else {
            said::say(text);
        }
    }
}

/// Whether terminals may be coloured: <https://no-color.org>, set and not empty.
#[must_use]
pub fn colour_allowed() -> bool {
    let set = |variable| env::var_os(variable).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

fn painted(colour: bool, style: &str, text: &str) -> String {
    if colour {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn pretty(json: &impl Serialize) -> String {
    plain_json(&serde_json::to_string_pretty(json).expect("output is plain values"))
}

fn compact(json: &impl Serialize) -> String {
    plain_json(&serde_json::to_string(json).expect("output is plain values"))
}

/// Writes a line beside the result. Where that cannot be read, nothing could say so.
fn aside(text: &str) {
    let mut stream = io::stderr().lock();
    let _ = writeln!(stream, "{text}").and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_colours_its_text_lets_nothing_else_through() {
        let output = Output {
            json: false,
            colour: true,
            lines: false,
            coloured: true,
        };
        let said = format!("{} \x1b[2J\u{202e}x\x1b[0", output.bold("up"));
        assert_eq!(
            output.text(&said),
            "\x1b[1mup\x1b[0m \u{fffd}[2J\u{fffd}x\u{fffd}[0"
        );
        let without = Output {
            colour: false,
            ..output
        };
        assert_eq!(without.text("\x1b[1mup"), "\u{fffd}[1mup");
    }
}
