//! Evidence, pair by pair (P7.3): two statements convict if one node signed both, of one term, and they
//! contradict each other; with any of that bent they convict nobody, alone or in a pool.

use consensus::{
    ClientChecks, Ed25519, EntryHeader, Epoch, Evidence, Hash, Index, Mode, NodeId, Point, Signed,
    Term,
    certificate::Counted,
    evidence::{NoEvidence, Offence},
    message::{Grant, Vote},
};

use super::{
    network::{BASE, Network},
    rivals::{TERM, branches, grant, points, result, vote},
};

/// The accused.
const NODE: u16 = 1;

use NoEvidence::{NoContradiction, Signature, Unrelated};

fn judge(network: &Network, offence: Offence) -> Result<(), NoEvidence> {
    let epoch = Epoch::ZERO;
    Evidence { epoch, offence }.check(&network.configuration, &Ed25519::default())
}

#[test]
fn two_entries_of_one_author_term_and_index_convict_it() {
    let network = Network::new(4);
    let [one, other] = branches(&network);
    let (one, other) = (one[1].clone(), other[1].clone());
    let author = one.author;
    let judged = |author: NodeId, first: &EntryHeader, second: &EntryHeader| {
        let (first, second) = (
            network.signed_header(first.clone()),
            network.signed_header(second.clone()),
        );
        judge(
            &network,
            Offence::Equivocation {
                author,
                first,
                second,
            },
        )
    };
    assert_eq!(judged(author, &one, &other), Ok(()));
    assert_eq!(judged(author, &other, &one), Ok(()));
    assert_eq!(judged(author, &one, &one), Err(NoContradiction));
    type Bend = fn(&mut EntryHeader);
    let bends: [(&str, Bend, NoEvidence); 4] = [
        ("another index", |it| it.index = Index(9), NoContradiction),
        (
            "a term of the same leader",
            |it| it.term = Term(TERM + 4),
            Unrelated,
        ),
        ("another author", |it| it.author = NodeId(0), Unrelated),
        ("another epoch", |it| it.epoch = Epoch(1), Unrelated),
    ];
    for (what, bend, expected) in bends {
        let mut bent = other.clone();
        bend(&mut bent);
        assert_eq!(judged(author, &one, &bent), Err(expected), "{what}");
        assert_eq!(judged(author, &bent, &one), Err(expected), "{what}");
    }
    // Whoever accuses names the author; the headers must agree.
    assert_eq!(judged(NodeId(0), &one, &other), Err(Unrelated));
    // What one signed twice, and what another signed in its name.
    for broken in 0..2 {
        let mut pair = [one.clone(), other.clone()].map(|it| network.signed_header(it));
        pair[broken].signature.0[0] ^= 1;
        let [first, second] = pair;
        let offence = Offence::Equivocation {
            author,
            first,
            second,
        };
        assert_eq!(judge(&network, offence), Err(Signature));
    }
}

#[test]
fn two_votes_of_one_node_and_term_for_two_branches_convict_it() {
    let network = Network::new(4);
    let [one, other] = branches(&network);
    let (low, high) = (points(&network, &one)[0], points(&network, &other)[0]);
    assert_eq!(low.index, high.index);
    // Every pair of points may fork.
    for compared in [Counted::Accepted, Counted::Locked]
        .map(|lower| [Counted::Accepted, Counted::Locked].map(|higher| (lower, higher)))
        .concat()
    {
        let of = |node, term, counted: Counted, point: Point| match counted {
            Counted::Accepted => vote(&network, node, term, [Some(point), None]),
            Counted::Locked => vote(&network, node, term, [None, Some(point)]),
        };
        let judged = |lower: Signed<Vote>, higher: Signed<Vote>, headers: &[EntryHeader]| {
            let offence = Offence::ForkedVotes {
                lower,
                higher,
                compared,
                headers: headers.to_vec(),
            };
            judge(&network, offence)
        };
        let lower = || of(NODE, TERM, compared.0, low);
        let higher = || of(NODE, TERM, compared.1, high);
        assert_eq!(judged(lower(), higher(), &[]), Ok(()), "{compared:?}");
        for (what, second, expected) in [
            (
                "another node",
                of(NODE + 1, TERM, compared.1, high),
                Unrelated,
            ),
            (
                "a later term",
                of(NODE, TERM + 1, compared.1, high),
                Unrelated,
            ),
            (
                "an older term",
                of(NODE, TERM - 1, compared.1, high),
                Unrelated,
            ),
            (
                "the same point",
                of(NODE, TERM, compared.1, low),
                NoContradiction,
            ),
            (
                "no point",
                vote(&network, NODE, TERM, [None, None]),
                NoContradiction,
            ),
        ] {
            assert_eq!(
                judged(lower(), second, &[]),
                Err(expected),
                "{what}, {compared:?}"
            );
        }
        let shown = judged(lower(), higher(), &one[..1]);
        assert_eq!(
            shown,
            Err(NoContradiction),
            "at one height nothing is to be shown"
        );
        for broken in 0..2 {
            let mut pair = [lower(), higher()];
            pair[broken].signature.0[0] ^= 1;
            let [first, second] = pair;
            assert_eq!(judged(first, second, &[]), Err(Signature));
        }
    }
}

#[test]
fn votes_at_two_heights_convict_if_headers_show_that_they_fork() {
    let network = Network::new(4);
    let [one, other] = branches(&network);
    let low = points(&network, &one)[0];
    let own = points(&network, &one)[2];
    let high = points(&network, &other)[2];
    let judged = |high: Point, headers: &[EntryHeader]| {
        let offence = Offence::ForkedVotes {
            lower: vote(&network, NODE, TERM, [Some(low), None]),
            higher: vote(&network, NODE, TERM, [Some(high), None]),
            compared: (Counted::Accepted, Counted::Accepted),
            headers: headers.to_vec(),
        };
        judge(&network, offence)
    };
    assert_eq!(judged(high, &other[1..]), Ok(()));
    let not = Err(NoContradiction);
    assert_eq!(
        judged(own, &one[1..]),
        not,
        "the higher point extends the lower"
    );
    assert_eq!(judged(high, &[]), not, "nothing is shown");
    assert_eq!(
        judged(high, &other[2..]),
        not,
        "the lowest header is missing"
    );
    assert_eq!(judged(high, &other[..]), not, "a header too many");
    assert_eq!(judged(high, &other[1..2]), not, "they end below the point");
    assert_eq!(judged(high, &one[1..]), not, "they end beside the point");
    let mixed = [one[1].clone(), other[2].clone()];
    assert_eq!(judged(high, &mixed), not, "they are not linked");
    // Headers made up for the purpose end at no point that was voted for, or are not linked to it.
    let mut made_up = other[1].clone();
    made_up.previous = Hash([9; 32]);
    assert_eq!(judged(own, &[made_up, one[2].clone()]), not);
    let mut shifted = other[1..].to_vec();
    shifted[0].index = Index(20);
    assert_eq!(judged(high, &shifted), not);
    // Nor is there an entry whose index is not the next one, whatever its hashes say.
    let mut jump = other[2].clone();
    jump.index = Index(20);
    let headers = [other[1].clone(), jump.clone()];
    assert_eq!(judged(network.point(&jump), &headers), not);
}

#[test]
fn two_grants_of_one_node_and_term_convict_it() {
    let network = Network::new(4);
    let judged = |second: Signed<Grant>| {
        let first = grant(&network, NODE, TERM, BASE, 1);
        judge(&network, Offence::TwoGrants { first, second })
    };
    assert_eq!(judged(grant(&network, NODE, TERM, BASE, 2)), Ok(()));
    assert_eq!(
        judged(grant(&network, NODE, TERM, Point::default(), 1)),
        Ok(())
    );
    for (what, second, expected) in [
        (
            "another node",
            grant(&network, NODE + 1, TERM, BASE, 2),
            Unrelated,
        ),
        (
            "a later term",
            grant(&network, NODE, TERM + 1, BASE, 2),
            Unrelated,
        ),
        (
            "a term of the same leader",
            grant(&network, NODE, TERM + 4, BASE, 2),
            Unrelated,
        ),
        (
            "the same grant",
            grant(&network, NODE, TERM, BASE, 1),
            NoContradiction,
        ),
    ] {
        assert_eq!(judged(second), Err(expected), "{what}");
    }
    for broken in 0..2 {
        let mut pair = [1, 2].map(|reports| grant(&network, NODE, TERM, BASE, reports));
        pair[broken].signature.0[0] ^= 1;
        let [first, second] = pair;
        assert_eq!(
            judge(&network, Offence::TwoGrants { first, second }),
            Err(Signature)
        );
    }
}

#[test]
fn two_results_of_one_node_and_index_convict_it_whatever_the_terms() {
    let network = Network::new(4);
    let judged = |second: Signed<Vote>| {
        let first = result(&network, NODE, TERM, 7, 1);
        judge(&network, Offence::TwoResults { first, second })
    };
    assert_eq!(judged(result(&network, NODE, TERM, 7, 2)), Ok(()));
    assert_eq!(judged(result(&network, NODE, TERM + 1, 7, 2)), Ok(()));
    for (what, second, expected) in [
        (
            "another node",
            result(&network, NODE + 1, TERM, 7, 2),
            Unrelated,
        ),
        (
            "another index",
            result(&network, NODE, TERM, 8, 2),
            NoContradiction,
        ),
        (
            "the same result",
            result(&network, NODE, TERM + 1, 7, 1),
            NoContradiction,
        ),
        (
            "no result",
            vote(&network, NODE, TERM, [Some(BASE), None]),
            NoContradiction,
        ),
    ] {
        assert_eq!(judged(second), Err(expected), "{what}");
    }
    for broken in 0..2 {
        let mut pair = [1, 2].map(|digest| result(&network, NODE, TERM, 7, digest));
        pair[broken].signature.0[0] ^= 1;
        let [first, second] = pair;
        assert_eq!(
            judge(&network, Offence::TwoResults { first, second }),
            Err(Signature)
        );
    }
}

#[test]
fn evidence_is_of_one_epoch_and_of_a_mode_that_signs() {
    let network = Network::new(4);
    let offence = |network: &Network| Offence::TwoGrants {
        first: grant(network, NODE, TERM, BASE, 1),
        second: grant(network, NODE, TERM, BASE, 2),
    };
    let later = Evidence {
        epoch: Epoch(1),
        offence: offence(&network),
    };
    let verifier = Ed25519::default();
    assert_eq!(
        later.check(&network.configuration, &verifier),
        Err(Unrelated)
    );
    let unsigned = Network::of(4, 1, Mode::Raft, ClientChecks::All);
    assert_eq!(
        judge(&unsigned, offence(&unsigned)),
        Err(NoEvidence::Unsigned)
    );
    // Of another network with the same validators it proves nothing here.
    let elsewhere = Network::of(4, 2, Mode::Byzantine, ClientChecks::All);
    assert_eq!(judge(&network, offence(&elsewhere)), Err(Signature));
}
