//! A whole network in one thread and virtual time, from one seed.

pub mod published;
