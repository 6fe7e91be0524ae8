//! Leaving, reporting, electing, adopting (P4.3 – P4.9).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
