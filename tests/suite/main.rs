//! The black-box suite: one program, a file per subject.

mod run;
mod system;
