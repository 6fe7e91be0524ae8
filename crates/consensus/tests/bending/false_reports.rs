//! Which votes a report denies (P7.3): case by case, and never those of somebody else.

use consensus::{
    Ed25519, Epoch, Evidence, Index, Point, Signed, Term,
    certificate::Counted,
    evidence::{
        Admission, Denial,
        NoEvidence::{self, NoContradiction, Signature, Unrelated},
        Offence,
    },
    message::{Report, Vote},
};

use super::{
    network::{BASE, Network},
    rivals::{NEXT, TERM, branches, points, report, vote},
};

/// The accused.
const NODE: u16 = 1;

fn judge(network: &Network, offence: Offence) -> Result<(), NoEvidence> {
    let epoch = Epoch::ZERO;
    Evidence { epoch, offence }.check(&network.configuration, &Ed25519::default())
}

#[test]
fn a_report_convicts_with_a_vote_that_it_leaves_out() {
    let network = Network::new(7);
    let [one, other] = branches(&network).map(|branch| points(&network, &branch));
    let certified = |position: usize| {
        let headers = &branches(&network)[0];
        Some(network.certificate(Counted::Accepted, &headers[position..=position], 5))
    };
    let judged = |report: Report, vote: Signed<Vote>| {
        let report = Box::new(network.sign(NODE, report));
        judge(&network, Offence::FalseReport { report, vote })
    };
    let of = |term, accepted, locked| vote(&network, NODE, term, [accepted, locked]);
    // Terms: the pair's is TERM, the report's NEXT; a pair of the term before is older.
    let mut older = report(&network);
    older.pair.term = Term(TERM - 1);
    for (what, report, vote) in [
        (
            "a vote of a later term than the pair's",
            older.clone(),
            of(TERM, Some(one[0]), None),
        ),
        (
            "a lock of a later term than the pair's",
            older.clone(),
            of(TERM, None, Some(one[0])),
        ),
        (
            "a vote beyond",
            report(&network),
            of(TERM, Some(one[2]), None),
        ),
        (
            "a vote beside it, beyond",
            report(&network),
            of(TERM, Some(other[2]), None),
        ),
        (
            "a vote beside it, at its height",
            report(&network),
            of(TERM, Some(other[1]), None),
        ),
        (
            "a vote beside its headers",
            report(&network),
            of(TERM, Some(other[0]), None),
        ),
        (
            "a lock that nothing covers",
            report(&network),
            of(TERM, Some(one[1]), Some(one[0])),
        ),
    ] {
        assert_eq!(judged(report, vote), Ok(()), "{what}");
    }
    // A certificate of the older term covers nothing of a later one, however far it reaches.
    let mut of_older = older.clone();
    let far = Point {
        index: Index(30),
        ..BASE
    };
    let headers = network.headers(TERM - 1, far, 1);
    of_older.accept = Some(network.certificate(Counted::Accepted, &headers, 5));
    assert_eq!(judged(of_older, of(TERM, None, Some(one[0]))), Ok(()));
    let mut covered = report(&network);
    covered.accept = certified(0);
    let beyond = of(TERM, Some(one[1]), Some(one[1]));
    assert_eq!(
        judged(covered.clone(), beyond.clone()),
        Ok(()),
        "a lock beyond what is covered"
    );
    for (what, report, vote) in [
        (
            "the reported point",
            report(&network),
            of(TERM, Some(one[1]), None),
        ),
        (
            "a point below it",
            report(&network),
            of(TERM, Some(one[0]), None),
        ),
        ("base itself", report(&network), of(TERM, Some(BASE), None)),
        (
            "a point below all that it shows",
            report(&network),
            of(TERM, Some(Point::default()), None),
        ),
        ("a vote for nothing", report(&network), of(TERM, None, None)),
        (
            "a vote of an older term",
            report(&network),
            of(TERM - 1, Some(other[2]), None),
        ),
        (
            "a vote for nothing, of a later term than the pair's",
            older.clone(),
            of(TERM, None, None),
        ),
        (
            "a lock that is covered",
            covered,
            of(TERM, Some(one[1]), Some(one[0])),
        ),
    ] {
        assert_eq!(judged(report, vote), Err(NoContradiction), "{what}");
    }
    let mut by_commit = report(&network);
    by_commit.commit = certified(1);
    assert_eq!(
        judged(by_commit, beyond),
        Err(NoContradiction),
        "a commit certificate covers it"
    );
    // Certificates of other terms cover nothing.
    let mut of_older = report(&network);
    let headers = network.headers(
        TERM - 1,
        Point {
            index: Index(30),
            ..BASE
        },
        1,
    );
    of_older.commit = Some(network.certificate(Counted::Accepted, &headers, 6));
    assert_eq!(
        judged(of_older, of(TERM, Some(one[1]), Some(one[0]))),
        Ok(())
    );
}

#[test]
fn a_report_convicts_only_its_own_signer_and_only_of_what_it_said_before() {
    let network = Network::new(4);
    let [one, _] = branches(&network).map(|branch| points(&network, &branch));
    let beyond = |node, term| vote(&network, node, term, [Some(one[2]), None]);
    let judged = |vote: Signed<Vote>| {
        let report = Box::new(network.sign(NODE, report(&network)));
        judge(&network, Offence::FalseReport { report, vote })
    };
    assert_eq!(judged(beyond(NODE, TERM)), Ok(()));
    assert_eq!(
        judged(beyond(NODE + 1, TERM)),
        Err(Unrelated),
        "another node"
    );
    assert_eq!(
        judged(beyond(NODE, NEXT)),
        Err(Unrelated),
        "the term it reports for"
    );
    assert_eq!(
        judged(beyond(NODE, NEXT + 1)),
        Err(Unrelated),
        "a later term"
    );
    for broken in 0..2 {
        let mut report = Box::new(network.sign(NODE, report(&network)));
        let mut vote = beyond(NODE, TERM);
        match broken {
            0 => report.signature.0[0] ^= 1,
            _ => vote.signature.0[0] ^= 1,
        }
        assert_eq!(
            judge(&network, Offence::FalseReport { report, vote }),
            Err(Signature)
        );
    }
}

/// What others are told of a report must deny no more than the report itself does.
#[test]
fn a_report_denies_no_vote_of_its_own_term_or_a_later_one() {
    let network = Network::new(4);
    let [one, other] = branches(&network).map(|branch| points(&network, &branch));
    let admission = Admission::of(&network.sign(NODE, report(&network)));
    for (term, expected) in [
        (TERM - 1, Denial::No),
        (TERM, Denial::Yes),
        (NEXT, Denial::No),
        (NEXT + 1, Denial::No),
    ] {
        let beyond = vote(&network, NODE, term, [Some(one[2]), None]);
        assert_eq!(admission.denies(&beyond.body), expected, "term {term}");
    }
    let below = vote(&network, NODE, TERM, [Some(other[0]), None]);
    assert_eq!(admission.denies(&below.body), Denial::IfBeside(other[0]));
}
