//! From what was asked to what shall be: pure.
