//! One run, taken through the model while it happens.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use consensus::{Configuration, NodeId, Record, Time, VoteState, message::Message};
use model::safety::{Action, Member, Node, Point as Place, Protocol, State, Variation};

use super::{Divergence, names::Names, telling::kind};

/// What a node did and what is not durable yet, in order.
pub(super) enum Pending {
    Write {
        vote_state: Box<VoteState>,
        records: Vec<Record>,
    },
    WouldLeave(consensus::Term),
}

/// What the replay knows of one node besides the model's state.
#[derive(Default)]
pub(super) struct Life {
    pending: VecDeque<Pending>,
    /// Writes taken through the model, over all lives.
    durable: usize,
    /// Entries accepted one after the other, not yet told to the model.
    pub(super) accepting: Option<Place>,
}

/// A run as the model sees it.
///
/// Steps enter the model in the order in which they became durable: only then does anybody else
/// learn of them. A Leave, which is no write, enters after the writes that came before it.
pub struct Replay {
    pub(super) configuration: Arc<Configuration>,
    pub(super) protocol: Protocol,
    pub(super) state: State,
    pub(super) names: Names,
    pub(super) lives: Vec<Life>,
    steps: BTreeMap<&'static str, u64>,
    now: Time,
    divergence: Option<Divergence>,
}

impl Replay {
    /// A network before its first step. `byzantine` names exactly f nodes; `None` if it does not.
    #[must_use]
    pub fn new(configuration: &Arc<Configuration>, byzantine: &[usize]) -> Option<Self> {
        let nodes = configuration.sizes().nodes().count();
        let protocol =
            Protocol::new(nodes, byzantine, Variation::AsWritten)?.with_leaves_as_actions();
        Some(Self {
            state: State::new(&protocol),
            names: Names::new(configuration),
            configuration: Arc::clone(configuration),
            lives: (0..nodes).map(|_| Life::default()).collect(),
            protocol,
            steps: BTreeMap::new(),
            now: Time(0),
            divergence: None,
        })
    }

    /// How many steps of each kind the model took.
    #[must_use]
    pub const fn steps(&self) -> &BTreeMap<&'static str, u64> {
        &self.steps
    }

    /// Where the code and the model went different ways first.
    #[must_use]
    pub const fn divergence(&self) -> Option<&Divergence> {
        self.divergence.as_ref()
    }

    /// The position of a node that is correct in the model.
    fn position(&self, node: NodeId) -> Option<usize> {
        match self.protocol.member(node.position()) {
            Some(Member::Correct(position)) if self.divergence.is_none() => Some(position),
            _ => None,
        }
    }

    pub(super) fn node(&self, position: usize) -> &Node {
        &self.state.nodes[position]
    }

    /// A node asked for a write.
    pub fn wrote(&mut self, node: NodeId, vote_state: &VoteState, records: &[Record]) {
        if self.position(node).is_some() {
            let write = Pending::Write {
                vote_state: Box::new(vote_state.clone()),
                records: records.to_vec(),
            };
            self.lives[node.position()].pending.push_back(write);
        }
    }

    /// A node's first `durable` writes, over all its lives, are durable.
    pub fn synced(&mut self, at: Time, node: NodeId, durable: usize) {
        self.attempt(at, node, |replay, position| {
            replay.catch_up(node, position, durable)
        });
    }

    /// A node comes back with its first `durable` writes.
    pub fn restarted(&mut self, at: Time, node: NodeId, durable: usize) {
        self.attempt(at, node, |replay, position| {
            replay.catch_up(node, position, durable)?;
            replay.lives[node.position()].pending.clear();
            replay.take(Action::Restart { node: position })
        });
    }

    /// A node made a message. Its Leaves count once what was written before is durable (P11.1).
    pub fn signed(&mut self, at: Time, node: NodeId, message: &Message) {
        let Message::Leave(signed) = message else {
            return;
        };
        if signed.signer != node {
            return;
        }
        let term = signed.body.term;
        self.attempt(at, node, |replay, position| {
            let pending = &mut replay.lives[node.position()].pending;
            if pending.is_empty() {
                return replay.would_leave(position, term);
            }
            pending.push_back(Pending::WouldLeave(term));
            Ok(())
        });
    }

    /// A message leaves. A node's own report is what the model's node reports.
    pub fn sent(&mut self, at: Time, node: NodeId, message: &Message) {
        let Message::Report(signed) = message else {
            return;
        };
        if signed.signer == node {
            self.attempt(at, node, |replay, position| {
                replay.reported(position, &signed.body)
            });
        }
    }

    /// Does something for a node that is correct in the model; keeps the first divergence.
    fn attempt(
        &mut self,
        at: Time,
        node: NodeId,
        action: impl FnOnce(&mut Self, usize) -> Result<(), String>,
    ) {
        let Some(position) = self.position(node) else {
            return;
        };
        self.now = at;
        if let Err(what) = action(self, position) {
            self.divergence = Some(Divergence { at, node, what });
        }
    }

    fn catch_up(&mut self, node: NodeId, position: usize, durable: usize) -> Result<(), String> {
        loop {
            let life = &mut self.lives[node.position()];
            match life.pending.front() {
                Some(Pending::Write { .. }) if life.durable >= durable => return Ok(()),
                None => return Ok(()),
                Some(_) => {}
            }
            match life.pending.pop_front() {
                Some(Pending::Write {
                    vote_state,
                    records,
                }) => {
                    life.durable += 1;
                    self.write(node, position, &vote_state, &records)?;
                }
                Some(Pending::WouldLeave(term)) => self.would_leave(position, term)?,
                None => return Ok(()),
            }
        }
    }

    fn would_leave(&mut self, position: usize, term: consensus::Term) -> Result<(), String> {
        let own = self.node(position).term;
        if u64::from(own) != term.0 {
            return Err(format!(
                "would leave term {term} and is in term {own} (P4.3)"
            ));
        }
        self.take(Action::WouldLeave { node: position })
    }

    /// Takes a step of the model.
    pub(super) fn take(&mut self, action: Action) -> Result<(), String> {
        let kind = kind(&action);
        match self.protocol.apply(&mut self.state, &action) {
            Ok(()) => {
                *self.steps.entry(kind).or_default() += 1;
                Ok(())
            }
            Err(refused) => {
                let action_told = self.names.action(&action);
                let own = self.names.node(self.node(action.node()));
                Err(format!(
                    "{action_told}, which is refused: {refused}; by the model it is {own}"
                ))
            }
        }
    }
}
