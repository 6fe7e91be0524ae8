//! What is on disk before it is said (P3.8, P11).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
