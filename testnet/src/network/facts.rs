//! What is known of every node of a network at a moment.

use node::{StatusReport, starting::Starting};
use terminal::plain;

use super::{Network, NodeLayout, ProcessState, faults::LinkFaults, process};
use crate::{
    control::{self, ControlError, Request, Response},
    failure::Outcome,
    traitor::Setting,
};

/// Of all nodes, in the order of genesis.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The nodes.
    pub nodes: Vec<NodeFacts>,
}

/// Of one node.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// Its files.
    pub layout: NodeLayout,
    /// Its name.
    pub name: String,
    /// What its process does.
    pub process: ProcessState,
    /// What it says of itself.
    pub report: Option<StatusReport>,
    /// How far it is with its start, while it starts.
    pub starting: Option<Starting>,
    /// Why it says nothing, though its process runs.
    pub problem: Option<String>,
    /// The misbehaviour set on it.
    pub behaviour: Option<Setting>,
    /// The faults set on its links.
    pub links: LinkFaults,
}

impl Facts {
    /// Asks all nodes at once; takes two seconds at most.
    ///
    /// # Errors
    /// If the files of a node cannot be read.
    pub fn gather(network: &Network) -> Outcome<Self> {
        let nodes = network.nodes();
        let states: Vec<_> = nodes.iter().map(process::probe).collect();
        let running = |state: &ProcessState| matches!(state, ProcessState::Running(_));
        let asked: Vec<NodeLayout> = nodes
            .iter()
            .zip(&states)
            .filter(|(_, state)| running(state))
            .map(|(node, _)| node.clone())
            .collect();
        let mut answers = control::ask_all(&asked, &Request::Status).into_iter();
        let mut facts = Vec::with_capacity(nodes.len());
        for (layout, process) in nodes.into_iter().zip(states) {
            let answer = if running(&process) {
                answers.next()
            } else {
                None
            };
            let mut starting = None;
            let (report, problem) = match answer {
                None => (None, None),
                Some(Ok(Response::Starting(how_far))) => {
                    starting = Some(how_far);
                    (None, None)
                }
                Some(Ok(Response::Status(report))) => (Some(*report), None),
                Some(Ok(Response::Refused(reason))) => (None, Some(plain(&reason))),
                Some(Ok(_)) => (None, Some("it answers something else".to_owned())),
                Some(Err(ControlError::Absent)) => {
                    let problem = "does not answer yet: after a start it first reads its log again";
                    (None, Some(problem.to_owned()))
                }
                Some(Err(error)) => (None, Some(plain(&error.to_string()))),
            };
            facts.push(NodeFacts {
                name: layout.name(),
                behaviour: Setting::load(&layout)?,
                links: LinkFaults::load(&layout)?,
                layout,
                process,
                report,
                starting,
                problem,
            });
        }
        Ok(Self { nodes: facts })
    }

    /// What the nodes that answer say.
    pub fn reports(&self) -> impl Iterator<Item = (&NodeFacts, &StatusReport)> {
        let nodes = self.nodes.iter();
        nodes.filter_map(|node| Some((node, node.report.as_ref()?)))
    }

    /// The node that says it leads the highest term, and that term.
    #[must_use]
    pub fn leader(&self) -> Option<(&NodeFacts, u64)> {
        let leaders = self.reports().filter(|(_, report)| report.role == "leader");
        let highest = leaders.max_by_key(|(_, report)| report.term)?;
        Some((highest.0, highest.1.term))
    }

    /// The highest term that any node is in.
    #[must_use]
    pub fn term(&self) -> u64 {
        let terms = self.reports().map(|(_, report)| report.term);
        terms.max().unwrap_or(0)
    }

    /// The highest index that any node knows to be committed.
    #[must_use]
    pub fn commit(&self) -> u64 {
        let commits = self.reports().map(|(_, report)| report.commit);
        commits.max().unwrap_or(0)
    }
}
