//! What is signed and checked (P2.1 – P2.3).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
