//! What a majority has acknowledged or voted for (P1.2, Raft modes), as pure functions. The joint
//! variants ask two majorities at once, as a change of members does (P9.3).

use crate::types::Index;

/// How a vote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteResult {
    /// A majority granted.
    Won,
    /// A majority can no longer be reached.
    Lost,
    /// More answers are needed.
    Pending,
}

/// How many of `voters` are a majority.
#[must_use]
pub const fn majority(voters: usize) -> usize {
    voters / 2 + 1
}

/// The largest index that a majority of the voters acknowledged; `None` stands for a voter that
/// has acknowledged nothing. Without voters nothing stands in the way of any index.
#[must_use]
pub fn committed_index(acked: &[Option<Index>]) -> Index {
    let mut acked: Vec<Index> = acked
        .iter()
        .map(|index| index.unwrap_or(Index::ZERO))
        .collect();
    acked.sort_unstable_by(|one, other| other.cmp(one));
    match acked.len() {
        0 => Index(u64::MAX),
        voters => acked[majority(voters) - 1],
    }
}

/// How a vote stands; `None` stands for a voter that has not answered. Without voters it is won.
#[must_use]
pub fn vote_result(votes: &[Option<bool>]) -> VoteResult {
    let count = |vote| votes.iter().filter(|&&one| one == vote).count();
    let (granted, missing) = (count(Some(true)), count(None));
    if votes.is_empty() || granted >= majority(votes.len()) {
        VoteResult::Won
    } else if granted + missing >= majority(votes.len()) {
        VoteResult::Pending
    } else {
        VoteResult::Lost
    }
}

/// The largest index that a majority of each of two sets acknowledged.
#[must_use]
pub fn joint_committed_index(incoming: &[Option<Index>], outgoing: &[Option<Index>]) -> Index {
    committed_index(incoming).min(committed_index(outgoing))
}

/// How a vote stands that needs a majority of each of two sets.
#[must_use]
pub fn joint_vote_result(incoming: &[Option<bool>], outgoing: &[Option<bool>]) -> VoteResult {
    match (vote_result(incoming), vote_result(outgoing)) {
        (VoteResult::Lost, _) | (_, VoteResult::Lost) => VoteResult::Lost,
        (VoteResult::Won, VoteResult::Won) => VoteResult::Won,
        _ => VoteResult::Pending,
    }
}
