//! The black-box suite: one program, a file per subject.

mod census;
mod run;
mod system;
