//! What is done to a network, by name: each nemesis breaks something, and undoes it after a while.
//!
//! Jepsen's word for it. What a nemesis hits is drawn from the run's seed; when it hits is drawn,
//! too, so that the same seed gives the same schedule, though real processes never run twice
//! exactly alike.

mod disks;
mod links;
mod processes;
mod schedule;
mod traitors;
mod wires;

pub use schedule::{Schedule, Step};

use keys::Mode;
use testnet::failure::Outcome;

use crate::{
    cluster::{Cluster, DiskKind, Disks, Hosts, Unavailable, available},
    random::Random,
};

/// Undoes what a nemesis did.
pub type Undo = Box<dyn FnOnce(&mut Cluster) -> Outcome + Send>;

/// What a nemesis needs of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Small file systems of their own for the nodes.
    Disks,
    /// File systems that can be shut down while they are used.
    ShutDown,
    /// File systems whose device can be made to fail.
    FailingDevice,
    /// File systems whose device can be made to fail for a while, and stay mounted.
    ThinDevice,
    /// A network namespace for each node.
    Namespaces,
    /// A mode that tolerates traitors.
    Byzantine,
}

impl Need {
    /// The disks that nodes must have for all of these, if any.
    pub fn disks<'a>(needs: impl Iterator<Item = &'a Self>) -> Option<DiskKind> {
        let kinds = needs.filter_map(|need| match need {
            Self::Disks | Self::ShutDown => Some(DiskKind::Plain),
            Self::FailingDevice | Self::ThinDevice => Some(DiskKind::Layered),
            Self::Namespaces | Self::Byzantine => None,
        });
        kinds.max()
    }
}

/// The kinds of things that are broken. Two nemeses of one family are never at work at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Nodes that break the rules.
    Traitors,
    /// Faults that the peer layer injects into links.
    Links,
    /// Faults of the network outside the nodes.
    Wires,
    /// Faults of disks.
    Disks,
    /// Processes that die or stand still.
    Processes,
}

impl Family {
    /// The name in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Traitors => "traitors",
            Self::Links => "links",
            Self::Wires => "wires",
            Self::Disks => "disks",
            Self::Processes => "processes",
        }
    }
}

/// One of them.
pub struct Nemesis {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it needs.
    pub needs: &'static [Need],
    /// For how long it lasts, in milliseconds: least and most.
    pub lasts: (u64, u64),
    /// Does it.
    begin: fn(&mut Cluster, &mut Random) -> Outcome<Undo>,
}

/// Every nemesis.
#[must_use]
pub fn all() -> Vec<&'static Nemesis> {
    let families: [&'static [Nemesis]; 5] = [
        processes::ALL,
        links::ALL,
        traitors::ALL,
        disks::ALL,
        wires::ALL,
    ];
    families.into_iter().flatten().collect()
}

impl Nemesis {
    /// Breaks something.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn begin(&self, cluster: &mut Cluster, random: &mut Random) -> Outcome<Undo> {
        (self.begin)(cluster, random)
    }

    /// Whether it can be had on this machine, in that mode, with a network that tolerates so many
    /// faulty nodes.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, mode: Mode, faulty: usize, machine: &Machine) -> Result<(), Unavailable> {
        for need in self.needs {
            match need {
                Need::Disks => machine.disks.clone()?,
                Need::ShutDown | Need::FailingDevice => machine.shut_down.clone()?,
                Need::ThinDevice => {
                    machine.disks.clone()?;
                    available("filefrag")?;
                }
                Need::Namespaces => machine
                    .namespaces
                    .clone()
                    .map_err(|why| Unavailable::Namespaces(why.to_string()))?,
                Need::Byzantine if mode != Mode::Byzantine => {
                    return Err(Unavailable::Mode(mode.to_string()));
                }
                Need::Byzantine if faulty == 0 => return Err(Unavailable::Nodes),
                Need::Byzantine => {}
            }
        }
        Ok(())
    }
}

/// What this machine offers.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Small file systems.
    pub disks: Result<(), Unavailable>,
    /// Shutting them down.
    pub shut_down: Result<(), Unavailable>,
    /// Network namespaces.
    pub namespaces: Result<(), Unavailable>,
}

impl Machine {
    /// Looks.
    #[must_use]
    pub fn probe() -> Self {
        Self {
            disks: Disks::can_be_made(),
            shut_down: Disks::can_be_shut_down(),
            namespaces: Hosts::can_have_namespaces(),
        }
    }
}

fn nothing() -> Undo {
    Box::new(|_| Ok(()))
}

/// So many nodes of chance.
fn some(cluster: &Cluster, random: &mut Random, count: usize) -> Vec<usize> {
    let all: Vec<usize> = (0..cluster.size()).collect();
    random.choose(&all, count)
}

/// The leader, or a node of chance while nobody leads.
fn leader(cluster: &Cluster, random: &mut Random) -> Outcome<usize> {
    // Drawn in any case, so that what is drawn afterwards does not depend on the answer.
    let other = random.position(cluster.size());
    Ok(cluster.leader()?.unwrap_or(other))
}
