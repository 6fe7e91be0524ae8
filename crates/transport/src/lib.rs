//! Authenticated QUIC: moves bounded frames between proven peers and knows no meaning.
