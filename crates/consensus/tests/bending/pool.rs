//! Statements of many nodes, terms and branches in one pool (P7.3).

use consensus::{Ed25519, NodeId, evidence::Statements};

use super::{
    network::{BASE, Network},
    rivals::{NEXT, TERM, branches, grant, points, report, result, vote},
};

/// What correct nodes may say, all of it in one pool: of several nodes, terms and branches.
#[test]
fn a_pool_of_what_correct_nodes_say_convicts_nobody() {
    let network = Network::new(4);
    let [one, other] = branches(&network);
    let (to_one, to_other) = (points(&network, &one), points(&network, &other));
    let configuration = &network.configuration;
    let mut pool = Statements::default();
    for header in one.iter().chain(&other) {
        pool.header(configuration, header);
    }
    // Leaders of two terms at one height, one leader in two of its terms, and in one term another.
    pool.signed_header(configuration, &network.signed_header(one[0].clone()));
    for (term, author) in [(NEXT, NEXT), (TERM + 4, TERM + 4), (TERM, NEXT)] {
        let mut header = network.headers(term, BASE, 1).remove(0);
        header.author = NodeId(network.leader(author));
        pool.signed_header(configuration, &network.signed_header(header));
    }
    // Two nodes on two branches, and one node on two branches in two terms.
    pool.vote(&vote(&network, 0, TERM, [Some(to_one[2]), None]));
    pool.vote(&vote(&network, 1, TERM, [Some(to_other[2]), None]));
    pool.vote(&vote(&network, 1, TERM, [Some(to_other[0]), None]));
    pool.vote(&vote(&network, 1, TERM - 1, [Some(to_one[0]), None]));
    pool.vote(&vote(&network, 1, NEXT, [Some(to_one[2]), None]));
    // Grants of two nodes in one term, and of one node in two.
    pool.grant(grant(&network, 0, TERM, BASE, 1));
    pool.grant(grant(&network, 1, TERM, BASE, 2));
    pool.grant(grant(&network, 1, NEXT, BASE, 1));
    // Results of two nodes for one index, and of one node for two.
    pool.vote(&result(&network, 0, TERM, 7, 1));
    pool.vote(&result(&network, 1, TERM, 7, 2));
    pool.vote(&result(&network, 1, TERM, 8, 1));
    // A report beside votes of others, and beside own votes of its term and later ones.
    pool.report_alone(&network.sign(2, report(&network)));
    pool.vote(&vote(&network, 2, NEXT, [Some(to_one[2]), None]));
    pool.vote(&vote(&network, 2, TERM, [Some(to_one[1]), None]));
    assert_eq!(pool.contradictions(configuration), []);

    // One more statement each, and the one who made it is convicted of it.
    let convicts = |add: &dyn Fn(&mut Statements), node: u16, name: &str| {
        let mut pool = pool.clone();
        add(&mut pool);
        let found: Vec<_> = pool
            .contradictions(configuration)
            .iter()
            .map(|evidence| {
                let holds = evidence.check(configuration, &Ed25519::default());
                assert_eq!(holds, Ok(()), "{name}");
                (evidence.accused(), evidence.name())
            })
            .collect();
        assert_eq!(found, [(NodeId(node), name)]);
    };
    let leader = network.leader(TERM);
    convicts(
        &|pool| pool.signed_header(configuration, &network.signed_header(other[0].clone())),
        leader,
        "equivocation",
    );
    convicts(
        &|pool| pool.vote(&vote(&network, 0, TERM, [Some(to_other[1]), None])),
        0,
        "forked-votes",
    );
    convicts(
        &|pool| pool.vote(&vote(&network, 0, TERM, [None, Some(to_other[1])])),
        0,
        "forked-locks",
    );
    convicts(
        &|pool| pool.grant(grant(&network, 0, TERM, BASE, 2)),
        0,
        "two-grants",
    );
    convicts(
        &|pool| pool.vote(&result(&network, 0, NEXT, 7, 2)),
        0,
        "two-results",
    );
    convicts(
        &|pool| pool.vote(&result(&network, 1, TERM, 8, 2)),
        1,
        "two-results",
    );
    convicts(
        &|pool| pool.vote(&vote(&network, 2, TERM, [Some(to_one[2]), None])),
        2,
        "false-report",
    );
}
