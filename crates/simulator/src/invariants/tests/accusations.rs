//! Evidence: whom it may accuse, and that it must prove something.

use std::sync::Arc;

use consensus::{Evidence, Message, Notice, Term, certificate::Counted, evidence::Offence};

use super::bench::{A, B, TRAITOR, byzantine};

#[test]
fn a_false_accusation_is_reported() {
    for (accused, expected) in [(TRAITOR, None), (B, Some("no correct node is accused"))] {
        let (mut bench, one, other) = byzantine();
        let signed = |point| match bench.vote(accused, Term(0), point) {
            Message::Vote(signed) => signed,
            _ => unreachable!("a vote was made"),
        };
        let evidence = Evidence {
            epoch: bench.configuration.epoch(),
            offence: Offence::ForkedVotes {
                lower: signed(one.point()),
                higher: signed(other.point()),
                compared: (Counted::Accepted, Counted::Accepted),
                headers: Vec::new(),
            },
        };
        bench.notice(A, &Notice::Evidence(Arc::new(evidence)));
        assert_eq!(bench.broken(), expected);
    }
}

#[test]
fn accusations_must_prove_something() {
    let (mut bench, one, _) = byzantine();
    let Message::Vote(vote) = bench.vote(TRAITOR, Term(0), one.point()) else {
        unreachable!("a vote was made");
    };
    let evidence = Evidence {
        epoch: bench.configuration.epoch(),
        offence: Offence::ForkedVotes {
            lower: vote.clone(),
            higher: vote,
            compared: (Counted::Accepted, Counted::Accepted),
            headers: Vec::new(),
        },
    };
    bench.notice(A, &Notice::Evidence(Arc::new(evidence)));
    assert_eq!(bench.broken(), Some("no correct node is accused"));
}
