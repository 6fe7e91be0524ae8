//! Two steps to leave a term: who suspects says so over its own channel and signs nothing, and who
//! counted enough that suspect signs a Leave (P4.2, P4.3).
//!
//! Each test comes out right with the rule whole, and wrong where the build can break it.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::sync::Arc;

use cluster::Cluster;
use consensus::{
    Message, RequestKey, Signed, Term,
    message::{Heartbeat, Leave, Reason, Suspect, Vote},
    mutation::Mutation,
    signed::Body,
};
use plot::{best_commit, entry_of, payload};

fn sign<T: Body>(cluster: &Cluster, node: usize, body: T) -> Signed<T> {
    plot::sign(&cluster.setups[0].configuration, node, body)
}

/// Checks that something happens if and only if the rule is broken.
fn happens_only_under(mutation: Mutation, happens: impl Fn() -> bool) {
    assert!(!happens(), "the rule holds");
    #[cfg(feature = "mutations")]
    {
        let _broken = consensus::mutation::activate(Some(mutation));
        assert!(happens(), "nothing depends on the rule");
    }
    #[cfg(not(feature = "mutations"))]
    let _ = mutation;
}

/// `by` says over `channel` that it suspects the leader of `term`.
fn suspects(cluster: &mut Cluster, channel: usize, by: usize, to: usize, reason: Reason) {
    let term = cluster.status(to).term;
    let suspect = Suspect {
        epoch: cluster.setups[0].configuration.epoch(),
        term,
        commit: cluster.status(to).commit,
        uncommitted: None,
        reason,
    };
    let signed = sign(cluster, by, suspect);
    cluster.say(channel, to, signed);
}

/// `channel` brings the Leave of `by`.
fn would_leave(cluster: &mut Cluster, channel: usize, by: usize, to: usize) {
    let leave = Leave {
        epoch: cluster.setups[0].configuration.epoch(),
        term: cluster.status(to).term,
        reason: Reason::Silent,
        followed: false,
    };
    let signed = sign(cluster, by, leave);
    cluster.say(channel, to, signed);
}

/// The Leaves that a node sent so far, each once.
fn leaves_of(cluster: &Cluster, node: usize) -> Vec<Leave> {
    let mut leaves: Vec<Leave> = Vec::new();
    for (from, _, message) in &cluster.sent {
        if let Message::Leave(signed) = &**message
            && *from == node
            && signed.signer.position() == node
            && !leaves.contains(&signed.body)
        {
            leaves.push(signed.body.clone());
        }
    }
    leaves
}

/// Four nodes of which n0 leads and all is well.
fn four() -> Cluster {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    cluster
}

/// Four nodes that left some terms, so that the levels of their timers are higher. Returns the term's
/// leader, which works.
fn four_of_a_higher_level() -> (Cluster, usize) {
    let mut cluster = four();
    cluster.filter = Box::new(|from, _, message| {
        from != 0 && !matches!(message, Message::Heartbeat(_) | Message::AppendEntries(_))
    });
    while (1..4).any(|node| cluster.status(node).timer_level < 3) {
        cluster.run_for(10);
    }
    cluster.filter = Box::new(|_, _, _| true);
    cluster.run_for(2_000);
    let leader = cluster.status(1).leader.expect("the network has settled");
    assert!((1..4).all(|node| cluster.status(node).suspicion.is_none()));
    cluster.sent.clear();
    (cluster, leader.position())
}

#[test]
fn who_counts_a_quorum_signs_that_it_would_leave() {
    let mut cluster = four();
    for by in [0, 2] {
        suspects(&mut cluster, by, by, 1, Reason::Crawling);
    }
    cluster.settle();
    assert!(leaves_of(&cluster, 1).is_empty());
    suspects(&mut cluster, 3, 3, 1, Reason::Silent);
    cluster.settle();
    let leaves = leaves_of(&cluster, 1);
    // It does not suspect anybody itself: the reason is the one that most gave.
    assert!(leaves.len() == 1 && leaves[0].followed, "{leaves:?}");
    assert_eq!(leaves[0].reason, Reason::Crawling);
    assert_eq!(cluster.status(1).term, Term::ZERO);
}

#[test]
fn f_plus_one_that_suspect_are_too_few() {
    happens_only_under(Mutation::LeavesOnFewSuspects, || {
        let mut cluster = four();
        for by in [0, 2] {
            suspects(&mut cluster, by, by, 1, Reason::Silent);
        }
        cluster.settle();
        !leaves_of(&cluster, 1).is_empty()
    });
}

#[test]
fn suspects_of_different_moments_do_not_add_up() {
    let play = |millis: u64| {
        let (mut cluster, _) = four_of_a_higher_level();
        suspects(&mut cluster, 2, 2, 1, Reason::Silent);
        cluster.run_for(millis);
        for by in [0, 3] {
            suspects(&mut cluster, by, by, 1, Reason::Silent);
        }
        cluster.settle();
        !leaves_of(&cluster, 1).is_empty()
    };
    assert!(play(1_900), "the scene is not what it should be");
    // Two silence timers of level 1 are two seconds.
    happens_only_under(Mutation::SuspectsCountByLevel, || play(2_100));
    happens_only_under(Mutation::SuspectsNeverAge, || play(2_100));
}

#[test]
fn a_suspect_counts_over_its_makers_channel_alone() {
    happens_only_under(Mutation::SuspectsCarried, || {
        let mut cluster = four();
        for by in [0, 2, 3] {
            suspects(&mut cluster, 3, by, 1, Reason::Silent);
        }
        cluster.settle();
        !leaves_of(&cluster, 1).is_empty()
    });
}

/// Nobody signs it: there is nothing to keep. With a signature, a good one even, it is refused.
#[test]
fn a_suspect_has_no_signature() {
    let mut cluster = four();
    for by in [0, 2, 3] {
        let leave = Leave {
            epoch: cluster.setups[0].configuration.epoch(),
            term: Term::ZERO,
            reason: Reason::Silent,
            followed: false,
        };
        let signature = sign(&cluster, by, leave).signature;
        let suspect = Suspect {
            epoch: cluster.setups[0].configuration.epoch(),
            term: Term::ZERO,
            commit: cluster.status(1).commit,
            uncommitted: None,
            reason: Reason::Silent,
        };
        let signed = Signed {
            signature,
            ..sign(&cluster, by, suspect)
        };
        cluster.say(by, 1, signed);
    }
    cluster.settle();
    assert_eq!(cluster.refused.len(), 3, "{:?}", cluster.refused);
    assert!(leaves_of(&cluster, 1).is_empty());
}

/// Whoever hears it must hear it often enough, whatever the level of who says it.
#[test]
fn a_suspect_is_repeated_four_times_in_the_shortest_silence_timer() {
    happens_only_under(Mutation::SuspectsByLevel, || {
        let (mut cluster, leader) = four_of_a_higher_level();
        let suspect = (leader + 1) % 4;
        cluster.filter = Box::new(move |from, to, _| from != leader || to != suspect);
        while cluster.status(suspect).suspicion.is_none() {
            cluster.run_for(10);
        }
        cluster.sent.clear();
        cluster.run_for(1_000);
        let said = cluster.sent.iter().filter(|(from, to, message)| {
            matches!(**message, Message::Suspect(_)) && (*from, *to) == (suspect, leader)
        });
        said.count() < 7
    });
}

#[test]
fn f_plus_one_leaves_make_others_sign() {
    happens_only_under(Mutation::LeavesNotFollowed, || {
        let mut cluster = four();
        for by in [2, 3] {
            would_leave(&mut cluster, 3, by, 1);
        }
        cluster.run_for(50);
        let leaves = leaves_of(&cluster, 1);
        assert!(leaves.iter().all(|leave| leave.followed), "{leaves:?}");
        // With its own these are a quorum.
        cluster.status(1).term == Term::ZERO
    });
}

#[test]
fn a_leave_does_not_age() {
    happens_only_under(Mutation::LeavesNotCounted, || {
        let mut cluster = four();
        would_leave(&mut cluster, 3, 2, 1);
        cluster.run_for(10_000);
        for by in [0, 3] {
            suspects(&mut cluster, by, by, 1, Reason::Silent);
        }
        cluster.settle();
        leaves_of(&cluster, 1).is_empty()
    });
}

/// The first Leaves are lost; who signed them goes on until it is beyond the term.
#[test]
fn a_leave_is_repeated_until_the_term_is_left() {
    happens_only_under(Mutation::LeaveSentOnce, || {
        let mut cluster = four();
        cluster.stop(0);
        let is_certificate = |message: &Message| matches!(message, Message::Leave(_));
        cluster.filter = Box::new(move |_, _, message| !is_certificate(message));
        cluster.run_for(3_000);
        assert_eq!(cluster.status(1).term, Term::ZERO);
        assert!(cluster.status(1).suspicion.is_some());
        cluster.filter = Box::new(|_, _, _| true);
        cluster.run_for(300);
        cluster.status(1).term == Term::ZERO
    });
}

/// n1 would leave, as it heard three that suspect for a moment; n3 is silent from then on, so that
/// every vote is needed.
#[test]
fn a_leave_binds_to_nothing() {
    happens_only_under(Mutation::LeaveBinds, || {
        let mut cluster = four();
        for by in [0, 2, 3] {
            suspects(&mut cluster, by, by, 1, Reason::Silent);
        }
        cluster.settle();
        assert_eq!(leaves_of(&cluster, 1).len(), 1);
        cluster.filter = Box::new(|from, _, _| from != 3);
        for number in 1..=20 {
            cluster.submit(0, number);
            cluster.run_for(100);
        }
        cluster.status(0).term > Term::ZERO
    });
}

#[test]
fn leaves_of_a_few_end_no_term_for_who_counts_for_itself() {
    let mut cluster = four();
    would_leave(&mut cluster, 3, 3, 1);
    cluster.run_for(5_000);
    assert_eq!(cluster.status(1).term, Term::ZERO);
    assert!(leaves_of(&cluster, 1).is_empty());
}

/// A correct leader watches over a complained request like everybody, and may suspect itself for it
/// until the request is in. To take that over would be to suspect it for ever.
#[test]
fn what_a_leader_suspects_itself_of_in_passing_is_its_own_affair() {
    happens_only_under(Mutation::LeadersSuspicionTakenOver, || {
        let mut cluster = four();
        let request = RequestKey {
            account: [9; 32],
            nonce: 1,
        };
        for to in 1..4 {
            suspects(&mut cluster, 0, 0, to, Reason::Starved(request));
        }
        cluster.run_for(5_000);
        cluster.status(1).term > Term::ZERO
    });
}

#[test]
fn a_leader_that_restarted_says_so_for_everybody() {
    let mut cluster = four();
    cluster.restart(0);
    cluster.run_for(400);
    let status = cluster.status(1);
    let deposed = status.deposed.expect("n0 may not go on in term 0");
    assert!(
        deposed
            .reasons
            .iter()
            .all(|leaver| leaver.reason == Reason::Restarted),
        "{:?}",
        deposed.reasons
    );
}

/// The leader n0 censors a client that complained, and sends so many entries each millisecond to n1
/// and n2, and if it serves everybody to n3 too. How far n3 lagged behind when n0 was deposed.
fn runaway(per_milli: usize, serves_everybody: bool) -> Option<u64> {
    let mut cluster = four();
    let configuration = Arc::clone(&cluster.setups[0].configuration);
    let epoch = configuration.epoch();
    let mut head = best_commit(&cluster).point(&configuration);
    cluster.stop(0);
    cluster.complain(1, payload(9, 1));
    cluster.settle();
    for milli in 0..4_000 {
        let mut entries = Vec::new();
        for _ in 0..per_milli {
            // Each entry has a request of its own, of an account that nobody else uses.
            let request = Arc::from(payload(77, head.index.0));
            let next = entry_of(
                &configuration,
                Term::ZERO,
                head,
                cluster.now.wall,
                vec![request],
            );
            head = next.point();
            entries.push(next);
        }
        let append = plot::append(&configuration, Term::ZERO, entries);
        let vote = Vote {
            epoch,
            term: Term::ZERO,
            accepted: Some(head),
            locked: None,
            applied: None,
        };
        for to in 1..if serves_everybody { 4 } else { 3 } {
            cluster.say(0, to, append.clone());
            let vote = sign(&cluster, 0, vote.clone());
            cluster.say(0, to, vote);
        }
        if milli % 50 == 0 {
            for to in 1..4 {
                let heartbeat = Heartbeat {
                    epoch,
                    term: Term::ZERO,
                    head,
                    commit: None,
                    election: None,
                };
                let heartbeat = sign(&cluster, 0, heartbeat);
                cluster.say(0, to, heartbeat);
            }
        }
        cluster.run_for(1);
        cluster.sent.clear();
        if cluster.status(1).term > Term::ZERO {
            let (near, far) = (cluster.status(1).commit, cluster.status(3).commit);
            return Some(near.index.0.saturating_sub(far.index.0));
        }
    }
    None
}

#[test]
fn a_censoring_leader_that_serves_everybody_is_deposed() {
    let lag = runaway(4, true).expect("n0 is deposed");
    assert!(lag <= consensus::limits::WINDOW, "{lag}");
}

/// The leader is faster than the node that it does not serve can fetch: all three correct nodes
/// suspect it, with commit points thousands of entries apart.
#[test]
fn a_censoring_leader_that_leaves_a_node_far_behind_is_deposed() {
    let lag = runaway(4, false).expect("n0 is deposed");
    assert!(
        lag > consensus::limits::WINDOW,
        "the scene is too slow: {lag}"
    );
}

/// n2 never hears the leader and suspects it all the time; n3 is silent, so that every vote is needed.
#[test]
fn who_suspects_goes_on_voting() {
    happens_only_under(Mutation::SuspectStopsVoting, || {
        let mut cluster = four();
        cluster.filter = Box::new(|from, to, _| from != 3 && (from, to) != (0, 2));
        for number in 1..=60 {
            cluster.submit(0, number);
            cluster.run_for(100);
        }
        cluster.status(0).term > Term::ZERO
    });
}

/// Nothing is committed any more; n3 is silent, and n2 does not hear the leader, which would leave too.
#[test]
fn a_leave_reaches_whom_its_maker_does_not() {
    happens_only_under(Mutation::LeavesKept, || {
        let mut cluster = four();
        cluster.filter = Box::new(|from, to, message| {
            from != 3 && (from, to) != (0, 2) && !matches!(message, Message::Vote(_))
        });
        cluster.submit(0, 7);
        cluster.run_for(3_000);
        cluster.status(2).term == Term::ZERO
    });
}
