//! Which records of a damaged stream matter, and which of these can be had again (P11.2).

use std::collections::BTreeMap;

use storage::{Position, Recovered};

/// Kinds of [`consensus::Record`].
const ENTRY: u8 = 1;
/// Of these only the newest counts: election, leave, lock and commit certificates, the commit
/// index, the justification.
const SUPERSEDED_BY_THE_NEXT: [u8; 6] = [4, 5, 6, 7, 8, 9];
/// Nothing that the node promised depends on these: evidence, and requests that it granted.
const DISPENSABLE: [u8; 2] = [10, 11];

/// What recovery could not read.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// Entries, in the order of the stream.
    pub(crate) entries: Vec<Position>,
    /// Lost records of which only the newest of a kind counts, unless a later one is whole.
    newest: BTreeMap<u8, Position>,
    /// Whether something was lost that cannot be had again.
    for_good: bool,
}

impl Losses {
    /// Takes in one step of recovery. Says where the body of an entry is missing.
    pub(crate) fn see(&mut self, recovered: &Recovered<'_>) -> Option<Position> {
        match *recovered {
            Recovered::Record { kind, .. } => {
                self.newest.remove(&kind);
                None
            }
            Recovered::LostBody {
                position,
                kind: ENTRY,
                ..
            } => {
                self.entries.push(position);
                Some(position)
            }
            Recovered::LostBody { position, kind, .. } => {
                if SUPERSEDED_BY_THE_NEXT.contains(&kind) {
                    self.newest.insert(kind, position);
                } else if !DISPENSABLE.contains(&kind) {
                    self.for_good = true;
                }
                None
            }
            Recovered::LostRecords { .. } => {
                self.for_good = true;
                None
            }
        }
    }

    /// Whether what is lost beside entries does not matter.
    pub(crate) fn can_be_refilled(&self) -> bool {
        !self.for_good && self.newest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: u32) -> Position {
        Position { segment: 1, offset }
    }

    fn lost(kind: u8, offset: u32) -> Recovered<'static> {
        Recovered::LostBody {
            position: at(offset),
            kind,
            length: 9,
        }
    }

    fn whole(kind: u8) -> Recovered<'static> {
        Recovered::Record {
            position: at(0),
            kind,
            bytes: &[],
        }
    }

    fn refillable(steps: &[Recovered<'_>]) -> bool {
        let mut losses = Losses::default();
        for step in steps {
            losses.see(step);
        }
        losses.can_be_refilled()
    }

    #[test]
    fn only_what_is_replaced_or_dispensable_may_be_lost_beside_entries() {
        assert!(refillable(&[lost(ENTRY, 1), lost(10, 2), lost(11, 3)]));
        assert!(refillable(&[lost(7, 1), whole(7)]));
        assert!(!refillable(&[whole(7), lost(7, 1)]));
        assert!(!refillable(&[lost(6, 1), whole(7)]));
        for irreplaceable in [2, 3] {
            assert!(!refillable(&[lost(irreplaceable, 1), whole(irreplaceable)]));
        }
        assert!(!refillable(&[Recovered::LostRecords { position: at(1) }]));
    }
}
