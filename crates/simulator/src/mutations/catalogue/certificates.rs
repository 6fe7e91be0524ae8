//! Certificates (P2.7).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
