//! The SQLite index of names, records and leases
