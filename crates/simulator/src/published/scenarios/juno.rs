//! What Juno added: J1, J2, J3, J4.

use super::super::log::{ChainHash, Entry};
use super::super::message::{
    AppendEntriesResponse, Message, NodeId, RequestVote, RequestVoteResponse, START_TERM, Signed,
    Votes,
};
use super::super::network::TraceError;
use super::super::node::Role;
use super::super::outcome::{Halt, Outcome};
use super::super::rules::Reading;
use super::stage::{
    A, B, C, D, F, G, Played, Stage, acknowledge, acknowledgement_for, granted, propose, require,
    sign_acknowledgement,
};

const E: NodeId = NodeId(4);
/// The fourth honest node of seven; in a cluster of four the same place is Byzantine.
const D_OF_SEVEN: NodeId = D;

/// J1. D signs every vote and every acknowledgement in the others' names; no honest node says a
/// word.
pub(super) fn body_identity(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let members = [A, B, C, D];
    let votes = Votes::from_iter(members.map(|voter| granted(D, voter, 0, D)));
    for (victim, value) in [(A, "x"), (C, "y")] {
        let entries = [Entry::new(0, value)];
        stage.deliver_all(&[victim], &[propose(D, 0, &entries, &votes)])?;
        let forged =
            members.map(|node| sign_acknowledgement(D, acknowledgement_for(node, 0, &entries)));
        stage.deliver_all(&[victim], &forged)?;
    }
    Ok(stage.network.verdict())
}

/// J2. Seven nodes, two Byzantine: F and G acknowledge x with A and B, and y with C and the
/// fourth, in one term.
pub(super) fn majority_quorum(reading: Reading) -> Played {
    let mut stage = Stage::of_seven(reading);
    let votes = stage.elect_byzantine(F, 0, &[], &[A, B, C, D_OF_SEVEN, E])?;
    for (group, value) in [([A, B], "x"), ([C, D_OF_SEVEN], "y")] {
        let entries = [Entry::new(0, value)];
        stage.deliver_all(&group, &[propose(F, 0, &entries, &votes)])?;
        stage.exchange(&group, 1)?;
        stage.deliver_all(
            &group,
            &[acknowledge(F, 0, &entries), acknowledge(G, 0, &entries)],
        )?;
    }
    Ok(stage.network.verdict())
}

/// J3. A votes for B in term 0 and later stands for term 1. D's reply from an older term, with
/// the claim of a longer log, makes A return to its last entry's term and forget its vote; A then
/// votes for D in term 0 as well. Both collect a quorum.
pub(super) fn term_regression(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    stage.elect(B, &[A], &[D])?;
    stage.lose(&[B])?;
    stage.network.timeout(A)?;
    stage.lose(&[A])?;
    require(stage.network.node(A)?.term() == 1, "A stands for term 1")?;

    let reply = RequestVoteResponse {
        term: START_TERM,
        voter: D,
        granted: false,
        candidate: A,
        last_index: Some(99),
    };
    let reply = Message::RequestVoteResponse(Signed::new(D, reply));
    stage.deliver_all(&[A], &[reply])?;
    let request = RequestVote {
        term: 0,
        candidate: D,
        last_term: 99,
        last_index: Some(99),
        hashes: Vec::new(),
    };
    let votes = stage.solicit(request, &[A, C])?;
    stage.deliver_all(&[C], &[propose(D, 0, &[], &votes)])?;

    let both_lead =
        stage.network.node(B)?.role() == Role::Leader && stage.network.node(C)?.leader() == Some(D);
    let both_chosen = stage.network.node(A)?.grants(0) == [B, D].into();
    Ok(if both_lead && both_chosen {
        Outcome::DoubleVote {
            voter: A,
            term: 0,
            leaders: (B, D),
        }
    } else {
        stage.network.verdict()
    })
}

/// J4. Nobody lies. A leads term 0; its second entry reaches only B, and both acknowledge it to
/// all. C leads term 1, replaces that entry and has the new one on all five honest logs; F and G
/// are silent, but for F's vote for C. A's and B's acknowledgements of it have the index of their old ones, so they are
/// dropped, and three of the four needed remain, until a further entry comes.
pub(super) fn sticky_evidence(reading: Reading) -> Played {
    Ok(replaced_entry(reading)?.stalled())
}

fn replaced_entry(reading: Reading) -> Result<Stage, TraceError> {
    let mut stage = Stage::of_seven(reading);
    let honest = stage.network.honest();
    stage.elect(A, &[B, C, D_OF_SEVEN, E], &[])?;
    stage.command(A, "a")?;
    stage.exchange(&honest, 4)?;
    let all_committed = stage.network.nodes().all(|node| node.applied().len() == 1);
    require(all_committed, "the first entry commits everywhere")?;

    stage.command(A, "p")?;
    lose_entries_except_to(&mut stage, A, B)?;
    stage.relay(B, &honest)?;
    stage.lose(&honest)?;

    stage.elect(C, &[D_OF_SEVEN, E], &[F])?;
    stage.command(C, "q")?;
    stage.exchange(&honest, 10)?;
    let logs: Vec<_> = stage
        .network
        .nodes()
        .map(|node| node.log().last().hash)
        .collect();
    let common = ChainHash::of(&[Entry::new(0, "a"), Entry::new(1, "q")]);
    require(
        logs.iter().all(|hash| *hash == common),
        "every honest log holds the new entry",
    )?;
    Ok(stage)
}

/// Takes what `leader` has sent: its acknowledgements reach everybody honest, its entries only
/// `follower`.
fn lose_entries_except_to(
    stage: &mut Stage,
    leader: NodeId,
    follower: NodeId,
) -> Result<(), TraceError> {
    let honest = stage.network.honest();
    for envelope in stage.network.sent_by(leader)? {
        let entries = envelope.message.append_entries().is_some();
        if honest.contains(&envelope.to) && (envelope.to == follower || !entries) {
            stage.network.deliver(envelope.to, &envelope.message)?;
        }
    }
    Ok(())
}

/// J4 with J1. D acknowledges the largest index in everybody's name, before anything happens; an
/// honest leader then serves forty commands.
pub(super) fn evidence_at_the_largest_index(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    for (victim, name) in [A, B, C]
        .into_iter()
        .flat_map(|victim| [A, B, C, D].map(|name| (victim, name)))
    {
        let body = AppendEntriesResponse {
            index: Some(usize::MAX),
            ..acknowledgement_for(name, 0, &[])
        };
        stage
            .network
            .deliver(victim, &sign_acknowledgement(D, body))?;
    }
    stage.elect(A, &[B, C], &[])?;
    for number in 0..40 {
        stage.command(A, format!("c{number}"))?;
        stage.exchange(&[A, B, C], 4)?;
    }
    let outcome = stage.stalled();
    let nothing = matches!(
        outcome,
        Outcome::Halted(Halt::Uncommitted { committed: 0, .. })
    );
    require(nothing, "nothing commits at all")?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sticky_evidence_gives_way_to_a_further_entry() {
        let mut stage = replaced_entry(Reading::Juno).unwrap();
        let honest = stage.network.honest();
        stage.command(C, "r").unwrap();
        stage.exchange(&honest, 4).unwrap();
        assert!(stage.network.nodes().all(|node| node.applied().len() == 3));
    }
}
