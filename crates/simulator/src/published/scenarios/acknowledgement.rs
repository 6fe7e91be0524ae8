//! How acknowledgements are counted: A4, A5, A6, A12, C1.

use super::super::log::{ChainHash, Entry};
use super::super::message::AppendEntriesResponse;
use super::super::outcome::Outcome;
use super::super::rules::Reading;
use super::stage::{
    A, B, C, D, Played, Stage, acknowledge, acknowledgement_for, propose, sign_acknowledgement,
};

/// A4. D says the same thing twice in different words, once to A about x and once to C about y.
pub(super) fn one_node_is_a_quorum(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let votes = stage.elect_byzantine(D, 0, &[], &[A, B, C])?;
    for (victim, value) in [(A, "x"), (C, "y")] {
        let entries = [Entry::new(0, value)];
        stage.deliver_all(&[victim], &[propose(D, 0, &entries, &votes)])?;
        for success in [true, false] {
            let body = AppendEntriesResponse {
                success,
                ..acknowledgement_for(D, 0, &entries)
            };
            stage.deliver_all(&[victim], &[sign_acknowledgement(D, body)])?;
        }
    }
    Ok(stage.network.verdict())
}

/// A5. D acknowledges, twice, an index far past every log, and then once the real one.
pub(super) fn quorum_at_a_far_index(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let votes = stage.elect_byzantine(D, 0, &[], &[A, B, C])?;
    let entries = [Entry::new(0, "x")];
    stage.deliver_all(&[A], &[propose(D, 0, &entries, &votes)])?;
    for success in [true, false] {
        let far = AppendEntriesResponse {
            success,
            index: Some(1_000_000),
            hash: ChainHash::default(),
            ..acknowledgement_for(D, 0, &entries)
        };
        stage.deliver_all(&[A], &[sign_acknowledgement(D, far)])?;
    }
    stage.deliver_all(&[A], &[acknowledge(D, 0, &entries)])?;

    let Some(index) = stage.network.node(A)?.commit_index() else {
        return Ok(stage.network.verdict());
    };
    // D, who has the entry to give, is counted as a holder.
    let honest = stage
        .network
        .nodes()
        .filter(|node| node.log().len() > index);
    let holders: Vec<_> = honest.map(|node| node.id()).chain([D]).collect();
    let quorum = reading.quorum(4);
    Ok(if holders.len() < quorum {
        Outcome::CommittedWithoutQuorum {
            node: A,
            index,
            holders,
            quorum,
        }
    } else {
        stage.network.verdict()
    })
}

/// A6. D acknowledges wrong hashes for indices that do not exist yet; an honest leader then has
/// entries replicated there by everybody.
pub(super) fn poisoned_evidence(reading: Reading) -> Played {
    const ENTRIES: usize = 20;
    let mut stage = Stage::of_four(reading);
    for index in 0..2 * ENTRIES {
        let garbage = [Entry::new(0, "garbage")];
        let body = AppendEntriesResponse {
            index: Some(index),
            ..acknowledgement_for(D, 0, &garbage)
        };
        stage.deliver_all(&[A, B, C], &[sign_acknowledgement(D, body)])?;
    }
    stage.elect(A, &[B, C], &[])?;
    for number in 0..ENTRIES {
        stage.command(A, format!("c{number}"))?;
        stage.exchange(&[A, B, C], 4)?;
    }
    Ok(stage.stalled())
}

/// A12. D is silent; of what the leader A sends for each command, entries and acknowledgement,
/// every other lot reaches B and the rest C. B's log then ends at even indices and C's at odd
/// ones: no index is ever acknowledged by enough nodes, though every entry is held by all three.
pub(super) fn uneven_batches(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    stage.elect(A, &[B, C], &[])?;
    stage.lose(&[A])?;
    for number in 0..40 {
        stage.command(A, format!("c{number}"))?;
        stage.relay(A, &[if number % 2 == 0 { B } else { C }])?;
        stage.relay(B, &[A, C])?;
        stage.relay(C, &[A, B])?;
        stage.lose(&[A])?;
    }
    let committed = stage.network.nodes().any(|node| !node.applied().is_empty());
    Ok(if committed {
        stage.network.verdict()
    } else {
        stage.stalled()
    })
}

/// C1. D proposes x to A and y to B and C in one term, acknowledges both, and everybody hears
/// every acknowledgement.
pub(super) fn equivocation_in_one_term(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let votes = stage.elect_byzantine(D, 0, &[], &[A, B, C])?;
    let mut acknowledgements = Vec::new();
    for (node, value) in [(A, "x"), (B, "y"), (C, "y")] {
        let entries = [Entry::new(0, value)];
        stage.deliver_all(&[node], &[propose(D, 0, &entries, &votes)])?;
        acknowledgements.extend(stage.acknowledgements_of(node)?);
        acknowledgements.push(acknowledge(D, 0, &entries));
    }
    stage.deliver_all(&[A, B, C], &acknowledgements)?;
    Ok(stage.network.verdict())
}
