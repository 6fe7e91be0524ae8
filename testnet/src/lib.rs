//! A local network of real processes: start it, break it, measure it, compare its modes.
