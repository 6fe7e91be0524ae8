//! Every question on which the three published versions of the protocol differ.

use std::fmt;

use super::message::Term;

/// Which published version of the protocol a node follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// The text of the paper, with the safer answer wherever it is silent.
    Paper,
    /// The authors' own program, as its source stands.
    Code,
    /// The program that grew out of it.
    Juno,
}

/// What a voter asks of a candidate's log before it grants its vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteRule {
    /// The candidate's chain contains the last entry that the *voter* knows to be committed.
    ContainsCommitted,
    /// Raft: the candidate's last (term, index) is not smaller than the voter's.
    UpToDate,
    /// As [`VoteRule::UpToDate`], and its last index is not smaller either.
    UpToDateAndNoShorter,
}

/// When acknowledgements commit an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitRule {
    /// A quorum of distinct nodes, oneself included, acknowledged exactly this index and hash.
    DistinctNodes,
    /// Some index at or past this one has a quorum of acknowledgements (counted as messages, so
    /// that one node may be counted often), and all those kept for this index carry its hash.
    AnyMessages,
    /// Each node's acknowledgement of highest index is kept, and a quorum of them match one's
    /// own log at or past this index.
    HighestPerNode,
}

impl Reading {
    /// How many of `size` nodes make a quorum.
    ///
    /// Juno's is a majority: two quorums of seven then share one node, which may be Byzantine.
    pub fn quorum(self, size: usize) -> usize {
        match self {
            Self::Paper | Self::Code => size - size.saturating_sub(1) / 3,
            Self::Juno => size / 2 + 1,
        }
    }

    /// Must the node that a message speaks for be the node that signed it?
    ///
    /// Juno verifies the signature against the identity in the envelope and then believes the
    /// identity in the body.
    pub fn binds_body_to_signer(self) -> bool {
        self != Self::Juno
    }

    /// Does an election proof need a quorum of *granted* votes of *distinct* nodes?
    ///
    /// The programs check the number of replies, their candidate and their term: a signed "no"
    /// is as good as a "yes".
    pub fn proof_needs_distinct_granted_votes(self) -> bool {
        self == Self::Paper
    }

    /// What a voter asks of a candidate's log.
    pub fn vote_rule(self) -> VoteRule {
        match self {
            Self::Paper => VoteRule::ContainsCommitted,
            Self::Code => VoteRule::UpToDate,
            Self::Juno => VoteRule::UpToDateAndNoShorter,
        }
    }

    /// How far past its own term a voter follows a candidate; `None`: any distance.
    ///
    /// The paper bounds the step by a constant H without giving its value; 8 stands for it.
    pub fn term_step_limit(self) -> Option<Term> {
        (self == Self::Paper).then_some(8)
    }

    /// Does a leader or candidate become a follower once another leader has proved its election?
    ///
    /// In the authors' program a deposed leader keeps its role for ever.
    pub fn steps_down_for_proved_leader(self) -> bool {
        self != Self::Code
    }

    /// Does a candidate fall back to the term of its last entry, forgetting its vote, when a
    /// reply of an older term claims a longer log?
    pub fn reverts_runaway_candidate(self) -> bool {
        self == Self::Juno
    }

    /// Does a follower compare the hash of the previous entry, and not merely its term?
    pub fn checks_previous_hash(self) -> bool {
        self == Self::Paper
    }

    /// Does a follower keep entries that already agree, and refuse to rewrite committed ones?
    ///
    /// The programs cut the log at the previous index whatever follows, so that an old message
    /// of an honest leader removes entries acknowledged since.
    pub fn keeps_agreeing_and_committed_entries(self) -> bool {
        self == Self::Paper
    }

    /// Does a follower that refused entries acknowledge its log to everybody all the same?
    pub fn acknowledges_after_refusal(self) -> bool {
        self == Self::Code
    }

    /// Does a leader answer a refusal by stepping back one entry and sending again at once?
    ///
    /// Juno moves to the index that the follower names and waits for its next heartbeat.
    pub fn steps_back_one_entry(self) -> bool {
        self != Self::Juno
    }

    /// When acknowledgements commit an entry.
    pub fn commit_rule(self) -> CommitRule {
        match self {
            Self::Paper => CommitRule::DistinctNodes,
            Self::Code => CommitRule::AnyMessages,
            Self::Juno => CommitRule::HighestPerNode,
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Paper => "paper",
            Self::Code => "code",
            Self::Juno => "juno",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byzantine_quorums_share_an_honest_node_and_majorities_do_not() {
        for faulty in 1..5 {
            let size = 3 * faulty + 1;
            assert_eq!(Reading::Paper.quorum(size), 2 * faulty + 1);
            assert_eq!(Reading::Code.quorum(size), 2 * faulty + 1);
        }
        let shared = 2 * Reading::Juno.quorum(7) - 7;
        assert!(
            shared <= 2,
            "two faulty nodes of seven can be all that is shared"
        );
    }
}
