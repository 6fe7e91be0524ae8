//! Reading a command line, with this project's words for what is wrong with it.

use std::io::{IsTerminal, Write};

use clap::{CommandFactory, FromArgMatches};

use crate::{exit::Code, output::colour_allowed};

/// What the standard library says of a text that is no number or address, and what people are told.
const WORDS: [(&str, &str); 7] = [
    ("invalid digit found in string", "it is no whole number"),
    ("cannot parse integer from empty string", "it is empty"),
    (
        "number too large to fit in target type",
        "it is too large a number",
    ),
    (
        "number too small to fit in target type",
        "it is too small a number",
    ),
    ("invalid float literal", "it is no number"),
    ("cannot parse float from empty string", "it is empty"),
    (
        "invalid socket address syntax",
        "write an address and a port, such as 10.0.0.1:4100 or [::1]:4100",
    ),
];

/// The arguments of this process. Wrong use ends it here, with exit code 2; so does a wish for help,
/// with 0.
#[must_use]
pub fn arguments<T: CommandFactory + FromArgMatches>() -> T {
    arguments_of(T::command())
}

/// As [`arguments`], of a command that was changed.
#[must_use]
pub fn arguments_of<T: FromArgMatches>(command: clap::Command) -> T {
    let read = command.try_get_matches();
    let read = read.and_then(|matches| T::from_arg_matches(&matches));
    read.unwrap_or_else(|error| refuse(&error))
}

fn refuse(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let said = error.render();
    let mut stream = std::io::stderr().lock();
    let said = if stream.is_terminal() && colour_allowed() {
        said.ansi().to_string()
    } else {
        said.to_string()
    };
    // Where nobody reads it, the exit code says it.
    let _ = write!(stream, "{}", in_our_words(&said));
    // The command line could not be read, so the wish is looked for in its words.
    if std::env::args_os().any(|word| word == "--json") {
        let plain = in_our_words(&error.render().to_string());
        let _ = writeln!(std::io::stdout().lock(), "{}", in_json(&plain));
    }
    std::process::exit(i32::from(Code::Usage.number()))
}

/// As every other failure in JSON.
fn in_json(said: &str) -> serde_json::Value {
    let parts = said.strip_prefix("error: ").unwrap_or(said).split("\n\n");
    let (hints, message): (Vec<&str>, Vec<&str>) = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .partition(|part| part.starts_with("Usage:") || part.starts_with("For more"));
    let lines = message.iter().flat_map(|part| part.lines());
    let message: Vec<&str> = lines.map(str::trim).collect();
    serde_json::json!({
        "error": {
            "code": Code::Usage.as_str(),
            "message": message.join(" "),
            "next": hints.join("\n"),
        }
    })
}

fn in_our_words(said: &str) -> String {
    let replaced = |text: String, (theirs, ours): &(&str, &str)| text.replace(theirs, ours);
    WORDS.iter().fold(said.to_owned(), replaced)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Numbers {
        #[arg(long)]
        count: Option<usize>,
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=512))]
        bounded: Option<u16>,
        #[arg(long)]
        share: Option<f64>,
        #[arg(long)]
        listen: Option<std::net::SocketAddr>,
    }

    #[test]
    fn wrong_use_is_told_in_json_too() {
        let error = Numbers::try_parse_from(["x", "--share"]).unwrap_err();
        let json = in_json(&error.render().to_string());
        assert_eq!(json["error"]["code"], "usage");
        assert_eq!(
            json["error"]["message"],
            "a value is required for '--share <SHARE>' but none was supplied"
        );
        assert_eq!(json["error"]["next"], "For more information, try '--help'.");
    }

    #[test]
    fn the_words_of_the_standard_library_reach_nobody() {
        for (line, said) in [
            ("x --count many", "no whole number"),
            ("x --count=", "it is empty"),
            ("x --count -1", "unexpected argument"),
            ("x --count 99999999999999999999999", "too large"),
            ("x --bounded 1.5", "no whole number"),
            ("x --bounded 900", "1..=512"),
            ("x --share half", "no number"),
            ("x --listen 4100", "such as 10.0.0.1:4100"),
        ] {
            let error = Numbers::try_parse_from(line.split(' ')).unwrap_err();
            let shown = in_our_words(&error.render().to_string());
            assert!(shown.contains(said), "{line}: {shown}");
            for (theirs, _) in WORDS {
                assert!(!shown.contains(theirs), "{line}: {shown}");
            }
        }
    }
}
