//! Identities, key files and the genesis file.
