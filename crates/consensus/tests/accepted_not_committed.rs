//! With seven nodes a quorum that accepted an entry commits nothing (P2.7, P3.6): whatever message
//! brings such a certificate, nobody takes it for a commit certificate. One vote more, and it is one.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;
#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod plot;

use std::sync::Arc;

use cluster::Cluster;
use consensus::{
    Configuration, Message, Point, Term,
    certificate::{Counted, QuorumCertificate},
    message::{AppendEntries, FetchReply, Heartbeat, Proof, Vote},
};
use plot::sign;

/// Who lags and is told.
const LATE: usize = 6;

/// n6 has accepted an entry of term 0 that all others committed, and heard no votes for it. Nothing
/// reaches anybody but what a test says to n6.
struct Scene {
    cluster: Cluster,
    configuration: Arc<Configuration>,
    header: consensus::EntryHeader,
    committed: Point,
}

impl Scene {
    fn new() -> Self {
        let mut cluster = Cluster::hostile(7);
        cluster.run_for(100);
        let configuration = Arc::clone(&cluster.setups[0].configuration);
        let committed = cluster.status(LATE).commit;
        cluster.filter = Box::new(|from, to, message| {
            from != LATE && (to != LATE || matches!(message, Message::AppendEntries(_)))
        });
        cluster.submit(0, 1);
        cluster.settle();
        let entry = cluster.chain(1).last().cloned().expect("it is committed");
        assert_eq!(cluster.status(1).commit, entry.point());
        assert_eq!(cluster.status(LATE).head, entry.point());
        assert_eq!(cluster.status(LATE).commit, committed);
        cluster.filter = Box::new(|from, to, _| to == LATE && from != LATE);
        Self {
            cluster,
            configuration,
            header: entry.header().clone(),
            committed,
        }
    }

    /// Votes of so many nodes that accepted it; nobody has locked it.
    fn certificate(&self, votes: usize) -> QuorumCertificate {
        let vote = Vote {
            epoch: self.configuration.epoch(),
            term: Term::ZERO,
            accepted: Some(self.header.point(&self.configuration)),
            locked: None,
            applied: None,
        };
        QuorumCertificate {
            counted: Counted::Accepted,
            header: self.header.clone(),
            following: Vec::new(),
            votes: (0..votes)
                .map(|node| sign(&self.configuration, node, vote.clone()))
                .collect(),
        }
    }
}

/// How a certificate can come, with what the message must hold besides.
type Bring = fn(&Configuration, QuorumCertificate) -> Message;

fn append(configuration: &Configuration, commit: QuorumCertificate) -> Message {
    let append = AppendEntries {
        epoch: configuration.epoch(),
        term: Term::ZERO,
        previous: commit.point(configuration),
        entries: Vec::new(),
        commit: Some(commit),
        election: None,
    };
    sign(configuration, 0, append).into()
}

fn heartbeat(configuration: &Configuration, commit: QuorumCertificate) -> Message {
    let heartbeat = Heartbeat {
        epoch: configuration.epoch(),
        term: Term::ZERO,
        head: commit.point(configuration),
        commit: Some(commit),
        election: None,
    };
    sign(configuration, 0, heartbeat).into()
}

fn proof(configuration: &Configuration, commit: QuorumCertificate) -> Message {
    let proof = Proof {
        epoch: configuration.epoch(),
        election: None,
        leave: None,
        commit: Some(commit),
    };
    sign(configuration, 1, proof).into()
}

fn reply(configuration: &Configuration, commit: QuorumCertificate) -> Message {
    let reply = FetchReply {
        epoch: configuration.epoch(),
        from: configuration.opening(),
        target: None,
        entries: Vec::new(),
        commit: Some(commit),
    };
    sign(configuration, 1, reply).into()
}

#[test]
fn no_message_makes_an_accept_certificate_commit() {
    let ways: [(&str, Bring); 4] = [
        ("entries", append),
        ("a heartbeat", heartbeat),
        ("a proof", proof),
        ("a fetch reply", reply),
    ];
    for (way, bring) in ways {
        let mut scene = Scene::new();
        let sizes = scene.configuration.sizes();
        assert!(sizes.quorum() < sizes.fast_quorum());
        let (quorum, fast) = (sizes.quorum(), sizes.fast_quorum());
        let target = scene.header.point(&scene.configuration);
        for (votes, expected) in [(quorum, scene.committed), (fast, target)] {
            let message = bring(&scene.configuration, scene.certificate(votes));
            let from = message.signer().position();
            scene.cluster.say(from, LATE, message);
            scene.cluster.settle();
            assert_eq!(scene.cluster.refused, [], "{way}");
            let commit = scene.cluster.status(LATE).commit;
            assert_eq!(commit, expected, "{votes} votes by {way}");
        }
    }
}
