//! Entries lost between one leader and the next: A1, A2, A7, A13.

use super::super::log::Entry;
use super::super::message::{Message, Votes};
use super::super::network::TraceError;
use super::super::outcome::Outcome;
use super::super::rules::Reading;
use super::stage::{A, B, C, D, Played, Stage, acknowledge, propose, require};

/// D leads term 0 and sends `first` to A and B only. Returns B's acknowledgement, which nobody
/// has received yet.
fn first_entry_at_a_and_b(stage: &mut Stage, first: &[Entry]) -> Result<Vec<Message>, TraceError> {
    let votes = stage.elect_byzantine(D, 0, &[], &[A, B, C])?;
    let proposal = propose(D, 0, first, &votes);
    stage.deliver_all(&[A, B], &[proposal])?;
    stage.lose(&[A])?;
    stage.acknowledgements_of(B)
}

/// D leads term 1 with the votes of B and C and makes them commit `second` in place of whatever
/// they hold. D's claim to hold `first` is true.
fn second_entry_at_b_and_c(
    stage: &mut Stage,
    first: &[Entry],
    second: &[Entry],
) -> Result<(), TraceError> {
    let votes: Votes = stage.elect_byzantine(D, 1, first, &[B, C])?;
    stage.deliver_all(&[B, C], &[propose(D, 1, second, &votes)])?;
    let from_b = stage.acknowledgements_of(B)?;
    let from_c = stage.acknowledgements_of(C)?;
    stage.deliver_all(&[B], &from_c)?;
    stage.deliver_all(&[C], &from_b)?;
    stage.deliver_all(&[B, C], &[acknowledge(D, 1, second)])
}

/// A1. A commits with a quorum that includes D; D then leads the next term and simply does not
/// extend what it holds. The proof of an election says who leads, not what must be kept.
pub(super) fn lost_commit(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let (first, second) = ([Entry::new(0, "m")], [Entry::new(1, "m'")]);
    let from_b = first_entry_at_a_and_b(&mut stage, &first)?;
    stage.deliver_all(&[A], &from_b)?;
    stage.deliver_all(&[A], &[acknowledge(D, 0, &first)])?;
    require(stage.network.node(A)?.applied() == first, "A commits m")?;
    second_entry_at_b_and_c(&mut stage, &first, &second)?;
    Ok(stage.network.verdict())
}

/// A2. As A1, but the next leader is honest and knows nothing of m.
pub(super) fn honest_successor(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let first = [Entry::new(0, "m")];
    let from_b = first_entry_at_a_and_b(&mut stage, &first)?;
    stage.deliver_all(&[A], &from_b)?;
    stage.deliver_all(&[A], &[acknowledge(D, 0, &first)])?;
    require(stage.network.node(A)?.applied() == first, "A commits m")?;

    if !stage.stand(C, &[B], &[D])? {
        return Ok(Outcome::Refused {
            voter: B,
            candidate: C,
        });
    }
    stage.command(C, "m'")?;
    stage.exchange(&[B, C], 5)?;
    let log = stage.network.node(C)?.log().entries().to_vec();
    stage.deliver_all(&[C], &[acknowledge(D, 1, &log)])?;
    Ok(stage.network.verdict())
}

/// A7. D sends nothing but what the honest leader A once signed. Reordering by the network does
/// the same without any Byzantine node.
pub(super) fn replayed_entries(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    stage.elect(A, &[B, C], &[])?;
    stage.command(A, "e0")?;
    stage.exchange(&[A, B, C], 3)?;
    let carries_e0 = |message: &&Message| {
        message
            .append_entries()
            .is_some_and(|append| append.entries.len() == 1)
    };
    let old = stage.network.intercepted().iter().find(carries_e0).cloned();
    let old = old.ok_or(TraceError::NotReached("A sends e0 to D"))?;

    // B and C acknowledge e1 to A; their acknowledgements to each other are late.
    stage.command(A, "e1")?;
    for envelope in stage.network.sent_by(A)? {
        if envelope.to != D && envelope.message.append_entries().is_some() {
            stage.network.deliver(envelope.to, &envelope.message)?;
        }
    }
    stage.relay(B, &[A])?;
    stage.relay(C, &[A])?;
    stage.lose(&[A])?;
    require(stage.network.node(A)?.applied().len() == 2, "A commits e1")?;

    stage.deliver_all(&[B, C], &[old])?;
    stage.lose(&[B, C])?;
    // D votes and acknowledges as any member would.
    stage.elect(B, &[C], &[D])?;
    stage.command(B, "f1")?;
    stage.exchange(&[B, C], 4)?;
    let log = stage.network.node(B)?.log().entries().to_vec();
    let term = stage.network.node(B)?.term();
    stage.deliver_all(&[B], &[acknowledge(D, term, &log)])?;
    Ok(stage.network.verdict())
}

/// A13. m has no quorum while its term lasts; D adds the missing acknowledgement after m' has
/// been committed. A vote never expires.
pub(super) fn stale_acknowledgements(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let (first, second) = ([Entry::new(0, "m")], [Entry::new(1, "m'")]);
    let from_b = first_entry_at_a_and_b(&mut stage, &first)?;
    second_entry_at_b_and_c(&mut stage, &first, &second)?;
    let nothing_at_a = stage.network.node(A)?.applied().is_empty();
    require(
        nothing_at_a && stage.network.node(B)?.applied() == second,
        "B commits m', A nothing",
    )?;
    stage.deliver_all(&[A], &from_b)?;
    stage.deliver_all(&[A], &[acknowledge(D, 0, &first)])?;
    Ok(stage.network.verdict())
}
