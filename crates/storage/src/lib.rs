//! One ordered durable stream of records, with checksums, group commit and recovery.
