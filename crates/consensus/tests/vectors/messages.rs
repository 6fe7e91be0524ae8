//! Vectors of the messages of Byzantine mode.

use std::sync::Arc;

use consensus::{
    Epoch, Hash, Index, Message, NodeId, Signature, Signed, Term,
    encoding::Writer,
    evidence::{Admission, OffenceKind},
    message::{
        AppendEntries, Conviction, Fetch, FetchReply, Heartbeat, Proof, Reason, Relay, ShownVote,
        Testimony,
    },
    signed::Body,
};

use super::{Fields, Network, evidence::equivocation, scenes::Scene};
use crate::flat_json::Object;

/// A vector of a whole message: the body, what is signed, and the wire form.
pub fn message<T: Body>(network: &Network, name: &str, what: &str, signed: Signed<T>) -> Object
where
    Message: From<Signed<T>>,
{
    let mut writer = Writer::default();
    signed.body.encode_body(&mut writer);
    let body = writer.into_bytes();
    let configuration = &network.configuration;
    let mut fields = Fields::new(name, what)
        .text("mode", configuration.mode().as_str())
        .text("layout", "message")
        .text("signer", &signed.signer.0.to_string())
        .text("tag", T::TAG)
        .hex("body", &body);
    if configuration.mode().signs() && !T::UNSIGNED {
        fields = fields
            .hex("digest", &configuration.digest(T::TAG, &body).0)
            .hex("signature", &signed.signature.0);
    } else {
        assert_eq!(signed.signature, Signature::NONE);
    }
    fields
        .hex("bytes", &Message::from(signed).to_bytes())
        .object()
}

pub fn messages() -> Vec<Object> {
    let scene = Scene::new();
    let (epoch, network) = (Epoch::ZERO, &scene.network);
    let mut vectors = vec![
        message(
            network,
            "append-entries",
            "two entries, no certificates",
            network.sign(
                0,
                AppendEntries {
                    epoch,
                    term: Term(0),
                    previous: scene.opening_record.point(),
                    entries: vec![Arc::clone(&scene.three), Arc::clone(&scene.one)],
                    commit: None,
                    election: None,
                },
            ),
        ),
        message(
            network,
            "append-entries of term 1",
            "a term record and both certificates",
            network.sign(
                1,
                AppendEntries {
                    epoch,
                    term: Term(1),
                    previous: scene.one.point(),
                    entries: vec![scene.second_record()],
                    commit: Some(scene.accepted()),
                    election: Some(scene.election()),
                },
            ),
        ),
        message(
            network,
            "heartbeat",
            "without certificates",
            network.sign(
                0,
                Heartbeat {
                    epoch,
                    term: Term(0),
                    head: scene.one.point(),
                    commit: None,
                    election: None,
                },
            ),
        ),
        message(
            network,
            "heartbeat of term 1",
            "with both certificates",
            network.sign(
                1,
                Heartbeat {
                    epoch,
                    term: Term(1),
                    head: scene.one.point(),
                    commit: Some(scene.locked()),
                    election: Some(scene.election()),
                },
            ),
        ),
        message(
            network,
            "empty vote",
            "none of the three points",
            scene.vote(2, None, None),
        ),
        message(
            network,
            "vote",
            "all three points",
            scene.result_vote(2, Hash([0xdd; 32])),
        ),
    ];
    for (name, reason) in [
        ("silent", Reason::Silent),
        ("starved", Scene::starved()),
        ("misbehaved", Reason::Misbehaved),
        ("crawling", Reason::Crawling),
        ("restarted", Reason::Restarted),
    ] {
        let name = format!("suspect, {name}");
        vectors.push(message(
            network,
            &name,
            "validator 3 suspects leader(0); nobody signs it",
            scene.suspect(3, reason),
        ));
    }
    for (name, reason, followed) in [
        ("leave, silent", Reason::Silent, false),
        ("leave, starved", Scene::starved(), false),
        ("leave, followed", Reason::Crawling, true),
    ] {
        vectors.push(message(
            network,
            name,
            "validator 2 would leave term 0",
            scene.would_leave(2, reason, followed),
        ));
    }
    for (signer, what) in [
        (1, "all headers since the opening, both certificates"),
        (2, "justified by a commit certificate"),
        (3, "no certificates"),
    ] {
        let name = format!("report of validator {signer}");
        vectors.push(message(network, &name, what, scene.report(signer)));
    }
    vectors.push(message(
        network,
        "request-vote",
        "with three reports",
        network.sign(1, scene.request_vote()),
    ));
    vectors.push(message(
        network,
        "vote-granted",
        "for the request-vote above",
        network.sign(2, scene.grant()),
    ));
    let proof = |election, leave| {
        network.sign(
            2,
            Proof {
                epoch,
                election,
                leave,
                commit: Some(scene.accepted()),
            },
        )
    };
    vectors.push(message(
        network,
        "proof of a leader",
        "election and commit certificate",
        proof(Some(scene.election()), None),
    ));
    vectors.push(message(
        network,
        "proof of leaving",
        "leave and commit certificate",
        proof(None, Some(scene.leave())),
    ));
    let from = scene.opening_record.point();
    for (name, target) in [
        ("fetch", None),
        ("fetch of a branch", Some(scene.one.point())),
    ] {
        vectors.push(message(
            network,
            name,
            "after index 1",
            network.sign(
                3,
                Fetch {
                    epoch,
                    from,
                    target,
                },
            ),
        ));
    }
    vectors.push(message(
        network,
        "fetch-reply",
        "two entries and a certificate",
        network.sign(
            1,
            FetchReply {
                epoch,
                from,
                target: Some(scene.one.point()),
                entries: vec![Arc::clone(&scene.three), Arc::clone(&scene.one)],
                commit: Some(scene.accepted()),
            },
        ),
    ));
    vectors.push(message(
        network,
        "relay",
        "two requests that were complained about",
        network.sign(
            3,
            Relay {
                epoch,
                complained: true,
                requests: vec![
                    Arc::from(&b"request"[..]),
                    Arc::from(&b"another request"[..]),
                ],
            },
        ),
    ));
    vectors.push(message(
        network,
        "accuse",
        "validator 2 passes evidence on",
        network.sign(2, equivocation(&scene)),
    ));
    vectors.push(message(
        network,
        "testimony",
        "validator 2 shows what validators 0 and 3 signed beside its chain",
        network.sign(
            2,
            Testimony {
                epoch: Epoch::ZERO,
                known: vec![Conviction {
                    accused: NodeId(0),
                    kind: OffenceKind::Equivocation,
                }],
                headers: vec![scene.rival.signed.clone()],
                votes: vec![ShownVote {
                    vote: scene.vote(3, Some(scene.rival.point()), None),
                    headers: vec![scene.rival.header().clone()],
                }],
                grants: vec![network.sign(3, scene.grant())],
                admissions: vec![Admission {
                    signer: NodeId(0),
                    term: Term(2),
                    pair_term: Term(1),
                    point: scene.rival.point(),
                    covered: Some(Index(1)),
                }],
            },
        ),
    ));
    vectors
}
