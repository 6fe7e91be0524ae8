//! Whether what a command had to say reached its standard output.

use std::{
    io::{self, Write},
    panic, process,
    sync::OnceLock,
};

use crate::{exit::Code, output::Output};

/// The first failure to write to the standard output, of the whole process: a command has only one.
static UNSAID: OnceLock<String> = OnceLock::new();

/// Why something that was to be said on the standard output was not, if that is so. Whoever does one
/// thing after the other stops then: nobody would know what was done.
#[must_use]
pub fn unsaid() -> Option<&'static str> {
    UNSAID.get().map(String::as_str)
}

/// Writes to the standard output, at once and as a whole.
pub(crate) fn say(text: &str) {
    let mut stream = io::stdout().lock();
    let written = writeln!(stream, "{text}").and_then(|()| stream.flush());
    note_written(&written);
}

/// Notes that a write to the standard output failed: for what is not printed by [`Output`].
pub fn note_written(written: &io::Result<()>) {
    if let Err(error) = written {
        // The first failure says most.
        let _ = UNSAID.set(error.to_string());
    }
}

/// Ends a command that prints with `println!`, and whose reader has gone, with an error in a line and
/// the exit code 1, in place of a panic's report and 101. To be called once, first of all.
pub fn end_unread() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        // What the standard library says, and nothing else of it does.
        let reason = panic
            .payload()
            .downcast_ref::<String>()
            .and_then(|text| text.strip_prefix("failed printing to stdout: "));
        match reason {
            Some(reason) => {
                let mut stream = io::stderr().lock();
                // Nobody may listen here either.
                let _ = writeln!(
                    stream,
                    "error: the standard output cannot be written: {reason}"
                );
                process::exit(i32::from(Code::Internal.number()));
            }
            None => report(panic),
        }
    }));
}

/// How a command ends that would end with `code`: a command that could not say what it did has
/// failed, whatever it did. A failure keeps its code.
#[must_use]
pub fn concluded(output: Output, code: Code) -> Code {
    let Some(reason) = unsaid() else { return code };
    let message = format!("the standard output cannot be written: {reason}");
    let hint = "What was done is done; what was not printed is not known to whoever reads it.";
    output.failure_aside(&message, [&hint.to_owned()]);
    match code {
        Code::Ok => Code::Internal,
        code => code,
    }
}
