//! Searches through one part of the rules.

use simulator::search;

/// P4.8, and with it § 5 of the protocol: how far a base is kept, at every shape of network.
#[test]
fn no_base_misses_what_may_have_been_committed() {
    let search = search::find("bases").unwrap();
    for nodes in [4, 5, 6, 7, 9, 10] {
        for seed in 0..20_000 {
            (search.run)(nodes, seed).unwrap();
        }
    }
}
