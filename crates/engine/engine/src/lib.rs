//! Use cases: what a person asks the platform to do
