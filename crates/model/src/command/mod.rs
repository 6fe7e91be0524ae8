//! What `cargo model` does: one file a command.

mod check;
mod explore;
mod liveness;
mod mutations;
mod night;

use std::time::Duration;

use clap::Subcommand;
use model::safety::{Sizes, check::Counterexample};
use terminal::exit::Code;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Check(check::Arguments),
    Explore(explore::Arguments),
    Liveness(liveness::Arguments),
    Mutations(mutations::Arguments),
    Night(night::Arguments),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What cannot be done, and what could.
    pub fn run(&self) -> Result<Code, String> {
        match self {
            Self::Check(arguments) => arguments.run(),
            Self::Explore(arguments) => arguments.run(),
            Self::Liveness(arguments) => arguments.run(),
            Self::Mutations(arguments) => arguments.run(),
            Self::Night(arguments) => arguments.run(),
        }
    }
}

/// How a command ends that found what must not be, or did not.
const fn code(holds: bool) -> Code {
    if holds {
        Code::Ok
    } else {
        Code::AssertionFailed
    }
}

/// How many threads run unless it is said otherwise.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The sizes of P1.2, or why there are none.
fn sizes(nodes: usize) -> Result<Sizes, String> {
    Sizes::new(nodes)
        .filter(|_| nodes <= 64)
        .ok_or_else(|| format!("--nodes {nodes}: byzantine mode needs 4 to 64 (P1.2, P12.1)"))
}

/// Things per second.
fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(1e-6)
}

fn print_lines(lines: &[String]) {
    for (place, line) in lines.iter().enumerate() {
        println!("    {place:>3}. {line}");
    }
}

fn print_steps(found: &Counterexample) {
    for (place, line) in found.lines.iter().enumerate() {
        if place + 1 == found.lines.len() {
            println!("    => {line}");
        } else {
            println!("    {:>3}. {line}", place + 1);
        }
    }
}
