//! Every rule that can be broken, by topic.

mod accountability;
mod certificates;
mod clients;
mod durability;
mod leader_change;
mod leaving;
mod normal_case;
mod progress;
mod raft;
mod select_base;
mod signatures;

use super::Entry;

/// All entries.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        signatures::ENTRIES,
        certificates::ENTRIES,
        normal_case::ENTRIES,
        durability::ENTRIES,
        select_base::ENTRIES,
        leader_change::ENTRIES,
        leaving::ENTRIES,
        progress::ENTRIES,
        accountability::ENTRIES,
        clients::ENTRIES,
        raft::ENTRIES,
    ]
    .into_iter()
    .flatten()
}

/// The entry of that name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use consensus::mutation::Mutation;

    use super::{super::Detector, *};
    use crate::{adversary::Behaviour, scenario, search};

    #[test]
    fn every_switch_is_listed_once_with_something_that_notices_it() {
        let ids: BTreeSet<_> = entries().map(|entry| entry.id).collect();
        let switches: BTreeSet<_> = entries().map(|entry| entry.mutation).collect();
        assert_eq!(ids.len(), entries().count());
        assert_eq!(switches.len(), entries().count());
        assert_eq!(switches, Mutation::ALL.iter().copied().collect());
        for entry in entries() {
            assert!(!entry.detectors.is_empty(), "{}", entry.id);
        }
    }

    #[test]
    fn detectors_name_what_exists() {
        for detector in entries().flat_map(|entry| entry.detectors) {
            let exists = match detector {
                Detector::Seeds(seeds) => {
                    ["none", "rotating"].contains(&seeds.adversary)
                        || Behaviour::find(seeds.adversary).is_some()
                }
                Detector::Scenario(id) => scenario::list().iter().any(|one| one.id == *id),
                Detector::Search { id, .. } => search::find(id).is_some(),
                Detector::Twins(text) => text.parse::<crate::twins::Schedule>().is_ok(),
                Detector::Replay(_) | Detector::Test { .. } => true,
            };
            assert!(exists, "{}", detector.describe());
        }
    }

    /// The table of the documentation is the catalogue's.
    #[test]
    fn the_documentation_lists_them() {
        let table = include_str!("../../../../../docs/mutations.md");
        for entry in entries() {
            assert!(
                table.contains(&format!("`{}`", entry.id)),
                "docs/mutations.md lacks {}",
                entry.id
            );
        }
    }
}
