//! Opening the index, reading it, and changing it in one transaction.

use crate::{StateError, schema};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use rustix::fs::FlockOperation;
use std::fs::{DirBuilder, File};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// File name below the data root.
const FILE: &str = "state.db";
/// Writers queue on this file: SQLite's own waiting is sleep and retry, which starves under load.
const QUEUE: &str = "state.lock";
/// How long SQLite retries by itself, for what the queue does not cover (recovery after a crash, a checkpoint).
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// Pages in the log before it is copied into the file. The next process to open the index reads the whole log, so
/// small; each copy costs two syncs, so not tiny.
const CHECKPOINT_PAGES: u32 = 256;

/// How far a change is on disk when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives the death of any process.
    Process,
    /// Survives a loss of power.
    Power,
}

/// The open index.
#[derive(Debug)]
pub struct Database {
    connection: Mutex<Connection>,
    queue: File,
    path: PathBuf,
}

/// A view of the index.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(crate) connection: &'a Connection,
}

/// A transaction; also a view.
#[derive(Debug)]
pub struct Writer<'a> {
    reader: Reader<'a>,
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;
    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl Database {
    /// Opens the index of a data root, and makes it if it is missing.
    ///
    /// # Errors
    /// When the file cannot be opened or made, or is a newer program's.
    pub fn open(data_root: &Path) -> Result<Self, StateError> {
        let path = data_root.join(FILE);
        let queue = open_queue(data_root)?;
        let connection = match connect(&path, OpenFlags::empty()) {
            Ok(connection) => connection,
            Err(StateError::Open { source, .. }) if is_missing(&source) => {
                flock(&queue, FlockOperation::LockExclusive).map_err(queue_error(data_root))?;
                connect(&path, OpenFlags::SQLITE_OPEN_CREATE)?
            }
            Err(error) => return Err(error),
        };
        let open = |source| StateError::Open { path: path.clone(), source };
        let mut found = schema::version(&connection).map_err(open)?;
        if found == 0 {
            // Taking a lock that this description holds already is no wait.
            flock(&queue, FlockOperation::LockExclusive).map_err(queue_error(data_root))?;
            found = schema::version(&connection).map_err(open)?;
            if found == 0 {
                schema::initialise(&connection, &path)?;
                sync_directory(data_root)?;
                found = schema::VERSION;
            }
        }
        if found != schema::VERSION {
            return Err(StateError::Newer { path, found, known: schema::VERSION });
        }
        configure(&connection).map_err(open)?;
        flock(&queue, FlockOperation::Unlock).map_err(queue_error(data_root))?;
        Ok(Self { connection: Mutex::new(connection), queue, path })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic in another thread leaves no transaction open: its guard rolled back while unwinding.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks things up. Several look-ups in one call may see changes in between.
    ///
    /// # Errors
    /// Whatever `look` returns.
    pub fn read<T, E>(&self, look: impl FnOnce(Reader<'_>) -> Result<T, E>) -> Result<T, E> {
        look(Reader { connection: &self.connection() })
    }

    /// Changes the index in one transaction: committed when `change` returns `Ok`, else nothing happened. `change`
    /// must be short, since all other writers of the host wait.
    ///
    /// # Errors
    /// Whatever `change` returns, or the failure of the commit.
    pub fn write<T, E: From<StateError>>(
        &self,
        durability: Durability,
        change: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.connection();
        let _turn = Turn::take(&self.queue, &self.path)?;
        if durability == Durability::Power {
            set_synchronous(&connection, "FULL")?;
        }
        let outcome = transact(&connection, change);
        if durability == Durability::Power {
            set_synchronous(&connection, "NORMAL")?;
        }
        outcome
    }
}

fn transact<T, E: From<StateError>>(
    connection: &Connection,
    change: impl FnOnce(&Writer<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        .map_err(|source| StateError::Query { action: "lock", source })?;
    let answer = change(&Writer { reader: Reader { connection: &transaction } })?;
    transaction.commit().map_err(StateError::changing)?;
    Ok(answer)
}

fn set_synchronous(connection: &Connection, level: &str) -> Result<(), StateError> {
    connection.execute_batch(&format!("PRAGMA synchronous = {level}")).map_err(StateError::changing)
}

/// The queue lock, freed when dropped.
struct Turn<'a> {
    queue: &'a File,
}

impl<'a> Turn<'a> {
    fn take(queue: &'a File, path: &Path) -> Result<Self, StateError> {
        flock(queue, FlockOperation::LockExclusive)
            .map_err(|errno| StateError::File { path: path.with_file_name(QUEUE), source: errno.into() })?;
        Ok(Self { queue })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Cannot fail on an open descriptor (flock(2)); closing the file would do it as well.
        let _ = flock(self.queue, FlockOperation::Unlock);
    }
}

fn flock(file: &File, operation: FlockOperation) -> rustix::io::Result<()> {
    loop {
        match rustix::fs::flock(file, operation) {
            Err(rustix::io::Errno::INTR) => {}
            done => return done,
        }
    }
}

fn connect(path: &Path, more: OpenFlags) -> Result<Connection, StateError> {
    // Our own mutex guards the connection, so SQLite's is not needed.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let open = |source| StateError::Open { path: path.to_owned(), source };
    let connection = Connection::open_with_flags(path, flags).map_err(open)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(open)?;
    // The log outlives the last process: else each short command would pay for copying it and two syncs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(open)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"
    ))
}

fn is_missing(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
}

fn open_queue(data_root: &Path) -> Result<File, StateError> {
    let path = data_root.join(QUEUE);
    let open = || File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new()
                .recursive(true)
                .mode(0o711)
                .create(data_root)
                .map_err(|source| StateError::File { path: data_root.to_owned(), source })?;
            open()
        }
        done => done,
    }
    .map_err(|source| StateError::File { path, source })
}

fn queue_error(data_root: &Path) -> impl Fn(rustix::io::Errno) -> StateError {
    let path = data_root.join(QUEUE);
    move |errno| StateError::File { path: path.clone(), source: errno.into() }
}

fn sync_directory(path: &Path) -> Result<(), StateError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|source| StateError::File { path: path.to_owned(), source })
}
