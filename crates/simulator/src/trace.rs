//! What happened in a run, line by line. The same seed gives the same bytes.

use std::{
    fmt,
    io::{self, Write},
};

use consensus::Time;

/// Takes the lines of a run.
pub enum Trace {
    /// Nobody listens, and nothing is formatted.
    Off,
    /// Every line goes here.
    To(Box<dyn Write + Send>),
}

impl Trace {
    /// A trace to standard output.
    #[must_use]
    pub fn to_stdout() -> Self {
        Self::To(Box::new(io::BufWriter::new(io::stdout())))
    }

    /// Whether anybody listens.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::To(_))
    }

    /// Writes a line. A reader that went away ends the trace, not the run.
    pub fn line(&mut self, now: Time, line: fmt::Arguments<'_>) {
        if let Self::To(writer) = self {
            let (seconds, micros) = (now.0 / 1_000_000, now.0 % 1_000_000);
            if writeln!(writer, "{seconds:3}.{micros:06} {line}").is_err() {
                *self = Self::Off;
            }
        }
    }
}
