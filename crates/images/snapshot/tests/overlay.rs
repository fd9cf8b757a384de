//! The overlay snapshotter on a real file system; what mounts needs root and is skipped without.

use ids::Digest;
use rustix::fs::{Mode, OFlags};
use snapshot::{Durability, Flavour, LayerKey, LayerMeta, Overlay, SnapshotError, SnapshotKey, Snapshotter};
use spec::rootfs::Rootfs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

fn open() -> (tempfile::TempDir, Overlay) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let overlay = Overlay::open(dir.path().join("snapshots"), Flavour::Trusted);
    (dir, overlay)
}

fn meta(seed: u8) -> LayerMeta {
    LayerMeta { diff_id: Digest::from_sha256([seed; 32]), chain_id: None, size: 4, entries: 1 }
}

fn write(dir: impl std::os::fd::AsFd, name: &str, text: &str) {
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o644)).expect("a new file");
    rustix::io::write(file, text.as_bytes()).expect("a written file");
}

fn layer(overlay: &Overlay, seed: u8, name: &str) -> LayerKey {
    let pending = overlay.prepare_layer().expect("an empty layer");
    write(pending.target(), name, "text");
    overlay.commit(vec![(pending, meta(seed))]).expect("a committed layer").remove(0)
}

fn key(text: &str) -> SnapshotKey {
    SnapshotKey::parse(text).expect("a key")
}

fn count(dir: &Path) -> usize {
    std::fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn a_layer_appears_complete_and_once() {
    let (dir, overlay) = open();
    let (diff, chain) = (Digest::from_sha256([1; 32]), Digest::from_sha256([9; 32]));
    assert_eq!(overlay.find_layer(&diff, &chain).unwrap(), None);
    let first = overlay.prepare_layer().unwrap();
    let second = overlay.prepare_layer().unwrap();
    write(first.target(), "a", "text");
    assert_eq!(overlay.find_layer(&diff, &chain).unwrap(), None);
    assert!(overlay.leftovers().unwrap().is_empty(), "what is being written is no leftover");
    let keys = overlay.commit(vec![(first, meta(1))]).unwrap();
    assert_eq!(overlay.commit(vec![(second, meta(1))]).unwrap(), keys);
    assert_eq!(overlay.find_layer(&diff, &chain).unwrap(), Some(keys[0].clone()));
    assert_eq!(overlay.layer(&keys[0]).unwrap(), meta(1));
    assert_eq!(overlay.layer_usage(&keys[0]).unwrap().bytes, 4);
    assert_eq!(overlay.layers().unwrap(), keys);
    assert_eq!(count(&dir.path().join("snapshots/ingest")), 0);
    let root =
        std::fs::metadata(dir.path().join("snapshots/layers").join(keys[0].as_str()).join("fs")).unwrap();
    assert_eq!(root.mode() & 0o7777, 0o755);
}

#[test]
fn what_a_killed_process_left_is_swept_and_nothing_else() {
    let (dir, overlay) = open();
    let root = dir.path().join("snapshots");
    let alive = overlay.prepare_layer().unwrap();
    std::fs::create_dir_all(root.join("ingest/dead/fs/deep")).unwrap();
    std::fs::create_dir_all(root.join("trash/old/fs")).unwrap();
    assert_eq!(overlay.leftovers().unwrap().len(), 2);
    assert_eq!(overlay.sweep_leftovers().unwrap(), 2);
    assert_eq!((count(&root.join("ingest")), count(&root.join("trash"))), (1, 0));
    drop(alive);
    assert_eq!(count(&root.join("ingest")), 0);
}

#[test]
fn a_container_stands_on_its_layers_topmost_first() {
    let (_dir, overlay) = open();
    let parents = [layer(&overlay, 1, "a"), layer(&overlay, 2, "b")];
    for durability in [Durability::Durable, Durability::Volatile] {
        let key = key(if durability == Durability::Durable { "kept" } else { "gone" });
        let plan = overlay.prepare(&key, &parents, durability).unwrap();
        let Rootfs::Overlay { lowers, upper, work, userxattr } = &plan else { unreachable!("an overlay") };
        assert!(lowers[0].join("b").is_file() && lowers[1].join("a").is_file() && !userxattr);
        assert!(
            upper.as_ref().is_some_and(|path| path.is_dir())
                && work.as_ref().is_some_and(|path| path.is_dir())
        );
        assert_eq!(overlay.rootfs(&key).unwrap(), plan);
        assert_eq!(overlay.parents(&key).unwrap(), parents);
        assert!(matches!(overlay.prepare(&key, &parents, durability), Err(SnapshotError::Exists { .. })));
        std::fs::write(upper.as_ref().unwrap().join("x"), "123").unwrap();
        assert_eq!(overlay.usage(&key).unwrap().bytes, 3);
        assert!(overlay.remove(&key).unwrap() && !overlay.remove(&key).unwrap());
        assert!(matches!(overlay.rootfs(&key), Err(SnapshotError::MissingSnapshot { .. })));
    }
    assert!(overlay.leftovers().unwrap().is_empty());
}

#[test]
fn a_half_made_container_is_replaced() {
    let (dir, overlay) = open();
    let half = dir.path().join("snapshots/containers/half");
    std::fs::create_dir_all(half.join("upper")).unwrap();
    std::fs::write(half.join("parents"), "").unwrap();
    assert!(matches!(overlay.parents(&key("half")), Err(SnapshotError::MissingSnapshot { .. })));
    overlay.prepare(&key("half"), &[], Durability::Volatile).unwrap();
    assert!(overlay.parents(&key("half")).unwrap().is_empty());
    assert_eq!(overlay.containers().unwrap(), [key("half")]);
    assert!(overlay.remove_later(&key("half")).unwrap());
    assert_eq!(overlay.empty_trash().unwrap(), 1);
}

#[test]
fn a_missing_layer_is_named_and_leaves_nothing() {
    let (_dir, overlay) = open();
    let missing = LayerKey::parse("77").unwrap();
    let error = overlay.prepare(&key("c"), std::slice::from_ref(&missing), Durability::Volatile).unwrap_err();
    assert_eq!(error.to_string(), "layer 77 is not unpacked");
    assert!(overlay.containers().unwrap().is_empty());
    assert!(matches!(overlay.layer(&missing), Err(SnapshotError::MissingLayer { .. })));
    let many = vec![missing; 600];
    assert!(matches!(overlay.view(&many), Err(SnapshotError::TooDeep { count: 600, .. })));
}

#[test]
fn the_root_of_a_container_has_the_mode_of_its_image() {
    let (dir, overlay) = open();
    let parent = layer(&overlay, 1, "a");
    let fs = dir.path().join("snapshots/layers").join(parent.as_str()).join("fs");
    std::fs::set_permissions(&fs, std::fs::Permissions::from_mode(0o1770)).unwrap();
    overlay.prepare(&key("c"), &[parent], Durability::Volatile).unwrap();
    let upper = std::fs::metadata(dir.path().join("snapshots/containers/c/upper")).unwrap();
    assert_eq!(upper.mode() & 0o7777, 0o1770);
}

#[test]
fn a_layer_over_its_parents_keeps_only_the_difference() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: mounting an overlay needs root");
        return;
    }
    let (dir, overlay) = open();
    let base = layer(&overlay, 1, "a");
    let mut parents = vec![base];
    // Beyond what one mount option holds, so that the paths must be handed over one by one or short.
    parents.extend((10..22).map(|seed| layer(&overlay, seed, &format!("n{seed}"))));
    let pending = overlay.prepare_layer_over(&parents).unwrap();
    assert!(pending.is_mounted());
    rustix::fs::linkat(pending.target(), "a", pending.target(), "b", rustix::fs::AtFlags::empty()).unwrap();
    rustix::fs::unlinkat(pending.target(), "n10", rustix::fs::AtFlags::empty()).unwrap();
    let meta = LayerMeta { chain_id: Some(Digest::from_sha256([8; 32])), ..meta(7) };
    let keys = overlay.commit(vec![(pending, meta)]).unwrap();
    assert!(keys[0].as_str().starts_with("c-0808"));
    let fs = dir.path().join("snapshots/layers").join(keys[0].as_str()).join("fs");
    assert_eq!(
        std::fs::metadata(fs.join("b")).unwrap().ino(),
        std::fs::metadata(fs.join("a")).unwrap().ino()
    );
    assert_eq!(std::fs::symlink_metadata(fs.join("n10")).unwrap().rdev(), 0);
    assert_eq!((count(&fs), count(&dir.path().join("snapshots/ingest"))), (3, 0));
}
