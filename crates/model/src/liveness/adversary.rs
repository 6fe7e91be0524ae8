//! What the traitors can do to a correct node in a tick.
//!
//! They have no state: what they say themselves is assumed to be said, in every shape, and what
//! correct nodes signed in a term is theirs to keep. A leave certificate can be shown as soon as f
//! Leaves of theirs complete those that correct nodes ever signed in the term, however old: nothing
//! in a certificate tells its age. Suspects are not signed, so they cannot keep those.

use super::{
    rules::{Broken, Disturbance, Network},
    state::{Node, State, Suspicion},
};

/// What befalls a correct node, besides what correct nodes send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Nothing.
    Nothing,
    /// It is shown this term's leave certificate.
    Leave(u8),
    /// A traitor that leads this term asks for its grant, with reports.
    Ask(u8),
    /// It is shown this term's election certificate; a traitor leads it.
    Elect(u8),
    /// The traitor that leads its term lets it commit something, not the request that waits.
    Commit,
    /// The traitor that leads its term lets it commit the request that waits.
    Serve,
    /// It suspects without cause.
    Err,
    /// It learns of evidence against the traitor that leads its term.
    Accuse,
    /// Traitors report, grant and vote, as far as this node sees.
    Help,
    /// Traitors suspect its leader and would leave, as far as this node sees.
    Urge,
    /// It is shown a commit certificate of an earlier term. Without effect under the rules, so
    /// nobody bothers unless one is broken.
    OldCertificate,
}

impl Network {
    /// All that traitors can do in a tick: a choice for each correct node.
    #[must_use]
    pub fn choices(&self, state: &State) -> Vec<Vec<Choice>> {
        let mut all = vec![Vec::new()];
        for position in 0..state.nodes.len() {
            let options = self.options(state, position);
            all = all
                .into_iter()
                .flat_map(|chosen| {
                    options.iter().map(move |&option| {
                        let mut chosen = chosen.clone();
                        chosen.push(option);
                        chosen
                    })
                })
                .collect();
        }
        // To one node, or the same to everybody.
        all.retain(|chosen| {
            let done = || chosen.iter().filter(|one| **one != Choice::Nothing);
            let same = chosen.iter().all(|one| *one == chosen[0]);
            done().count() <= 1 || (same && chosen[0] != Choice::Err)
        });
        all
    }

    /// What can befall one correct node.
    #[must_use]
    pub fn options(&self, state: &State, position: usize) -> Vec<Choice> {
        let node = &state.nodes[position];
        let mut options = vec![Choice::Nothing];
        let leads = self.leader(node.term) == Some(position);
        let calm = node.suspicion == Suspicion::None;
        match self.disturbance {
            Disturbance::Errors => {
                if calm && !leads && state.calm >= Self::calm_needed() {
                    options.push(Choice::Err);
                }
                return options;
            }
            Disturbance::Traitors { hasty } if hasty == Some(position) && calm => {
                options.push(Choice::Err);
            }
            Disturbance::Traitors { .. } => {}
        }
        self.certificates(state, node, &mut options);
        if self.urging_matters(node, position) {
            options.push(Choice::Urge);
        }
        if self.leader(node.term).is_some() {
            if self.help_matters(state, position) {
                options.push(Choice::Help);
            }
        } else if node.adopted {
            let voters = state.said(node.term).adopted.count_ones() as usize;
            if voters >= self.with_traitors(self.sizes.quorum) {
                // As late as they can, or once more when it is too late: what they do sooner
                // leaves correct nodes waiting for less.
                let silence = node.waited >= Self::silence(node.level);
                let starvation = node.starving >= Self::starvation(node.level);
                if silence || node.suspicion == Suspicion::Silent {
                    options.push(Choice::Commit);
                }
                if self.complaints && (starvation || node.suspicion == Suspicion::Starved) {
                    options.push(Choice::Serve);
                }
            }
        }
        // Evidence is only shown by a traitor that acts at leisure: walks try it.
        if self.evidence && self.leader(node.term).is_none() && node.suspicion != Suspicion::Lasting
        {
            options.push(Choice::Accuse);
        }
        if self.broken == Broken::OldCertificateEndsSuspicion && node.suspicion == Suspicion::Silent
        {
            options.push(Choice::OldCertificate);
        }
        options
    }

    /// Certificates that would move the node, and requests for its grant.
    fn certificates(&self, state: &State, node: &Node, options: &mut Vec<Choice>) {
        for term in node.term..=state.highest() {
            let said = state.said(term);
            let has =
                |set: u8, needed: usize| set.count_ones() as usize >= self.with_traitors(needed);
            if has(said.would_leave, self.leaves()) {
                options.push(Choice::Leave(term));
            }
            if self.leader(term).is_some() || (term == node.term && node.adopted) {
                continue;
            }
            let asked = term == node.term && node.granted;
            if has(said.reported, self.sizes.reports()) && !asked {
                options.push(Choice::Ask(term));
            }
            if has(said.granted, self.sizes.quorum) {
                options.push(Choice::Elect(term));
            }
        }
    }

    /// Whether traitors can bring a node to sign a Leave that it would not sign without them. What
    /// they showed sooner and it kept, they may as well show when it matters.
    fn urging_matters(&self, node: &Node, position: usize) -> bool {
        // In its turn the node first hears once more from those who suspect: one may be new.
        let counted = node.counted(position).count_ones() as usize + 1;
        let unsigned = node.leaves & 1 << position == 0;
        let leaves = node.leaves.count_ones() as usize + 1;
        unsigned && (counted >= self.with_traitors(self.suspects()) || node.leaves != 0)
            || !unsigned && leaves >= self.with_traitors(self.leaves())
    }

    /// Whether traitors make up for correct nodes that are missing in a correct leader's term.
    fn help_matters(&self, state: &State, position: usize) -> bool {
        let node = &state.nodes[position];
        let short = |count: u32, needed: usize| {
            let count = count as usize;
            count < needed && count >= self.with_traitors(needed)
        };
        let votes = state
            .nodes
            .iter()
            .filter(|peer| peer.term == node.term && peer.sent.vote)
            .count();
        if node.adopted {
            let quorum = self.sizes.quorum;
            return votes < quorum && votes >= self.with_traitors(quorum);
        }
        self.leader(node.term) == Some(position)
            && if node.asked {
                short(node.grants.count_ones(), self.sizes.quorum)
            } else {
                short(node.reports.count_ones(), self.sizes.reports())
            }
    }
}
