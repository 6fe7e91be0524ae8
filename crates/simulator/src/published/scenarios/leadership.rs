//! How a leader is lost or never found: A9, A10, A11.

use super::super::log::Entry;
use super::super::message::{AppendEntriesResponse, ClientId, Message, NodeId, Revolution};
use super::super::network::TraceError;
use super::super::outcome::{Halt, Outcome};
use super::super::random::Random;
use super::super::rules::Reading;
use super::stage::{A, B, C, D, Played, Stage, propose, require};

const HONEST: [NodeId; 3] = [A, B, C];

/// A9. All members are honest (D just votes when asked); one client calls for a revolution
/// against every new leader, before it can commit anything.
pub(super) fn revolution(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    let mut leaders = Vec::new();
    for (candidate, request) in HONEST.into_iter().cycle().zip(0..9) {
        let voters = HONEST.into_iter().filter(|node| *node != candidate);
        if !stage.stand(candidate, &voters.collect::<Vec<_>>(), &[D])? {
            break;
        }
        stage.relay(candidate, &HONEST)?;
        stage.lose(&HONEST)?;
        let call = Revolution {
            client: ClientId(1),
            request,
            leader: candidate,
        };
        stage.deliver_all(&HONEST, &[Message::Revolution(call)])?;
        let muted = stage.network.nodes().all(|node| node.ignores_leader());
        require(muted, "everybody ignores the new leader")?;
        leaders.push(candidate);

        stage.command(candidate, format!("c{request}"))?;
        stage.exchange(&HONEST, 3)?;
    }
    require(leaders.len() > 1, "a second leader is muted")?;
    let committed = stage.network.nodes().any(|node| !node.applied().is_empty());
    Ok(if committed {
        stage.network.verdict()
    } else {
        Outcome::Halted(Halt::LeadersMuted { leaders })
    })
}

/// A10. D leads term 0 and starves only C, whose term runs away; then D is silent, and the
/// honest nodes' timers fire at random. Compared with the same seeds when C was not starved.
pub(super) fn runaway_candidate(reading: Reading) -> Played {
    const RUNS: usize = 20;
    let leaderless = |starved| -> Result<usize, TraceError> {
        let mut count = 0;
        for seed in 0..RUNS as u64 {
            count += usize::from(!finds_leader(reading, starved, seed)?);
        }
        Ok(count)
    };
    let (attacked, undisturbed) = (leaderless(true)?, leaderless(false)?);
    require(
        attacked > undisturbed,
        "the attack keeps more runs without a leader",
    )?;
    Ok(Outcome::Halted(Halt::NoLeader {
        runs: RUNS,
        attacked,
        undisturbed,
    }))
}

fn finds_leader(reading: Reading, starved: bool, seed: u64) -> Result<bool, TraceError> {
    const TIMEOUTS_OF_C: usize = 30;
    const RANDOM_TIMEOUTS: usize = 200;
    let mut stage = Stage::of_four(reading);
    let votes = stage.elect_byzantine(D, 0, &[], &HONEST)?;
    let reached = if starved { &HONEST[..2] } else { &HONEST[..] };
    stage.deliver_all(reached, &[propose(D, 0, &[Entry::new(0, "m")], &votes)])?;
    stage.lose(&HONEST)?;
    if starved {
        for _ in 0..TIMEOUTS_OF_C {
            stage.network.timeout(C)?;
        }
        stage.lose(&[C])?;
    }
    let mut random = Random::new(seed);
    for _ in 0..RANDOM_TIMEOUTS {
        stage.network.timeout(random.choose(&HONEST))?;
        stage.exchange(&HONEST, 4)?;
        if stage.network.leader().is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A11. A leads term 0, C wins term 1. A accepts C, and then a client speaks to A.
pub(super) fn deposed_leader(reading: Reading) -> Played {
    let mut stage = Stage::of_four(reading);
    stage.elect(A, &[B, C], &[])?;
    stage.lose(&[A])?;
    stage.elect(C, &[B], &[D])?;
    stage.relay(C, &[A])?;
    stage.lose(&[A])?;
    require(stage.network.node(A)?.leader() == Some(C), "A follows C")?;

    stage.command(A, "mine")?;
    let mut acknowledged = stage.acknowledgements_of(A)?;
    stage.command(C, "real")?;
    stage.relay(C, &[A])?;
    acknowledged.extend(stage.acknowledgements_of(A)?);

    let logs: Vec<_> = acknowledged
        .iter()
        .filter_map(Message::acknowledgement)
        .collect();
    let conflict = logs.iter().enumerate().find_map(|(place, one)| {
        let differs = |other: &&&_| contradicts(one, other);
        logs[place + 1..]
            .iter()
            .find(differs)
            .map(|other| (*one, *other))
    });
    Ok(match conflict {
        Some((one, other)) => Outcome::Equivocated {
            node: one.node,
            term: one.term,
            index: one.index.unwrap_or_default(),
            hashes: (one.hash, other.hash),
        },
        None => stage.network.verdict(),
    })
}

fn contradicts(one: &AppendEntriesResponse, other: &AppendEntriesResponse) -> bool {
    (one.term, one.index) == (other.term, other.index) && one.hash != other.hash
}
