//! Answers to questions are bounded for each peer (P12.1).

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;

use cluster::Cluster;
use consensus::{Message, Signed, limits, message::Fetch};

#[test]
fn a_flood_of_questions_is_not_answered_with_a_larger_flood() {
    let mut cluster = Cluster::new(4);
    for number in 0..40 {
        cluster.submit(1, number);
        cluster.run_for(2);
    }
    cluster.assert_all_applied(40);
    cluster.sent.clear();
    let configuration = cluster.setups[3].configuration.clone();
    for _ in 0..5_000 {
        let fetch = Fetch {
            epoch: configuration.epoch(),
            from: configuration.opening(),
            target: None,
        };
        let (me, signer) = (cluster.setups[3].me, cluster.setups[3].signer.clone());
        let signed = Signed::new(&configuration, me, &*signer, fetch);
        cluster.say(3, 1, signed);
    }
    cluster.settle();
    let answers = |from| {
        cluster
            .sent
            .iter()
            .filter(|(node, to, message)| {
                (*node, *to) == (from, 3) && matches!(**message, Message::FetchReply(_))
            })
            .count()
    };
    let most = limits::SERVED_BURST_BYTES / (16 * 1024);
    assert!((1..=most).contains(&answers(1)), "{} answers", answers(1));
}

/// The allowance comes back with time, and is each peer's own.
#[test]
fn a_node_that_missed_much_still_catches_up_beside_a_flood() {
    let mut cluster = Cluster::new(4);
    cluster.stop(2);
    for number in 0..40 {
        cluster.submit(1, number);
        cluster.run_for(2);
    }
    let configuration = cluster.setups[3].configuration.clone();
    let fetch = Fetch {
        epoch: configuration.epoch(),
        from: configuration.opening(),
        target: None,
    };
    for _ in 0..2_000 {
        let (me, signer) = (cluster.setups[3].me, cluster.setups[3].signer.clone());
        let signed = Signed::new(&configuration, me, &*signer, fetch.clone());
        cluster.say(3, 1, signed.clone());
        cluster.say(3, 0, signed);
    }
    cluster.start(2);
    cluster.run_for(2_000);
    cluster.assert_all_applied(40);
}
