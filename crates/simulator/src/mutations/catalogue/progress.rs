//! Suspecting, timers and late nodes (P4.2, P4.3, P4.6).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
