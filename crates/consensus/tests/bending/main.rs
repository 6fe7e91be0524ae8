//! One condition at a time: statements, certificates, entries, reports and evidence that are sound but
//! for a single thing, under good signatures. Each must be refused, for its own reason; and each place
//! in a message that holds one of them must ask.

mod certificates;
mod entries;
mod evidence;
mod false_reports;
mod network;
mod paths;
mod places;
mod pool;
mod reports;
mod rivals;
mod select_base;
mod verification;
mod void;
