//! A run as data: who is Byzantine, what breaks when, who asks for what. A seed draws all of that as
//! the run goes on; written down it can be replayed, edited, made smaller ([`crate::shrink`]) and
//! kept as a regression test.

mod act;
mod play;

#[cfg(test)]
mod tests;

use consensus::{FaultModel, Mode, NodeId, mutation::Mutation};
use serde::{Deserialize, Serialize};

pub use act::{Act, Recording, Timed, WeatherPlan};
pub(crate) use play::play_quietly;
pub use play::{Broken, Played, play, record};

use crate::{adversary::Strategy, client::ACCOUNTS, random::Random, signing::Signatures};

/// The version of the format that this program writes and reads.
pub const VERSION: u32 = 1;
/// The longest run, in simulated microseconds: a day.
const LONGEST: u64 = 86_400_000_000;
/// The longest file, in bytes.
const LARGEST: usize = 16 << 20;

/// A node that is Byzantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraitorPlan {
    /// Which node.
    pub node: u16,
    /// What it does: a name of `cargo sim --list`, or two joined by `+`.
    pub strategy: String,
    /// What its particulars are drawn from.
    pub random: Random,
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestPlan {
    /// The node that is asked first.
    pub node: u16,
    /// The paying account.
    pub from: u16,
    /// The account that is paid.
    pub to: u16,
    /// How much.
    pub amount: u32,
}

/// All that a run follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// See [`VERSION`].
    pub version: u32,
    /// The invariant that it breaks, if it does.
    pub breaks: Option<String>,
    /// The rule of the core that is broken on purpose ([`Mutation`]).
    pub mutation: Option<String>,
    /// The mode.
    pub mode: String,
    /// How many nodes.
    pub nodes: usize,
    /// What everything that is not said here is drawn from: keys, timeouts, syncs, delays.
    pub seed: u64,
    /// What delays and losses are drawn from instead.
    pub delays: Option<u64>,
    /// Whether signatures are Ed25519.
    pub real_signatures: bool,
    /// Requests a second, which bounds how many messages are too many.
    pub rate: u32,
    /// The network while nothing else is said.
    pub weather: WeatherPlan,
    /// How far clocks drift, in parts per million.
    pub drift: u64,
    /// Who is Byzantine.
    pub traitors: Vec<TraitorPlan>,
    /// What breaks.
    pub acts: Vec<Timed<Act>>,
    /// Who asks for what.
    pub requests: Vec<Timed<RequestPlan>>,
    /// When all faults but Byzantine ones end.
    pub heal_micros: u64,
    /// When the run ends, but for what is still to be answered.
    pub end_micros: u64,
}

/// Why a plan cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file is too large.
    #[error("the file is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// No plan.
    #[error("this is no scenario file: {0}")]
    Form(#[from] serde_json::Error),
    /// Of another version.
    #[error("the file has version {0}, and this program reads version {VERSION}")]
    Version(u32),
    /// Something in it is out of bounds.
    #[error("{0}")]
    Content(String),
    /// It breaks a rule of the core, which this program cannot.
    #[error(
        "it breaks the rule '{0}' on purpose, which takes a build with the feature: \
         cargo run --release -p simulator --features mutations -- play FILE"
    )]
    Mutation(String),
}

/// What a plan's names stand for.
pub(crate) struct Cast {
    pub mode: Mode,
    pub traitors: Vec<(NodeId, Strategy, Random)>,
    pub mutation: Option<Mutation>,
    pub signatures: Signatures,
}

/// The mutation of that name.
#[must_use]
pub fn mutation(name: &str) -> Option<Mutation> {
    let all = Mutation::ALL.iter().copied();
    all.into_iter().find(|one| format!("{one:?}") == name)
}

impl Plan {
    /// Reads a plan and checks it.
    ///
    /// # Errors
    /// [`PlanError`], unless it can be played.
    pub fn from_json(text: &str) -> Result<Self, PlanError> {
        if text.len() > LARGEST {
            return Err(PlanError::TooLarge);
        }
        /// Says what the rest is.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_str(text)?;
        if version != VERSION {
            return Err(PlanError::Version(version));
        }
        let plan: Self = serde_json::from_str(text)?;
        plan.cast()?;
        Ok(plan)
    }

    /// The plan as a file: every act and request on a line of its own.
    ///
    /// # Panics
    /// Never: a plan is JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let value = serde_json::to_value(self).expect("a plan is JSON");
        let fields = value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                let list = value.as_array().filter(|list| !list.is_empty());
                let text = match list {
                    Some(list) => {
                        let lines: Vec<String> =
                            list.iter().map(|one| format!("    {one}")).collect();
                        format!("[\n{}\n  ]", lines.join(",\n"))
                    }
                    None => value.to_string(),
                };
                format!("  \"{name}\": {text}")
            });
        format!("{{\n{}\n}}\n", fields.collect::<Vec<_>>().join(",\n"))
    }

    /// Looks up every name and checks every bound.
    pub(crate) fn cast(&self) -> Result<Cast, PlanError> {
        let wrong = |text: String| Err(PlanError::Content(text));
        let mode: Mode = match self.mode.parse() {
            Ok(mode) => mode,
            Err(_) => return wrong(format!("there is no mode '{}'", self.mode)),
        };
        if let Err(error) = FaultModel::new(mode, self.nodes) {
            return wrong(error.to_string());
        }
        let exists = |node: u16| usize::from(node) < self.nodes;
        let named = self.acts.iter().flat_map(|timed| timed.what.nodes());
        let asked = self.requests.iter().map(|timed| timed.what.node);
        let traitors = self.traitors.iter().map(|traitor| traitor.node);
        if let Some(node) = named
            .chain(asked)
            .chain(traitors)
            .find(|node| !exists(*node))
        {
            return wrong(format!("there is no node {node} among {}", self.nodes));
        }
        let known = |account: u16| account < ACCOUNTS;
        let requests = self.requests.iter().map(|timed| timed.what);
        if let Some(stranger) = requests
            .flat_map(|request| [request.from, request.to])
            .find(|account| !known(*account))
        {
            return wrong(format!("there is no account {stranger}"));
        }
        if self.end_micros > LONGEST || self.heal_micros > LONGEST || self.drift > 500_000 {
            return wrong("it lasts longer than a day, or its clocks drift by half".to_owned());
        }
        let mut traitors: Vec<(NodeId, Strategy, Random)> = Vec::new();
        for traitor in &self.traitors {
            let node = NodeId(traitor.node);
            if traitors.iter().any(|(known, ..)| *known == node) {
                return wrong(format!("node {node} has two strategies"));
            }
            match Strategy::read(&traitor.strategy) {
                Ok(strategy) => traitors.push((node, strategy, traitor.random.clone())),
                Err(name) => return wrong(format!("there is no adversary '{name}'")),
            }
        }
        let mutation = match &self.mutation {
            None => None,
            Some(name) if !cfg!(feature = "mutations") => {
                return Err(PlanError::Mutation(name.clone()));
            }
            Some(name) => match mutation(name) {
                Some(mutation) => Some(mutation),
                None => return wrong(format!("there is no mutation '{name}'")),
            },
        };
        Ok(Cast {
            mode,
            traitors,
            mutation,
            signatures: match self.real_signatures {
                true => Signatures::Real,
                false => Signatures::StandIn,
            },
        })
    }
}
