//! The black-box suite: one program, a file per subject.

mod house;
mod run;
mod system;
