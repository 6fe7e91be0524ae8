//! Accepting, voting and committing (P3).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
