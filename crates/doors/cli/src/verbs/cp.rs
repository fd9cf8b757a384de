//! `cp`: copies files between a container and the caller's own.
//!
//! Both directions are one stream of tar through a pipe: one side writes while the other extracts. Where it goes and
//! what it is called there is decided before, in [`crate::copying::paths`].

use crate::args::{Arity, Typed, Verb, switch};
use crate::client::{Files, PathStat};
use crate::context::Context;
use crate::copying::local;
use crate::copying::paths::{Destination, Source, place, rebased, split_argument};
use crate::failure::Failure;
use crate::progress::{Passing, Told};
use crate::render::units::short_size;
use clap::Command;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::thread;

/// The verb.
pub(crate) static CP: Verb = Verb {
    name: "cp",
    spellings: &["sampan container cp", "sampan cp"],
    usage: "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tsampan cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    about: "Copy files/folders between a container and the local filesystem",
    define,
    refused: &[],
    arity: Arity::Exactly(2),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("archive", 'a', "Archive mode (copy all uid/gid information)"))
        .arg(switch("follow-link", 'L', "Always follow symbol link in SRC_PATH"))
        .arg(switch(
            "quiet",
            'q',
            "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
        ))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (from, to) = (typed.argument(0).unwrap_or_default(), typed.argument(1).unwrap_or_default());
    if from.is_empty() || to.is_empty() {
        let which = if from.is_empty() { "source" } else { "destination" };
        return Err(Failure::new(format!("{which} can not be empty")));
    }
    let quiet = if typed.was_typed("quiet") { typed.is_on("quiet") } else { !io::stdout().is_terminal() };
    let follow = typed.is_on("follow-link");
    match (split_argument(from), split_argument(to)) {
        ((Some(_), _), (Some(_), _)) => Err(Failure::new("copying between containers is not supported")),
        ((None, _), (None, _)) => Err(Failure::new("must specify at least one container source")),
        ((Some(container), path), (None, to)) => {
            let to = if to == "-" { None } else { Some(local::absolute(to)?) };
            if let Some(to) = &to {
                local::check_destination(to)?;
            }
            let files = context.client()?.files(container)?;
            from_container(files.as_ref(), path, to.as_deref(), follow, quiet)
        }
        ((None, from), (Some(container), path)) => {
            let from = if from == "-" { None } else { Some(local::absolute(from)?) };
            let files = context.client()?.files(container)?;
            let copy =
                Upload { files: files.as_ref(), container, path, archive: typed.is_on("archive"), quiet };
            copy.send(from.as_deref(), follow)
        }
    }
}

fn from_container(
    files: &dyn Files,
    typed: &str,
    to: Option<&str>,
    follow: bool,
    quiet: bool,
) -> Result<u8, Failure> {
    let (path, name) = if follow { followed(files, typed) } else { (typed.to_owned(), None) };
    let Some(to) = to else {
        let mut out = Passing::new(BufWriter::with_capacity(BUFFER, io::stdout().lock()), None);
        let written = files.archive(&path, None, &mut out);
        return if out.is_broken() { Err(Failure::silent(141)) } else { written.map(|_| 0) };
    };
    let is_directory = files.stat(&path)?.is_directory();
    let source = Source { path, is_directory, name };
    let (directory, name) = place(&source, &local::destination(to)?).map_err(|error| Failure::of(&error))?;
    let (reader, writer) = pipe()?;
    let mut out = Passing::new(writer, (!quiet).then_some(Told::Words("Copying from container - ")));
    let (sent, received) = thread::scope(|scope| {
        let receiver = scope.spawn(move || local::extract(&directory, reader));
        let sent = files.archive(&source.path, Some(name.as_bytes()), &mut out);
        let (passed, broken) = out.close();
        (sent.map(|_| passed).map_err(|failure| (failure, broken)), joined(receiver.join()))
    });
    let passed = match (sent, received) {
        (Err((failure, false)), _) | (_, Err(failure)) => return Err(failure),
        (Err((failure, true)), Ok(())) => return Err(failure),
        (Ok(passed), Ok(())) => passed,
    };
    told(quiet, passed, to);
    Ok(0)
}

/// The end of a link in the container, and the name that it was asked for by.
fn followed(files: &dyn Files, typed: &str) -> (String, Option<String>) {
    let target = files.stat(typed).ok().and_then(|stat| stat.link_target);
    match target.as_deref().and_then(std::path::Path::to_str) {
        Some(target) => rebased(typed, target),
        None => (typed.to_owned(), None),
    }
}

/// A copy into a container.
struct Upload<'a> {
    files: &'a dyn Files,
    container: &'a str,
    /// As typed.
    path: &'a str,
    archive: bool,
    quiet: bool,
}

impl Upload<'_> {
    fn send(&self, from: Option<&str>, follow: bool) -> Result<u8, Failure> {
        let destination = self.destination()?;
        let Some(from) = from else { return self.send_stdin(&destination) };
        let source = local::source(from, follow)?;
        let (directory, name) = place(&source, &destination).map_err(|error| Failure::of(&error))?;
        let (reader, writer) = pipe()?;
        let mut content =
            Passing::new(reader, (!self.quiet).then_some(Told::Words("Copying to container - ")));
        let (sent, received, passed) = thread::scope(|scope| {
            let sender = scope.spawn(move || local::write(&source.path, &name, writer));
            let received = self.files.extract(&directory, self.archive, &mut content);
            // Lets a sender that is not done know that nobody reads any more.
            let (passed, _) = content.close();
            (joined(sender.join()), received, passed)
        });
        match (sent, received) {
            (Err(failure), _) | (Ok(_), Err(failure)) => Err(failure),
            (Ok(_), Ok(())) => {
                told(self.quiet, passed, &format!("{}:{}", self.container, destination.path));
                Ok(0)
            }
        }
    }

    fn send_stdin(&self, destination: &Destination) -> Result<u8, Failure> {
        if !destination.is_directory {
            return Err(Failure::new(format!(
                "destination \"{}:{}\" must be a directory",
                self.container, self.path
            )));
        }
        self.files.extract(&destination.path, self.archive, &mut io::stdin())?;
        Ok(0)
    }

    /// What is at the destination. Something that cannot be looked at counts as not there: what is wrong with it is
    /// told by the attempt.
    fn destination(&self) -> Result<Destination, Failure> {
        let mut path = self.path.to_owned();
        let mut found = self.files.stat(&path).ok();
        if let Some(target) = found.as_ref().and_then(|stat| stat.link_target.as_ref()) {
            path = target.to_str().map_or(path, str::to_owned);
            found = self.files.stat(&path).ok();
        }
        if found.as_ref().is_some_and(PathStat::is_device) {
            return Err(Failure::new(format!(
                "destination \"{}:{}\" must be a directory or a regular file: got a device",
                self.container, self.path
            )));
        }
        let is_directory = found.as_ref().is_some_and(PathStat::is_directory);
        // An empty path is the root.
        let path = if path.is_empty() { "/".to_owned() } else { path };
        Ok(Destination { path, exists: found.is_some(), is_directory })
    }
}

fn joined<T>(outcome: thread::Result<Result<T, Failure>>) -> Result<T, Failure> {
    outcome.unwrap_or_else(|_| Err(Failure::new("the thread that copies ended early")))
}

/// Bytes that are gathered before they go into a pipe or to standard output.
const BUFFER: usize = 64 << 10;
/// Bytes that the pipe between both sides holds: fewer changes between them than with the kernel's 64 KiB.
const PIPE_BYTES: usize = 1 << 20;

fn pipe() -> Result<(io::PipeReader, BufWriter<io::PipeWriter>), Failure> {
    let (reader, writer) =
        io::pipe().map_err(|error| Failure::new(format!("cannot make a pipe to copy through: {error}")))?;
    // Where it is not allowed (pipe(7), pipe-max-size), the smaller one will do.
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, PIPE_BYTES);
    // A small file is several pieces of an archive.
    Ok((reader, BufWriter::with_capacity(BUFFER, writer)))
}

fn told(quiet: bool, passed: u64, to: &str) {
    if !quiet {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(io::stderr(), "Successfully copied {} to {to}", short_size(passed));
    }
}
