//! The store seen from outside: what is published, what is refused, what a killed writer leaves.

use content::{ContentError, ContentStore, Digester};
use proptest::prelude::*;
use std::io::Write;

fn store() -> (tempfile::TempDir, ContentStore) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = ContentStore::open(dir.path().join("content"));
    (dir, store)
}

fn files_in(store: &ContentStore, name: &str) -> usize {
    std::fs::read_dir(store.root().join(name)).map_or(0, Iterator::count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn what_is_put_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let (_dir, store) = store();
        let digest = store.put(&bytes).unwrap();
        prop_assert_eq!(store.read(&digest, 4096).unwrap(), bytes.clone());
        prop_assert_eq!(store.size(&digest).unwrap(), Some(bytes.len() as u64));
        prop_assert_eq!(store.put(&bytes).unwrap(), digest.clone());
        prop_assert_eq!(store.list().unwrap().len(), 1);
        prop_assert!(store.delete(&digest).unwrap());
        prop_assert!(!store.has(&digest).unwrap());
    }
}

#[test]
fn lies_are_refused_and_leave_nothing() {
    let (_dir, store) = store();
    let other = Digester::of(b"other");
    let mut wrong = store.writer(Some((&other, 4)), 100).unwrap();
    wrong.write_all(b"text").unwrap();
    assert!(matches!(wrong.commit(), Err(ContentError::Digest { .. })));
    let mut short = store.writer(Some((&other, 5)), 100).unwrap();
    short.write_all(b"oth").unwrap();
    assert!(matches!(short.commit(), Err(ContentError::Length { expected: 5, actual: 3 })));
    let mut long = store.writer(Some((&other, 5)), 100).unwrap();
    assert!(long.write_all(b"other things").is_err());
    drop(long);
    let mut unlimited = store.writer(None, 3).unwrap();
    let error = unlimited.write_all(b"four").unwrap_err();
    assert!(error.to_string().contains("larger than the limit of 3"), "{error}");
    drop(unlimited);
    assert!(matches!(store.writer(Some((&other, 5)), 4), Err(ContentError::TooLarge { limit: 4 })));
    assert_eq!((files_in(&store, "ingest"), store.list().unwrap().len()), (0, 0));
}

#[test]
fn a_rotten_blob_is_noticed_and_healed_by_storing_it_again() {
    let (_dir, store) = store();
    let digest = store.put(b"fresh").unwrap();
    let path = store.root().join("blobs/sha256").join(digest.hex());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, b"roten").unwrap();
    assert!(matches!(store.read(&digest, 100), Err(ContentError::Digest { .. })));
    let mut again = store.writer(Some((&digest, 5)), 5).unwrap();
    again.write_all(b"fresh").unwrap();
    again.commit().unwrap();
    assert_eq!(store.read(&digest, 100).unwrap(), b"fresh");
}

#[test]
fn only_what_nobody_writes_is_swept() {
    let (_dir, store) = store();
    let mut alive = store.writer(None, 100).unwrap();
    alive.write_all(b"alive").unwrap();
    let lease = store.lease().unwrap();
    // What a killed process leaves: the files without their locks.
    std::fs::write(store.root().join("ingest/dead"), b"half").unwrap();
    std::fs::write(store.root().join("leases/dead"), b"layer dead\n").unwrap();
    assert_eq!(store.leftovers().unwrap().len(), 2);
    assert_eq!(store.sweep_leftovers().unwrap(), 2);
    assert!(store.leftovers().unwrap().is_empty());
    alive.commit().unwrap();
    drop(lease);
    assert_eq!((files_in(&store, "ingest"), files_in(&store, "leases")), (0, 0));
}

#[test]
fn a_lease_counts_while_it_is_held() {
    let (_dir, store) = store();
    let digest = Digester::of(b"x");
    let lease = store.lease().unwrap();
    lease.keep_blob(&digest).unwrap();
    lease.keep_layer("c-77").unwrap();
    let leased = store.leased().unwrap();
    assert!(leased.blobs.contains(&digest) && leased.layers.contains("c-77"));
    lease.clear().unwrap();
    assert_eq!(store.leased().unwrap(), content::Leased::default());
    lease.keep_layer("again").unwrap();
    assert_eq!(store.leased().unwrap().layers.len(), 1);
    drop(lease);
    assert_eq!(store.leased().unwrap(), content::Leased::default());
}

#[test]
fn the_exclusive_guard_waits_for_the_shared_ones() {
    let (_dir, store) = store();
    let (one, two) = (store.guard_shared().unwrap(), store.guard_shared().unwrap());
    let sweeper = std::thread::spawn({
        let store = store.clone();
        move || store.guard_exclusive().map(drop)
    });
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(!sweeper.is_finished());
    drop((one, two));
    sweeper.join().unwrap().unwrap();
}
