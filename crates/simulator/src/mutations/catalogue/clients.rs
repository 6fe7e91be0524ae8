//! Clients, receipts and reads (P6, P7).

use crate::mutations::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
