//! Real connections over loopback.

mod clients;
mod hostile;
mod mesh;
mod proof;
mod support;
