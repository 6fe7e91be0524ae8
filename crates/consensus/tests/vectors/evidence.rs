//! Vectors of evidence, one for each offence.

use consensus::{
    Epoch, Evidence, Hash, Signed, certificate::Counted, evidence::Offence, message::Vote,
};

use super::{scenes::Scene, statements::canonical};
use crate::flat_json::Object;

pub fn equivocation(scene: &Scene) -> Evidence {
    Evidence {
        epoch: Epoch::ZERO,
        offence: Offence::Equivocation {
            author: scene.three.header().author,
            first: scene.three.signed.clone(),
            second: scene.rival.signed.clone(),
        },
    }
}

pub fn evidence() -> Vec<Object> {
    let scene = Scene::new();
    let (three, rival, one) = (scene.three.point(), scene.rival.point(), scene.one.point());
    let accepted = |point| scene.vote(3, Some(point), None);
    let locked = |point| scene.vote(3, Some(point), Some(point));
    let forked = |lower: Signed<Vote>, higher, counted, headers| Offence::ForkedVotes {
        lower,
        higher,
        compared: (counted, counted),
        headers,
    };
    let mut other_base = scene.grant();
    other_base.base = three;
    let offences = [
        (
            "forked-votes at one height",
            "validator 3 accepted two entries for index 2",
            forked(
                accepted(three),
                accepted(rival),
                Counted::Accepted,
                Vec::new(),
            ),
        ),
        (
            "forked-votes",
            "validator 3 accepted index 2 on one branch and index 3 on another",
            forked(
                accepted(rival),
                accepted(one),
                Counted::Accepted,
                vec![scene.one.header().clone()],
            ),
        ),
        (
            "forked-locks",
            "validator 3 locked two entries for index 2",
            forked(locked(three), locked(rival), Counted::Locked, Vec::new()),
        ),
        (
            "two-grants",
            "validator 2 granted two bases in term 1",
            Offence::TwoGrants {
                first: scene.network.sign(2, scene.grant()),
                second: scene.network.sign(2, other_base),
            },
        ),
        (
            "two-results",
            "validator 1 claimed two results for index 2",
            Offence::TwoResults {
                first: scene.result_vote(1, Hash([0xd1; 32])),
                second: scene.result_vote(1, Hash([0xd2; 32])),
            },
        ),
        (
            "false-report",
            "validator 3 accepted index 3 and reported index 2",
            Offence::FalseReport {
                report: Box::new(scene.report(3)),
                vote: accepted(one),
            },
        ),
    ];
    let offences = offences.into_iter().map(|(name, what, offence)| {
        let evidence = Evidence {
            epoch: Epoch::ZERO,
            offence,
        };
        canonical(name, what, "evidence", &evidence)
    });
    let first = canonical(
        "equivocation",
        "validator 0 signed two entries for index 2",
        "evidence",
        &equivocation(&scene),
    );
    [first].into_iter().chain(offences).collect()
}
