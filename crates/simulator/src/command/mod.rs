//! What `cargo sim` does besides running seeds: one file a command.

pub mod attacks;
pub mod bounds;
pub mod conform;
pub mod gate;
pub mod long;
pub mod mutations;
mod report;
pub mod shrink;
pub mod twins;

use clap::Subcommand;
use terminal::exit::Code;

/// Another thing to do than running seeds.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    Attacks(attacks::Attacks),
    Bounds(bounds::Bounds),
    Conform(conform::Conform),
    Gate(gate::Gate),
    Night(long::Night),
    Mutations(mutations::Mutations),
    Twins(twins::Twins),
    Shrink(shrink::Shrink),
    Play(shrink::Play),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// What cannot be done, and what could.
    pub fn run(&self) -> Result<Code, String> {
        match self {
            Self::Attacks(attacks) => attacks.run(),
            Self::Bounds(bounds) => bounds.run(),
            Self::Conform(conform) => conform.run(),
            Self::Gate(gate) => gate.run(),
            Self::Night(night) => night.run(),
            Self::Mutations(mutations) => mutations.run(),
            Self::Twins(twins) => twins.run(),
            Self::Shrink(shrink) => shrink.run(),
            Self::Play(play) => play.run(),
        }
    }
}
