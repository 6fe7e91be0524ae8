//! A local network: its folder, its nodes, and what state they are in.

mod chain;
mod facts;
pub mod faults;
pub mod file;
mod founding;
mod health;
mod launch;
mod layout;
pub mod lock;
mod ports;
pub mod process;
mod state;

use consensus::FaultModel;
use keys::Genesis;
use terminal::exit::Code;

pub use chain::entry_at;
pub use facts::{Facts, NodeFacts};
pub use founding::{
    ASSET, DECIMALS, Plan, found, remove, remove_reports, renew_ports, usual_accounts,
};
pub use health::{Health, assess, is_stopped, last_deposed};
pub use launch::{Start, await_answers, launch, launch_with};
pub use layout::{Layout, NodeLayout};
pub use lock::Lock;
pub use process::ProcessState;
pub use state::State;

use crate::failure::{Failure, Outcome};

/// A network that was founded.
#[derive(Clone, Debug)]
pub struct Network {
    /// Where it lies.
    pub layout: Layout,
    /// What it started from.
    pub genesis: Genesis,
    /// What else is remembered.
    pub state: State,
}

impl Network {
    /// The network in that folder; `None` if there is none.
    ///
    /// # Errors
    /// If its files cannot be read.
    pub fn find(layout: &Layout) -> Outcome<Option<Self>> {
        let path = layout.genesis();
        if !path.exists() {
            return Ok(None);
        }
        let genesis = Genesis::load(&path).map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message = format!("{}: {}", path.display(), failure.message);
            failure
        })?;
        let state = State::load(layout)?;
        Ok(Some(Self {
            layout: layout.clone(),
            genesis,
            state,
        }))
    }

    /// The network in that folder.
    ///
    /// # Errors
    /// [`Code::TestnetState`] with the command that makes one if there is none.
    pub fn open(layout: &Layout) -> Outcome<Self> {
        Self::find(layout)?.ok_or_else(|| {
            Failure::state(format!("there is no network in {}", layout.root().display())).next(
                format!(
                    "To make and start one: {}\n  If it lies elsewhere, name its folder with --data or HAWSER_DATA.",
                    layout.command("testnet", "up")
                ),
            )
        })
    }

    /// The nodes' names, in the order of genesis.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.genesis.validators().iter();
        names.map(|validator| validator.name.clone()).collect()
    }

    /// The nodes, in the order of genesis.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeLayout> {
        let names = self.names();
        names.iter().map(|name| self.layout.node(name)).collect()
    }

    /// The node of that name.
    ///
    /// # Errors
    /// A usage failure that lists the names.
    pub fn node(&self, name: &str) -> Outcome<NodeLayout> {
        match self.genesis.validator_by_name(name) {
            Some(_) => Ok(self.layout.node(name)),
            None => Err(no_such_node(name, &self.names())),
        }
    }

    /// f, quorum and what else follows from mode and number (P1.2).
    ///
    /// # Errors
    /// If the mode cannot work with that many nodes.
    pub fn sizes(&self) -> Outcome<FaultModel> {
        let mode = match self.genesis.mode() {
            keys::Mode::Raft => consensus::Mode::Raft,
            keys::Mode::RaftSigned => consensus::Mode::RaftSigned,
            keys::Mode::Byzantine => consensus::Mode::Byzantine,
        };
        FaultModel::new(mode, self.genesis.validators().len())
            .map_err(|error| Failure::new(Code::VerificationFailed, error.to_string()))
    }

    /// Whether any node's process lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let mut nodes = self.nodes().into_iter();
        nodes.any(|node| process::probe(&node) != ProcessState::Down)
    }
}

fn no_such_node(name: &str, nodes: &[String]) -> Failure {
    Failure::usage(format!("there is no node {name:?}"))
        .next(format!("The nodes are {}.", nodes.join(", ")))
}
