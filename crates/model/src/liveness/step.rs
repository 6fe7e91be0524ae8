//! A tick of the whole network.

use super::{
    adversary::Choice,
    rules::{Disturbance, HIGHEST_LEVEL, Network},
    state::{Node, Nodes, Said, State, Suspicion},
    turn::take_turn,
};

/// What a tick led to.
#[derive(Clone, Debug)]
pub struct Tick {
    /// The state after it.
    pub state: State,
    /// Whether a request of a client was committed.
    pub progress: bool,
    /// Whether a correct leader that had settled was deposed.
    pub deposed: bool,
}

impl Network {
    /// One tick, with what the traitors do to each correct node.
    #[must_use]
    pub fn tick(&self, state: &State, choices: &[Choice]) -> Tick {
        let mut next = state.clone();
        let mut progress = false;
        let from = state.lowest();
        for (position, (node, &choice)) in next.nodes.iter_mut().zip(choices).enumerate() {
            progress |= take_turn(self, &state.nodes, position, node, choice);
        }
        let highest = next.highest();
        next.said
            .resize(usize::from(highest - from) + 1, Said::default());
        for (position, node) in next.nodes.iter().enumerate() {
            let said = &mut next.said[usize::from(node.term - from)];
            let bit = 1 << position;
            let put = |set: &mut Nodes, holds: bool| *set |= if holds { bit } else { 0 };
            put(&mut said.would_leave, node.leaves & bit != 0);
            put(&mut said.reported, node.reported);
            put(&mut said.granted, node.granted);
            put(&mut said.adopted, node.adopted);
        }
        let deposed = next.settled.is_some_and(|term| highest > term);
        self.settle(&mut next);
        let suspects = |node: &Node| node.suspicion != Suspicion::None;
        next.calm = match self.disturbance {
            Disturbance::Traitors { .. } => 0,
            Disturbance::Errors if next.nodes.iter().any(suspects) => 0,
            Disturbance::Errors => (state.calm + 1).min(Self::calm_needed()),
        };
        next.tidy(self, from);
        Tick {
            state: next,
            progress,
            deposed,
        }
    }

    /// Ticks until the Suspects of the last error have aged everywhere (P4.3).
    #[must_use]
    pub const fn calm_needed() -> u8 {
        Self::fresh(HIGHEST_LEVEL) + 2
    }

    /// A correct leader has settled once every correct node has commits of its term, none of them
    /// would leave it, and nobody heard lately of as many who suspect it as traitors need for a
    /// Leave.
    fn settle(&self, state: &mut State) {
        let term = state.highest();
        let Some(leader) = self.leader(term) else {
            return;
        };
        // A Leave may be under way, and does not age.
        let nobody_would_leave = state.said.last().is_none_or(|said| said.would_leave == 0);
        let few = match self.disturbance {
            Disturbance::Traitors { hasty } => {
                let hasty_node = hasty.map_or(0, |node| 1 << node);
                let too_few = |node: &Node| {
                    let heard = (node.fresh() | hasty_node).count_ones() as usize;
                    heard < self.with_traitors(self.sizes.quorum)
                };
                hasty != Some(leader) && state.nodes.iter().all(too_few)
            }
            Disturbance::Errors => true,
        };
        let all = state
            .nodes
            .iter()
            .all(|node| node.term == term && node.committed && node.suspicion == Suspicion::None);
        if nobody_would_leave && few && all {
            state.settled = Some(term);
        } else if state.settled.is_some_and(|settled| settled < term) {
            state.settled = None;
        }
    }
}
