//! A report and the vote that it denies come together, wherever each was heard (P7.3).

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;

use cluster::Cluster;
use consensus::{
    Message, NodeId, Signed,
    message::{Report, RequestVote},
};
use ed25519_dalek::SigningKey;

fn requested(cluster: &Cluster) -> Option<RequestVote> {
    cluster
        .sent
        .iter()
        .find_map(|(_, _, message)| match &**message {
            Message::RequestVote(request) => Some(request.body.clone()),
            _ => None,
        })
}

/// n3 voted in term 0, and says in a report that it accepted nothing. n2 starts anew, and so heard no
/// vote of it.
fn lie() -> (Cluster, Signed<Report>) {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    cluster.stop(0);
    cluster.submit(1, 7);
    cluster.run_for(3_000);
    let request = requested(&cluster).expect("n1 asked for grants");
    let honest = request
        .reports
        .iter()
        .find(|report| report.signer == NodeId(3))
        .expect("n3 reported");
    let mut lie = honest.body.clone();
    let configuration = &cluster.setups[0].configuration;
    // The certificates hold its own votes.
    (lie.accept, lie.commit) = (None, None);
    lie.pair.point = configuration.opening();
    lie.pair.headers.clear();
    let key = SigningKey::from_bytes(&[4; 32]);
    let lie = Signed::new(configuration, NodeId(3), &key, lie);
    cluster.restart(2);
    (cluster, lie)
}

/// Whether n2 convicts n3 although none of its votes reached it, within so long.
fn convicts(millis: u64) -> bool {
    let (mut cluster, lie) = lie();
    let hears = |from: usize, to: usize, message: &Message| {
        from != 3 || to != 2 || !matches!(message, Message::Vote(_))
    };
    let silent = |message: &Message| matches!(message, Message::Testimony(_));
    cluster.filter =
        Box::new(move |from, to, message| hears(from, to, message) && !silent(message));
    cluster.say(3, 2, lie);
    cluster.settle();
    assert_eq!(cluster.status(2).evidence, 0, "n2 heard no vote of n3");
    cluster.filter = Box::new(hears);
    cluster.run_for(millis);
    let convicted = cluster.status(2).evidence > 0;
    assert!(
        !convicted || cluster.status(1).evidence > 0,
        "evidence reaches everybody"
    );
    convicted
}

/// n2 tells what the report admits, and n1, which heard n3's votes, shows it the one that is denied.
#[test]
fn a_vote_that_a_report_denies_is_shown_to_who_has_the_report() {
    assert!(convicts(8_000));
    #[cfg(feature = "mutations")]
    {
        use consensus::mutation::{Mutation, activate};
        let _broken = activate(Some(Mutation::DeniedKept));
        assert!(!convicts(8_000), "n2 found out another way");
    }
}
