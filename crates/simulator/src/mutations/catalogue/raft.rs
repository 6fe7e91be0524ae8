//! The Raft modes (P10.1).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
