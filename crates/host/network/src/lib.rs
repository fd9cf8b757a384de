//! Bridges, endpoints, published ports, addresses
