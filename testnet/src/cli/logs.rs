//! `testnet logs`.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde::Serialize;
use terminal::{Output, plain};

use super::Common;
use crate::failure::Outcome;

/// How much of the end of a log is looked through.
const TAIL_BYTES: u64 = 1 << 20;
/// Longest part of a line that is shown at once.
const LINE_BYTES: usize = 64 * 1024;
const LOOK: Duration = Duration::from_millis(200);

#[derive(Args)]
pub struct Arguments {
    /// The node; all of them, merged by time, if left out
    node: Option<String>,
    /// Go on as more is logged, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
    /// How many of the last lines to begin with
    #[arg(long, short = 'n', default_value_t = 40)]
    lines: usize,
}

/// How a line is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is.
    Line,
    /// With its node before it.
    Named,
    /// As a JSON object on a line of its own.
    Json,
}

#[derive(Serialize)]
struct LineJson<'a> {
    node: &'a str,
    line: &'a str,
}

struct Log {
    name: String,
    path: PathBuf,
    /// How far it was read.
    position: u64,
    /// The start of a line whose end is not there yet.
    rest: Vec<u8>,
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    let network = common.network()?;
    let nodes = match &arguments.node {
        Some(name) => vec![network.node(name)?],
        None => network.nodes(),
    };
    let form = match nodes.len() {
        _ if output.is_json() => Form::Json,
        1 => Form::Line,
        _ => Form::Named,
    };
    let mut logs: Vec<Log> = nodes
        .iter()
        .map(|node| Log {
            name: node.name(),
            path: node.log(),
            position: 0,
            rest: Vec::new(),
        })
        .collect();
    let mut first = Vec::new();
    for log in &mut logs {
        let lines = log.last(arguments.lines);
        first.extend(lines.into_iter().map(|line| (log.name.clone(), line)));
    }
    merge(&mut first);
    let skip = first.len().saturating_sub(arguments.lines);
    if show(io::stdout().lock(), &first[skip..], form) && arguments.follow {
        follow(&mut logs, form);
    }
    Ok(())
}

/// Goes on for as long as somebody reads.
fn follow(logs: &mut [Log], form: Form) {
    loop {
        std::thread::sleep(LOOK);
        let mut more = Vec::new();
        for log in &mut *logs {
            let lines = log.more();
            more.extend(lines.into_iter().map(|line| (log.name.clone(), line)));
        }
        merge(&mut more);
        if !show(io::stdout().lock(), &more, form) {
            return;
        }
    }
}

impl Log {
    /// The last lines, and what follows is read from there.
    fn last(&mut self, count: usize) -> Vec<String> {
        let Ok(length) = std::fs::metadata(&self.path).map(|log| log.len()) else {
            return Vec::new();
        };
        self.position = length.saturating_sub(TAIL_BYTES);
        let cut = self.position > 0;
        let mut lines: VecDeque<String> = self.more().into();
        if cut {
            lines.pop_front();
        }
        while lines.len() > count {
            lines.pop_front();
        }
        lines.into()
    }

    /// The lines that were added since.
    fn more(&mut self) -> Vec<String> {
        match read_from(&self.path, self.position) {
            Ok((bytes, from)) => {
                if from != self.position {
                    self.rest.clear();
                }
                self.position = from + bytes.len() as u64;
                self.lines_of(&bytes)
            }
            // There is no log yet, or it is being replaced.
            Err(_) => Vec::new(),
        }
    }

    fn lines_of(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut reader = BufReader::new(bytes);
        let mut line = std::mem::take(&mut self.rest);
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            if line.ends_with(b"\n") || line.len() > LINE_BYTES {
                let text = String::from_utf8_lossy(&line);
                lines.push(plain(text.trim_end()));
                line.clear();
            }
        }
        self.rest = line;
        lines
    }
}

/// What follows a position in a file, or the whole of a file that is shorter than that.
fn read_from(path: &Path, position: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = if length < position { 0 } else { position };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(4 * TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok((bytes, from))
}

/// Sorts lines by their time stamps; a line without one stays behind the one before it.
fn merge(lines: &mut Vec<(String, String)>) {
    let mut stamped = Vec::with_capacity(lines.len());
    let mut last = (String::new(), String::new());
    for (name, line) in lines.drain(..) {
        let word = line.split_whitespace().next().unwrap_or_default();
        let is_stamp = word.len() > 10 && word.as_bytes()[0].is_ascii_digit() && word.contains('T');
        if is_stamp || last.0 != name {
            last = (
                name.clone(),
                if is_stamp {
                    word.to_owned()
                } else {
                    String::new()
                },
            );
        }
        stamped.push((last.1.clone(), name, line));
    }
    stamped.sort_by(|one, other| one.0.cmp(&other.0));
    lines.extend(stamped.into_iter().map(|(_, name, line)| (name, line)));
}

/// Prints lines; `false` if nobody reads them any more.
fn show(mut out: impl Write, lines: &[(String, String)], form: Form) -> bool {
    let written = lines.iter().try_for_each(|(name, line)| match form {
        Form::Line => writeln!(out, "{line}"),
        Form::Named => writeln!(out, "{name} | {line}"),
        Form::Json => {
            let line = serde_json::to_string(&LineJson { node: name, line })?;
            writeln!(out, "{line}")
        }
    });
    written.and_then(|()| out.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_of_several_nodes_come_in_the_order_of_their_times() {
        let line = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut lines = vec![
            line("n0", "2026-01-01T00:00:01Z INFO a"),
            line("n0", "   continued"),
            line("n0", "2026-01-01T00:00:03Z INFO c"),
            line("n1", "2026-01-01T00:00:02Z INFO b"),
        ];
        merge(&mut lines);
        let texts: Vec<&str> = lines.iter().map(|(_, text)| text.trim()).collect();
        assert_eq!(
            texts,
            [
                "2026-01-01T00:00:01Z INFO a",
                "continued",
                "2026-01-01T00:00:02Z INFO b",
                "2026-01-01T00:00:03Z INFO c"
            ]
        );
    }

    #[test]
    fn for_a_program_each_line_is_an_object() {
        let lines = ["one \"quoted\"", "two"].map(|line| ("n0".to_owned(), line.to_owned()));
        let mut out = Vec::new();
        assert!(show(&mut out, &lines, Form::Json));
        let text = String::from_utf8(out).unwrap();
        let objects: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            objects,
            [
                json!({"node": "n0", "line": "one \"quoted\""}),
                json!({"node": "n0", "line": "two"})
            ]
        );
    }

    #[test]
    fn a_line_is_shown_once_it_is_whole_and_a_new_log_from_its_start() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("node.log");
        let mut log = Log {
            name: "n0".to_owned(),
            path: path.clone(),
            position: 0,
            rest: Vec::new(),
        };
        assert!(log.more().is_empty());
        std::fs::write(&path, "one\ntw").unwrap();
        assert_eq!(log.more(), ["one"]);
        std::fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(log.more(), ["two"]);
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(log.more(), ["new"]);
    }
}
