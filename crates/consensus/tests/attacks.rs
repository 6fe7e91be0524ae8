//! Attacks by one traitor, or by clients, that must stay harmless.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::sync::Arc;

use cluster::Cluster;
use consensus::{
    Message, NodeId, Signed, Term,
    message::{AppendEntries, Justification, PairReport, Proof, Report},
};
use plot::{best_commit, entry, key};

/// n0, leader of term 0, signs one more entry with this timestamp, shows its body to everybody, is
/// deposed, and from then on reports that entry for every term, before others report.
fn smuggle(timestamp: u64) -> Cluster {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let configuration = Arc::clone(&cluster.setups[0].configuration);
    let commit = best_commit(&cluster);
    let last = commit.point(&configuration);
    cluster.stop(0);
    let smuggled = entry(&configuration, Term::ZERO, last, timestamp, 99);
    let append = AppendEntries {
        epoch: configuration.epoch(),
        term: Term::ZERO,
        previous: last,
        entries: vec![Arc::clone(&smuggled)],
        commit: None,
        election: None,
    };
    for to in 1..4 {
        let signed = Signed::new(&configuration, NodeId(0), &key(0), append.clone());
        cluster.say(0, to, signed);
    }
    let mut newest = Term::ZERO;
    cluster.hook = Box::new(move |_, _, message| {
        let Message::Report(seen) = message else {
            return Vec::new();
        };
        if seen.body.term <= newest {
            return Vec::new();
        }
        newest = seen.body.term;
        let report = Report {
            epoch: configuration.epoch(),
            term: newest,
            pair: PairReport {
                term: Term::ZERO,
                point: smuggled.point(),
                headers: vec![smuggled.signed.clone()],
                justification: Justification::Opening,
            },
            accept: None,
            commit: Some(commit.clone()),
            leave: seen.body.leave.clone(),
        };
        let signed = Signed::new(&configuration, NodeId(0), &key(0), report);
        let leader = configuration.leader(newest).position();
        vec![(0, leader, Message::from(signed))]
    });
    cluster.submit(1, 7);
    cluster
}

#[test]
fn a_report_cannot_smuggle_in_a_timestamp_far_ahead() {
    let mut cluster = smuggle(u64::MAX / 2);
    cluster.run_for(120_000);
    println!("{:?}", cluster.status(1));
    cluster.assert_applied(&[1, 2, 3], 1);
}

#[test]
fn a_report_cannot_smuggle_in_a_timestamp_that_goes_back() {
    let mut cluster = smuggle(5);
    cluster.run_for(20_000);
    let mut chain = cluster.chain(1);
    println!(
        "{:?}",
        chain
            .iter()
            .map(|entry| entry.header().timestamp)
            .collect::<Vec<_>>()
    );
    // What a restarted node checks about its own chain, and a late node about a fetched one.
    cluster.verification.entries(&mut chain).unwrap();
}

#[test]
fn a_flood_of_entries_does_not_stop_a_late_node() {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    cluster.stop(3);
    for number in 1..=100 {
        cluster.submit(0, number);
        cluster.settle();
    }
    let configuration = Arc::clone(&cluster.setups[0].configuration);
    cluster.start(3);
    let commit = cluster.status(3).commit;
    // n0 leads terms 4, 8, …: entries that it signs for them contradict nothing.
    for number in 1..=600_u64 {
        let term = Term(4 * number);
        let junk = entry(&configuration, term, commit, 1_000_000, number);
        let append = AppendEntries {
            epoch: configuration.epoch(),
            term,
            previous: commit,
            entries: vec![junk],
            commit: None,
            election: None,
        };
        cluster.say(
            0,
            3,
            Signed::new(&configuration, NodeId(0), &key(0), append),
        );
    }
    // A correct node needs a handful of questions for a hundred entries.
    let mut fetches = 0;
    cluster.filter = Box::new(move |from, _, message| {
        fetches += u32::from(from == 3 && matches!(message, Message::Fetch(_)));
        fetches < 500
    });
    cluster.run_for(10_000);
    println!("{:?}", cluster.status(3));
    cluster.assert_all_applied(100);
}

#[test]
fn a_client_cannot_make_a_leader_sign_an_entry_that_is_too_large() {
    let mut cluster = Cluster::hostile(4);
    cluster.settle();
    for account in 1..=16_u8 {
        let mut payload = 1_u64.to_le_bytes().to_vec();
        payload.push(account);
        payload.resize(60_000, 0);
        cluster.complain(1, payload);
    }
    cluster.run_for(50_000);
    println!("{:?} {:?}", cluster.refused.first(), cluster.status(1));
    cluster.assert_all_applied(16);
}

#[test]
fn a_lock_can_be_read_back_from_disk() {
    let mut cluster = Cluster::hostile(7);
    cluster.run_for(100);
    cluster.filter = Box::new(|from, to, message| {
        from != 6 && (to != 6 || (matches!(message, Message::Vote(_)) && (1..=4).contains(&from)))
    });
    for number in 1..=40 {
        cluster.submit(0, number);
        cluster.settle();
    }
    cluster.filter = Box::new(|from, to, _| from != 6 && to != 6);
    for number in 41..=120 {
        cluster.submit(0, number);
        cluster.settle();
    }
    cluster.run_for(100);
    let commit = best_commit(&cluster);
    let configuration = Arc::clone(&cluster.setups[0].configuration);
    // Back in touch, but votes and short answers get lost.
    cluster.filter = Box::new(|from, to, message| match message {
        Message::FetchReply(reply) if to == 6 => {
            (reply.body.entries.last()).is_none_or(|last| last.index().0 > 41)
        }
        Message::Proof(_) | Message::Fetch(_) => true,
        _ => from != 6 && to != 6,
    });
    let proof = Proof {
        epoch: configuration.epoch(),
        election: None,
        leave: None,
        commit: Some(commit),
    };
    cluster.say(5, 6, Signed::new(&configuration, NodeId(5), &key(5), proof));
    cluster.run_for(5_000);
    println!("{:?}", cluster.status(6));
    assert!(cluster.status(6).commit.index.0 > 110);
    cluster.restart(6);
}

#[test]
fn a_complaint_that_got_lost_is_relayed_again() {
    let mut cluster = Cluster::hostile(4);
    cluster.settle();
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Relay(_)));
    cluster.complain(1, 7_u64.to_le_bytes().to_vec());
    cluster.run_for(10);
    // From now on the network is timely; n0 censors this request.
    cluster.filter = Box::new(|_, to, message| to != 0 || !matches!(message, Message::Relay(_)));
    for _ in 0..30 {
        cluster.complain(1, 7_u64.to_le_bytes().to_vec());
        cluster.run_for(1_000);
    }
    println!("{:?}", cluster.status(1));
    cluster.assert_applied(&[1, 2, 3], 1);
}

/// A client fills its account's room at the leader, which nothing is committed at for a moment,
/// and complains elsewhere about one request more. The leader finds room for it.
#[test]
fn a_client_cannot_make_a_leader_refuse_what_it_complains_about() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(100);
    cluster.filter = Box::new(|_, _, message| !matches!(message, Message::Vote(_)));
    let room = consensus::limits::PENDING_PER_ACCOUNT as u64;
    for nonce in 0..room {
        cluster.submit(0, nonce);
    }
    cluster.complain(1, room.to_le_bytes().to_vec());
    cluster.settle();
    assert_eq!(
        cluster.status(0).pending,
        consensus::limits::PENDING_PER_ACCOUNT + 1
    );
}

/// Old reports, played back often enough that the memory of what was passed on is full, are not
/// taken for new ones: they would go round for ever.
#[test]
fn old_reports_do_not_go_round_for_ever() {
    let mut cluster = Cluster::new(4);
    cluster.run_for(50);
    cluster.filter = Box::new(|_, _, message| {
        !matches!(message, Message::AppendEntries(_) | Message::Heartbeat(_))
    });
    while cluster.status(0).term < Term(20) {
        cluster.run_for(200);
        let of_traitor =
            |from: usize, message: &Message| from == 3 && matches!(message, Message::Report(_));
        cluster
            .sent
            .retain(|(from, _, message)| of_traitor(*from, message));
    }
    let mut reports = std::collections::BTreeMap::new();
    for (_, _, message) in &cluster.sent {
        if let Message::Report(report) = &**message {
            reports.insert(report.body.term, report.clone());
        }
    }
    cluster.filter = Box::new(|_, _, _| true);
    cluster.run_for(30_000);
    for nonce in 0..100 {
        cluster.submit(0, nonce);
        cluster.run_for(3);
    }
    for report in reports.values().rev() {
        for to in 0..3 {
            cluster.say(3, to, report.clone());
        }
    }
    cluster.settle();
    cluster.sent.clear();
    let (_, oldest) = reports.first_key_value().expect("n3 reported");
    cluster.say(3, 0, oldest.clone());
    cluster.settle();
    let passed_on = cluster
        .sent
        .iter()
        .filter(|(_, _, message)| matches!(**message, Message::Report(_)))
        .count();
    assert!(passed_on <= 4, "{passed_on} reports");
}
