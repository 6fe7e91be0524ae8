//! Progress at n = 4: kept under the rules as written, lost where one is broken.

use model::liveness::{
    explore::{Bounds, Breach, Explored},
    rules::Broken,
    suite::{BOUND, SEARCHES},
    walk::walks,
};

fn search(name: &str, broken: Broken) -> Explored {
    let bounds = Bounds {
        apart: 0,
        mixed_levels: false,
        most_states: 600_000,
    };
    let search = SEARCHES.iter().find(|search| search.name == name).unwrap();
    search.run(broken, bounds).unwrap()
}

fn breach(name: &str, broken: Broken) -> Option<Breach> {
    search(name, broken).breach.map(|(breach, _)| breach)
}

#[test]
fn a_traitor_holds_up_progress_no_longer_than_the_bound() {
    let explored = search("traitor, no complaints", Broken::Nothing);
    assert!(
        explored.complete && explored.breach.is_none(),
        "{explored:?}"
    );
    assert!(explored.longest_stall.unwrap() <= BOUND, "{explored:?}");
    // Fewer states than this would mean that something can no longer happen.
    assert!(explored.states > 100_000, "{explored:?}");
}

#[test]
fn errors_one_by_one_depose_nobody() {
    let explored = search("errors", Broken::Nothing);
    assert!(
        explored.complete && explored.breach.is_none(),
        "{explored:?}"
    );
    assert_eq!(
        breach("errors", Broken::SuspectsNeverAge),
        Some(Breach::Deposed)
    );
}

#[test]
fn broken_rules_stop_the_network_or_depose_good_leaders() {
    assert_eq!(
        breach("traitor", Broken::LeavesOnFewSuspects),
        Some(Breach::Deposed)
    );
    assert_eq!(
        breach("traitor, no complaints", Broken::LeaveSentOnce),
        Some(Breach::Stuck)
    );
    assert_eq!(
        breach("traitor, no complaints", Broken::ConstantTimers),
        Some(Breach::Stuck)
    );
    assert_eq!(
        breach("traitor, hasty n0", Broken::SuspectStopsVoting),
        Some(Breach::Deposed)
    );
}

#[test]
fn walks_of_seven_nodes_make_progress() {
    let walked = walks(7, Broken::Nothing, 0, 30);
    assert!(walked.breach.is_none() && walked.terms > 0, "{walked:?}");
}
