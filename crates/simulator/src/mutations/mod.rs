//! Proof that the tests bite: the rules that can be broken on purpose, and what notices each.
//!
//! [`consensus::mutation`] holds the switches. Each entry of the [`catalogue`] names one, and
//! detectors that must report something while it is on, and nothing while it is off.
//! `docs/mutations.md` lists them with what happened.

pub mod catalogue;
mod detecting;

use std::ops::Range;

use consensus::{Mode, mutation::Mutation};

pub use detecting::{Attempt, Caught, attempt};

/// A rule that can be broken.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The switch.
    pub mutation: Mutation,
    /// Its name on the command line.
    pub id: &'static str,
    /// The rule.
    pub rule: &'static str,
    /// What the code does while it is broken, in one line.
    pub breaks: &'static str,
    /// What must notice: each of them alone.
    pub detectors: &'static [Detector],
}

/// Something that notices a broken rule.
#[derive(Clone, Debug)]
pub enum Detector {
    /// Runs of seeds, of which one at least reports a violation.
    Seeds(Seeds),
    /// A scenario of `cargo sim --list` that then comes out wrong.
    Scenario(&'static str),
    /// A [`crate::search`] that then finds something.
    Search {
        /// Which.
        id: &'static str,
        /// In networks of how many nodes.
        nodes: usize,
        /// Which seeds.
        seeds: Range<u64>,
    },
    /// A schedule of twins that then ends badly.
    Twins(&'static str),
    /// Seeds of four nodes with rotating adversaries whose traces leave the model.
    Replay(Range<u64>),
    /// An ordinary test that breaks the rule itself and expects the consequence.
    Test {
        /// The package that holds it.
        package: &'static str,
        /// The integration test's name; none for a test inside the library.
        test: Option<&'static str>,
        /// The name of the function.
        name: &'static str,
    },
}

/// Which seeds to run, and how.
#[derive(Clone, Debug)]
pub struct Seeds {
    /// The mode.
    pub mode: Mode,
    /// How many nodes.
    pub nodes: usize,
    /// What the f Byzantine nodes do: `none`, `rotating` or a name of `cargo sim --list`.
    pub adversary: &'static str,
    /// Which seeds.
    pub seeds: Range<u64>,
}

/// Simulated seconds a seed, and requests a second.
const SECONDS: u64 = 20;
const RATE: u32 = 20;

impl Detector {
    /// Whether it is a test of some crate, which `cargo test` runs and not this program.
    #[must_use]
    pub const fn is_test(&self) -> bool {
        matches!(self, Self::Test { .. })
    }

    /// What it runs, in few words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Seeds(Seeds {
                mode,
                nodes,
                adversary,
                seeds,
            }) => format!(
                "seeds {}..{}, {mode}, {nodes} nodes, adversary {adversary}",
                seeds.start, seeds.end
            ),
            Self::Scenario(id) => format!("scenario {id}"),
            Self::Twins(schedule) => format!("twins {schedule}"),
            Self::Replay(seeds) => format!("replay {}..{}", seeds.start, seeds.end),
            Self::Search { id, nodes, seeds } => {
                format!("search {id}, {nodes} nodes, {}..{}", seeds.start, seeds.end)
            }
            Self::Test { name, .. } => format!("test {name}"),
        }
    }

    /// What runs it with the rule broken.
    #[must_use]
    pub fn command(&self, mutation: &str) -> String {
        match self {
            Self::Test {
                package,
                test,
                name,
            } => {
                let place =
                    test.map_or_else(|| "--lib".to_owned(), |test| format!("--test {test}"));
                format!("cargo test --release -p {package} --features mutations {place} {name}")
            }
            _ => format!("{COMMAND} {mutation}"),
        }
    }
}

/// What runs the catalogue.
pub const COMMAND: &str = "cargo run --release -p simulator --features mutations -- mutations";
