//! How a leader comes to be believed: A3, A8.

use super::super::log::Entry;
use super::super::message::{NodeId, RequestVote, START_TERM, Term, Votes};
use super::super::outcome::{Halt, Outcome};
use super::super::rules::Reading;
use super::stage::{A, B, C, D, Played, Stage, ask, propose, require};

/// A3. D asks for votes in a term long gone. Everybody refuses, politely, with a signature and
/// the current term: a proof of election in that term, made while its honest leader is at work.
pub(super) fn votes_against_elect(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    stage.elect(A, &[B, C], &[])?;
    stage.relay(A, &[B, C])?;
    stage.lose(&[B, C])?;
    let follow_a = stage.network.nodes().all(|node| node.leader() == Some(A));
    require(follow_a, "everybody follows A")?;

    let stale = ask(request(START_TERM));
    let mut refusals = Votes::new();
    for node in [A, B, C] {
        stage.network.deliver(node, &stale)?;
        let sent = stage.network.sent_by(node)?;
        let votes = sent.iter().filter_map(|envelope| envelope.message.vote());
        refusals.extend(votes.cloned());
    }
    require(
        refusals.iter().all(|vote| !vote.body.granted),
        "everybody refuses",
    )?;
    let evil = [Entry::new(0, "evil")];
    stage.deliver_all(&[B, C], &[propose(D, 0, &evil, &refusals)])?;

    let convinced = stage
        .network
        .nodes()
        .filter(|node| node.leader() == Some(D) && node.log().entries() == evil);
    let followers: Vec<_> = convinced.map(|node| node.id()).collect();
    Ok(if followers.is_empty() {
        stage.network.verdict()
    } else {
        Outcome::Usurped {
            term: 0,
            elected: A,
            usurper: D,
            followers,
        }
    })
}

/// A8. D has itself elected in the largest term. The next candidate's term wraps to the smallest,
/// and its request is refused as an old one. D stops later terms from growing together again by
/// showing its old proof, and does no work.
pub(super) fn term_overflow(reading: Reading) -> Played {
    play_term_overflow(reading, true)
}

fn play_term_overflow(reading: Reading, shows_proof_again: bool) -> Played {
    let mut stage = Stage::of_four(reading);
    let honest = [A, B, C];
    let proof = stage.solicit(request(Term::MAX), &honest)?;
    let mut terms = Vec::new();
    for _ in 0..10 {
        for node in honest {
            stage.network.timeout(node)?;
            stage.exchange(&honest, 3)?;
        }
        if let Some(leader) = stage.network.leader() {
            return commits_something(stage, leader);
        }
        terms = stage
            .network
            .nodes()
            .map(|node| (node.id(), node.term()))
            .collect();
        if shows_proof_again {
            stage.deliver_all(&honest, &[propose(D, Term::MAX, &[], &proof)])?;
            stage.lose(&honest)?;
        }
    }
    require(
        terms.iter().all(|(_, term)| *term < START_TERM),
        "every term has wrapped",
    )?;
    Ok(Outcome::Halted(Halt::TermsWrapped { terms }))
}

fn commits_something(mut stage: Stage, leader: NodeId) -> Played {
    stage.command(leader, "c")?;
    stage.exchange(&[A, B, C], 4)?;
    let committed = stage.network.nodes().all(|node| node.applied().len() == 1);
    require(committed, "the leader's entry commits everywhere")?;
    Ok(stage.network.verdict())
}

/// D's request to lead `term`, claiming a log better than any.
fn request(term: Term) -> RequestVote {
    RequestVote {
        term,
        candidate: D,
        last_term: 1_000_000_000,
        last_index: Some(1_000_000_000),
        hashes: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::outcome::OutcomeKind;
    use super::*;

    /// The overflow alone does not kill the cluster: once every term has wrapped, they grow
    /// together again. The certificate for the largest term, which nothing can outbid, does.
    #[test]
    fn wrapped_terms_recover_unless_the_old_proof_is_shown_again() {
        let without = play_term_overflow(Reading::Code, false).unwrap();
        assert_eq!(without.kind(), OutcomeKind::Safe);
        let with = play_term_overflow(Reading::Code, true).unwrap();
        assert_eq!(with.kind(), OutcomeKind::Halt);
    }
}
