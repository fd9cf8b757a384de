//! Namespaces: entering, opening, identity mappings.
