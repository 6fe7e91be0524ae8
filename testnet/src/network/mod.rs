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

use std::path::Path;

use consensus::FaultModel;
use keys::Genesis;
use terminal::exit::Code;

pub use chain::entry_at;
pub use facts::{Facts, NodeFacts};
pub use founding::{
    ASSET, DECIMALS, Plan, found, remove, remove_reports, renew_ports, usual_accounts,
};
pub use health::{Health, assess, is_stopped, last_deposed, renamed};
pub use launch::{Start, await_answers, await_work, launch, launch_with};
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
    /// The network that this program made in that folder; `None` if there is none.
    ///
    /// # Errors
    /// If its files cannot be read, or it is somebody else's: that is left as it is.
    pub fn find(layout: &Layout) -> Outcome<Option<Self>> {
        let path = layout.genesis();
        let is_there = |path: &Path| {
            let seen = path.try_exists();
            seen.map_err(|error| {
                Failure::system(format!("look at {}", path.display()), error).next(
                    "Whether there is a network is not known. Is it another user's, or no folder?",
                )
            })
        };
        if !is_there(&path)? {
            return Ok(None);
        }
        if !is_there(&layout.state())? {
            return Err(Failure::state(format!(
                "the network in {} was not made by this program (there is a genesis.json, and no \
                 testnet.json), so nothing in it is touched",
                layout.root().display()
            ))
            .next(format!(
                "How its nodes are: {}\n  A local network goes into another folder: --data DIR",
                layout.command("ledger", "status")
            )));
        }
        let genesis = Genesis::load(&path).map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message = format!("{}: {}", path.display(), failure.message);
            failure
        })?;
        let state = State::load(layout)?;
        let network = Self {
            layout: layout.clone(),
            genesis,
            state,
        };
        for node in network.nodes() {
            process::check_readable(&node)?;
        }
        Ok(Some(network))
    }

    /// The network in that folder.
    ///
    /// # Errors
    /// [`Code::TestnetState`] with the command that makes one if there is none.
    pub fn open(layout: &Layout) -> Outcome<Self> {
        Self::find(layout)?.ok_or_else(|| {
            let failure = Failure::state(format!(
                "there is no network in {}",
                layout.root().display()
            ));
            let elsewhere = "If it lies elsewhere, name its folder with --data or HAWSER_DATA.";
            match layout.is_somebodys() {
                true => failure.next(elsewhere),
                false => failure.next(format!(
                    "To make and start one: {}\n  {elsewhere}",
                    layout.command("testnet", "up")
                )),
            }
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
