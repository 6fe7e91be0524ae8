//! The network of real processes that a run breaks and mends.

mod disks;
mod faults;
mod hosts;
mod shell;
mod thin;
mod waiting;

pub use disks::{Disks, Kind as DiskKind, unmount_below};
pub use hosts::Hosts;
pub use shell::{Unavailable, available, is_root};

use std::{path::Path, process::Child};

use consensus::FaultModel;
use keys::Mode;
use testnet::{
    failure::Outcome,
    network::{
        Facts, Layout, Network, NodeLayout, Plan, ProcessState, await_answers, found, launch_with,
        process,
    },
};

use crate::workload::Bank;

/// What a cluster is made from.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How the nodes agree.
    pub mode: Mode,
    /// How many there are.
    pub nodes: usize,
    /// Whether each gets a network namespace of its own.
    pub namespaces: bool,
    /// Whether each gets a small file system of its own, and whether syncs to it can be made to
    /// fail.
    pub disks: Option<DiskKind>,
}

/// A node that ended though nobody had ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnexpectedEnd {
    /// Its name.
    pub node: String,
    /// How, and what it said last.
    pub reason: String,
}

/// One node as the harness handles it.
struct Member {
    layout: NodeLayout,
    child: Option<Child>,
    /// Whether it may end by itself, because its disk is broken on purpose.
    may_end: bool,
}

/// See the module. Everything it made is taken down when it is dropped, but for its files.
pub struct Cluster {
    /// The network.
    pub network: Network,
    /// Nodes that have misbehaved, by position. They are no correct nodes any more.
    pub traitors: Vec<usize>,
    /// How many nodes were killed, and started again later.
    pub kills: u64,
    members: Vec<Member>,
    hosts: Hosts,
    disks: Option<Disks>,
    ends: Vec<UnexpectedEnd>,
}

impl Cluster {
    /// Founds a network in that folder and starts it.
    ///
    /// # Errors
    /// If it does not become healthy, or the system refuses something.
    pub fn start(folder: &Path, shape: Shape) -> Outcome<Self> {
        let layout = Layout::new(folder);
        found(
            &layout,
            &Plan {
                nodes: shape.nodes,
                mode: shape.mode,
                client_checks: None,
                access: keys::Access::Members,
                seed: None,
                accounts: Bank::founding(),
            },
        )?;
        let mut network = Network::open(&layout)?;
        let hosts = if shape.namespaces {
            Hosts::namespaces(shape.nodes)?
        } else {
            Hosts::Loopback
        };
        hosts.move_to(&mut network)?;
        let members = network.nodes().into_iter();
        let mut cluster = Self {
            members: members
                .map(|layout| Member {
                    layout,
                    child: None,
                    may_end: false,
                })
                .collect(),
            network,
            traitors: Vec::new(),
            kills: 0,
            hosts,
            disks: None,
            ends: Vec::new(),
        };
        if let Some(kind) = shape.disks {
            cluster.disks = Some(Disks::make(&cluster.network, kind)?);
        }
        let all: Vec<usize> = (0..shape.nodes).collect();
        cluster.launch(&all)?;
        cluster.wait_healthy()?;
        Ok(cluster)
    }

    /// How many nodes there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// f, quorum and what else follows from mode and number (P1.2).
    ///
    /// # Errors
    /// If the mode cannot work with that many nodes.
    pub fn sizes(&self) -> Outcome<FaultModel> {
        self.network.sizes()
    }

    /// A node's name.
    #[must_use]
    pub fn name(&self, node: usize) -> String {
        self.members[node].layout.name()
    }

    /// The positions of the nodes that never misbehaved.
    #[must_use]
    pub fn correct(&self) -> Vec<usize> {
        let all = 0..self.size();
        all.filter(|node| !self.traitors.contains(node)).collect()
    }

    /// The node that says it leads the highest term, if one does.
    ///
    /// # Errors
    /// If the files of a node cannot be read.
    pub fn leader(&self) -> Outcome<Option<usize>> {
        let facts = Facts::gather(&self.network)?;
        let name = facts.leader().map(|(leader, _)| leader.name.clone());
        Ok((0..self.size()).find(|&node| Some(self.name(node)) == name))
    }

    /// Where the network namespaces or the disks of the nodes are handled.
    pub fn parts(&mut self) -> (&Hosts, Option<&mut Disks>) {
        (&self.hosts, self.disks.as_mut())
    }

    /// Ends a node as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn kill(&mut self, node: usize) -> Outcome {
        self.look_for_ends();
        if process::kill(&self.members[node].layout)? {
            self.kills += 1;
        }
        self.reap(node);
        Ok(())
    }

    fn reap(&mut self, node: usize) {
        if let Some(mut child) = self.members[node].child.take() {
            // It is gone already; this takes it off the system's list.
            let _ = child.wait();
        }
    }

    /// Starts nodes that are down, and waits until they answer.
    ///
    /// # Errors
    /// If one does not start.
    pub fn launch(&mut self, nodes: &[usize]) -> Outcome {
        let mut layouts = Vec::new();
        let mut children = Vec::new();
        for &node in nodes {
            let layout = self.members[node].layout.clone();
            if process::probe(&layout) == ProcessState::Down {
                self.reap(node);
                let start = self.hosts.start(&self.network, node);
                children.push(launch_with(&layout, &start)?);
                layouts.push((node, layout));
            }
        }
        let waited: Vec<NodeLayout> = layouts.iter().map(|(_, layout)| layout.clone()).collect();
        let failures = await_answers(&waited, &mut children, |_| {});
        for ((node, _), child) in layouts.into_iter().zip(children) {
            self.members[node].child = Some(child);
        }
        failures.into_iter().next().map_or(Ok(()), Err)
    }

    /// Tries to start a node whose disk is broken; it may refuse. Whether it runs.
    ///
    /// # Errors
    /// If it neither starts nor ends.
    pub fn try_launch(&mut self, node: usize) -> Outcome<bool> {
        match self.launch(&[node]) {
            Ok(()) => Ok(true),
            Err(_) if process::probe(&self.members[node].layout) == ProcessState::Down => {
                self.reap(node);
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Lets a node stand still (SIGSTOP).
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn pause(&mut self, node: usize) -> Outcome {
        process::pause(&self.members[node].layout).map(drop)
    }

    /// Lets a node go on.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn resume(&mut self, node: usize) -> Outcome {
        process::resume(&self.members[node].layout).map(drop)
    }

    /// Says that a node may end by itself from now on, or may not any more.
    pub fn allow_end(&mut self, node: usize, may_end: bool) {
        self.look_for_ends();
        self.members[node].may_end = may_end;
    }

    /// Starts whoever is down, lets whoever is paused go on, and waits until all is well.
    ///
    /// # Errors
    /// If the network does not become healthy.
    pub fn restore(&mut self) -> Outcome {
        self.look_for_ends();
        for node in 0..self.size() {
            self.resume(node)?;
        }
        let all: Vec<usize> = (0..self.size()).collect();
        self.launch(&all)
    }

    /// Looks whether nodes ended that nobody ended.
    pub fn look_for_ends(&mut self) {
        for member in &mut self.members {
            let Some(child) = &mut member.child else {
                continue;
            };
            if let Ok(Some(status)) = child.try_wait() {
                member.child = None;
                if !member.may_end {
                    self.ends.push(UnexpectedEnd {
                        node: member.layout.name(),
                        reason: format!("{status}; {}", shell::last_line(&member.layout.log())),
                    });
                }
            }
        }
    }

    /// The nodes that ended though nobody had ended them.
    #[must_use]
    pub fn ends(&self) -> &[UnexpectedEnd] {
        &self.ends
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 0..self.size() {
            // What cannot be killed is left to the user, who sees it in the process list.
            let _ = process::kill(&self.members[node].layout);
            self.reap(node);
        }
    }
}
